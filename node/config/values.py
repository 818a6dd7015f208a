"""Turn one TOML value into a setting's type, noting what is wrong with it. No value that may be a secret is echoed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin
from urllib.parse import urlsplit

from node.config.faults import Faults
from node.config.nearest import suggest
from node.config.schema import Address, Key
from node.errors import KeyFileError
from node.keys.address import fault_of_address
from node.keys.secrets import LONGEST, SecretUrl, check_private, mask_url

Result = TypeVar("Result")
_TOML_NAMES = {
    bool: "true or false",
    int: "a whole number",
    Decimal: "a number",
    str: "a text in quotes",
    list: "a list",
    dict: "a table",
}


class _Wrong:
    """Stands for a value that could not be had; its fault is noted already."""


WRONG: Final = _Wrong()


def toml_name(value: object) -> str:
    """What a TOML value is, in words, without the value."""
    return next((name for kind, name in _TOML_NAMES.items() if isinstance(value, kind)), "a date or time")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values of one file: `base` is the folder that relative paths start from."""

    base: Path
    faults: Faults
    check_files: bool = True

    def read(self, kind: Any, key: Key, value: object, where: str) -> Any:
        """The value as `kind` (a type of node.config.schema), or WRONG after noting why."""
        origin = get_origin(kind)
        if origin in (Union, UnionType):
            return self._read_union(kind, key, value, where)
        if origin is tuple:
            return self._read_list(get_args(kind)[0], key, value, where)
        readers: dict[Any, Callable[[Key, Any, str], Any]] = {
            bool: self._plain(bool),
            str: self._text,
            int: self._number,
            Decimal: self._decimal,
            Path: self._path,
            Address: self._address,
            SecretUrl: self._url,
        }
        return readers[kind](key, value, where)

    def _wrong(self, where: str, problem: str, fix: str) -> _Wrong:
        self.faults.add(where, problem, fix)
        return WRONG

    def _wrong_type(self, where: str, value: object, wanted: str) -> _Wrong:
        return self._wrong(where, f"is {toml_name(value)}", f"write {wanted}")

    def _read_union(self, kind: Any, key: Key, value: object, where: str) -> Any:
        options = [option for option in get_args(kind) if option is not NoneType]
        words = [get_args(option)[0] for option in options if get_origin(option) is Literal]
        others = [option for option in options if get_origin(option) is not Literal]
        if value in words:
            return value
        if words and isinstance(value, str):
            return self._wrong(where, "is an unknown word", f"write {self._wanted(words, others, key)}")
        if words and not isinstance(value, list if get_origin(others[0]) is tuple else int):
            return self._wrong_type(where, value, self._wanted(words, others, key))
        return self.read(others[0], key, value, where)

    def _wanted(self, words: list[str], others: list[Any], key: Key) -> str:
        if get_origin(others[0]) is tuple:
            other = "a list of numbers" if get_args(others[0])[0] is int else "a list of texts in quotes"
        else:
            other = f"a number {_span(key)}"
        return " or ".join([*(f'"{word}"' for word in words), other])

    def _read_list(self, kind: Any, key: Key, value: object, where: str) -> Any:
        if not isinstance(value, list):
            return self._wrong_type(where, value, f"a list, in [ ], of {_plural(kind)}")
        read = [self.read(kind, key, item, f"{where}[{position}]") for position, item in enumerate(value, 1)]
        if len(read) < key.many:
            return self._wrong(where, "is empty", "name at least one")
        if WRONG in read:
            return WRONG
        if len(set(read)) < len(read):
            return self._wrong(where, "names something twice", "remove the repetition")
        return tuple(read)

    def _plain(self, kind: type) -> Callable[[Key, Any, str], Any]:
        def read(_: Key, value: object, where: str) -> Any:
            if type(value) is not kind:
                return self._wrong_type(where, value, _TOML_NAMES[kind])
            return value

        return read

    def _text(self, key: Key, value: object, where: str) -> Any:
        if not isinstance(value, str):
            return self._wrong_type(where, value, _TOML_NAMES[str])
        if key.choices and value not in key.choices:
            choices = ", ".join(f'"{choice}"' for choice in key.choices)
            return self._wrong(where, "is none of the choices", f"write one of {choices}{suggest(value, key.choices)}")
        if not value.strip():
            return self._wrong(where, "is empty", "write a text, or remove the line")
        return value

    def _number(self, key: Key, value: object, where: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            return self._wrong_type(where, value, f"a whole number {_span(key)}")
        return self._in_range(key, value, where)

    def _decimal(self, key: Key, value: object, where: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return self._wrong_type(where, value, f"a number {_span(key)}")
        if not (number := Decimal(value)).is_finite():
            return self._wrong(where, "is not finite", f"write a number {_span(key)}")
        return self._in_range(key, number, where)

    def _in_range(self, key: Key, value: Any, where: str) -> Any:
        if key.low is not None and value < key.low:
            return self._wrong(where, f"{_brief(value)} is too small", f"write a number {_span(key)}")
        if key.high is not None and value > key.high:
            return self._wrong(where, f"{_brief(value)} is too large", f"write a number {_span(key)}")
        return value

    def _path(self, key: Key, value: object, where: str) -> Any:
        if not isinstance(value, str):
            return self._wrong_type(where, value, "a path, as a text in quotes")
        if not value or "\0" in value:
            return self._wrong(where, "is no path", "write a path, or remove the line")
        return self.existing(key, value, where)

    def existing(self, key: Key, value: str | Path, where: str) -> Any:
        """The absolute path, after looking whether what it must be is there."""
        try:
            path = self.base / Path(value).expanduser()
        except RuntimeError:
            return self._wrong(where, "begins with ~ and a user who is not known here", "write the whole path")
        if self.check_files and key.exists:
            if not is_there(path):
                return self._wrong(where, f"there is no file at {path}", key.remedy)
            if key.exists == "private file":
                self.note_key_file(lambda: check_private(path), where)
        return path

    def note_key_file(self, use: Callable[[], Result], where: str) -> Result | None:
        """What `use` returns; if it raises KeyFileError, that becomes a fault and None comes back."""
        try:
            return use()
        except KeyFileError as error:
            problem, _, fix = str(error).partition("; ")
            self.faults.add(where, problem, fix or "check the file and its permissions")
            return None

    def _address(self, _: Key, value: object, where: str) -> Any:
        if not isinstance(value, str):
            return self._wrong_type(where, value, "an address, 0x and 40 hex digits, in quotes")
        if fault := fault_of_address(value):
            return self._wrong(where, *fault)
        return Address(value)

    def _url(self, key: Key, value: object, where: str) -> Any:
        wanted = " or ".join(f"{scheme}://host" for scheme in key.schemes)
        if not isinstance(value, str):
            return self._wrong_type(where, value, f"a URL ({wanted}), in quotes")
        if fault := fault_of_url(value, key.schemes):
            return self._wrong(where, fault, f"write {wanted}, with a port or path if it needs one")
        return SecretUrl(value)


def is_there(path: Path) -> bool:
    """Whether a file is at `path`; a path that cannot be looked at (too long, no permission) has none."""
    try:
        return path.is_file()
    except OSError:
        return False


def fault_of_url(url: str, schemes: tuple[str, ...]) -> str | None:
    """Why this is no URL of one of these schemes, without giving away a key in it; None if it is one."""
    if any(character.isspace() or ord(character) < 32 for character in url):
        return "contains white space"
    if any("\ud800" <= character <= "\udfff" for character in url):
        return "is not text in UTF-8"
    if len(url) > LONGEST:
        return f"is longer than {LONGEST} characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be parsed as a URL"
    if parts.scheme not in schemes:
        return f"is not a URL of {' or '.join(schemes)}"
    if not parts.hostname:
        return f"{mask_url(url)} names no host"
    if port == 0:
        return f"{mask_url(url)} has port 0"
    return None


def _brief(value: int | Decimal) -> str:
    return str(value) if -(10**30) < value < 10**30 else "the number"


def _span(key: Key) -> str:
    if key.low is not None and key.high is not None:
        return f"from {key.low} to {key.high}"
    return f"of at least {key.low}" if key.low is not None else "in digits"


def _plural(kind: Any) -> str:
    return {SecretUrl: "URLs in quotes", int: "whole numbers", str: "texts in quotes"}.get(kind, "values")
