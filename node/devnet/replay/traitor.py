"""A member that signs twice: its own two keys, in hands that publish a second signature beside its first one.

What it does is not played: the second report is signed by the key that signed the first, and reaches the other nodes
over the same broker. Only the report is nobody's: it names artworks that do not exist.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from node.agreement.messages import Attestation
from node.agreement.report import statement_digest
from node.gossip.envelope import EnvelopeError, open_envelope, sealer
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip, topic_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from node.agreement.committee import Committee

REPEATS: Final = 3
"""How often the second signature is published: messages get lost."""
BETWEEN_S: Final = 0.2


async def betray(folder: Path, committee: Committee, broker: str) -> tuple[int, int]:
    """Wait until this node signs a report, then sign another one for the same view; its feed and checkpoint.

    Runs until that has happened or it is cancelled.
    """
    from node.config import load, unlock_signer, unlock_transport

    config = load(folder / "config.toml")
    signer, transport_key = await asyncio.to_thread(unlock_signer, config), unlock_transport(config)
    index = committee.signers.index(signer.address)
    seal = sealer(transport_key, committee, index)
    gossip = Gossip([BrokerSettings(broker)], topic_prefix(committee.config_digest))
    listening = asyncio.create_task(gossip.run())
    try:
        while True:
            raw = await gossip.incoming.get()
            try:
                opened = open_envelope(raw, committee)
            except EnvelopeError:
                continue
            said = opened.message
            if opened.sender != index or not isinstance(said, Attestation):
                continue
            other = said.statement._replace(content_root=bytes(32) if any(said.content_root) else b"\x01" * 32)
            signature = signer.sign_digest(statement_digest(committee.domain, other))
            lie = seal(Attestation(*other, signature))
            for _ in range(REPEATS):
                await gossip.publish("attestation", lie)
                await asyncio.sleep(BETWEEN_S)
            return said.feed, said.checkpoint
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
