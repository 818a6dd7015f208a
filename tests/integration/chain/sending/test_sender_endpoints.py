"""The sender through endpoints that lie, lag or swallow, and with an account that runs dry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog

from node.chain.client import Chain
from node.chain.endpoints.pool import PoolSettings, RpcPool
from node.chain.failures import DisagreementError, UnpaidError, UnwitnessedError
from node.chain.sending.fees import Fees
from node.chain.sending.sender import Sender
from node.errors import ChainError, RevertError
from node.journal import Journal
from tests.integration.chain.proxy import Proxy
from tests.integration.chain.world import FEES, GWEI, MEMBERS, OWNER, PAYER, SETTINGS, Bench, Clock, World

ETHER = 10**18


class Front:
    """A bench whose pool asks proxies only: `proxies[0]` is the preferred endpoint."""

    def __init__(self, world: World, directory: Path, stack: AsyncExitStack) -> None:
        self.world, self.directory, self.stack = world, directory, stack
        self.clock = Clock()
        self.proxies: list[Proxy] = []

    async def bench(self, endpoints: int = 1, fees: Fees = FEES) -> Bench:
        for _ in range(endpoints):
            self.proxies.append(await Proxy(self.world.rpc.url).start())
            self.stack.push_async_callback(self.proxies[-1].aclose)
        urls = [proxy.url for proxy in self.proxies]
        pool = RpcPool(urls, PoolSettings(rounds=1, cooldown=0.0), clock=self.clock)
        self.stack.push_async_callback(pool.aclose)
        return Bench(self.world, self.stack.enter_context(Journal(self.directory)), self.clock, fees, pool)


@pytest.fixture
async def front(slow_world: World, tmp_path: Path) -> AsyncIterator[Front]:
    async with AsyncExitStack() as stack:
        yield Front(slow_world, tmp_path, stack)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


def drain(world: World, left: int) -> None:
    """Leave the payer with about `left` wei."""
    account = bytes.fromhex(PAYER.address[2:])
    world.chain.mine()
    value = world.chain.balance(account, world.chain.head) - left - 21_000 * 3 * GWEI
    give(world, PAYER, OWNER.address, value)


def give(world: World, signer: Any, to: str, value: int) -> None:
    fields = {
        "type": 2,
        "chainId": SETTINGS.chain_id,
        "nonce": world.chain.pending_nonce(bytes.fromhex(signer.address[2:])),
        "maxFeePerGas": 3 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "gas": 21_000,
        "to": to,
        "value": value,
        "data": b"",
    }
    world.chain.send(signer.sign_transaction(fields).raw)
    world.chain.mine()


async def test_empty_account__transaction_is_queued_said_and_sent_once_there_is_money(front: Front) -> None:
    bench = await front.bench()
    drain(front.world, 1_000 * GWEI)
    bench.world.chain.mine(3)
    with structlog.testing.capture_logs() as logs, pytest.raises(UnpaidError, match="enough to pay"):
        await bench.send("a")
    assert bench.state("a") == "queued"
    assert [told["event"] for told in logs if told["log_level"] == "error"] == [
        "the account is nearly empty: send it some ether"
    ]
    status: Any = bench.sender.status()
    assert status["low_balance"] is True
    assert status["waiting"]["queued"] == 1
    assert (status["counters"]["unpaid"], status["counters"]["low_balance"]) == (1, 1)
    for _ in range(3):
        await bench.sender.step()
        assert bench.state("a") == "queued"
    bench.restart()
    give(front.world, OWNER, PAYER.address, ETHER)
    await bench.sender.step()
    assert bench.state("a") == "sent"
    status = bench.sender.status()
    assert (status["low_balance"], status["waiting"]["queued"]) == (False, 0)
    await bench.settle()
    assert bench.state("a") == "final"


async def test_balance__below_what_was_asked_for__is_low_before_anything_is_sent(front: Front) -> None:
    bench = await front.bench(fees=Fees(100 * GWEI, GWEI, low_balance=2 * ETHER))
    await bench.sender.step()
    assert bench.sender.funds.low is False
    drain(front.world, ETHER)
    await bench.sender.step()
    assert bench.sender.funds.low is False  # it is not asked for at every look
    front.clock.now += 61
    for _ in range(3):
        await bench.sender.step()
        front.clock.now += 61
    assert bench.sender.funds.low is True
    assert bench.sender.counters["low_balance"] == 1
    await bench.send("a")  # low is a warning: it is sent as long as it can be paid
    give(front.world, OWNER, PAYER.address, 2 * ETHER)
    await bench.sender.step()
    assert bench.sender.funds.low is False


async def test_balance__endpoint_says_there_is_plenty__the_refusal_is_told_and_nothing_lost(front: Front) -> None:
    bench = await front.bench()
    drain(front.world, 1_000 * GWEI)
    front.world.chain.mine(3)
    front.proxies[0].twists["eth_getBalance"] = lambda *_: hex(100 * ETHER)
    await bench.send("a")
    assert bench.state("a") == "signed"
    assert not bench.waiting()
    assert bench.sender.counters["not_taken_unpaid"] == 1
    assert bench.sender.counters["unpaid"] == 1
    give(front.world, OWNER, PAYER.address, ETHER)
    await bench.sender.step()
    assert bench.state("a") == "sent"
    await bench.settle()
    assert bench.state("a") == "final"


async def test_balance__one_of_two_endpoints_denies_the_funds__is_sent(front: Front) -> None:
    bench = await front.bench(2)
    front.proxies[0].twists["eth_getBalance"] = lambda *_: "0x0"
    await bench.send("a")
    assert bench.state("a") == "sent"


async def test_broadcast__endpoint_swallows_it__another_one_gets_it_too(front: Front) -> None:
    bench = await front.bench(2)
    front.proxies[0].swallowed.add("eth_sendRawTransaction")
    tx_hash = await bench.send("a")
    assert [one.hash for one in bench.waiting()] == [tx_hash]
    assert [proxy.asked["eth_sendRawTransaction"] for proxy in front.proxies] == [1, 1]


async def test_broadcast__nobody_takes_it__is_signed_and_sent_when_somebody_does(front: Front) -> None:
    bench = await front.bench()
    front.proxies[0].twists["eth_sendRawTransaction"] = lambda *_: {"code": -32000, "message": "txpool is full"}
    front.proxies[0].swallowed.add("eth_sendRawTransaction")
    tx_hash = await bench.send("a")
    assert bench.state("a") == "signed"
    front.proxies[0].twists.clear()
    front.proxies[0].swallowed.clear()
    await bench.sender.step()
    assert bench.state("a") == "sent"
    assert [one.hash for one in bench.waiting()] == [tx_hash]


async def test_resubmit_storm__openzeppelin_relayer_818__waiting_is_not_handed_in_at_every_look(front: Front) -> None:
    bench = await front.bench()
    await bench.send("a")
    await bench.sender.step()  # the first look after a start hands everything in again
    asked = front.proxies[0].asked["eth_sendRawTransaction"]
    for _ in range(14):
        front.clock.now += 1
        await bench.sender.step()
    assert front.proxies[0].asked["eth_sendRawTransaction"] == asked
    front.clock.now += 2
    await bench.sender.step()
    assert front.proxies[0].asked["eth_sendRawTransaction"] == asked + 1


def forged_receipt(world: World) -> Any:
    block = world.chain.block(1)
    assert block is not None

    def receipt(params: list[Any], _: Any) -> Any:
        return {
            "transactionHash": params[0],
            "blockNumber": "0x1",
            "blockHash": "0x" + bytes(block.hash).hex(),
            "status": "0x1",
            "gasUsed": "0x1",
        }

    return receipt


async def test_receipt__forged_by_one_of_two__ends_nothing(front: Front) -> None:
    bench = await front.bench(2)
    await bench.send("a")
    front.proxies[0].twists["eth_getTransactionReceipt"] = forged_receipt(front.world)
    with pytest.raises(DisagreementError):
        await bench.sender.step()
    assert bench.state("a") == "sent"
    front.proxies[0].twists.clear()
    await bench.settle()
    assert bench.state("a") == "final"
    assert bench.sent_by_payer() == 1


async def test_nonce__one_of_two_says_it_is_used_up__is_not_sent_anew(front: Front) -> None:
    bench = await front.bench(2)
    tx_hash = await bench.send("a")
    front.proxies[0].twists["eth_getTransactionCount"] = lambda *_: "0x5"
    with pytest.raises(DisagreementError):
        await bench.sender.step()
    assert [one.hash for one in bench.waiting()] == [tx_hash]
    front.proxies[0].twists.clear()
    await bench.settle()
    assert bench.sent_by_payer() == 1


async def test_nonce__the_second_endpoint_is_down__is_not_given_up_on_one_word(front: Front) -> None:
    bench = await front.bench(2)
    await bench.send("a")
    front.proxies[1].down = True
    front.world.chain.mine(4)
    with pytest.raises(UnwitnessedError):
        await bench.sender.step()
    assert bench.state("a") == "sent"
    front.proxies[1].down = False
    await bench.sender.step()
    assert bench.state("a") == "final"


async def test_nonce__far_ahead_by_the_only_endpoint__leaves_it_queued(front: Front) -> None:
    bench = await front.bench()

    def ahead(params: list[Any], _: Any) -> str:
        return hex(2**40) if params[1] == "pending" else "0x0"

    front.proxies[0].twists["eth_getTransactionCount"] = ahead
    with pytest.raises(ChainError, match="a gap would cost too much"):
        await bench.send("a")
    assert bench.state("a") == "queued"
    front.proxies[0].twists.clear()
    await bench.sender.step()
    assert [one.nonce for one in bench.waiting()] == [0]


async def test_nonce__far_ahead_by_one_of_two__counts_for_nothing(front: Front) -> None:
    bench = await front.bench(2)

    def ahead(params: list[Any], _: Any) -> str:
        return "0x9" if params[1] == "pending" else "0x0"

    front.proxies[0].twists["eth_getTransactionCount"] = ahead
    await bench.send("a")
    assert [one.nonce for one in bench.waiting()] == [0]


async def test_start__endpoint_forgot_our_own_nonces__no_gap_is_filled(front: Front) -> None:
    bench = await front.bench()
    for key in "ab":
        await bench.send(key)
    await bench.settle()
    await bench.send("c")
    front.proxies[0].twists["eth_getTransactionCount"] = lambda *_: "0x0"
    bench.restart()
    await bench.sender.step()
    assert [one.nonce for one in bench.waiting()] == [2]
    assert not bench.sender.counters["gaps_filled"]
    front.proxies[0].twists.clear()
    await bench.settle()
    assert bench.state("c") == "final"


async def test_cancelled__because_endpoints_said_it_reverts__is_sent_when_it_does_not(front: Front) -> None:
    bench = await front.bench()
    bench.journal.transactions.queue("a", PAYER.address, bench.token, bench.pay(), 0, 100_000)
    front.proxies[0].twists["eth_estimateGas"] = lambda *_: {"code": 3, "message": "execution reverted: report: old"}
    await bench.sender.step()
    assert bench.state("a") == "cancelled"
    with pytest.raises(RevertError, match="report: old"):
        await bench.send("a")
    front.proxies[0].twists.clear()
    await bench.send("a")
    await bench.settle()
    assert bench.state("a") == "final"
    assert bench.sent_by_payer() == 1


async def test_queued__one_of_two_says_it_reverts__is_sent(front: Front) -> None:
    bench = await front.bench(2)
    bench.journal.transactions.queue("a", PAYER.address, bench.token, bench.pay(), 0, 100_000)
    front.proxies[0].twists["eth_estimateGas"] = lambda *_: {"code": 3, "message": "execution reverted"}
    await bench.sender.step()
    assert bench.state("a") == "sent"


@pytest.mark.parametrize("gas", [10_000_001, 2**60])
async def test_estimate__beyond_any_report__is_refused_before_it_is_queued(front: Front, gas: int) -> None:
    bench = await front.bench()
    front.proxies[0].twists["eth_estimateGas"] = lambda *_: hex(gas)
    with pytest.raises(ChainError, match="gas"):
        await bench.send("a")
    assert bench.journal.transactions.get("a") is None


async def test_key__of_another_account__is_left_to_it(front: Front) -> None:
    bench = await front.bench()
    await bench.send("a")
    other = Sender(Chain(bench.pool, bench.token), MEMBERS[1], bench.journal, FEES, clock=front.clock)
    with pytest.raises(ChainError, match=f"belongs to account {PAYER.address}"):
        await other.send("a", bench.token, bench.pay())
    await other.step()
    assert bench.state("a") == "sent"
    assert len(bench.waiting()) == 1


async def test_two_keys__in_one_journal__have_nonces_of_their_own(front: Front) -> None:
    bench = await front.bench()
    front.world.call(OWNER, "TestToken", bench.token, "mint", MEMBERS[1].address, 5)
    other = Sender(Chain(bench.pool, bench.token), MEMBERS[1], bench.journal, FEES, clock=front.clock)
    await bench.send("a")
    await other.send("b", bench.token, bench.pay())
    accounts = {bytes.fromhex(one.address[2:]) for one in MEMBERS[:2]}
    assert {(one.nonce, bytes(one.sender)) for one in bench.waiting()} == {(0, account) for account in accounts}
    await bench.settle()
    await other.step()
    assert bench.state("a") == bench.state("b") == "final"


async def test_two_copies__with_one_key_and_a_journal_each__every_key_takes_effect_once(
    front: Front, tmp_path: Path
) -> None:
    bench = await front.bench()
    with Journal(tmp_path / "other") as journal:
        copy = Sender(Chain(bench.pool, bench.token), PAYER, journal, FEES, clock=front.clock)
        for number in range(3):
            await bench.send(f"ours {number}")
            await copy.send(f"theirs {number}", bench.token, bench.pay())
        for _ in range(12):
            front.world.chain.mine()
            front.clock.now += 16
            await bench.sender.step()
            await copy.step()
        for number in range(3):
            assert bench.state(f"ours {number}") == "final"
            row = journal.transactions.get(f"theirs {number}")
            assert row is not None
            assert row.state == "final"
    assert bench.sent_by_payer() == 6
