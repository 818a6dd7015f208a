"""False and slow leaders among real nodes: what lands in the end, and in which view."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.agreement.effects import Timing
from node.agreement.messages import Artwork, Observation, Proposal
from node.devnet import deploy
from node.gossip.envelope import sealer
from node.gossip.verifier import Verifier
from tests.integration.nodes.committee import Committee, Wire
from tests.integration.nodes.sketches import landed, sketching, view_of

WAD = 10**18
PERCENT = WAD // 100
PICTURES = 10
RENDER_MS = 1_500
SHORT = Timing(view_ms=3_000, view_max_ms=3_000, render_ms=RENDER_MS, grace_ms=50, repeat_ms=300)
LONG = Timing(view_ms=120_000, view_max_ms=120_000, render_ms=120_000, grace_ms=200, repeat_ms=300)


def wire_of(nodes: Committee, index: int) -> Wire:
    return cast(Wire, nodes.members[index].rounds._gossip)


async def test_incident__leader_withholds_or_trickles_its_artwork__the_next_one_lands_its_own(tmp_path: Path) -> None:
    """A picture just before the view's time is up, each time, would hold it for as long as there are pictures."""
    async with sketching(tmp_path, SHORT) as net:
        feed, vault = await net.nodes.open([WAD], [PERCENT], 1, 0, net.recipe, PICTURES)
        await net.nodes.checkpoint(feed)  # the first painting
        withholding = await net.next_leader(feed)
        wire, publish, shown = wire_of(net.nodes, withholding), wire_of(net.nodes, withholding).publish, []

        async def withhold(kind: str, raw: bytes, *key: Any) -> None:
            if kind == "artwork":
                shown.append(raw)
            else:
                await publish(kind, raw, *key)

        wire.publish = withhold  # type: ignore[method-assign]
        await deploy.set_price(net.nodes.account, vault, WAD + 2 * PERCENT)
        await net.nodes.checkpoint(feed)
        wire.publish = publish  # type: ignore[method-assign]
        first = (await landed(net.nodes))[-1]
        assert shown
        assert (first.previous_band, first.band) == (0, 1)
        assert view_of(net.nodes, first) >= 1
        assert net.painter(first) != withholding

        trickling = await net.next_leader(feed)
        net.gateways[trickling].seconds = 0.8 * RENDER_MS / 1_000
        await deploy.set_price(net.nodes.account, vault, WAD)
        await net.nodes.checkpoint(feed)
        second = (await landed(net.nodes))[-1]
        assert (second.previous_band, second.band) == (1, 0)
        assert net.gateways[trickling].trickled >= 3, "each follower had begun with its pictures"
        assert view_of(net.nodes, second) >= 1
        assert net.painter(second) != trickling
        await net.nodes.settle()


@pytest.mark.parametrize("kind", ["proposal", "artwork"])
async def test_incident__leader_tells_each_half_another_thing__is_left_before_any_time_is_up(
    tmp_path: Path, kind: str
) -> None:
    """Views last two minutes here, and a checkpoint has one."""
    async with sketching(tmp_path, LONG) as net:
        feed, vault = await net.nodes.open([WAD], [PERCENT], 1, 0, net.recipe, 2)
        await net.nodes.checkpoint(feed)  # the first painting
        await deploy.set_price(net.nodes.account, vault, WAD + 2 * PERCENT)
        leader, nodes = await net.next_leader(feed), net.nodes
        before = {root for studio in net.studios for root in studio.own}
        seated = await nodes.members[0].chain.committee()
        seal = sealer(Ed25519PrivateKey.from_private_bytes(keccak(b"transport %d" % leader)), seated, leader)
        open_envelope = Verifier(seated).open
        followers = [index for index in range(4) if index != leader]
        others = [wire_of(nodes, index) for index in followers]
        publish = wire_of(nodes, leader).publish
        halves: list[str] = []

        async def other(raw: bytes) -> bytes:
            message = open_envelope(raw).message
            if isinstance(message, Artwork):
                # As true as its own: what a follower has painted.
                while len(net.studios[followers[0]].own) < 2:
                    await asyncio.sleep(0.01)
                [root] = net.studios[followers[0]].own - before
                return seal(msgspec.structs.replace(message, root=root))
            assert isinstance(message, Proposal)
            envelopes = []
            for envelope in message.observations:
                inner = Verifier(seated).open(envelope)
                if inner.sender == leader:
                    assert isinstance(inner.message, Observation)
                    envelope = seal(msgspec.structs.replace(inner.message, answer=-WAD // 2, signals=(7, 7, 7)))
                envelopes.append(envelope)
            return seal(msgspec.structs.replace(message, observations=tuple(envelopes)))

        async def tell(said: str, raw: bytes, *key: Any) -> None:
            if said != kind:
                await publish(said, raw, *key)
                return
            halves.append(said)
            second = await other(raw)
            for place, wire in enumerate(others):
                wire.incoming.put(0, second if place else raw)

        wire_of(nodes, leader).publish = tell  # type: ignore[method-assign]
        await nodes.checkpoint(feed)
        _, report = await landed(nodes)
        assert halves
        assert view_of(nodes, report) == 1
        conflicts = [member.rounds.counters["dropped conflicting"] for member in nodes.members]
        assert sum(conflicts) >= 2
        await nodes.settle()
