"""Secret values that do not show themselves, and the places they are read from: file, environment, prompt."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit, urlunsplit

from node.bounded import read_at_most
from node.errors import KeyFileError
from node.keys.redaction import MASK, redactor

#: A path segment up to this long is a route (`v2`, `rpc`, `mainnet`); a longer one may be a key.
_ROUTE = 12
#: The longest key or password file that is read; an encrypted key takes about a thousand bytes.
MAX_BYTES = 1 << 20
#: The longest secret or URL; a keystore as one text has some hundred characters.
LONGEST = 8_192


def _sound(value: str) -> str:
    """The value; KeyFileError for what environment or terminal gave in another encoding, or endlessly long.

    Masking takes some kilobytes of patterns for each character.
    """
    if len(value) > LONGEST:
        raise KeyFileError(
            f"a secret or a URL of {len(value)} characters: at most {LONGEST} are taken; is it the right one?"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise KeyFileError("a secret or a URL is not text in UTF-8: give it again in UTF-8, or in a file") from None
    return value


class Secret:
    """A text that prints, formats and pickles as a mask; `reveal()` alone gives it away.

    Making one registers the value for redaction, so that it cannot reach a log by any other way either.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = _sound(value)
        redactor.add(value)

    def reveal(self) -> str:
        """The value itself: hand it to what needs it, and keep it nowhere."""
        return self._value

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._value == self._value

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written out; pass on where it is read from instead")


class SecretUrl(Secret):
    """A URL that may carry a key: it prints with userinfo, query values and key-like path segments masked."""

    __slots__ = ("_masked",)

    def __init__(self, value: str) -> None:
        self._value = value = _sound(value)
        self._masked = mask_url(value)
        for part in url_secrets(value):
            redactor.add(part)
        if self._masked != value:
            redactor.add(value, shown_as=self._masked)

    @property
    def masked(self) -> str:
        """The URL as it may be shown."""
        return self._masked

    @property
    def carries_secret(self) -> bool:
        """Whether some part of the URL has to be hidden."""
        return self._masked != self._value

    def __str__(self) -> str:
        return self._masked


def _is_key(segment: str) -> bool:
    return len(segment) > _ROUTE


def url_secrets(url: str) -> list[str]:
    """The parts of a URL that may be keys: password, user, long path segments, query values, fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []  # mask_url() masks all of it
    found = [segment for segment in parts.path.split("/") if _is_key(segment)]
    found += [pair.partition("=")[2] or pair for pair in parts.query.split("&") if pair]
    userinfo = parts.netloc.rpartition("@")[0]
    found += [part for part in userinfo.split(":", 1) if part]
    if parts.fragment:
        found.append(parts.fragment)
    return list(dict.fromkeys([*found, *(unquote(part) for part in found)]))


def mask_url(url: str) -> str:
    """The URL with everything masked that may be a key; scheme, host, port and short routes stay."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    userinfo, _, host = parts.netloc.rpartition("@")
    path = "/".join(MASK if _is_key(segment) else segment for segment in parts.path.split("/"))
    query = "&".join(
        f"{pair.partition('=')[0]}={MASK}" if "=" in pair else MASK for pair in parts.query.split("&") if pair
    )
    netloc = f"{MASK}@{host}" if userinfo else host
    return urlunsplit((parts.scheme, netloc, path, query, MASK if parts.fragment else ""))


def check_private(path: Path) -> None:
    """Refuse a secret file that others on this machine can read, or the group can change.

    Raises KeyFileError with the command that mends it.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no such file") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise KeyFileError(f"{str(path)!r}: is no file's name; correct the path") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        raise KeyFileError(f"{path}: other users can read or change this file (mode {mode:04o}); run: chmod 600 {path}")


def read_text(path: Path) -> str:
    """The text of a private file (UTF-8, any line ends as newlines), or KeyFileError."""
    check_private(path)
    return read_unguarded(path)


def read_unguarded(path: Path) -> str:
    """Like `read_text`, whoever else can read the file: for what is no secret in it, or to find a fault."""
    try:
        raw = read_at_most(path, MAX_BYTES)
        if len(raw) > MAX_BYTES:
            raise KeyFileError(
                f"{path}: larger than {MAX_BYTES >> 20} MiB, so neither key nor password; correct the path"
            )
        return raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise KeyFileError(f"{path}: not a text file in UTF-8; correct the path, or save it as UTF-8") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None


def read_secret(path: Path) -> Secret:
    """The secret in a file, without the one newline that editors add at its end."""
    text = read_text(path)
    text = text[:-1] if text.endswith("\n") else text
    text = text[:-1] if text.endswith("\r") else text
    if not text:
        raise KeyFileError(f"{path}: the file is empty; write the secret into it")
    if len(text) > LONGEST:
        raise KeyFileError(f"{path}: {len(text)} characters are no password or key; correct the path")
    return Secret(text)


class SecretSource:
    """Finds one secret: in the environment, else in its file, else by asking the person at the terminal.

    What supervisors and containers hand over is a file: its path may stand in the variable with _FILE at its end, and
    then goes before the file that the configuration names.
    """

    def __init__(
        self,
        what: str,
        *,
        variable: str,
        file: Path | None = None,
        ask: Callable[[str], str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._what, self._variable, self._file, self._ask = what, variable, file, ask
        self._environ = os.environ if environ is None else environ

    def read(self) -> Secret:
        """The secret, or KeyFileError that names the ways to give it."""
        found = self.read_optional()
        if found is None:
            raise KeyFileError(
                f"no {self._what}: set {self._variable}, or name a file with it in the configuration, "
                "or start from a terminal to be asked for it"
            )
        return found

    def read_optional(self) -> Secret | None:
        """The secret, or None where nothing gives one."""
        if value := self._environ.get(self._variable):
            return Secret(value)
        if handed := self._environ.get(f"{self._variable}_FILE"):
            return read_secret(Path(handed))
        if self._file is not None:
            return read_secret(self._file)
        if self._ask is not None and (answer := self._ask(self._what)):
            return Secret(answer)
        return None
