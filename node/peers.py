"""Fetches blocks by their digest from other nodes' gateways; what does not hash to its name is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.content.cid import raw_cid
from node.errors import ContentError

if TYPE_CHECKING:
    import aiohttp

    from node.content.store import BlockStore


class Peers:
    """Gateways that may hold blocks this node lacks. None of them is trusted."""

    def __init__(
        self, session: aiohttp.ClientSession, gateways: Sequence[str], store: BlockStore, max_block: int
    ) -> None:
        self._session = session
        self._gateways = [gateway.rstrip("/") for gateway in gateways]
        self._store = store
        self._max_block = max_block

    async def block(self, digest: bytes) -> bytes:
        """Return the block with this 32-byte sha2-256 digest, from the store or else from the first peer that has it.

        Raises:
            ContentError: nobody has it, or only wrong bytes were offered.
        """
        if self._store.has(digest):
            return self._store.get(digest)
        for gateway in self._gateways:
            block = await self._ask(gateway, digest)
            if block is not None:
                self._store.put(block)
                return block
        raise ContentError(f"block {raw_cid(digest)} is neither in the store nor at {len(self._gateways)} peers")

    async def _ask(self, gateway: str, digest: bytes) -> bytes | None:
        import aiohttp

        # The raw form of a block is the same under every codec, so the raw CID names it.
        url = f"{gateway}/ipfs/{raw_cid(digest)}?format=raw"
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with self._session.get(url, allow_redirects=False, timeout=timeout) as response:
                if response.status != 200:
                    return None
                block = await response.content.read(self._max_block + 1)
        except (aiohttp.ClientError, TimeoutError):
            return None
        whole = len(block) <= self._max_block and hashlib.sha256(block).digest() == digest
        return block if whole else None
