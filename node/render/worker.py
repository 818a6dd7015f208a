"""The render worker process: one request a line on stdin, one framed picture after another on stdout.

Request: a JSON object {"recipe": canonical JSON text, "seed": hex, "band": int, "signals": [decimal strings]}.
Reply: one status byte (0 picture, 1 refused), the length in 4 big-endian bytes, then the PNG or the reason (UTF-8).
The worker ends when its stdin does, so it never outlives the node that started it by more than one picture.
"""

from __future__ import annotations

import json
import os
import sys
from typing import BinaryIO

from node.errors import PatinaError

PICTURE, REFUSED = 0, 1


def answer(line: bytes) -> tuple[int, bytes]:
    """The status and body of the reply to one request."""
    from node.render import Recipe, render
    from node.render.png import encode

    try:
        request = json.loads(line)
        recipe = Recipe.from_json(request["recipe"].encode())
        signals = [int(signal) for signal in request["signals"]]
        return PICTURE, encode(render(recipe, bytes.fromhex(request["seed"]), request["band"], signals))
    except PatinaError as error:
        return REFUSED, str(error).encode()
    except Exception as error:  # the node must hear why; a worker that cannot even say so has died and is replaced
        return REFUSED, f"render worker: {type(error).__name__}: {error}".encode()


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests in order until there are no more."""
    for line in requests:
        status, body = answer(line)
        replies.write(bytes([status]) + len(body).to_bytes(4, "big") + body)
        replies.flush()


def main() -> None:
    """Serves on a private copy of stdout, so that a library's print cannot break the framing."""
    os.nice(5)
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
