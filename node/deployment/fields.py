"""Reads the fields of a JSON object, each to one type or to one error that says where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from node.errors import DeploymentError
from node.keys.address import fault_of_address

_DIGEST = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE)
_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){1,3}")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Fields:
    """One object of a file: `where` is its name there, empty for the whole."""

    path: Path
    where: str
    table_of: dict[str, Any]

    def fault(self, name: str, problem: str, fix: str) -> DeploymentError:
        """The error about one field."""
        at = f"{self.where}.{name}" if self.where else name
        return DeploymentError(f"{self.path}: {at} {problem}; {fix}")

    def names(self) -> Iterable[str]:
        """The fields' names."""
        return self.table_of.keys()

    def has(self, name: str) -> bool:
        """Whether a field is there."""
        return name in self.table_of

    def take(self, name: str) -> Any:
        """A field as it stands."""
        if name not in self.table_of:
            raise self.fault(name, "is missing", "take the file as the deployment wrote it")
        return self.table_of[name]

    def table(self, name: str) -> Fields:
        """An object in the object."""
        return Fields(self.path, f"{self.where}.{name}" if self.where else name, self._typed(name, dict, "an object"))

    def number(self, name: str, *, least: int = 0, most: int) -> int:
        """A whole number within limits."""
        found = self.take(name)
        if type(found) is not int or not least <= found <= most:
            raise self.fault(name, f"is no whole number from {least} to {most}", "correct it")
        return found

    def text(self, name: str) -> str:
        """A short printable text."""
        found: str = self._typed(name, str, "a text")
        if not found or len(found) > _LONGEST or not found.isprintable():
            raise self.fault(name, f"is no text of 1 to {_LONGEST} printable characters", "correct it")
        return found

    def version(self, name: str) -> str:
        """A version: two to four numbers with dots between them."""
        found: str = self._typed(name, str, "a version")
        if not _VERSION.fullmatch(found):
            raise self.fault(name, "is no version such as 1.2.3", "correct it")
        return found

    def digest(self, name: str) -> bytes:
        """32 bytes, in hex with 0x."""
        return self._digest(name, self.take(name))

    def digests(self, name: str) -> tuple[bytes, ...]:
        """A list of digests without repetition."""
        return self._unlike(name, [self._digest(f"{name}[{n}]", one) for n, one in enumerate(self._list(name), 1)])

    def address(self, name: str) -> str:
        """An address with its checksum (EIP-55)."""
        return self._address(name, self.take(name))

    def addresses(self, name: str) -> tuple[str, ...]:
        """A list of addresses without repetition."""
        return self._unlike(name, [self._address(f"{name}[{n}]", one) for n, one in enumerate(self._list(name), 1)])

    def urls(self, name: str, *, most: int) -> tuple[str, ...]:
        """A list of at most so many http or https URLs without repetition, none of which holds a user or a password."""
        found = self._list(name)
        if len(found) > most:
            raise self.fault(name, f"names {len(found)}", f"name at most {most}")
        return self._unlike(name, [self._url(f"{name}[{n}]", one) for n, one in enumerate(found, 1)])

    def _url(self, name: str, found: object) -> str:
        if isinstance(found, str) and len(found) <= _LONGEST and found.isprintable() and " " not in found:
            with suppress(ValueError):
                parts = urlsplit(found)
                if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0:
                    return found
        raise self.fault(name, "is no URL such as https://node.example.org", "correct it")

    def _list(self, name: str) -> list[Any]:
        found: list[Any] = self._typed(name, list, "a list")
        return found

    def _typed(self, name: str, kind: type, words: str) -> Any:
        found = self.take(name)
        if not isinstance(found, kind):
            raise self.fault(name, f"is not {words}", "take the file as the deployment wrote it")
        return found

    def _digest(self, name: str, found: object) -> bytes:
        if not isinstance(found, str) or not _DIGEST.fullmatch(found):
            raise self.fault(name, "is not 0x and 64 hex digits", "correct it")
        return bytes.fromhex(found[2:])

    def _address(self, name: str, found: object) -> str:
        if not isinstance(found, str):
            raise self.fault(name, "is no address", "write 0x and 40 hex digits, in quotes")
        if fault := fault_of_address(found):
            raise self.fault(name, *fault)
        return found

    def _unlike(self, name: str, found: list[Any]) -> tuple[Any, ...]:
        if len(set(found)) < len(found):
            raise self.fault(name, "names something twice", "remove the repetition")
        return tuple(found)
