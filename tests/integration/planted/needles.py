"""Finds secrets in text: whole or in part, plain or in any encoding that programs write them in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

WINDOW = 10
"""So many characters of a secret in a row are a find: what is left of it is then quickly guessed."""


def needles(secret: str) -> dict[str, list[bytes]]:
    """A secret's encodings by name; of those that are long, every few characters a part that is looked for."""
    raw = secret.encode()
    forms = {"plain": [raw], "hex": [raw.hex().encode()], "reversed": [raw[::-1]], "quoted": [quote(secret).encode()]}
    if re.fullmatch(r"[0-9a-f]{64}", secret):
        key = bytes.fromhex(secret)
        forms["number"] = [str(int(secret, 16)).encode()]
        forms["bytes"] = [key]
        forms["list"] = [", ".join(map(str, key)).encode()]
        forms["base64 of bytes"] = list(_base64(key))
    forms["base64"] = list(_base64(raw))
    forms["percent"] = ["".join(f"%{byte:02x}" for byte in raw).encode()]
    return {name: [part.lower() for one in form for part in _parts(one, name)] for name, form in forms.items()}


def _base64(raw: bytes) -> Iterator[bytes]:
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw)
        start, end = (8 * lead + 5) // 6, 8 * (lead + len(raw)) // 6
        yield encoded[start:end]
        yield encoded[start:end].translate(bytes.maketrans(b"+/", b"-_"))


def _parts(text: bytes, form: str) -> Iterator[bytes]:
    size = {"hex": 2 * WINDOW, "percent": 3 * WINDOW, "list": 4 * WINDOW}.get(form, WINDOW)
    if len(text) <= size:
        yield text
    for start in range(0, len(text) - size + 1, 3):
        yield text[start : start + size]


def finds(secrets: dict[str, str], places: dict[str, bytes]) -> list[tuple[str, str, str]]:
    """Every (secret's name, encoding, place) in which a secret can be read; escapes in a place are undone first."""
    wanted = {(name, form): parts for name, secret in secrets.items() for form, parts in needles(secret).items()}
    found = []
    for place, text in places.items():
        readings = b"\0".join(_readings(text))
        found += [(*key, place) for key, parts in wanted.items() if any(part in readings for part in parts)]
    return found


def _readings(text: bytes) -> list[bytes]:
    """The text in lower case as it stands, without backslash escapes (once and twice), and without percent escapes."""
    # A program that fails in a loop writes the same lines again and again.
    text = b"\n".join(dict.fromkeys(text.split(b"\n")))
    once = _unescaped(text)
    return list(dict.fromkeys(each.lower() for each in (text, once, _unescaped(once), unquote_to_bytes(text))))


def _unescaped(text: bytes) -> bytes:
    def plain(found: re.Match[bytes]) -> bytes:
        code = found.group(1) or found.group(2)
        return chr(int(code, 16)).encode("utf-8", "surrogatepass") if code else found.group(3)

    return re.sub(rb"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([\\\"'/]))", plain, text, flags=re.IGNORECASE)
