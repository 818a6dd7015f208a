"""Where notices go: the operator's own list of apprise URLs, which are secrets as a whole."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from node.errors import ConfigError
from node.keys.redaction import MASK, redactor
from node.keys.secrets import LONGEST, Secret, read_text
from node.notices.kinds import LEVELS

if TYPE_CHECKING:
    from node.config import Config

VARIABLE: Final = "PATINA_NOTICE_TARGETS"
MAX_TARGETS: Final = 16
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,31}(?=://)", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_HOST: Final = re.compile(r"localhost|\[[0-9a-f:.]+\]|[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_ROUTE: Final = re.compile(r"[a-z]{1,12}|v[0-9]{1,3}", re.IGNORECASE)
"""What says the same to everybody: a path such as `notify`, a value such as `markdown`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place that takes notices of at least `level`: `name` is how it is called wherever people read."""

    name: str
    level: str
    url: Secret


class TargetUrl(Secret):
    """An apprise URL. What stands where a host does may be a token, so it prints as its scheme alone."""

    __slots__ = ()

    def __init__(self, value: str) -> None:
        for part in secret_parts(value):
            redactor.add(part)
        redactor.add(value, shown_as=f"{scheme_of(value)}://{MASK}")
        super().__init__(value)

    def __str__(self) -> str:
        return f"{scheme_of(self._value)}://{MASK}"


def scheme_of(url: str) -> str:
    """Return the service that a URL names, such as `discord`; empty for a text that is no URL."""
    found = _SCHEME.match(url)
    return found.group().lower() if found else ""


def secret_parts(url: str) -> list[str]:
    """Return the parts of an apprise URL that may be tokens: all but hosts with a name, and ordinary words."""
    found: list[str] = []
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    userinfo, _, host = parts.netloc.rpartition("@")
    found += userinfo.split(":", 1)
    name, _, port = host.partition(":") if not host.startswith("[") else (host, "", "")
    has_port = port.isdigit() and len(port) <= 5
    found += [] if has_port or _HOST.fullmatch(name) else [name]
    found += [] if has_port else [port]
    words = [*parts.path.split("/"), *(pair.partition("=")[2] for pair in parts.query.split("&")), parts.fragment]
    found += [word for word in words if not _ROUTE.fullmatch(word)]
    return list(dict.fromkeys(part for each in found for part in (each, unquote(each)) if part))


def read_targets(config: Config, environ: Mapping[str, str] | None = None) -> tuple[Target, ...]:
    """Return the targets of the environment, or else those of the file that the configuration names.

    Raises:
        ConfigError: the list cannot be used; nothing of a URL is in the text.
        KeyFileError: the file cannot be read, or others can.
    """
    given = (os.environ if environ is None else environ).get(VARIABLE, "")
    if given.split():
        return parse_targets(given, VARIABLE, config.notices.level)
    path = config.notices.targets_file
    return () if path is None else parse_targets(read_text(path), str(path), config.notices.level)


def parse_targets(text: str, where: str, level: str) -> tuple[Target, ...]:
    """Return the targets of a list: URLs, each after an optional name and an optional least level; # begins a comment
    line. `level` is that of targets which name none.

    Raises:
        ConfigError: as for `read_targets`.
    """
    targets: list[Target] = []
    for line, words, url in _entries(text, where):
        at = f"{where}, line {line}"
        scheme = scheme_of(url.reveal())
        levels = [word for word in words if word in LEVELS]
        names = [word for word in words if word not in LEVELS]
        if len(levels) > 1 or len(names) > 1 or not all(map(_NAME.fullmatch, names)):
            raise ConfigError(
                f"{at}: before a URL stands more than a name (letters, digits, - and _) and one of {', '.join(LEVELS)};"
                " correct the line"
            )
        name, taken = (names or [scheme])[0], {target.name for target in targets}
        if names and name in taken:
            raise ConfigError(f"{at}: two targets have the same name; give each its own")
        free = (each for n in range(2, MAX_TARGETS + 2) if (each := f"{name}-{n}") not in taken)
        targets.append(Target(name if name not in taken else next(free), (levels or [level])[0], url))
    if len(targets) > MAX_TARGETS:
        raise ConfigError(f"{where}: names {len(targets)} targets, and {MAX_TARGETS} are the most; remove some")
    return tuple(targets)


def _entries(text: str, where: str) -> Iterator[tuple[int, list[str], TargetUrl]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        words: list[str] = []
        for word in line.split():
            if not scheme_of(word):
                words.append(word)
                continue
            if len(word) > LONGEST:
                raise ConfigError(f"{where}, line {number}: has a URL of more than {LONGEST} characters; correct it")
            yield number, words, TargetUrl(word)
            words = []
        if words:
            raise ConfigError(
                f"{where}, line {number}: ends without an apprise URL (scheme://...); see docs/notices.md"
            )
