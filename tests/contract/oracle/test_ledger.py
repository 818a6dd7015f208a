"""The ledger of work: what is told of each report, and one word that stands for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boa
import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WAD = 10**18
ZERO = "0x" + "00" * 20
GAS_PRICE = 7 * 10**9
REENTER = 3
CALLDATA_BYTE = 8
BASE = 21_000
FIELDS = ("feed", "checkpoint", "number", "observers", "signers", "transmitter", "gas_used", "gas_price")
TYPES = ["bytes32", "uint256", "uint64", "uint256", "uint256", "uint256", "address", "uint256", "uint256"]


def seed(world: Any) -> bytes:
    return keccak(encode(["uint256", "address"], [boa.env.evm.patch.chain_id, world.oracle.address]))


def replay(head: bytes, records: Sequence[Any]) -> bytes:
    """The head after these `Worked` events, as who pays for work computes it."""
    for record in records:
        head = keccak(encode(TYPES, [head, *(getattr(record, name) for name in FIELDS)]))
    return head


def end_transaction() -> None:
    """Every call is a transaction; the test chain keeps transient storage from one to the next, which no chain does."""
    boa.env.evm.vm.state.clear_transient_storage()


@pytest.fixture
def staked(world: Any) -> Any:
    world.stake()
    return world


@pytest.fixture(autouse=True)
def gas_price(monkeypatch: pytest.MonkeyPatch) -> None:
    end_transaction()
    monkeypatch.setattr(boa.env, "_gas_price", GAS_PRICE)


def test_ledger__new_oracle__begins_with_a_seed_of_its_own(world: Any, deployers: Any) -> None:
    assert world.oracle.ledger() == seed(world)
    assert deployers["StrategyOracle"].deploy().ledger() != seed(world)


def test_transmit__numbered_configuration__is_recorded(staked: Any) -> None:
    feed = staked.open()
    report = staked.report(feed, [1, 2, 3], observers=0b1101)
    transmitter = boa.env.generate_address()
    staked.oracle.transmit(report.abi, *staked.seats.sign(report, [0, 1, 3]), sender=transmitter)
    reported, worked = staked.oracle.get_logs()
    assert [type(event).__name__ for event in (reported, worked)] == ["Reported", "Worked"]
    assert (worked.feed, worked.checkpoint, worked.number) == (feed, report.checkpoint, 1)
    assert (worked.observers, worked.signers, worked.transmitter) == (0b1101, 0b1011, transmitter)
    assert worked.gas_price == GAS_PRICE
    assert staked.oracle.ledger() == replay(seed(staked), [worked])


def test_transmit__committee_of_the_owner__is_not_recorded(world: Any) -> None:
    world.transmit(world.report(world.open()))
    assert [type(event).__name__ for event in world.oracle.get_logs()] == ["Reported"]
    assert world.oracle.ledger() == seed(world)


def test_transmit__under_the_previous_configuration__is_recorded_under_its_number(staked: Any) -> None:
    feed = staked.open()
    report = staked.report(feed)
    before = staked.change(7, b"successor")
    staked.transmit_previous(report, before)
    (worked,) = staked.events("Worked")
    assert (worked.number, worked.observers, worked.signers) == (1, 0b111, 0b111)
    assert staked.oracle.ledger() == replay(seed(staked), [worked])


def test_transmit__under_a_previous_committee_of_the_owner__is_not_recorded(world: Any) -> None:
    report = world.report(world.open())
    before, world.seats = world.seats, world.committee(4, b"successor")
    world.stake()
    world.transmit_previous(report, before)
    assert world.events("Worked") == []
    assert world.oracle.ledger() == seed(world)


def test_vote__numbered_configuration__records_the_voters_once(staked: Any) -> None:
    feed = staked.open()
    for seat in (3, 0):
        staked.vote(feed, seat, 5)
        assert staked.events("Worked") == []
    staked.vote(feed, 1, 5)
    (worked,) = staked.events("Worked")
    assert tuple(getattr(worked, name) for name in FIELDS) == (
        feed,
        staked.head(feed),
        1,
        0b1011,
        0b1011,
        ZERO,
        0,
        0,
    )
    assert staked.oracle.ledger() == replay(seed(staked), [worked])


def test_vote__committee_of_the_owner__is_not_recorded(world: Any) -> None:
    feed = world.open()
    for seat in range(3):
        world.vote(feed, seat, 5)
    assert world.oracle.feed(feed).answer == 5
    assert world.events("Worked") == []
    assert world.oracle.ledger() == seed(world)


def test_transmit__refused__leaves_the_ledger_as_it_was(staked: Any) -> None:
    feed = staked.open()
    staked.transmit(staked.report(feed))
    before = staked.oracle.ledger()
    with boa.reverts("feeds: checkpoint not newer"):
        staked.transmit(staked.report(feed))
    assert staked.oracle.ledger() == before


# gas


def test_transmit__gas_told__is_a_little_less_than_it_cost(staked: Any) -> None:
    """What is measured ends before the record is written: its hash, its word and its event come on top."""
    feed = staked.open(staked.subscriber().address, 1)
    for _ in range(2):
        end_transaction()
        staked.fast_forward(10)
        report = staked.report(feed)
        staked.transmit(report)
        (worked,) = staked.events("Worked")
        execution = staked.oracle._computation.get_gas_used()
        told = worked.gas_used - BASE - CALLDATA_BYTE * len(staked.calldata(report))
        assert 4_000 < execution - told < 12_000


def test_transmit__many_in_one_transaction__count_its_base_price_once(staked: Any, deployers: Any) -> None:
    relay = deployers["Relay"].deploy()
    feeds = [staked.open() for _ in range(3)]
    reports = [staked.report(feed) for feed in feeds]
    with boa.env.anchor():
        relay.relay(staked.oracle.address, [staked.calldata(report) for report in reports])
        together = [record for record in relay.get_logs() if type(record).__name__ == "Worked"]
        assert staked.oracle.ledger() == replay(seed(staked), together)
    apart = []
    for report in reports:
        end_transaction()
        staked.transmit(report)
        apart += staked.events("Worked")
    assert [one.transmitter for one in together] == [relay.address] * 3
    less = [alone.gas_used - bundled.gas_used for alone, bundled in zip(apart, together, strict=True)]
    # later ones find the oracle's words warm besides
    assert less[0] < 5_000
    assert all(BASE <= saved < BASE + 12_000 for saved in less[1:])


def test_incident__padded_calldata_inflates_a_refund__nothing_is_recorded(staked: Any) -> None:
    feed = staked.open()
    data = staked.calldata(staked.report(feed))
    for padding in (1, 32, 10_000):
        assert not staked.send(data + b"\xff" * padding)
    assert staked.oracle.ledger() == seed(staked)
    staked.transmit(staked.report(feed))
    (worked,) = staked.events("Worked")
    assert worked.gas_used < staked.oracle._computation.get_gas_used() + BASE + CALLDATA_BYTE * len(data)


# callbacks


def test_ledger__during_a_report__cannot_be_read(staked: Any) -> None:
    """Who lets go of funds only while all is settled must not be asked between a report and its record."""
    subscriber = staked.subscriber()
    feed = staked.open(subscriber.address, 1)
    subscriber.behave(REENTER, staked.oracle.ledger.prepare_calldata())
    staked.transmit(staked.report(feed))
    assert [event.subscriber for event in staked.events("CallbackFailed")] == [subscriber.address]
    assert not subscriber.reentered()
    (worked,) = staked.events("Worked")
    assert staked.oracle.ledger() == replay(seed(staked), [worked])


def test_transmit__subscriber_brings_another_report__records_stand_in_the_order_of_events(staked: Any) -> None:
    subscriber = staked.subscriber()
    first, second = staked.open(subscriber.address, 1), staked.open()
    data = staked.calldata(staked.report(second))
    subscriber.behave(REENTER, data)
    staked.transmit(staked.report(first))
    records = staked.events("Worked")
    assert [record.feed for record in records] == [first]
    assert staked.oracle.feed(second).checkpoint == 0
    assert staked.send(data)
    # the same report once more, now with its own checkpoint behind it
    staked.land(first, 7)
    assert len(staked.events("CallbackFailed")) == 1
    head = replay(seed(staked), records)
    assert staked.oracle.ledger() != head


MOVES = st.one_of(
    st.tuples(st.just("report"), st.integers(0, 1), st.booleans()),
    st.tuples(st.just("votes"), st.integers(0, 1)),
    st.tuples(st.just("change"), st.sampled_from([1, 4, 7])),
    st.tuples(st.just("owner"), st.sampled_from([1, 4])),
    st.tuples(st.just("wait"), st.sampled_from([1_799, 1_801])),
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(moves=st.lists(MOVES, min_size=4, max_size=14))
def test_ledger__any_sequence__equals_the_replay_of_its_events(make_world: Any, moves: list[tuple[Any, ...]]) -> None:
    with boa.env.anchor():
        world = make_world(4)
        feeds = [world.open(world.subscriber().address, 1), world.open()]
        staking, head, generation = boa.env.generate_address(), seed(world), 0
        # the previous committee, its number, and until when it counts; the present one's number
        before, before_number, until, number, numbered = None, 0, 0, 0, 0
        for kind, *details in moves:
            now = boa.env.evm.patch.timestamp
            if kind == "wait":
                boa.env.time_travel(seconds=details[0])
                continue
            if kind in ("change", "owner"):
                generation += 1
                before, before_number, until = world.seats, number, now + 3_600
                world.seats = world.committee(details[0], b"generation %d" % generation)
                world.oracle.set_staking(staking if kind == "change" else ZERO)
                if kind == "change":
                    number = numbered = numbered + 1
                    assert world.seats.install_numbered() == number
                else:
                    number = 0
                    world.seats.install()
                continue
            feed = feeds[details[0]]
            boa.env.time_travel(blocks=10, block_delta=0)
            if kind == "votes":
                for seat in range(world.seats.quorum):
                    world.vote(feed, seat, 5)
                expected = number
            else:
                report = world.report(feed, None)
                under_previous = before is not None and details[1] and now < until
                seats = before if under_previous else world.seats
                report = world.report(feed, [3] * seats.quorum)
                if under_previous:
                    world.transmit_previous(report, seats)
                else:
                    world.transmit(report)
                expected = before_number if under_previous else number
            records = world.events("Worked")
            assert [record.number for record in records] == ([expected] if expected else [])
            head = replay(head, records)
            assert world.oracle.ledger() == head
