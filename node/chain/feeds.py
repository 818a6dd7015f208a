"""Feeds and their samples: which calls are made, and what their answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
_PER_SAMPLE = 4
_PER_FEED = 2


def sample_calls(oracle: str, feeds: Sequence[Feed]) -> list[Call]:
    """The calls that sample `feeds`, four each."""
    contract = interface("StrategyOracle")
    total_assets, total_supply = VAULT.encode("totalAssets"), VAULT.encode("totalSupply")
    calls = []
    for feed in feeds:
        calls += [
            Call(feed.vault, VAULT.encode("convertToAssets", feed.one_share)),
            Call(feed.vault, total_assets),
            Call(feed.vault, total_supply),
            Call(oracle, contract.encode("feed", feed.id)),
        ]
    return calls


def samples(feeds: Sequence[Feed], block: Block, results: Sequence[bytes | None]) -> list[Sample]:
    """One sample for each feed that exists at `block` and whose vault answered; the others are left out."""
    found = []
    for index, feed in enumerate(feeds):
        assets, total_assets, total_supply, on_chain = results[index * _PER_SAMPLE : (index + 1) * _PER_SAMPLE]
        converted, held, supply = _word(assets, 0), _word(total_assets, 0), _word(total_supply, 0)
        vault, band, checkpoint = (_word(on_chain, place) for place in (_VAULT, _BAND, _CHECKPOINT))
        if converted is None or held is None or supply is None or band is None or checkpoint is None:
            continue
        if vault != int(feed.vault, 16):
            continue
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


def feed_calls(oracle: str, ids: Sequence[int]) -> list[Call]:
    """The calls that read `ids`, two each."""
    contract = interface("StrategyOracle")
    return [Call(oracle, contract.encode(view, one)) for one in ids for view in ("feed", "policy")]


def feeds(ids: Sequence[int], results: Sequence[bytes | None]) -> list[Feed]:
    """The feeds of `ids` that exist."""
    contract = interface("StrategyOracle")
    found = []
    for index, one in enumerate(ids):
        first, second = results[index * _PER_FEED : (index + 1) * _PER_FEED]
        stored, policy = decoded(contract, "feed", first, 1), decoded(contract, "policy", second, 1)
        if stored is None or policy is None:
            continue
        vault, collection, edition, opener, opened_at, basis, one_share, scale, *hot = stored
        band, checkpoint, answer, updated_at, updated_block = hot
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
