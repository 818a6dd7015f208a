"""Mask registered secret values in text, whichever way they are spelt there."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from typing import NamedTuple

from node.keys.spellings import anchor, bytes_pattern, bytes_spellings, text_pattern, text_spellings

MASK = "***"
#: A shorter value is too common in ordinary text to be told from it.
SHORTEST = 6
#: An anchor shorter than this is in so many lines that looking for it first saves nothing.
_SHORTEST_ANCHOR = 3

#: So much of a value, where a text is cut off within it, is masked like the whole.
_LEAST_PART = 6
# What stands for the rest of a text: of errors.printable(), of reprlib, of rich.
_CUT = re.compile(r"\.\.\.|…")

# Userinfo is a credential by definition (RFC 3986, section 3.2.1), known to us or not.
_USERINFO = re.compile(r"(?<=://)[^/\s@'\"<>]+@")


class _Rule(NamedTuple):
    anchor: str
    pattern: re.Pattern[str]
    template: str


class Redactor:
    """Masks every registered value; thread-safe, since libraries log from their own threads."""

    def __init__(self) -> None:
        self._known: set[str | bytes] = set()
        self._rules: dict[str, tuple[int, _Rule]] = {}
        self._ordered: list[_Rule] = []
        self._spelt: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def add(self, value: str | bytes, shown_as: str = MASK) -> None:
        """Mask `value` from now on, as `shown_as`, and each line of it; shorter than SHORTEST is left alone."""
        if len(value) < SHORTEST or value in self._known:
            return
        rules: dict[str, tuple[int, _Rule]] = {}
        if isinstance(value, bytes):
            self._rule(rules, bytes_pattern(value), "", 4 * len(value), shown_as)
            # A key's hex is a text that programs encode like any other.
            spellings = bytes_spellings(value) | text_spellings(value.hex())
        else:
            spellings = {spelling for part in {value, *value.splitlines()} for spelling in text_spellings(part)}
        for spelling in spellings:
            if len(spelling) >= SHORTEST:
                self._rule(rules, text_pattern(spelling), anchor(spelling), len(spelling), shown_as)
        with self._lock:
            self._known.add(value)
            self._rules = rules | self._rules
            # Longest first, so that a whole URL goes before the key inside it. A new list each time: redact() goes
            # through the one that it took, without the lock.
            self._ordered = [rule for _, rule in sorted(self._rules.values(), key=lambda each: -each[0])]
            if shown_as == MASK:  # of what is shown in another way, all that is secret is registered by itself
                self._spelt |= {spelling.lower() for spelling in spellings if len(spelling) > _LEAST_PART}

    @staticmethod
    def _rule(rules: dict[str, tuple[int, _Rule]], pattern: str, anchored: str, length: int, shown_as: str) -> None:
        anchored = anchored if len(anchored) >= _SHORTEST_ANCHOR else ""
        template = shown_as.replace("\\", r"\\")  # re.sub() reads escapes in its replacement
        rules[pattern] = (length, _Rule(anchored, re.compile(pattern, re.IGNORECASE), template))

    def redact(self, text: str) -> str:
        """The text without any registered value, whatever its case; URLs lose their userinfo as well."""
        # Nearly every line is clean, and plain search says so far faster than the patterns do.
        lower = text.lower()
        for anchored, pattern, template in self._ordered:
            if anchored in lower:
                text = pattern.sub(template, text)
        if _CUT.search(text):
            text = self._without_parts(text)
        return _USERINFO.sub(MASK + "@", text) if "://" in text else text

    def cut(self, text: str, most: int) -> str:
        """The first `most` characters of a text, redacted, the value in which it ends as well; `...` if any is left."""
        return self.redact(text) if len(text) <= most else self.redact(text[:most] + "...")

    def _without_parts(self, text: str) -> str:
        """Mask the end of a text before each mark of a cut, and the beginning after it, where it is part of a value."""
        pieces, marks = _CUT.split(text), _CUT.findall(text)
        for index, piece in enumerate(pieces):
            if index < len(marks):
                piece = self._masked_end(piece, [*self._spelt])
            if index > 0:
                piece = self._masked_end(piece[::-1], [spelling[::-1] for spelling in self._spelt])[::-1]
            pieces[index] = piece
        return "".join(piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True))

    @staticmethod
    def _masked_end(text: str, spelt: Iterable[str]) -> str:
        lower, found = text.lower(), 0
        for spelling in spelt:
            start = lower.find(spelling[:_LEAST_PART], max(0, len(lower) - len(spelling)))
            while start >= 0:
                if spelling.startswith(lower[start:]):
                    found = max(found, len(lower) - start)
                    break
                start = lower.find(spelling[:_LEAST_PART], start + 1)
        return text[: len(text) - found] + MASK if found else text


#: The process's own: every Secret registers itself here, and node.log.lines asks it for each line.
redactor = Redactor()
