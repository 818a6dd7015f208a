"""The durable sender against the embedded chain: crashes, lost mempools, stuck fees, reorganisations."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from node.chain.interface import interface
from node.chain.sending.fees import Fees
from node.devnet.genesis import dev_account
from node.errors import ChainError, JournalError, RevertError
from node.journal import Journal
from tests.integration.chain.world import GWEI, MEMBERS, OWNER, PAYER, SETTINGS, Bench, Clock, World


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


@pytest.fixture
def bench(slow_world: World, journal: Journal, clock: Clock) -> Bench:
    return Bench(slow_world, journal, clock)


async def test_send__mined_and_final__is_followed_to_the_end(bench: Bench) -> None:
    tx_hash = await bench.send("a")
    assert bench.state("a") == "sent"
    bench.world.chain.mine()
    await bench.sender.step()
    row = bench.journal.transactions.get("a")
    assert row is not None
    assert (row.state, row.tx_hash, row.succeeded) == ("mined", tx_hash, True)
    await bench.settle(2)
    assert bench.state("a") == "final"
    assert await bench.send("a") == tx_hash
    assert bench.sent_by_payer() == 1


async def test_send__same_key_many_times_at_once__is_one_transaction(bench: Bench) -> None:
    hashes = await asyncio.gather(*(bench.send("a") for _ in range(8)))
    assert len(set(hashes)) == 1
    assert len(bench.waiting()) == 1
    bench.restart()
    assert await bench.send("a") == hashes[0]
    await bench.settle()
    assert bench.sent_by_payer() == 1


async def test_send__several_keys__take_nonces_in_a_row(bench: Bench) -> None:
    await asyncio.gather(*(bench.send(key) for key in "abcd"))
    assert [one.nonce for one in bench.waiting()] == [0, 1, 2, 3]
    await bench.settle()
    assert {bench.state(key) for key in "abcd"} == {"final"}


async def test_send__revert_on_estimate__is_told_and_never_sent(bench: Bench) -> None:
    with pytest.raises(RevertError):
        await bench.send("a", amount=101)
    assert bench.journal.transactions.get("a") is None
    assert not bench.waiting()


async def test_resubmit_storm__openzeppelin_relayer_818__ends_at_the_fee_cap(
    slow_world: World, journal: Journal, clock: Clock
) -> None:
    bench = Bench(slow_world, journal, clock, Fees(max_fee=2 * GWEI, priority_fee=GWEI, resend_after=60.0))
    await bench.send("a")
    offers = []
    for _ in range(40):
        (waiting,) = bench.waiting()
        if not offers or (waiting.max_fee, waiting.priority_fee) != offers[-1]:
            offers.append((waiting.max_fee, waiting.priority_fee))
        clock.now += 61
        await bench.sender.step()
    row = journal.transactions.get("a")
    assert row is not None
    assert len(journal.transactions.attempts(row.id)) == len(offers)
    assert 3 <= len(offers) <= 8
    for (old_max, old_tip), (new_max, new_tip) in pairwise(offers):
        assert 1000 * new_max >= 1125 * old_max
        assert 1000 * new_tip >= 1125 * old_tip
        assert new_tip <= new_max <= 2 * GWEI
    await bench.settle()
    assert bench.state("a") == "final"
    assert bench.sent_by_payer() == 1


async def test_step__before_the_time__replaces_nothing(bench: Bench, clock: Clock) -> None:
    first = await bench.send("a")
    clock.now += 59
    await bench.sender.step()
    assert [one.hash for one in bench.waiting()] == [first]
    clock.now += 2
    await bench.sender.step()
    (replaced,) = bench.waiting()
    assert replaced.hash != first
    assert replaced.nonce == 0
    assert await bench.send("a") == replaced.hash


async def test_restart__mempool_lost_everything__sends_the_same_bytes_again(bench: Bench) -> None:
    hashes = [await bench.send(key) for key in "ab"]
    for waiting in bench.waiting():
        bench.world.chain.mempool.drop(waiting)
    bench.restart()
    await bench.sender.step()
    assert [one.hash for one in bench.waiting()] == hashes
    await bench.settle()
    assert bench.sent_by_payer() == 2


async def test_restart__journalled_but_never_broadcast__is_broadcast(bench: Bench, monkeypatch: Any) -> None:
    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.sender, "_broadcast", crash)
    with pytest.raises(KeyboardInterrupt):
        await bench.send("a")
    assert not bench.waiting()
    assert bench.state("a") == "signed"
    bench.restart()
    tx_hash = await bench.send("a")
    await bench.sender.step()
    assert [one.hash for one in bench.waiting()] == [tx_hash]


async def test_restart__queued_only__gets_its_nonce_then(bench: Bench) -> None:
    bench.journal.transactions.queue("a", PAYER.address, bench.token, bench.pay(), 0, 100_000)
    await bench.sender.step()
    assert bench.state("a") == "sent"
    assert len(bench.waiting()) == 1


async def test_restart__queued_and_pointless_by_now__is_cancelled(bench: Bench) -> None:
    bench.journal.transactions.queue("a", PAYER.address, bench.token, bench.pay(101), 0, 100_000)
    await bench.sender.step()
    assert bench.state("a") == "cancelled"
    assert not bench.waiting()
    with pytest.raises(RevertError, match="the contract refused"):
        await bench.send("a", amount=101)


async def test_step__fails_on_chain__is_final_and_known_as_failed(bench: Bench) -> None:
    # Each passes the estimate alone, together they overdraw.
    await bench.send("a", amount=60)
    await bench.send("b", amount=60)
    await bench.settle()
    rows = [bench.journal.transactions.get(key) for key in "ab"]
    assert [(row.state, row.succeeded) for row in rows if row] == [("final", True), ("final", False)]


async def test_step__reverts_by_now__frees_the_nonce(slow_world: World, journal: Journal, clock: Clock) -> None:
    bench = Bench(slow_world, journal, clock)
    approve = interface("TestToken").encode("approve", PAYER.address, 50)
    take = interface("TestToken").encode("transferFrom", OWNER.address, MEMBERS[1].address, 50)
    slow_world.call(OWNER, "TestToken", bench.token, "mint", OWNER.address, 50)
    slow_world.transact(OWNER, bench.token, approve)
    await bench.sender.send("take", bench.token, take)
    (stuck,) = bench.waiting()
    slow_world.chain.mempool.drop(stuck)
    slow_world.transact(OWNER, bench.token, interface("TestToken").encode("approve", PAYER.address, 0))
    clock.now += 61
    await bench.sender.step()
    (empty,) = bench.waiting()
    assert (empty.nonce, empty.gas, empty.data) == (0, 21_000, b"")
    await bench.settle()
    row = journal.transactions.get("take")
    assert row is not None
    assert row.state == "cancelled"
    assert "pointless" in row.note
    await bench.send("next")
    assert [one.nonce for one in bench.waiting()] == [1]


@pytest.mark.parametrize("depth", [1, 2])
async def test_reorganisation__mined_block_is_gone__is_sent_again_and_once(bench: Bench, depth: int) -> None:
    tx_hash = await bench.send("a")
    before = bench.world.chain.head.number
    bench.world.chain.mine(depth)
    await bench.sender.step()
    assert bench.state("a") == "mined"
    bench.world.chain.rewind(before)
    for waiting in bench.waiting():
        bench.world.chain.mempool.drop(waiting)
    bench.world.chain.mine(depth)
    await bench.sender.step()
    assert bench.state("a") == "sent"
    assert [one.hash for one in bench.waiting()] == [tx_hash]
    await bench.settle()
    assert bench.state("a") == "final"
    assert bench.sent_by_payer() == 1


async def test_reorganisation__mined_again_elsewhere__is_followed_there(bench: Bench) -> None:
    await bench.send("a")
    (waiting,) = bench.waiting()
    before = bench.world.chain.head.number
    bench.world.chain.mine()
    await bench.sender.step()
    bench.world.chain.rewind(before)
    bench.world.chain.mine(1)
    if bench.world.chain.receipt(waiting.hash) is None:
        bench.world.chain.send(waiting.raw)
        bench.world.chain.mine()
    await bench.sender.step()
    row = bench.journal.transactions.get("a")
    assert row is not None
    assert row.state == "mined"
    assert row.block_number == bench.world.chain.mined_in(waiting.hash)
    await bench.settle()
    assert bench.state("a") == "final"


async def test_foreign_program__used_our_nonce__ours_is_sent_anew(bench: Bench) -> None:
    await bench.send("a")
    (ours,) = bench.waiting()
    bench.world.chain.mempool.drop(ours)
    bench.world.transact(PAYER, bench.token, bench.pay(2))
    bench.world.chain.mine(1)
    await bench.sender.step()
    assert bench.state("a") == "sent"
    bench.world.chain.mine(2)
    await bench.sender.step()
    await bench.sender.step()
    assert [one.nonce for one in bench.waiting()] == [1]
    await bench.settle()
    assert bench.state("a") == "final"


async def test_start__gap_left_by_a_foreign_transaction__is_filled(bench: Bench) -> None:
    foreign = PAYER.sign_transaction(
        {
            "type": 2,
            "chainId": SETTINGS.chain_id,
            "nonce": 0,
            "maxFeePerGas": 2 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            "gas": 100_000,
            "to": bench.token,
            "value": 0,
            "data": bench.pay(3),
        }
    )
    bench.world.chain.send(foreign.raw)
    await bench.send("a")
    assert [one.nonce for one in bench.waiting()] == [0, 1]
    bench.world.chain.mempool.drop(bench.waiting()[0])
    bench.restart()
    await bench.sender.step()
    assert [one.nonce for one in bench.waiting()] == [0, 1]
    await bench.settle()
    assert bench.state("a") == "final"
    assert bench.sent_by_payer() == 2


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from node.chain.client import Chain
from node.chain.sending.fees import Fees
from node.chain.endpoints.pool import RpcPool
from node.chain.sending.sender import Sender
from node.journal import Journal
from node.keys.signing import LocalSigner

directory, url, token, calldata, left = sys.argv[1:]
left = int(left)

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    signer = LocalSigner(bytes.fromhex(sys.stdin.readline()))
    with Journal(Path(directory)) as journal:
        async with RpcPool([url]) as pool:
            if left:
                journal._store.db.conn.set_trace_callback(count)
            sender = Sender(Chain(pool, token), signer, journal, Fees(10**11, 10**9))
            await sender.step()
            await sender.send("a", token, bytes.fromhex(calldata))

asyncio.run(main())
"""


async def test_kill_9__at_every_statement_of_a_send__is_one_transaction(slow_world: World, tmp_path: Path) -> None:
    with Journal(tmp_path / "unused") as unused:
        bench = Bench(slow_world, unused, Clock())
    key = dev_account(SETTINGS.seed, 2).key
    codes = []
    # Each run dies at a later statement of what is left to do; the last one lives.
    for statement in (3, 6, 7, 8, 0):
        arguments = [str(tmp_path / "state"), slow_world.rpc.url, bench.token, bench.pay().hex(), str(statement)]
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *arguments, stdin=PIPE)
        await process.communicate(key.hex().encode() + b"\n")
        codes.append(process.returncode)
        assert len(bench.waiting()) <= 1
    assert codes[-1] == 0
    assert codes.count(-9) >= 3
    slow_world.chain.mine(4)
    assert bench.sent_by_payer() == 1
    with Journal(tmp_path / "state") as journal:
        (row,) = journal.transactions.last(9)
        assert len(journal.transactions.attempts(row.id)) == 1
    stored = b"".join(file.read_bytes() for file in (tmp_path / "state").iterdir())
    assert key not in stored
    assert key.hex().encode() not in stored


async def test_send__chain_gone__stores_nothing_and_says_so(bench: Bench) -> None:
    await bench.world.rpc.aclose()
    with pytest.raises(ChainError, match="unreachable"):
        await bench.send("a")
    assert bench.journal.transactions.get("a") is None


async def test_run__endpoint_fails_for_a_while__goes_on(bench: Bench, monkeypatch: Any) -> None:
    calls = 0
    done = asyncio.Event()

    async def step() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ChainError("no endpoint answers")
        if calls == 2:
            raise JournalError("the disk is full")
        done.set()

    monkeypatch.setattr(bench.sender, "step", step)
    bench.sender._fees = Fees(max_fee=1, priority_fee=1, poll=0.0)
    task = asyncio.create_task(bench.sender.run())
    await asyncio.wait_for(done.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
