"""Mask registered secret values in text, whichever way they are spelt there."""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from node.keys.spellings import anchors, bytes_anchors, bytes_pattern, bytes_spellings, text_pattern, text_spellings

MASK = "***"
#: A shorter value is too common in ordinary text to be told from it.
SHORTEST = 6
#: So much of a value, where a text is cut off within it, is masked like the whole.
_LEAST_PART = 6
# What stands for the rest of a text: of errors.printable(), of reprlib, of rich.
_CUT = re.compile(r"\.\.\.|…")

# Where a text is broken into lines: a terminal's, base64's of 76 characters, an escaped one in a line of JSON.
_BREAK = re.compile(r"(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)[\s|│>]*")

# Userinfo is a credential by definition (RFC 3986, section 3.2.1), known to us or not.
_USERINFO = re.compile(r"(?<=://)[^/\s@'\"<>]+@")


class _Rule(NamedTuple):
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    template: str


class _Ends(NamedTuple):
    """Spellings by their first characters, `_LEAST_PART` of them; `longest` is the length of the longest."""

    known: dict[str, tuple[str, ...]]
    longest: int


class Redactor:
    """Masks every registered value; thread-safe, since libraries log from their own threads.

    Redacting takes time in proportion to the text, whatever a stranger had put into it.
    """

    def __init__(self) -> None:
        self._known: set[str | bytes] = set()
        self._rules: dict[str, tuple[int, _Rule]] = {}
        self._ordered: list[_Rule] = []
        self._spelt: frozenset[str] = frozenset()
        self._heads = self._tails = _Ends({}, 0)
        self._lock = threading.Lock()

    def add(self, value: str | bytes, shown_as: str = MASK) -> None:
        """Mask `value` from now on, as `shown_as`, and each line of it; shorter than SHORTEST is left alone."""
        if len(value) < SHORTEST or value in self._known:
            return
        rules: dict[str, tuple[int, _Rule]] = {}
        if isinstance(value, bytes):
            self._rule(rules, bytes_pattern(value), bytes_anchors(value), 4 * len(value), shown_as)
            # A key's hex is a text that programs encode like any other.
            spellings = bytes_spellings(value) | text_spellings(value.hex())
        else:
            spellings = {spelling for part in {value, *value.splitlines()} for spelling in text_spellings(part)}
        for spelling in spellings:
            if len(spelling) >= SHORTEST:
                self._rule(rules, text_pattern(spelling), anchors(spelling), len(spelling), shown_as)
        with self._lock:
            self._known.add(value)
            self._rules = rules | self._rules
            # Longest first, so that a whole URL goes before the key inside it. A new list each time: redact() goes
            # through the one that it took, without the lock.
            self._ordered = [rule for _, rule in sorted(self._rules.values(), key=lambda each: -each[0])]
            if shown_as == MASK:  # of what is shown in another way, all that is secret is registered by itself
                self._spelt |= {spelling.lower() for spelling in spellings if len(spelling) > _LEAST_PART}
                self._heads = _ends(self._spelt)
                self._tails = _ends(spelling[::-1] for spelling in self._spelt)

    @staticmethod
    def _rule(
        rules: dict[str, tuple[int, _Rule]], pattern: str, anchored: tuple[str, ...], length: int, shown_as: str
    ) -> None:
        template = shown_as.replace("\\", r"\\")  # re.sub() reads escapes in its replacement
        rules[pattern] = (length, _Rule(anchored, re.compile(pattern, re.IGNORECASE), template))

    def redact(self, text: str) -> str:
        """The text without any registered value, whatever its case; URLs lose their userinfo as well."""
        # Nearly every line is clean, and plain search says so far faster than the patterns do.
        lower = text.lower()
        for anchored, pattern, template in self._ordered:
            if not anchored or any(one in lower for one in anchored):
                text = pattern.sub(template, text)
        if "\n" in text or "\\n" in text:
            text = self._without_broken(text)
        if _CUT.search(text):
            text = self._without_parts(text)
        return _USERINFO.sub(MASK + "@", text) if "://" in text else text

    def cut(self, text: str, most: int) -> str:
        """The first `most` characters of a text, redacted, the value in which it ends as well; `...` if any is left."""
        return self.redact(text) if len(text) <= most else self.redact(text[:most] + "...")

    def _without_broken(self, text: str) -> str:
        """Mask what is a value once its lines are joined."""
        ends = [0, *(place for found in _BREAK.finditer(text) for place in found.span()), len(text)]
        lines = list(zip(ends[::2], ends[1::2], strict=True))
        joined = "".join(text[start:end] for start, end in lines)
        begins, at = [], 0
        for start, end in lines:
            begins.append(at)
            at += end - start

        def place(index: int) -> int:
            line = bisect_right(begins, index) - 1
            return lines[line][0] + index - begins[line]

        lower, kept, done = joined.lower(), [], 0
        rules = [rule for rule in self._ordered if not rule.anchors or any(one in lower for one in rule.anchors)]
        for start, end in sorted(each.span() for rule in rules for each in rule.pattern.finditer(joined)):
            if place(end - 1) >= done:
                kept += [text[done : place(start)], MASK]
                done = place(end - 1) + 1
        return "".join([*kept, text[done:]])

    def _without_parts(self, text: str) -> str:
        """Mask the end of a text before each mark of a cut, and the beginning after it, where it is part of a value."""
        pieces, marks = _CUT.split(text), _CUT.findall(text)
        for index, piece in enumerate(pieces):
            if index < len(marks):
                piece = _masked_end(piece, self._heads)
            if index > 0:
                piece = _masked_end(piece[::-1], self._tails)[::-1]
            pieces[index] = piece
        return "".join(piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True))


def _ends(spellings: Iterable[str]) -> _Ends:
    known: dict[str, tuple[str, ...]] = {}
    longest = 0
    for spelling in spellings:
        begins = spelling[:_LEAST_PART]
        known[begins] = (*known.get(begins, ()), spelling)
        longest = max(longest, len(spelling))
    return _Ends(known, longest)


def _masked_end(text: str, ends: _Ends) -> str:
    """The text, its end masked where a spelling begins there and is cut off."""
    lower = text[-ends.longest :].lower() if ends.known else ""
    for start in range(len(lower) - _LEAST_PART + 1):
        for spelling in ends.known.get(lower[start : start + _LEAST_PART], ()):
            if spelling.startswith(lower[start:]):
                return text[: max(0, len(text) - (len(lower) - start))] + MASK
    return text


#: The process's own: every Secret registers itself here, and node.log.lines asks it for each line.
redactor = Redactor()
