"""Feeds and their samples: which calls are made, and what their answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from node.chain import parse
from node.chain.batches import Results, Unit
from node.chain.calls import Call, decoded
from node.chain.interface import Interface, interface
from node.chain.types import Block, Feed, Policy, Sample


def _view(name: str, *inputs: str) -> dict[str, Any]:
    arguments = [{"type": kind, "name": ""} for kind in inputs]
    return {"type": "function", "name": name, "inputs": arguments, "outputs": [{"type": "uint256", "name": ""}]}


# The part of ERC-4626 (and of the ERC-20 below it) that a sample is made of.
VAULT = Interface([_view("convertToAssets", "uint256"), _view("totalAssets"), _view("totalSupply")])
# Places of these fields in the oracle's Feed struct.
_VAULT, _BAND, _CHECKPOINT = 0, 8, 9


def sample_units(oracle: str, feeds: Sequence[Feed]) -> list[Unit]:
    """The calls that sample `feeds`, a unit each."""
    contract = interface("StrategyOracle")
    total_assets, total_supply = VAULT.encode("totalAssets"), VAULT.encode("totalSupply")
    return [
        Unit(
            feed.id,
            (
                Call(feed.vault, VAULT.encode("convertToAssets", feed.one_share)),
                Call(feed.vault, total_assets),
                Call(feed.vault, total_supply),
                Call(oracle, contract.encode("feed", feed.id)),
            ),
        )
        for feed in feeds
    ]


def samples(feeds: Sequence[Feed], block: Block, results: Sequence[Results | None]) -> list[Sample]:
    """One sample for each feed that exists at `block` and whose vault answered; the others are left out.

    Raises ChainError where the oracle's own numbers are beyond their types: it is not the oracle that answered.
    """
    found = []
    for feed, returned in zip(feeds, results, strict=True):
        if returned is None:
            continue
        assets, total_assets, total_supply, on_chain = returned
        converted, held, supply = _word(assets, 0), _word(total_assets, 0), _word(total_supply, 0)
        vault, band, checkpoint = (_word(on_chain, place) for place in (_VAULT, _BAND, _CHECKPOINT))
        if converted is None or held is None or supply is None or band is None or checkpoint is None:
            continue
        if vault != int(feed.vault, 16):
            continue
        parse.small(band, "a feed's band", 8)
        parse.small(checkpoint, "a feed's checkpoint")
        price = converted * feed.scale
        found.append(Sample(feed.id, block.number, block.hash, price, held, supply, band, checkpoint))
    return found


def _word(returned: bytes | None, place: int) -> int | None:
    """The unsigned word at a place of what a call returned.

    All that a sample needs is static, a word a value, and a thousand feeds have seven thousand of them: a
    general decoder would take longer than everything else about a checkpoint.
    """
    word = (returned or b"")[32 * place : 32 * place + 32]
    return int.from_bytes(word, "big") if len(word) == 32 else None


def feed_units(oracle: str, ids: Sequence[int]) -> list[Unit]:
    """The calls that read `ids`, a unit each."""
    contract = interface("StrategyOracle")
    views = ("feed", "policy")
    return [Unit(one, tuple(Call(oracle, contract.encode(view, one)) for view in views)) for one in ids]


def feeds(ids: Sequence[int], results: Sequence[Results | None]) -> list[Feed]:
    """The feeds of `ids` that exist, and whose numbers can be stored."""
    contract = interface("StrategyOracle")
    found = []
    for one, returned in zip(ids, results, strict=True):
        if returned is None:
            continue
        first, second = returned
        stored, policy = decoded(contract, "feed", first, 1), decoded(contract, "policy", second, 1)
        if stored is None or policy is None:
            continue
        vault, collection, edition, opener, opened_at, basis, one_share, scale, *hot = stored
        band, checkpoint, answer, updated_at, updated_block = hot
        # Anyone may open a feed on an edition number that no collection can have.
        if max(edition, opened_at, checkpoint, updated_block) >= 1 << 63:
            continue
        cadence, window, lookback, heartbeat, hysteresis, thresholds = policy
        found.append(
            Feed(
                id=one,
                vault=_address(vault),
                collection=_address(collection),
                edition=edition,
                opener=_address(opener),
                opened_at=opened_at,
                basis=basis,
                one_share=one_share,
                scale=scale,
                band=band,
                checkpoint=checkpoint,
                answer=answer,
                updated_at=updated_at,
                updated_block=updated_block,
                policy=Policy(cadence, window, lookback, heartbeat, hysteresis, tuple(thresholds)),
            )
        )
    return found


def _address(raw: str) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(raw))
