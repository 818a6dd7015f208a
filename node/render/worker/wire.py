"""What a node and its render workers say to each other: requests as JSON lines, replies as framed bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from node.render.reading import AnyRecipe, read_recipe

HEAD: Final = 9
"""Bytes before a reply's body: its kind (1), the request's number (4) and the body's length (4), big-endian."""
MAX_BODY: Final = 16 * 2**20
"""The longest body; a picture is some hundred kilobytes."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"


class Kind(IntEnum):
    """What a reply says."""

    READY = 0
    """The worker has started; the body is a Hello."""
    UNFIT = 1
    """This machine must not render, and says which kernel or file is to blame; the worker ends."""
    ABSENT = 2
    """No worker can be had now, for a reason that may pass; the worker ends."""
    PICTURE = 3
    """One picture of the request, a PNG; they come in the order of the seeds."""
    DONE = 4
    """The request is finished, or was given up because it was cancelled."""
    REFUSED = 5
    """The request cannot be drawn by any worker; the body says why."""
    FULL = 6
    """The request did not fit into the memory cap; the worker ends."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a worker says of itself: how it draws, and with which model (32-byte digest)."""

    engine: str
    model: bytes

    def body(self) -> bytes:
        """The Hello as JSON."""
        return json.dumps({"engine": self.engine, "model": self.model.hex()}).encode()

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The Hello in a READY reply. Raises ValueError for anything else."""
        try:
            fields = json.loads(body)
        except RecursionError:
            raise ValueError("not a worker's hello") from None
        if not isinstance(fields, dict) or not all(isinstance(fields.get(name), str) for name in ("engine", "model")):
            raise ValueError("not a worker's hello")
        return cls(fields["engine"][:80], bytes.fromhex(fields["model"]))


@dataclass(frozen=True, slots=True)
class Request:
    """Pictures to draw: one a seed (32 bytes each), all in one band under the same signals (signed wads)."""

    recipe: AnyRecipe
    seeds: tuple[bytes, ...]
    band: int
    signals: tuple[int, ...]

    def line(self, number: int) -> bytes:
        """The request as one JSON line. Wads are decimal strings: they may pass 64 bits."""
        fields = {
            "request": number,
            "recipe": self.recipe.canonical.decode(),
            "seeds": [seed.hex() for seed in self.seeds],
            "band": self.band,
            "signals": [str(signal) for signal in self.signals],
        }
        return json.dumps(fields).encode() + b"\n"

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """The request in a parsed line. Raises RenderError for a recipe that is none, else what Python raises."""
        return cls(
            read_recipe(fields["recipe"].encode()),
            tuple(bytes.fromhex(seed) for seed in fields["seeds"]),
            fields["band"],
            tuple(int(signal) for signal in fields["signals"]),
        )


def cancel(number: int) -> bytes:
    """The line that tells a worker to give up a request."""
    return json.dumps({"cancel": number}).encode() + b"\n"


def frame(kind: Kind, number: int, body: bytes = b"") -> bytes:
    """One reply."""
    return bytes([kind]) + number.to_bytes(4, "big") + len(body).to_bytes(4, "big") + body


def parse_head(head: bytes) -> tuple[Kind, int, int]:
    """Kind, request number and body length of a reply. Raises ValueError for what no worker says."""
    length = int.from_bytes(head[5:9], "big")
    if length > MAX_BODY:
        raise ValueError(f"a reply of {length} bytes")
    return Kind(head[0]), int.from_bytes(head[1:5], "big"), length


def is_png(body: bytes) -> bool:
    """Whether these bytes begin as a PNG of 1 to 8,192 pixels a side does (PNG specification, 5.2 and 11.2.2)."""
    sides = [int.from_bytes(body[at : at + 4], "big") for at in (16, 20)]
    return body[:8] == _PNG and body[12:16] == b"IHDR" and all(1 <= side <= 8_192 for side in sides)
