"""Looks at where content comes from and goes to: the gateways of peers, and publishing targets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from node.chain.endpoints.names import Shown, unreachable
from node.content.cid import raw_cid, sha256
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.config.contents import PublishConfig
    from node.keys.secrets import SecretUrl
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

_PATIENCE_S: Final = 10.0
_EMPTY: Final = raw_cid(sha256(b""))
"""A block that nobody has to have: a gateway answers that it has it, or that it has not."""


async def check(facts: Facts, notes: Notes) -> None:
    """Note every content peer and every publishing target."""
    content = facts.config.content
    if not content.peers:
        notes.ok("content.peers", "none is configured: recipes have to lie in render.recipes")
    if not content.publish:
        notes.ok("content.publishing", "none is configured: what is painted is served by nodes alone")
    await asyncio.gather(
        *(_check_peer(peer, notes) for peer in content.peers),
        *(_check_target(facts, target, notes) for target in content.publish),
    )


async def _check_target(facts: Facts, target: PublishConfig, notes: Notes) -> None:
    from node.publish.open import name_of, open_target

    code, name = "content.publishing", name_of(target)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            found = await open_target(facts.config, target).examine()
    except TimeoutError:
        notes.warn(code, f"no answer in {_PATIENCE_S:g} s", name)
    except PatinaError as error:
        notes.warn(code, str(error).removeprefix(f"{name}: "), name)
    else:
        notes.ok(code, f"{found.version}: {found.detail}" if found.detail else found.version, name)


async def _check_peer(peer: SecretUrl, notes: Notes) -> None:
    import aiohttp

    from node.preflight.survey import open_session

    shown, code = Shown(peer), "content.peers"
    url = f"{peer.reveal().rstrip('/')}/ipfs/{_EMPTY}?format=raw"
    try:
        async with (
            open_session() as session,
            session.get(url, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=_PATIENCE_S)) as response,
        ):
            status = response.status
    except TimeoutError:
        notes.warn(code, f"no answer in {_PATIENCE_S:g} s", shown.name)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        notes.warn(code, unreachable(error), shown.name)
    else:
        _tell(status, notes, shown.name)


def _tell(status: int, notes: Any, name: str) -> None:
    if status in (200, 404, 410, 504):  # a public gateway that finds a block nowhere says 504
        notes.ok("content.peers", "answers as a gateway", name)
    else:
        notes.warn("content.peers", f"does not answer as a gateway (HTTP {status})", name)
