"""The on-chain road: votes of single members that agree take effect as a report does."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_abi import encode
from eth_utils import keccak

from node.voting.ballot import ballot
from node.voting.voter import GAS

WAD = 10**18
ROOT = keccak(b"artworks")
SIGNALS = [1, -2, 3]


def test_vote__quorum_agrees__takes_effect(world: Any) -> None:
    subscriber = world.subscriber()
    feed = world.open(subscriber.address, 1)
    world.vote(feed, 1, 20 * 10**15)
    world.vote(feed, 3, 26 * 10**15)
    assert world.oracle.feed(feed).checkpoint == 0
    world.vote(feed, 0, 25 * 10**15)
    voted, reported, heard = world.oracle.get_logs()
    checkpoint = world.head(feed)
    found = world.oracle.feed(feed)
    assert (found.answer, found.band, found.checkpoint) == (25 * 10**15, 2, checkpoint)
    assert [type(event).__name__ for event in (voted, reported, heard)] == ["Voted", "Reported", "Heard"]
    assert tuple(heard)[:8] == (subscriber.address, world.oracle.address, feed, checkpoint, 0, 2, 25 * 10**15, ROOT)
    assert reported.report_digest == voted.ballot
    assert reported.signers == 0b1011
    assert reported.config_digest == world.seats.config_digest
    assert reported.transmitter == world.seats.addresses[0]


def test_vote__ballot__is_the_hash_of_all_but_the_answer(world: Any) -> None:
    feed = world.open()
    world.vote(feed, 2, 7)
    (event,) = world.oracle.get_logs()
    signals_hash = keccak(b"".join(value.to_bytes(32, "big", signed=True) for value in SIGNALS))
    checkpoint = world.head(feed)
    types = ["bytes32", "uint256", "uint64", "bytes32", "bytes32", "bytes32"]
    fields = [world.seats.config_digest, feed, checkpoint, world.block_hash(checkpoint), signals_hash, ROOT]
    assert event.ballot == keccak(encode(types, fields))
    assert (event.feed, event.checkpoint, event.voter, event.answer) == (feed, checkpoint, world.seats.addresses[2], 7)


def test_vote__twice_by_one_member__is_refused(world: Any) -> None:
    feed = world.open()
    world.vote(feed, 0, 1)
    with boa.reverts("ballots: already voted"):
        world.vote(feed, 0, 1)
    with boa.reverts("ballots: already voted"):
        world.vote(feed, 0, 1, content_root=keccak(b"other"))


def test_vote__by_a_stranger__is_refused(world: Any) -> None:
    feed = world.open()
    with boa.reverts("committee: not a member"):
        world.vote(feed, 0, 1, sender=boa.env.generate_address())


@pytest.mark.parametrize("other", [{"signals": [1, -2]}, {"content_root": bytes(32)}, {"signals": [1, -2, 4]}])
def test_vote__ballots_differ__do_not_add_up(world: Any, other: dict[str, Any]) -> None:
    feed = world.open()
    world.vote(feed, 0, 5)
    world.vote(feed, 1, 5)
    world.vote(feed, 2, 5, **other)
    assert world.oracle.feed(feed).checkpoint == 0
    world.vote(feed, 3, 5)
    assert world.oracle.feed(feed).checkpoint == world.head(feed)


def test_vote__of_two_checkpoints__do_not_add_up(world: Any) -> None:
    feed = world.open()
    world.vote(feed, 0, 5)
    world.vote(feed, 1, 5)
    world.fast_forward(10)
    world.vote(feed, 2, 5)
    assert world.oracle.feed(feed).checkpoint == 0


def test_vote__of_two_feeds__do_not_add_up(world: Any) -> None:
    one, two = world.open(), world.open()
    for seat, feed in enumerate((one, two, one)):
        world.vote(feed, seat, 5)
    assert world.oracle.feed(one).checkpoint == world.oracle.feed(two).checkpoint == 0


def test_vote__of_an_earlier_committee__counts_for_nothing(world: Any) -> None:
    feed = world.open()
    world.vote(feed, 0, 5)
    world.vote(feed, 1, 5)
    successor = world.committee(4, b"successor")
    successor.keys[0] = world.seats.keys[2]
    world.seats = successor
    successor.install()
    world.vote(feed, 0, 5)
    assert world.oracle.feed(feed).checkpoint == 0


def test_vote__after_a_committee_change__starts_anew(world: Any) -> None:
    feed = world.open()
    world.vote(feed, 0, 5)
    world.seats.keys.reverse()
    world.seats.install()
    # the same member, now of another seat and another configuration, votes again
    for seat in (3, 0, 1):
        world.vote(feed, seat, 6)
    assert world.oracle.feed(feed).answer == 6


def test_vote__former_member__is_refused(world: Any) -> None:
    feed = world.open()
    former = world.seats.addresses[0]
    world.seats = world.committee(4, b"successor")
    world.seats.install()
    with boa.reverts("committee: not a member"):
        world.vote(feed, 0, 5, sender=former)


def test_vote__checkpoint_has_landed_by_transmit__is_refused(world: Any) -> None:
    feed = world.open()
    world.vote(feed, 0, 5)
    world.transmit(world.report(feed))
    with boa.reverts("feeds: checkpoint not newer"):
        world.vote(feed, 1, 5)


def test_transmit__checkpoint_has_landed_by_vote__is_refused(world: Any) -> None:
    feed = world.open()
    for seat in range(3):
        world.vote(feed, seat, 5)
    with boa.reverts("feeds: checkpoint not newer"):
        world.transmit(world.report(feed))
    with boa.reverts("feeds: checkpoint not newer"):
        world.vote(feed, 3, 5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"checkpoint": 1_000_013}, "feeds: not a checkpoint"),
        ({"checkpoint": 1_000_020}, "feeds: checkpoint not in the past"),
        ({"checkpoint": 999_990}, "feeds: checkpoint before opening"),
        ({"block_hash": keccak(b"fork")}, "block_history: other hash"),
    ],
)
def test_vote__unsuitable__is_refused(world: Any, change: dict[str, Any], reason: str) -> None:
    feed = world.open()
    with boa.reverts(reason):
        world.vote(feed, 0, 5, **change)


@pytest.mark.parametrize("answer", [2**127, -(2**127) - 1, 2**255 - 1])
def test_vote__answer_too_large__is_refused(world: Any, answer: int) -> None:
    feed = world.open()
    with boa.reverts("feeds: answer out of range"):
        world.vote(feed, 0, answer)


def test_vote__unknown_feed__is_refused(world: Any) -> None:
    feed = world.open()
    with boa.reverts("feeds: unknown feed"):
        world.oracle.vote(feed + 1, world.head(feed), bytes(32), 1, [], bytes(32), sender=world.seats.addresses[0])


def test_vote__committee_of_31__takes_21(make_world: Any) -> None:
    world = make_world(31)
    feed = world.open()
    answers = [(7 * seat) % 31 for seat in range(31)]
    for seat in range(10, 30):
        world.vote(feed, seat, answers[seat])
        assert world.oracle.feed(feed).checkpoint == 0
    world.vote(feed, 30, answers[30])
    assert world.oracle.feed(feed).answer == sorted(answers[10:])[10]


def test_vote__ballot__is_what_the_node_computes(world: Any) -> None:
    feed = world.open()
    world.vote(feed, 2, 7)
    (event,) = world.oracle.get_logs()
    checkpoint = world.head(feed)
    assert event.ballot == ballot(
        world.seats.config_digest, feed, checkpoint, world.block_hash(checkpoint), SIGNALS, ROOT
    )


def test_vote__the_one_that_takes_effect__costs_less_than_what_nodes_provide(make_world: Any) -> None:
    """An estimate that was made before the others' votes were mined knows nothing of median and callbacks."""
    world = make_world(31)
    collection, *others = burners = [world.subscriber() for _ in range(5)]
    for burner in burners:
        burner.behave(2)
    feed = world.open(collection.address, 1)
    for other in others:
        world.oracle.subscribe(feed, other.address)
    checkpoint, quorum = world.head(feed), world.seats.quorum
    for seat in range(quorum):
        last = {"gas": GAS} if seat == quorum - 1 else {}
        # Falling answers are the dearest to sort.
        world.oracle.vote(feed, checkpoint, world.block_hash(checkpoint), 10**15 * (31 - seat), list(range(16)), ROOT,
                          sender=world.seats.addresses[seat], **last)  # fmt: skip
    failed = world.events("CallbackFailed")
    used = world.oracle._computation.get_gas_used()
    assert len(failed) == 5
    assert world.oracle.feed(feed).checkpoint == checkpoint
    assert used + 100_000 < GAS  # what calldata and the transaction itself cost comes on top


def test_vote__of_a_committee_that_is_reinstated__counts_again_where_it_can_still_be_true(world: Any) -> None:
    """The same members under the same keys are the same configuration: what they said stands, if nothing landed since.

    A vote says what held at a checkpoint block, which no other committee changes; and one that landed a report
    meanwhile has closed every checkpoint before it.
    """
    feed = world.open()
    members = world.seats
    world.vote(feed, 0, 5)
    world.vote(feed, 1, 5)
    world.seats = world.committee(4, b"successor")
    world.seats.install()
    members.install()
    world.seats = members
    with boa.reverts("ballots: already voted"):
        world.vote(feed, 0, 6)  # nobody votes twice by coming back
    world.vote(feed, 2, 5)
    assert world.oracle.feed(feed).checkpoint == world.head(feed)


def test_vote__of_a_reinstated_committee_after_another_landed_a_report__is_refused(world: Any) -> None:
    feed = world.open()
    members = world.seats
    world.vote(feed, 0, 5)
    world.vote(feed, 1, 5)
    old = world.head(feed)
    world.seats = world.committee(4, b"successor")
    world.seats.install()
    world.transmit(world.report(feed))
    members.install()
    world.seats = members
    with boa.reverts("feeds: checkpoint not newer"):
        world.vote(feed, 2, 5, checkpoint=old)
