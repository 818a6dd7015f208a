"""Structured logs: human on a terminal, JSON elsewhere, and no known secret in any line of them.

Everything that is logged, by structlog or by a library through `logging`, leaves by one handler whose formatter masks
registered secrets in the finished line. So a secret is masked wherever it came from: an event, a value, an argument,
an exception's text, a traceback. The same handler keeps the last lines for the operator's page (`node.log.book`).
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from types import TracebackType
from typing import IO, Any, Final, Literal

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from node.keys.redaction import redactor
from node.log.book import logbook
from node.log.repeats import Repeats

Format = Literal["auto", "human", "json"]

#: Libraries whose `info` is of use to their own developers only; at level debug they speak up.
QUIET = ("aiohttp.access", "amqtt", "asyncio", "diffusers", "eth", "torch", "transitions", "urllib3", "web3")

LONGEST: Final = 16_384
"""Characters of one text in a line, such as a traceback; of a longer one both ends are written."""


def configure(level: str = "info", format: Format = "auto", stream: IO[str] | None = None) -> None:  # noqa: A002
    """Set up logging for this process; may be called again, and then replaces what stood before.

    `level`: debug, info, warning or error. `stream`: standard error by default.
    """
    follows, stream = stream is None, sys.stderr if stream is None else stream
    human = format == "human" or (format == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )

    def formatter(last: list[Processor]) -> _RedactingFormatter:
        return _RedactingFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )

    structured = formatter(_for_programs())
    handler = _Handler(stream, structured, follows=follows)
    handler.setFormatter(formatter(_for_eyes(stream.isatty())) if human else structured)
    if level != "debug":
        handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]  # and no other: what a library may have put there would not redact
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else logging.WARNING)
    _install_hooks()


def _for_eyes(colours: bool) -> list[Processor]:
    return [_one_line, structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=_write_trace)]


def _for_programs() -> list[Processor]:
    return [structlog.processors.format_exc_info, _shortened, structlog.processors.JSONRenderer(default=_as_text)]


def _as_text(value: object) -> str:
    return _short(repr(value) if isinstance(value, bytes | bytearray) else str(value))


def _one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: value if key in ("stack", "exception") else _for_a_line(value) for key, value in event.items()}


def _for_a_line(value: object) -> object:
    if isinstance(value, bytes | bytearray):
        return _as_text(value)
    return _plain(_short(value)) if isinstance(value, str) else value


def _shortened(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: _short(value) if isinstance(value, str) else value for key, value in event.items()}


def _write_trace(out: IO[str], error: ExcInfo) -> None:
    # No rich tracebacks: they print local variables, and break lines in the middle of a value.
    trace = io.StringIO()
    structlog.dev.plain_traceback(trace, error)
    out.write("\n".join(map(_plain, _short(trace.getvalue()).split("\n"))))


def _short(text: str) -> str:
    """The text, without its middle where a stranger made it endless: each line is searched for secrets."""
    if len(text) <= LONGEST:
        return text
    # The marks of a cut: a secret in which it falls is masked all the same.
    return f"{text[: LONGEST // 2]}... ({len(text) - LONGEST} characters) ...{text[-LONGEST // 2 :]}"


def _plain(text: str) -> str:
    """Text that starts no line of its own, moves no cursor and does not turn the direction of writing."""
    return text if text.isprintable() else "".join(one if one.isprintable() else _spelt(ord(one)) for one in text)


def _spelt(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """The one place where log lines lose their secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redactor.redact(super().format(record))


class _Handler(logging.StreamHandler[IO[str]]):
    """Writes lines, and keeps the last of them; one that cannot be formatted is reported without its arguments, which
    may be secret."""

    def __init__(self, stream: IO[str], structured: logging.Formatter, *, follows: bool) -> None:
        """`follows`: to standard error, whatever stands for it: a progress bar puts lines above itself."""
        super().__init__(stream)
        self._structured = structured
        self._follows = follows

    def emit(self, record: logging.LogRecord) -> None:
        if self._follows:
            self.stream = sys.stderr
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        logbook.add(line if self.formatter is self._structured else self._structured.format(record))
        return line

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        kind = sys.exc_info()[0]
        if kind is None or issubclass(kind, BrokenPipeError):
            return  # whoever read the log is gone: there is nobody to tell
        place = f"{record.pathname}:{record.lineno}"
        sys.stderr.write(redactor.redact(f"a log line could not be written ({kind.__name__}) at {place}\n"))


def _install_hooks() -> None:
    """Send what Python itself would print to standard error through the log instead."""
    logging.captureWarnings(True)
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_uncaught_in_thread
    sys.unraisablehook = _on_unraisable


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, **where: Any
) -> None:
    shown = (kind, error if error is not None else kind(), trace)
    structlog.get_logger("node").critical("an error was not caught", exc_info=shown, **where)


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log_uncaught(kind, error, trace)


def _on_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback, thread=args.thread and args.thread.name)


def _on_unraisable(args: Any) -> None:
    _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback, during=args.err_msg or "clean-up")
