"""A report names the chain's own block: BLOCKHASH for 256 blocks, EIP-2935's contract for 8,191, trust beyond."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth.vm.forks.prague.constants import HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CONTRACT_CODE
from eth_utils import keccak

HISTORY = "0x" + bytes(HISTORY_STORAGE_ADDRESS).hex()
# EIP-2935: the account that clients write hashes as, once at the start of every block.
SYSTEM = "0xfffffffffffffffffffffffffffffffffffffffe"
OTHER = keccak(b"block of another fork")
REASON = "block_history: other hash"


@pytest.fixture
def history() -> None:
    """The bytecode that EIP-2935 gives, at its address."""
    boa.env.set_code(HISTORY, HISTORY_STORAGE_CONTRACT_CODE)


def remember(number: int, block_hash: bytes) -> None:
    """What a client does at the start of block `number` + 1."""
    now = boa.env.evm.patch.block_number
    boa.env.evm.patch.block_number = number + 1
    boa.env.raw_call(HISTORY, data=block_hash, sender=SYSTEM)
    boa.env.evm.patch.block_number = now


def aged(world: Any, age: int, **changes: Any) -> Any:
    """A report on a feed of cadence 1 whose checkpoint is `age` blocks old."""
    feed = world.open(cadence=1)
    checkpoint = boa.env.evm.patch.block_number
    world.fast_forward(age)
    return world.report(feed, checkpoint=checkpoint, **changes)


@pytest.mark.parametrize("age", [1, 2, 255, 256])
def test_block_hash__recent__must_be_the_chains(world: Any, age: int) -> None:
    with boa.env.anchor():
        world.transmit(aged(world, age))
    with boa.reverts(REASON):
        world.transmit(aged(world, age, block_hash=OTHER))


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("age", [257, 300, 8190, 8191])
def test_block_hash__in_the_history_contract__must_be_the_chains(world: Any, age: int) -> None:
    good = aged(world, age)
    remember(good.checkpoint, good.block_hash)
    with boa.env.anchor():
        world.transmit(good)
    bad = world.report(good.feed, checkpoint=good.checkpoint, block_hash=OTHER)
    with boa.reverts(REASON):
        world.transmit(bad)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("age", [8192, 20_000])
def test_block_hash__older_than_the_history__is_vouched_for_by_the_quorum(world: Any, age: int) -> None:
    report = aged(world, age, block_hash=OTHER)
    remember(report.checkpoint, world.block_hash(report.checkpoint))
    world.transmit(report)


@pytest.mark.usefixtures("history")
def test_block_hash__before_the_fork_that_brought_the_history__is_vouched_for(world: Any) -> None:
    world.transmit(aged(world, 300, block_hash=OTHER))


def test_block_hash__chain_without_the_history_contract__is_vouched_for(world: Any) -> None:
    assert boa.env.get_code(HISTORY) == b""
    world.transmit(aged(world, 257, block_hash=OTHER))


@pytest.mark.usefixtures("history")
def test_block_hash__recent_and_in_the_history__blockhash_decides(world: Any) -> None:
    report = aged(world, 256, block_hash=OTHER)
    remember(report.checkpoint, OTHER)
    with boa.reverts(REASON):
        world.transmit(report)


@pytest.mark.usefixtures("history")
def test_block_hash__of_a_vote__is_checked_alike(world: Any) -> None:
    report = aged(world, 300)
    remember(report.checkpoint, report.block_hash)
    with boa.reverts(REASON):
        world.vote(report.feed, 0, 1, checkpoint=report.checkpoint, block_hash=OTHER)
    world.vote(report.feed, 0, 1, checkpoint=report.checkpoint)
