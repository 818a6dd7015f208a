"""Recognise known secret values in text, in every form they are commonly written in, and mask them."""

from __future__ import annotations

import base64
import json
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "***"
#: A shorter value is too common in ordinary text to be told from it; the readers of passwords refuse such ones.
SHORTEST = 6

# Userinfo is a credential by definition (RFC 3986, section 3.2.1), known to us or not.
_USERINFO = re.compile(r"(?<=://)[^/\s@'\"<>]+@")


def _encoded_base64(raw: bytes) -> set[str]:
    """Base64 of `raw` alone and of any text that contains it: three alignments, whole characters only."""
    forms = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    for lead in range(3):
        # The first ceil(8*lead/6) characters depend on what stands before, the last one on what follows.
        start = (8 * lead + 5) // 6
        end = 8 * (lead + len(raw)) // 6
        shifted = b"\0" * lead + raw + b"\0\0"
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(shifted).decode()[start:end]
            if len(inner) >= SHORTEST:
                forms.add(inner)
    return forms


def _quoted(text: str) -> set[str]:
    """A text as it stands alone, inside a JSON text, and inside a Python literal."""
    # Next to both kinds of quotes, Python escapes the single one.
    between_quotes = repr(f"\"{text}'")[2:-3]
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1], between_quotes}


def _escaped(text: str) -> set[str]:
    """A text quoted up to twice: a JSON log line that quotes an exception that quotes a value."""
    return {twice for once in _quoted(text) for twice in _quoted(once)}


def text_forms(value: str) -> set[str]:
    """All the ways in which a secret text may turn up in a log."""
    raw = value.encode()
    return _escaped(value) | {quote(value, safe=""), quote(value), quote_plus(value), raw.hex()} | _encoded_base64(raw)


def bytes_forms(value: bytes) -> set[str]:
    """All the ways in which secret bytes (a private key) may turn up in a log; hex also covers 0x-hex."""
    return (
        {value.hex(), value.hex().lstrip("0"), str(int.from_bytes(value, "big"))}
        | _escaped(repr(value)[2:-1])
        | _escaped(repr(b'"' + value + b"'")[3:-3])
        | {re.sub(r"(..)(?=.)", r"\1:", value.hex()), str(list(value))[1:-1]}
        | _encoded_base64(value)
    )


class Redactor:
    """Masks every registered value; thread-safe, since libraries log from their own threads."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, value: str | bytes, shown_as: str = MASK) -> None:
        """Mask `value` from now on, as `shown_as`, and each line of it; shorter than SHORTEST is left alone."""
        if len(value) < SHORTEST:
            return
        if isinstance(value, bytes):
            forms = bytes_forms(value)
        else:
            forms = set().union(*map(text_forms, {value, *value.splitlines()}))
        with self._lock:
            # New objects each time: redact() works on those that it took, without the lock.
            more = {form.lower(): shown_as for form in forms if len(form) >= SHORTEST}
            if not more.keys() <= self._forms.keys():
                self._forms = more | self._forms
                # Longest first, so that a whole URL goes before the key inside it.
                ordered = sorted(self._forms, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE)

    def redact(self, text: str) -> str:
        """The text without any registered value, whatever its case; URLs lose their userinfo as well."""
        with self._lock:
            forms, pattern = self._forms, self._pattern
        # Nearly every line is clean, and plain search says so twenty times faster than the pattern does.
        lower = text.lower()
        if pattern is not None and any(form in lower for form in forms):
            text = pattern.sub(lambda found: forms.get(found.group().lower(), MASK), text)
        return _USERINFO.sub(MASK + "@", text) if "://" in text else text


#: The process's own: every Secret registers itself here, and node.log asks it for each line.
redactor = Redactor()
