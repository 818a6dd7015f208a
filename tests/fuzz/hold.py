"""What every decoder of foreign bytes is held to: read, or refuse clearly, within a stated memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import settings

from node.errors import PatinaError

KIB: Final = 1 << 10
SHORTEST, LONGEST = 10, 4_000
"""Characters of an error's text: enough to say something, and never the foreign bytes at length."""


@dataclass(frozen=True)
class Decoder:
    """A decoder, valid inputs to damage, and its bounds.

    `read` may raise `refusals` and nothing else. With `write`, whatever it reads is written as the very same bytes:
    the encoding is canonical. Reading n bytes may take `base + factor * n` bytes of memory. `lines`: its error lists
    several faults, one a line.
    """

    name: str
    read: Callable[[bytes], Any]
    refusals: type[PatinaError] | tuple[type[PatinaError], ...]
    corpus: tuple[bytes, ...]
    write: Callable[[Any], bytes] | None = None
    base: int = 256 * KIB
    factor: int = 64
    lines: bool = False

    def __str__(self) -> str:
        return self.name


def modest(examples: int) -> settings:
    """So many examples in a common run, where a decoder is slow; all of the profile's in the nightly one."""
    ordinary = settings.get_profile("patina").max_examples
    return settings(max_examples=examples if settings().max_examples <= ordinary else settings().max_examples)


def peak_of(act: Callable[[], Any], bound: int | None = None) -> tuple[Any, int]:
    """What a call returned, or the PatinaError that it raised, and the most memory it held, in bytes.

    What is above `bound` is measured once more, and that counts: a call takes what it takes each time, but within one
    of thousands the interpreter's own table of interned strings grows, by megabytes at once.
    """
    found, peak = _measured(act)
    return (found, peak) if bound is None or peak <= bound else _measured(act)


def _measured(act: Callable[[], Any]) -> tuple[Any, int]:
    tracemalloc.start()
    try:
        try:
            found = act()
        except PatinaError as error:
            found = error
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def hold(decoder: Decoder, raw: bytes) -> Any:
    """Read some bytes; whatever a decoder must never do fails the test. Returns what was read, or the refusal."""
    bound = decoder.base + decoder.factor * len(raw)
    found, peak = peak_of(lambda: decoder.read(raw), bound)
    assert peak <= bound, f"{decoder}: {peak} bytes of memory for an input of {len(raw)}, at most {bound}"
    if isinstance(found, PatinaError):
        assert isinstance(found, decoder.refusals), f"{decoder}: refuses with {type(found).__name__}: {found}"
        assert_clear(str(found), lines=decoder.lines)
    elif decoder.write is not None:
        assert decoder.write(found) == raw, f"{decoder}: reads what it would write in another way"
    return found


def assert_clear(text: str, *, lines: bool = False) -> None:
    """A text that can be shown: neither empty nor endless, on one line, nothing that a terminal obeys."""
    assert SHORTEST <= len(text) <= LONGEST, f"{len(text)} characters: {text[:200]!r}"
    for line in text.split("\n") if lines else [text]:
        assert line.isprintable(), f"not printable: {line[:200]!r}"
