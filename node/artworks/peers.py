"""Fetches blocks by their digest from other nodes' gateways; what does not hash to its name is refused."""

from __future__ import annotations

import hashlib
import time
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
        self._slowness = dict.fromkeys(self._gateways, 0.0)
        self._store = store
        self._max_block = max_block

    def has(self, digest: bytes) -> bool:
        """Whether the store holds a block already."""
        return self._store.has(digest)

    async def block(self, digest: bytes) -> bytes:
        """Return the block with this 32-byte sha2-256 digest, from the store or else from the first peer that has it.

        Raises:
            ContentError: nobody has it, or only wrong bytes were offered.
        """
        if self._store.has(digest):
            return self._store.get(digest)
        # Whoever was slow comes last, or one gateway could hold up every block that another has.
        for gateway in sorted(self._gateways, key=self._slowness.__getitem__):
            since = time.monotonic()
            try:
                block = await self._ask(gateway, digest)
            finally:
                # Also where whoever asked has given up. It takes many quick answers to make up for a slow one.
                self._slowness[gateway] = max(time.monotonic() - since, self._slowness[gateway] / 2)
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
                block = await self._read(response)
        except (aiohttp.ClientError, TimeoutError):
            return None
        return block if hashlib.sha256(block).digest() == digest else None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the whole body, or nothing if it is larger than any block."""
        block = bytearray()
        # One read gives what has arrived so far: a large block comes in many pieces.
        async for piece in response.content.iter_any():
            block += piece
            if len(block) > self._max_block:
                return b""
        return bytes(block)
