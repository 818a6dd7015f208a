"""Amounts as people write and read them, in whole units of a token, exact to its last decimal."""

from __future__ import annotations

import re
from typing import Final

from node.errors import PatinaError

MAX_UNITS: Final = 2**128 - 1
"""The greatest bond that the staking contract takes, in the token's smallest units."""
ETHER_DECIMALS: Final = 18
_NUMBER: Final = re.compile(r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.(?P<part>[0-9]+))?")
_COMMA: Final = re.compile(r"[0-9]+,[0-9]+")


def parse_amount(text: str, decimals: int, symbol: str = "") -> int:
    """The smallest units in an amount such as "1,500.5" or "1500.5 STK"; more than nothing.

    Raises:
        PatinaError: it is no amount, is nothing, or has more decimals than the token; the text says what to write.
    """
    given = text.strip()
    number = given.removesuffix(symbol).rstrip() if symbol else given
    match = _NUMBER.fullmatch(number)
    if match is None or not number or number == ".":
        hint = "a comma separates thousands, a point decimals" if _COMMA.fullmatch(number) else "write it like 1,500.5"
        raise PatinaError(f"{given[:40]!r} is not an amount: {hint}")
    whole, part = (match["whole"] or "0").replace(",", ""), match["part"] or ""
    if len(whole) > 60 or len(part) > 60:
        raise PatinaError(f"an amount of {len(number)} digits is not one that anybody has")
    if len(part.rstrip("0")) > decimals:
        raise PatinaError(f"{given} has more decimals than the token, which has {decimals}")
    units = int(whole) * int(10**decimals) + int(part[:decimals].ljust(decimals, "0") or "0")
    if units == 0:
        raise PatinaError(f"{given} is nothing: name an amount above zero")
    if units > MAX_UNITS:
        raise PatinaError(f"{given} is more than any bond can be")
    return units


def show_amount(units: int, decimals: int, symbol: str = "") -> str:
    """All of an amount: "1,500.5 STK"; `parse_amount` reads it back."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    whole, part = divmod(units, 10**decimals)
    shown = f"{sign}{whole:,}"
    if part:
        shown += "." + f"{part:0{decimals}d}".rstrip("0")
    return f"{shown} {symbol}" if symbol else shown


def show_ether(wei: int) -> str:
    """Coin of the chain: to nine decimals, rounded down, and less than that in wei."""
    gwei = wei // 10**9
    if wei and not gwei:
        return f"{wei} wei"
    return show_amount(gwei, 9, "ether")


def round_up(units: int, decimals: int) -> int:
    """The next whole unit, for amounts that are proposed."""
    whole: int = 10**decimals
    return -(-units // whole) * whole
