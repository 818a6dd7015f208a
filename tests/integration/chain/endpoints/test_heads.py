"""Endpoints that are ahead of the chain, or behind it: neither moves nor holds the node."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from node.chain.client import Chain
from node.chain.failures import MissingError
from node.errors import ChainError

ORACLE = "0x" + "0a" * 20
FAR = 2**60


def header(number: int) -> dict[str, str]:
    hashes = {"hash": f"0x{number:064x}", "parentHash": f"0x{max(0, number - 1):064x}"}
    return {"number": hex(number), "timestamp": hex(1_000 + number)} | hashes


def at(head: int, final: int | None = None) -> dict[str, Any]:
    """What an endpoint with this head answers."""

    def block(which: str, _full: bool) -> Any:
        tags = {"latest": head, "finalized": head - 2 if final is None else final}
        number = tags[which] if which in tags else int(which, 16)
        return header(number) if number <= head else None

    return {"eth_getBlockByNumber": block, "eth_blockNumber": hex(head), "eth_getLogs": [[]]}


async def test_head__one_of_two_claims_the_far_future__the_honest_one_counts(net: Any) -> None:
    liar, honest = await net.start(**at(FAR)), await net.start(**at(100))
    pool = await net.pool(liar, honest)
    chain = Chain(pool, ORACLE)
    for _ in range(3):
        final, head = await chain.finalized(), await chain.head()
        assert (final.number, head.number) == (98, 100)
        assert await chain.landed(final.number + 1, head.number) == []
        net.now += 200
    honest_status = pool.status()[1]
    assert honest_status.fault == ""
    assert len([method for method, _ in honest.asked if method == "eth_getLogs"]) == 3
    assert "beyond any that could be" in pool.status()[0].fault


async def test_head__liar_a_little_ahead__pyth_crosschain_679__never_stands_alone(net: Any) -> None:
    liar, honest = await net.start(**at(120)), await net.start(**at(100))
    pool = await net.pool(liar, honest, max_lag=8, stuck_after=120.0)
    chain = Chain(pool, ORACLE)
    for number in range(100, 120):  # the honest one's head rises, so it is not stuck, however far it seems behind
        honest.answers |= at(number)
        liar.answers |= at(number + 20)
        assert (await chain.finalized()).number == number - 2
        assert (await chain.head()).number == number
        net.now += 12


async def test_head__single_endpoint_far_ahead_of_its_final_block__is_named(net: Any) -> None:
    endpoint = await net.start(**at(FAR, final=98))
    with pytest.raises(ChainError, match=f"{endpoint.url} claims block {FAR}.*98 is the last final"):
        await Chain(await net.pool(endpoint), ORACLE).head()


async def test_head__long_after_the_last_look_at_final_blocks__is_believed(net: Any) -> None:
    endpoint = await net.start(**at(100))
    chain = Chain(await net.pool(endpoint), ORACLE)
    assert (await chain.head()).number == 100
    endpoint.answers |= at(300_000)
    assert (await chain.head()).number == 300_000


@pytest.mark.parametrize("number", [2**63, 2**255])
async def test_block__number_beyond_63_bits__is_refused(net: Any, number: int) -> None:
    endpoint = await net.start(eth_getBlockByNumber=header(100) | {"number": hex(number)})
    with pytest.raises(ChainError, match="beyond 63 bits"):
        await Chain(await net.pool(endpoint), ORACLE).finalized()


async def test_finalized__stuck_endpoint_of_two__holds_a_node_that_wants_two_witnesses(net: Any) -> None:
    stuck, fresh = await net.start(**at(100)), await net.start(**at(100))
    chain = Chain(await net.pool(stuck, fresh, max_lag=8, stuck_after=120.0), ORACLE)
    for number in range(100, 160, 4):
        fresh.answers |= at(number)
        # Once it is left out, the other one's final block has one witness only.
        with contextlib.suppress(MissingError):
            assert (await chain.finalized()).number == 98
        await chain.head()
        net.now += 24
    stuck.answers |= at(156)
    await chain.head()
    assert (await chain.finalized()).number == 154


async def test_finalized__stuck_endpoint_of_two__holds_it_only_for_a_while(net: Any) -> None:
    stuck, fresh = await net.start(**at(100)), await net.start(**at(100))
    pool = await net.pool(stuck, fresh, max_lag=8, stuck_after=120.0, witnesses=1)
    chain = Chain(pool, ORACLE)
    finals = []
    for number in range(100, 130, 2):
        fresh.answers |= at(number)
        finals.append((await chain.finalized()).number)
        await chain.head()
        net.now += 24
    assert finals[:6] == [98] * 6
    assert finals[-1] == 126
    # It catches up, and counts again.
    stuck.answers |= at(128)
    await chain.head()
    fresh.answers |= at(140)
    assert (await chain.finalized()).number == 126


async def test_finalized__fresh_one_alone_and_far_ahead__is_refused(net: Any) -> None:
    stuck, other = await net.start(**at(100)), await net.start(**at(110))
    pool = await net.pool(stuck, other, max_lag=8, stuck_after=120.0, witnesses=1)
    chain = Chain(pool, ORACLE)
    await chain.head()
    net.now += 200
    await chain.head()
    assert (await chain.finalized()).number == 108
    other.answers |= at(FAR)
    with pytest.raises(ChainError, match="one endpoint alone"):
        await chain.finalized()


async def test_agree__stale_one_of_three__is_left_out(net: Any) -> None:
    stale, *fresh = await net.start(**at(50)), await net.start(**at(100)), await net.start(**at(101))
    pool = await net.pool(stale, *fresh, max_lag=8)
    chain = Chain(pool, ORACLE)
    await chain.head()
    asked = len(stale.asked)
    assert (await chain.finalized()).number == 98
    assert (await chain.block(97)).number == 97
    assert len(stale.asked) == asked
    assert pool.status()[0].fault == "stale: 50 blocks behind"
