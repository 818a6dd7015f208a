"""A node that fails in every way that prints: the ordinary program, told in LEAKS what its errors are to hold."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import os
import sqlite3
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import structlog

from node.cli import main
from node.pages.gallery import Gallery

SECRETS: list[str] = json.loads(os.environ.pop("LEAKS"))
os.environ["PYTHONASYNCIODEBUG"] = "1"  # a loop that is debugged tells of every slow step what it was about
log = structlog.get_logger("leaky")
done: list[bool] = []


def spellings() -> list[Any]:
    """Each secret as errors and libraries write it."""
    found: list[Any] = []
    for secret in SECRETS:
        raw = secret.encode()
        found += [secret, raw, raw.hex(), base64.b64encode(raw), {"password": secret}, json.dumps({"p": secret})]
        if len(secret) == 64:  # a key in hex
            key = bytes.fromhex(secret)
            found += [key, int(secret, 16), list(key), base64.b64encode(key).decode(), bytearray(key)]
    return found


class Unraisable:
    """An object whose end fails, which Python can only report."""

    def __del__(self) -> None:
        raise ValueError(spellings())


def fail(about: Any) -> None:
    """Raise with a secret in the arguments of a frame and in the error."""
    raise ConnectionError(f"cannot connect with {about}", about)


async def lose() -> None:
    """A task that nobody awaits: the loop reports its error."""
    fail(spellings())


async def refresh(*_: object) -> None:
    """In the gallery's place: what it raises is logged by the daemon, with a traceback."""
    if done:
        return  # once is enough, and dear
    done.append(True)
    first, *others = spellings()
    for each in others:
        log.debug("a debug line", value=each, nested=[{"at": each}])
        logging.getLogger("aiohttp.client").warning("asked %s in vain", each)
        try:
            fail(each)
        except ConnectionError as error:
            log.warning("a warning", error=repr(error), exc_info=True, stack_info=True)
    warnings.warn(f"slow endpoint {others}", UserWarning, stacklevel=1)
    threading.Thread(target=fail, args=(others,)).start()
    lost = asyncio.get_running_loop().create_task(lose())
    await asyncio.wait([lost])
    del lost
    Unraisable()
    gc.collect()
    try:
        sqlite3.connect(":memory:").execute(f"INSERT INTO {first}")
    except sqlite3.Error as error:
        error.add_note(str(others))
        raise ExceptionGroup(f"lost {first}", [error, KeyError(others)]) from RuntimeError(others)


def commands(lines: list[list[str]]) -> None:
    """Run commands one after the other, and then end with an error that nobody catches."""
    for line in lines:
        try:
            main(line)
        except SystemExit as end:
            print(f"\n{line} ended with {end.code}")
    from node.config import load, operator_token, unlock_signer, unlock_transport

    config = load(Path("config.toml"))
    unlock_signer(config)
    unlock_transport(config)
    operator_token(config)

    async def crash() -> None:
        """End the program with everything in the error."""
        fail(spellings())

    asyncio.run(crash())


if __name__ == "__main__":
    if sys.argv[1:2] == ["commands"]:
        commands(json.loads(sys.argv[2]))
    Gallery.refresh = refresh  # type: ignore[assignment, method-assign]
    main()
