"""Callbacks hear of every report with exactly their gas, and can do nothing against it."""

from __future__ import annotations

from typing import Any

import boa
import pytest

WAD = 10**18
CAP = 100_000
REVERT, BURN, REENTER, READ = 1, 2, 3, 4
# PUSH3 131072, PUSH0, RETURN or REVERT: 128 KiB of zeros, which 45,056 gas of memory pay for.
RETURN_BOMB = bytes.fromhex("620200005ff3")
REVERT_BOMB = bytes.fromhex("620200005ffd")
QUIET = bytes.fromhex("00")
PLAIN_REVERT = bytes.fromhex("5f5ffd")


def audience(world: Any, subscribers: int = 4) -> tuple[int, Any, list[Any]]:
    """A feed with a collection and subscribers, all of them recording contracts."""
    collection = world.subscriber()
    feed = world.open(collection.address, 7)
    others = [world.subscriber() for _ in range(subscribers)]
    for other in others:
        world.oracle.subscribe(feed, other.address)
    return feed, collection, others


def forget_accesses(world: Any) -> None:
    """Makes cold all but what a transaction begins with warm (EIP-2929)."""
    database = boa.env.evm.vm.state._account_db
    database._journal_accessed_state.clear()
    for account in (*range(1, 18), int(world.oracle.address, 16)):
        database.mark_address_warm(account.to_bytes(20, "big"))


def own_gas(world: Any) -> int:
    """What the oracle itself spent in its last call, calls to others left out."""
    computation = world.oracle._computation
    return int(computation.get_gas_used() - sum(child.get_gas_used() for child in computation.children))


def test_callback__report__is_told_to_the_collection_first_then_in_order(world: Any) -> None:
    feed, collection, others = audience(world)
    report = world.report(feed)
    world.transmit(report)
    heard = world.events("Heard")
    assert [event.address for event in heard] == [contract.address for contract in (collection, *others)]
    for event in heard:
        assert (event.caller, event.feed, event.checkpoint) == (world.oracle.address, feed, report.checkpoint)
        assert (event.previous_band, event.band, event.answer) == (0, 1, 15 * 10**15)
        assert event.content_root == report.content_root


def test_callback__state__is_settled_before(world: Any) -> None:
    feed, collection, others = audience(world, 1)
    for contract in (collection, *others):
        contract.behave(READ)
    world.transmit(world.report(feed))
    assert world.events("CallbackFailed") == []
    assert len(world.events("Heard")) == 2


def test_callback__feed_without_a_collection__tells_subscribers(world: Any) -> None:
    feed = world.open()
    subscriber = world.subscriber()
    world.oracle.subscribe(feed, subscriber.address)
    world.transmit(world.report(feed))
    assert [event.address for event in world.events("Heard")] == [subscriber.address]


def test_callback__content_root_zero__is_told_too(world: Any) -> None:
    feed, _, _ = audience(world, 0)
    world.transmit(world.report(feed, content_root=bytes(32)))
    assert [event.content_root for event in world.events("Heard")] == [bytes(32)]


@pytest.mark.parametrize("mode", [REVERT, BURN])
@pytest.mark.parametrize("position", [0, 1, 4])
def test_callback__one_subscriber_fails__the_others_still_hear(world: Any, mode: int, position: int) -> None:
    feed, collection, others = audience(world)
    everyone = [collection, *others]
    everyone[position].behave(mode)
    world.transmit(world.report(feed))
    assert [event.subscriber for event in world.events("CallbackFailed")] == [everyone[position].address]
    heard = [event.address for event in world.events("Heard")]
    assert heard == [contract.address for contract in everyone if contract is not everyone[position]]
    assert world.oracle.feed(feed).band == 1


def test_callback__all_fail__the_report_lands(world: Any) -> None:
    feed, collection, others = audience(world)
    for contract in (collection, *others):
        contract.behave(BURN)
    world.transmit(world.report(feed))
    burnt = [child.get_gas_used() for child in world.oracle._computation.children if child.is_error]
    assert len(world.events("CallbackFailed")) == 5
    assert world.oracle.feed(feed).band == 1
    assert burnt == [CAP] * 5


@pytest.mark.parametrize(("bomb", "quiet"), [(RETURN_BOMB, QUIET), (REVERT_BOMB, PLAIN_REVERT)])
def test_callback__returns_a_bomb__costs_the_oracle_nothing(world: Any, bomb: bytes, quiet: bytes) -> None:
    feed, collection, _ = audience(world, 0)
    world.land(feed, WAD // 50)
    spent = []
    for code in (quiet, bomb):
        boa.env.set_code(collection.address, code)
        boa.env.time_travel(blocks=10)
        report = world.report(feed)
        forget_accesses(world)
        with boa.env.anchor():
            world.transmit(report)
            spent.append(own_gas(world))
            children = [child.get_gas_used() for child in world.oracle._computation.children]
    assert max(children) > 45_000
    # block numbers apart, which are words of equal cost, nothing differs
    assert abs(spent[1] - spent[0]) < 200


def test_callback__gas_limit_is_just_enough__everyone_gets_the_whole_cap(world: Any) -> None:
    """EIP-150: below the smallest limit that lands a report nothing happens, at it nobody is starved."""
    feed, _, _ = audience(world)
    report = world.report(feed)
    signers, signatures = world.seats.sign(report)

    def lands(gas: int) -> list[int]:
        forget_accesses(world)
        with boa.env.anchor():
            try:
                world.oracle.transmit(report.abi, signers, signatures, gas=gas)
            except boa.BoaError:
                assert world.oracle.feed(feed).checkpoint == 0
                return []
            assert world.events("CallbackFailed") == []
            return [event.gas for event in world.events("Heard")]

    plenty = lands(5_000_000)
    assert len(set(plenty)) == 1
    # what the subscriber sees is the cap, less its own way to its first instruction
    assert CAP - 1_000 < plenty[0] < CAP
    low, high = 30_000, 5_000_000
    while high - low > 1:
        middle = (low + high) // 2
        if lands(middle):
            high = middle
        else:
            low = middle
    for gas in (high, high + 1, high + 50, high + 500, high + 3_000, high + 100_000):
        assert lands(gas) == plenty
    assert all(not lands(gas) for gas in (low, low - 50, low - 5_000, low - 100_000))


# re-entry: a lock that does not hold across functions (Curve and Vyper, 2023)


def trap(world: Any, entry: str) -> tuple[int, Any, Any, bytes]:
    """A feed whose collection owns the oracle and has a seat, a report for it, and calldata that it may send itself."""
    collection = world.subscriber()
    feed = world.open(collection.address, 7)
    other = world.subscriber()
    world.oracle.subscribe(feed, other.address)
    # What is sent again is of another feed: for the same one, nothing from before its landing is taken any more.
    second = world.open(other.address, 8)
    oracle = world.oracle
    addresses = [*world.seats.addresses[:3], collection.address]
    oracle.set_committee(addresses, world.seats.transport)
    oracle.transfer_ownership(collection.address)
    oracle.accept_ownership(sender=collection.address)
    type(world.seats).addresses = property(lambda self: addresses)  # type: ignore[method-assign]
    first, later = world.report(feed), world.report(second)
    vault = world.vault()
    if entry == "install":
        oracle.set_staking(collection.address, sender=collection.address)
    calls = {
        "transmit": lambda: world.calldata(later),
        "vote": lambda: oracle.vote.prepare_calldata(second, later.checkpoint, later.block_hash, 1, [], bytes(32)),
        "set_committee": lambda: oracle.set_committee.prepare_calldata(addresses[::-1], world.seats.transport),
        "set_staking": lambda: oracle.set_staking.prepare_calldata(other.address),
        # Nobody: for a committee of somebody a callback has not gas enough, whether or not the lock holds.
        "install": lambda: oracle.install.prepare_calldata([], []),
        "ledger": lambda: oracle.ledger.prepare_calldata(),
        "set_opener": lambda: oracle.set_opener.prepare_calldata(other.address, True),
        "open_feed": lambda: oracle.open_feed.prepare_calldata(vault.address, world.policy(), other.address, 1),
        "subscribe": lambda: oracle.subscribe.prepare_calldata(feed, vault.address),
        "unsubscribe": lambda: oracle.unsubscribe.prepare_calldata(feed, other.address),
    }
    return feed, collection, first, bytes(calls[entry]())


ENTRIES = [
    "transmit",
    "vote",
    "set_committee",
    "set_staking",
    "install",
    # Whoever read it here would miss the very record that comes next, and might let go of what it has to pay.
    "ledger",
    "set_opener",
    "open_feed",
    "subscribe",
    "unsubscribe",
]


@pytest.fixture
def own_addresses(world: Any) -> Any:
    """Lets a test seat a contract, and gives the harness its own addresses back."""
    original = type(world.seats).addresses
    yield
    type(world.seats).addresses = original


@pytest.mark.usefixtures("own_addresses")
@pytest.mark.parametrize("entry", ENTRIES)
def test_incident__lock_does_not_hold_across_functions__re_entry_is_refused(world: Any, entry: str) -> None:
    feed, collection, report, data = trap(world, entry)
    before = world.oracle.config_digest(), world.oracle.feed_count(), world.oracle.subscribers(feed)
    collection.behave(REENTER, data)
    world.transmit(report)
    assert [event.subscriber for event in world.events("CallbackFailed")] == [collection.address]
    assert not collection.reentered()
    assert world.oracle.feed(feed).checkpoint == report.checkpoint
    assert (world.oracle.config_digest(), world.oracle.feed_count(), world.oracle.subscribers(feed)) == before


@pytest.mark.usefixtures("own_addresses")
@pytest.mark.parametrize("entry", ENTRIES)
def test_re_entry__same_call_from_outside__is_taken(world: Any, entry: str) -> None:
    """What the lock refuses above would be allowed to the very same caller at any other time."""
    _, collection, report, data = trap(world, entry)
    world.transmit(report)
    assert world.send(data, sender=collection.address)


@pytest.mark.usefixtures("own_addresses")
@pytest.mark.parametrize("entry", ENTRIES)
def test_re_entry__from_the_effect_of_a_vote__is_refused(world: Any, entry: str) -> None:
    feed, collection, report, data = trap(world, entry)
    collection.behave(REENTER, data)
    for seat in range(3):
        world.vote(feed, seat, 5, checkpoint=report.checkpoint)
    assert [event.subscriber for event in world.events("CallbackFailed")] == [collection.address]
    assert not collection.reentered()
