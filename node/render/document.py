"""Reads a foreign JSON document: every fault is collected before any is said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from node.errors import RenderError

MAX_BYTES: Final = 65_536
SIGNALS: Final = ("volatility", "drawdown", "flow")
_WAD_DIGITS: Final = 77  # what an int256 holds, and a bound on the work of int()


def parse(document: bytes) -> Any:
    """The JSON value of a recipe document; RenderError above 64 KiB, or for what is no JSON, or says a key twice."""
    if len(document) > MAX_BYTES:
        raise RenderError(f"recipe: {len(document)} bytes, at most {MAX_BYTES} are read")
    try:
        return json.loads(document.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RenderError(f"recipe: not a JSON document: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a repeated key: two readers could take different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class Reading:
    """One pass over a parsed document. Each method returns a value of its type, right or not, and notes the faults."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def done(self) -> None:
        """RenderError with every fault found so far, if there is one."""
        if self.faults:
            raise RenderError("recipe: " + "; ".join(self.faults))

    def table(self, where: str, value: object, keys: Sequence[str]) -> Mapping[str, Any]:
        """An object with exactly these keys."""
        if not isinstance(value, dict):
            self.faults.append(f"{where}: must be an object")
            return {}
        for key in keys:
            if key not in value:
                self.faults.append(f"{where}: lacks {key!r}")
        unknown = sorted(set(value) - set(keys))
        if unknown:
            self.faults.append(f"{where}: does not know {', '.join(repr(key[:40]) for key in unknown[:5])}")
        return value

    def name(self, value: object) -> str:
        """The title of an edition."""
        return self.text("name", value, 1, 80)

    def text(self, where: str, value: object, low: int, high: int) -> str:
        """A line of `low` to `high` printable characters."""
        if not isinstance(value, str) or not low <= len(value) <= high or not value.isprintable():
            self.faults.append(f"{where}: must be {low} to {high} printable characters")
            return ""
        return value

    def choice(self, where: str, value: object, choices: Sequence[str]) -> str:
        """One of several words."""
        if not isinstance(value, str) or value not in choices:
            self.faults.append(f"{where}: must be {' or '.join(map(repr, choices))}")
            return choices[0]
        return value

    def digest(self, where: str, value: object) -> bytes:
        """A sha2-256 digest."""
        if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
            self.faults.append(f"{where}: must be a sha2-256 digest, 64 lower-case hex digits")
            return b""
        return bytes.fromhex(value)

    def integer(self, where: str, value: object, low: int, high: int) -> int:
        """An integer; neither a float nor a boolean is one."""
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.faults.append(f"{where}: must be an integer from {low} to {high}")
            return low
        return value

    def decimal(self, where: str, value: object, low: int, high: int, places: int) -> int:
        """A decimal string in its one spelling ("7.5", not "7.50"), from `low` to `high`, in 10**-places."""
        unit = int(10**places)
        if isinstance(value, str) and len(value) <= 16 and re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", value):
            whole, _, fraction = value.partition(".")
            if len(fraction) <= places:
                found = int(whole + fraction.ljust(places, "0"))
                if low * unit <= found <= high * unit:
                    return found
        self.faults.append(
            f"{where}: must be a decimal string from {low} to {high}, at most {places} decimals, as short as it goes"
        )
        return low * unit

    def scale(self, signal: str, value: object) -> int:
        """The wad at which a signal is at its extreme."""
        digits = isinstance(value, str) and value.isascii() and value.isdigit() and value[0] != "0"
        if not isinstance(value, str) or not digits or len(value) > _WAD_DIGITS:
            self.faults.append(f"signals.{signal}.full_scale: must be a positive wad as a decimal string")
            return 1
        return int(value)


def spelled(value: int, places: int) -> str:
    """A number in 10**-places as the decimal string that `Reading.decimal` reads."""
    whole, fraction = divmod(value, 10**places)
    return f"{whole}.{fraction:0{places}d}".rstrip("0").rstrip(".")
