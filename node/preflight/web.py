"""Looks at the port of the node's pages: free for it, or in use by this very node."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from node.errors import PatinaError
from node.preflight.once import in_thread

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

_CODE = "web.port"
_METRICS = "web.metrics-port"


async def check(facts: Facts, notes: Notes) -> None:
    """Note whether the pages, and metrics on a port of their own, can be served."""
    web = facts.config.web
    await _check_metrics(facts, notes)
    where = f"{web.host}:{web.port}"
    if not web.enabled:
        notes.skip(_CODE, "web.enabled is off")
    elif facts.running:
        await _check_running(facts, notes, where)
    elif web.port == 0:
        notes.ok(_CODE, "takes any free port")
    else:
        try:
            await in_thread(lambda: _listen(web.host, web.port))
        except OSError as error:
            notes.fault(_CODE, f"cannot listen on {where}: {error.strerror}")
        else:
            notes.ok(_CODE, f"{where} is free")


async def _check_metrics(facts: Facts, notes: Notes) -> None:
    web = facts.config.web
    where = f"{web.metrics_host}:{web.metrics_port}"
    if not web.metrics or web.metrics_port is None:
        return
    if facts.running or web.metrics_port == 0:
        notes.skip(_METRICS, "a node runs from this folder" if facts.running else "takes any free port")
    else:
        try:
            await in_thread(lambda: _listen(web.metrics_host, web.metrics_port or 0))
        except OSError as error:
            notes.fault(_METRICS, f"cannot listen on {where}: {error.strerror}")
        else:
            notes.ok(_METRICS, f"{where} is free")


def _listen(host: str, port: int) -> None:
    """Take the port as the node will, and give it back; OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(1)


async def _check_running(facts: Facts, notes: Notes, where: str) -> None:
    from node.cli.status import fetch, reachable
    from node.config import operator_token

    web = facts.config.web
    if web.port == 0:
        notes.skip(_CODE, "the running node took any free port")
        return
    try:
        _, reasons = await in_thread(
            lambda: fetch(
                f"http://{reachable(web.host)}:{web.port}", operator_token(facts.config, environ=facts.environ)
            )
        )
    except PatinaError as error:
        notes.fault(_CODE, f"a node runs from this folder and does not answer here: {error}")
        return
    told = f"this node answers on {where}"
    notes.ok(_CODE, f"{told}: not ready ({', '.join(reasons)}), see patina status" if reasons else f"{told}: ready")
