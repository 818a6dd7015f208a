"""The process that hands one message to one target: `python -m node.notices.send`, told what by standard input.

apprise and all that it brings in live here, for as long as a message takes, and never in the process that signs. What
went wrong is told in words that hold nothing of the target's URL.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any, Final

MAX_REASON: Final = 200


class _Said(logging.Handler):
    """Keeps what apprise said last of its trouble."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def deliver(url: str, title: str, body: str, level: str) -> str:
    """Send a message; return why the target did not take it, empty if it did. Blocks for as long as that takes."""
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, OverflowMode

    said = _Said()
    logger = logging.getLogger("apprise")
    logger.handlers[:], logger.propagate = [said], False
    # Plain text, however the target shows it: nothing in a message is read as markup or as an escape.
    to = Apprise(
        asset=AppriseAsset(app_id="Patina", app_desc="Patina", interpret_escapes=False, interpret_emojis=False)
    )
    if not to.add(url):
        return "apprise cannot use this URL: compare it with what apprise says of the service"
    if "overflow=" not in url:
        for one in to:
            one.overflow_mode = OverflowMode.SPLIT  # several messages, where a service takes no long one
    kinds = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "critical": NotifyType.FAILURE}
    took = to.notify(body=body, title=title, body_format=NotifyFormat.TEXT, notify_type=kinds.get(level, kinds["info"]))
    return "" if took else said.last.rstrip(".") or "the target did not take the message"


def main() -> None:
    """Read one JSON object from standard input, and answer with one."""
    warnings.simplefilter("ignore")
    asked: dict[str, Any] = json.load(sys.stdin)
    try:
        why = deliver(asked["url"], asked["title"], asked["body"], asked["level"])
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    from node.errors import printable
    from node.notices.targets import TargetUrl

    TargetUrl(asked["url"])
    from node.keys.redaction import redactor

    json.dump({"why": printable(redactor.redact(why), MAX_REASON)}, sys.stdout)


if __name__ == "__main__":
    main()
