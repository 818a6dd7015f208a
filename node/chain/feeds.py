"""Feeds and their samples: which calls are made, and what their answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

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
KEPT: Final = 4_096
"""Feeds whose calls and last reading are kept: with each head all are asked for again, and most have not changed."""
_LONGEST: Final = 32 * 40
"""Bytes of a feed and its policy: 13 words, and 24 with 15 thresholds. Whoever answers more is not the oracle, and
fills no memory."""


def sample_units(oracle: str, feeds: Sequence[Feed]) -> list[Unit]:
    """The calls that sample `feeds`, a unit each."""
    return [_sample_unit(oracle, feed.id, feed.vault, feed.one_share) for feed in feeds]


@lru_cache(maxsize=KEPT)
def _sample_unit(oracle: str, feed: int, vault: str, one_share: int) -> Unit:
    wanted = (
        Call(vault, VAULT.encode("convertToAssets", one_share)),
        Call(vault, VAULT.encode("totalAssets")),
        Call(vault, VAULT.encode("totalSupply")),
        Call(oracle, interface("StrategyOracle").encode("feed", feed)),
    )
    return Unit(feed, wanted)


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
    return [_feed_unit(oracle, one) for one in ids]


@lru_cache(maxsize=KEPT)
def _feed_unit(oracle: str, feed: int) -> Unit:
    contract = interface("StrategyOracle")
    return Unit(feed, tuple(Call(oracle, contract.encode(view, feed)) for view in ("feed", "policy")))


def feeds(ids: Sequence[int], results: Sequence[Results | None]) -> list[Feed]:
    """The feeds of `ids` that exist, and whose numbers can be stored."""
    found = []
    for one, returned in zip(ids, results, strict=True):
        if returned is not None and sum(len(part or b"") for part in returned) <= _LONGEST:
            found.append(_feed(one, *returned))
    return [feed for feed in found if feed is not None]


@lru_cache(maxsize=KEPT)
def _feed(one: int, first: bytes | None, second: bytes | None) -> Feed | None:
    contract = interface("StrategyOracle")
    stored, policy = decoded(contract, "feed", first, 1), decoded(contract, "policy", second, 1)
    if stored is None or policy is None:
        return None
    vault, collection, edition, opener, opened_at, basis, one_share, scale, *hot = stored
    band, checkpoint, answer, updated_at, updated_block = hot
    # Anyone may open a feed on an edition number that no collection can have.
    if max(edition, opened_at, checkpoint, updated_block) >= 1 << 63:
        return None
    cadence, window, lookback, heartbeat, hysteresis, thresholds = policy
    return Feed(
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


def _address(raw: str) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(raw))
