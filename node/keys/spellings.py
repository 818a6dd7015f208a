"""How a secret may be spelt in text: escaped, percent-encoded, in hex, in base64, as a number, at any depth."""

from __future__ import annotations

import base64
import html
import re
import string

_PLAIN = frozenset(string.ascii_letters + string.digits + "-._~")  # RFC 3986's unreserved: nothing escapes them
# Quoting doubles the backslashes of what is quoted already: six rounds make 64. The bound keeps matching linear.
_ESCAPES = r"\\{1,64}"
# A shorter one is in so many lines that looking for it first saves nothing.
_SHORTEST_ANCHOR = 3
_NAMED = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a", "\0": "0"}


def text_spellings(value: str) -> set[str]:
    """The value itself, its hex, and its base64 alone or within a longer text; escaping is pattern()'s part."""
    raw = value.encode()
    return {value, raw.hex()} | _base64(raw)


def bytes_spellings(value: bytes) -> set[str]:
    """Hex (also after 0x), hex with colons, the number, the list of its bytes, base64; not its literal."""
    number = int.from_bytes(value, "big")
    return {value.hex(), f"{number:x}", str(number), value.hex(":"), str(list(value))[1:-1]} | _base64(value)


def _base64(raw: bytes) -> set[str]:
    """Base64 of `raw`, and the characters of it that stand in base64 of any text around `raw`."""
    found = set()
    for lead in range(3):
        # What precedes `raw` has a part in the characters before `start`, what follows it in those from `end` on.
        start, end = (8 * lead + 5) // 6, 8 * (lead + len(raw)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(b"\0" * lead + raw + b"\0\0").decode()[start:end])
    return found


def text_pattern(text: str) -> str:
    """A regular expression for a text, with any of its characters escaped any number of times."""
    return "".join(_character(character) for character in text)


def bytes_pattern(value: bytes) -> str:
    """A regular expression for the inside of the Python literal of some bytes."""
    return "".join(_character(chr(byte), single_byte=True) for byte in value)


def anchors(text: str) -> tuple[str, ...]:
    """What stands, in lower case, in every spelling that text_pattern() matches; none where nothing of use does."""
    longest = max(re.split(r"[^A-Za-z0-9\-._~]", text), key=len).lower()
    return (longest,) if len(longest) >= _SHORTEST_ANCHOR else ()


def bytes_anchors(value: bytes) -> tuple[str, ...]:
    """As `anchors`, for bytes_pattern(): one of these stands in each spelling."""
    # No letter of ordinary text, so whatever spells it is rare.
    rare = next((byte for byte in value if byte >= 128), None)
    return () if rare is None else (chr(rare).lower(), f"x{rare:02x}", f"{rare:08x}")


def _character(character: str, *, single_byte: bool = False) -> str:
    if character in _PLAIN:
        return re.escape(character)
    code = ord(character)
    spelt = [rf"\\{{0,64}}{re.escape(character)}", rf"{_ESCAPES}U{code:08x}"]
    if character == "\\":
        spelt[0] = _ESCAPES
    if character in _NAMED:
        spelt.append(_ESCAPES + _NAMED[character])
    if code < 256:
        spelt.append(rf"{_ESCAPES}x{code:02x}")
    if not single_byte:
        utf8, utf16 = character.encode(), character.encode("utf-16-be")
        spelt.append("".join(rf"{_ESCAPES}x{byte:02x}" for byte in utf8))
        spelt.append("".join(f"%(?:25)*{byte:02x}" for byte in utf8))
        spelt.append("".join(f"{_ESCAPES}u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2)))
        spelt += [re.escape(html.escape(character))] * (html.escape(character) != character)
        spelt += [r"\+"] * (character == " ")
    return f"(?:{'|'.join(dict.fromkeys(spelt))})"
