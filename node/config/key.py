"""What is said about one setting, and what its value is held to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NewType

Address = NewType("Address", str)
#: Multicall3 stands at the same address on every public chain (github.com/mds1/multicall).
MULTICALL3 = Address("0xcA11bde05977b3631167028862bE2a173976CA11")


@dataclass(frozen=True, slots=True)
class Key:
    """What is to be said about one key, and what its value is held to.

    `example` stands in the example file where there is no default. `exists` asks for a file at a path, and for a
    private one that no other user can read it. `schemes` are a URL's, `choices` a text's. `many` is the least
    length of a list. `remedy` is what to do about a missing file. `table` is the class of the tables in a list of them.
    """

    doc: str
    example: object = None
    low: int | Decimal | None = None
    high: int | Decimal | None = None
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    exists: Literal["file", "private file", ""] = ""
    many: int = 0
    table: type | None = None
    remedy: str = "create it, or correct the path"


HTTP = ("http", "https")
