"""Reads share-price histories from CSV files: every row is checked before anything is replayed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from node.bounded import read_at_most
from node.errors import ReplayError

WAD: Final = 10**18
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ROWS: Final = 100_000
MAX_LINES: Final = 4 * MAX_ROWS
MAX_LABEL: Final = 64
MAX_PRICE: Final = 10**9 * WAD
MAX_GROWTH: Final = 10**9
"""Prices may not exceed the first by more than this factor: answers are growth since then, as 128-bit wads."""
_PRICE: Final = re.compile(r"([0-9]{1,40})(?:\.([0-9]{1,40}))?")
_BLOCK: Final = re.compile(r"[0-9]{1,18}")
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_LABELS: Final = ("date", "timestamp")


@dataclass(frozen=True, slots=True)
class Row:
    """One sample: its line in the file (from 1), a label to show, its block if the file names one, the price (wad)."""

    line: int
    label: str
    block: int | None
    price: int


@dataclass(frozen=True, slots=True)
class History:
    """A share-price history of at least two rows, oldest first."""

    name: str
    rows: tuple[Row, ...]


def read_history(path: str | Path) -> History:
    """Read a CSV file with a column ``share_price`` and optionally ``block``, ``date`` and ``timestamp``.

    Columns may stand in any order and others are ignored. Prices are positive decimals with at most 18 places, blocks
    strictly ascend. Raises :class:`ReplayError` naming file, line, fault and remedy for anything else.
    """
    path = Path(path)
    try:
        raw = read_at_most(path, MAX_BYTES)
    except OSError as error:
        raise ReplayError(f"{path}: cannot be read ({error.strerror}); give a readable CSV file") from error
    except ValueError as error:  # a NUL in the name
        raise ReplayError(f"{str(path)!r}: is not a file name; give a readable CSV file") from error
    if len(raw) > MAX_BYTES:
        raise ReplayError(f"{path}: is larger than {MAX_BYTES // 1024 // 1024} MiB; replay a shorter history")
    return parse_history(raw, str(path), path.name)


def parse_history(raw: bytes, source: str, name: str) -> History:
    """As :func:`read_history`, from bytes; ``source`` is what errors call the file."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(_lines(raw, source), 1):
        if number > MAX_LINES:
            raise ReplayError(f"{source}, line {number}: more than {MAX_LINES} lines; remove the empty ones")
        if not line.strip():
            continue
        if len(lines) > MAX_ROWS:
            raise ReplayError(f"{source}, line {number}: more than {MAX_ROWS} rows; replay a shorter history")
        lines.append((number, line))
    if not lines:
        raise ReplayError(f"{source}, line 1: the file is empty; it needs a header with share_price and two rows")
    reader = _Reader(source, *lines[0])
    rows = [reader.row(number, line) for number, line in lines[1:]]
    if len(rows) < 2:
        raise ReplayError(f"{source}, line {lines[-1][0]}: {len(rows)} rows of prices; a history needs at least 2")
    return History(name, tuple(rows))


def assets_for(price: int, shares: int, *, asset_decimals: int, share_decimals: int) -> int:
    """The total assets at which a vault of ``shares`` total supply prices one whole share at ``price`` (wad).

    The price is met to the asset's last decimal (finer ones are cut off). Rule of snekmate's erc4626, whose virtual
    shares are ``10**(share_decimals - asset_decimals)``:
    ``convertToAssets(one) = one * (assets + 1) // (shares + virtual)``, inverted: the least assets that reach it.
    Raises :class:`ReplayError` for a price below the asset's last decimal or a vault with less than one share.
    """
    if not 0 <= asset_decimals <= 18 or share_decimals < asset_decimals:
        raise ReplayError(f"a vault of {share_decimals} share and {asset_decimals} asset decimals cannot be priced")
    wanted = price // 10 ** (18 - asset_decimals)
    one_share = 10**share_decimals
    supply = shares + 10 ** (share_decimals - asset_decimals)
    if wanted <= 0:
        raise ReplayError(f"a price of {price} wei is below the last of the asset's {asset_decimals} decimals")
    if shares < 0 or supply < one_share:
        raise ReplayError("the vault has less than one share, whose price cannot be set exactly; deposit first")
    return int(-(-wanted * supply // one_share)) - 1


class _Reader:
    """Rows under one header, each checked against the one before."""

    def __init__(self, source: str, number: int, header: str) -> None:
        self._source = source
        names = [cell.strip().lower() for cell in self._cells(number, header)]
        doubled = sorted({name for name in names if name and names.count(name) > 1})
        if doubled:
            raise self._fault(number, f"column {_shown(doubled[0])} stands twice", "keep one of them")
        if "share_price" not in names:
            raise self._fault(number, "no column share_price", "name the column of prices share_price in the header")
        self._names = names
        self._block = -1
        self._first_price = 0

    def row(self, number: int, line: str) -> Row:
        cells = self._cells(number, line)
        if len(cells) != len(self._names):
            raise self._fault(number, f"{len(cells)} columns, the header has {len(self._names)}", "add or remove cells")
        fields = {name: cell.strip() for name, cell in zip(self._names, cells, strict=True)}
        block = self._parse_block(number, fields["block"]) if "block" in fields else None
        price = self._parse_price(number, fields["share_price"])
        return Row(number, self._label(number, fields, block), block, price)

    def _cells(self, number: int, line: str) -> list[str]:
        try:
            # One line at a time: a cell that runs over lines has no place here, and line numbers stay true.
            return next(csv.reader([line], strict=True))
        except (csv.Error, StopIteration) as error:
            raise self._fault(number, f"is not CSV ({error})", "check its quotes and commas") from error

    def _parse_block(self, number: int, cell: str) -> int:
        if not _BLOCK.fullmatch(cell):
            raise self._fault(number, f"block {_shown(cell)} is not a block number", "give digits only")
        block = int(cell)
        if block <= self._block:
            raise self._fault(number, f"block {block} does not lie after block {self._block}", "sort rows by block")
        self._block = block
        return block

    def _parse_price(self, number: int, cell: str) -> int:
        match = _PRICE.fullmatch(cell)
        if match is None:
            raise self._fault(number, f"share price {_shown(cell)} is not a decimal", "write it like 1.00754517")
        whole, fraction = match.group(1), match.group(2) or ""
        if len(fraction) > 18:
            raise self._fault(number, f"share price {_shown(cell)} has {len(fraction)} decimals", "round it to 18")
        price = int(whole) * WAD + int(fraction.ljust(18, "0"))
        if price == 0:
            raise self._fault(number, "share price is zero", "a vault's shares are worth something: remove the row")
        self._first_price = self._first_price or price
        if price > MAX_PRICE or price > self._first_price * MAX_GROWTH:
            raise self._fault(number, f"share price {_shown(cell)} is out of all proportion", "check its unit")
        return price

    def _label(self, number: int, fields: dict[str, str], block: int | None) -> str:
        label = next((fields[name] for name in _LABELS if fields.get(name)), "")
        if len(label) > MAX_LABEL or not label.isprintable():
            raise self._fault(number, f"its date is longer than {MAX_LABEL} or unprintable characters", "shorten it")
        if label and not fields.get("date") and _SECONDS.fullmatch(label):
            return datetime.fromtimestamp(int(label), UTC).strftime("%Y-%m-%d %H:%M")
        return label or (f"block {block}" if block is not None else f"line {number}")

    def _fault(self, number: int, fault: str, remedy: str) -> ReplayError:
        return ReplayError(f"{self._source}, line {number}: {fault}; {remedy}")


def _lines(raw: bytes, source: str) -> Iterator[str]:
    """One line after another: a file of nothing but line ends would make a list of many times its size."""
    if b"\0" in raw:
        number = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise ReplayError(
            f"{source}, line {number}: has a NUL byte, this is not a text file; export it as CSV in UTF-8"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise ReplayError(f"{source}, line {number}: is not UTF-8 text; export it as CSV in UTF-8") from error
    for line in io.StringIO(text, newline="\n"):
        yield line.removesuffix("\n").removesuffix("\r")


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
