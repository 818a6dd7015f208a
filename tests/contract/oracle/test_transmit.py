"""A report of a quorum takes effect; whatever is not exactly that changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boa
import pytest
from eth_utils import keccak

WAD = 10**18
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 2 * HALF_ORDER + 1


def state(world: Any, feed: int) -> Any:
    return world.oracle.feed(feed)


def refuse(world: Any, report: Any, reason: str, signed: tuple[int, bytes] | None = None) -> None:
    """The report reverts for this reason, and the feed stays as it was."""
    before = state(world, report.feed) if report.feed <= world.oracle.feed_count() else None
    with boa.reverts(reason):
        world.oracle.transmit(report.abi, *(signed or world.seats.sign(report)))
    if before is not None:
        assert state(world, report.feed) == before


def test_transmit__good_report__stores_answer_band_and_times(world: Any) -> None:
    feed = world.open()
    report = world.report(feed, [12 * 10**15, 15 * 10**15, 400 * 10**15])
    world.transmit(report)
    found = state(world, feed)
    assert (found.answer, found.band, found.checkpoint) == (15 * 10**15, 1, report.checkpoint)
    assert found.updated_block == boa.env.evm.patch.block_number
    assert found.updated_at == boa.env.evm.patch.timestamp
    assert world.oracle.band(feed) == 1
    latest = world.oracle.latest(feed)
    assert (latest.answer, latest.checkpoint, latest.band) == (found.answer, found.checkpoint, found.band)
    assert (latest.updated_at, latest.updated_block) == (found.updated_at, found.updated_block)


def test_transmit__good_report__tells_everything_in_one_event(world: Any) -> None:
    feed = world.open()
    report = world.report(feed, [25 * 10**15] * 4)
    transmitter = boa.env.generate_address()
    signers, signatures = world.seats.sign(report, [0, 2, 3])
    world.oracle.transmit(report.abi, signers, signatures, sender=transmitter)
    (event,) = world.oracle.get_logs()
    assert type(event).__name__ == "Reported"
    assert (event.feed, event.checkpoint) == (feed, report.checkpoint)
    assert event.config_digest == world.seats.config_digest
    assert event.report_digest == world.seats.digest(report)
    assert (event.answer, event.previous_band, event.band) == (25 * 10**15, 0, 2)
    assert (event.content_root, event.signers, event.transmitter) == (report.content_root, 0b1101, transmitter)


def test_transmit__anyone_sends__lands(world: Any) -> None:
    feed = world.open()
    world.transmit(world.report(feed), sender=boa.env.generate_address())
    assert state(world, feed).checkpoint != 0


@pytest.mark.parametrize(
    ("n", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (8, 6), (9, 6), (13, 9), (31, 21)]
)
def test_transmit__committee_of_n__wants_exactly_its_quorum(make_world: Any, n: int, quorum: int) -> None:
    world = make_world(n)
    assert world.oracle.quorum() == quorum
    feed = world.open()
    report = world.report(feed, [WAD // 50] * n)
    # One signature more than the largest quorum's does not even decode.
    for count in {quorum - 1, quorum + 1} - {0, n + 1, 22}:
        refuse(world, report, "oracle: not exactly a quorum", world.seats.sign(report, range(count)))
    few = world.report(feed, [WAD // 50] * (quorum - 1))
    refuse(world, few, "oracle: too few observations", world.seats.sign(few, range(quorum)))
    # the last seats sign, so that every place of the roster is read
    world.oracle.transmit(report.abi, *world.seats.sign(report, range(n - quorum, n)))
    assert state(world, feed).band == 1


def test_transmit__median__is_the_lower_one(world: Any) -> None:
    feed = world.open()
    world.transmit(world.report(feed, [1, 2, 3, 4]))
    assert state(world, feed).answer == 2


def test_transmit__negative_answer__is_stored_with_its_sign(world: Any) -> None:
    feed = world.open(thresholds=[-WAD // 10, WAD // 10])
    assert state(world, feed).band == 1
    world.transmit(world.report(feed, [-WAD // 2] * 3))
    assert (state(world, feed).answer, state(world, feed).band) == (-WAD // 2, 0)


def test_transmit__same_answer_of_several_observers__is_no_disorder(world: Any) -> None:
    feed = world.open()
    world.transmit(world.report(feed, [5, 5, 5, 7]))
    assert state(world, feed).answer == 5


def test_transmit__sixteen_signals__land_and_seventeen_do_not(world: Any) -> None:
    feed = world.open()
    refused = world.report(feed, signals=tuple(range(17)))
    with boa.reverts():
        world.transmit(refused)
    world.transmit(replace(refused, signals=tuple(range(16))))


def test_transmit__no_signals__lands(world: Any) -> None:
    feed = world.open()
    world.transmit(world.report(feed, signals=()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"observations": (3, 2, 4)}, "oracle: observations not ascending"),
        ({"observers": 0b1111}, "oracle: observers do not match observations"),
        ({"observers": 0b0011}, "oracle: observers do not match observations"),
        ({"observers": 0b10011}, "oracle: not a member"),
        ({"observers": 1 << 255 | 0b11}, "oracle: not a member"),
        ({"observers": 0b11, "observations": (1, 2)}, "oracle: too few observations"),
        ({"observers": 0, "observations": ()}, "oracle: too few observations"),
        ({"observations": (2**127,) * 3}, "feeds: answer out of range"),
        ({"observations": (-(2**127) - 1,) * 3}, "feeds: answer out of range"),
        ({"block_hash": keccak(b"fork")}, "block_history: other hash"),
    ],
)
def test_transmit__unsuitable_report__is_refused(world: Any, change: dict[str, Any], reason: str) -> None:
    feed = world.open()
    refuse(world, replace(world.report(feed), **change), reason)


def test_transmit__extreme_answers__still_fit(world: Any) -> None:
    feed = world.open()
    world.transmit(world.report(feed, [2**127 - 1] * 3))
    assert (state(world, feed).answer, state(world, feed).band) == (2**127 - 1, 5)
    world.land(feed, -(2**127))
    assert (state(world, feed).answer, state(world, feed).band) == (-(2**127), 0)


@pytest.mark.parametrize("feed", [0, 2, 2**256 - 1])
def test_transmit__unknown_feed__is_refused(world: Any, feed: int) -> None:
    report = replace(world.report(world.open()), feed=feed)
    with boa.reverts("feeds: unknown feed"):
        world.transmit(report)


def test_transmit__no_committee_yet__is_refused(world: Any, deployers: Any) -> None:
    report = world.report(world.open())
    empty = deployers["StrategyOracle"].deploy()
    with boa.reverts("committee: not set"):
        empty.transmit(report.abi, *world.seats.sign(report))


# checkpoints


def test_transmit__checkpoint_between_cadences__is_refused(world: Any) -> None:
    feed = world.open()
    checkpoint = world.head(feed) - 1
    report = replace(world.report(feed), checkpoint=checkpoint, block_hash=world.block_hash(checkpoint))
    refuse(world, report, "feeds: not a checkpoint")


def test_transmit__checkpoint_is_the_current_block__is_refused(world: Any) -> None:
    feed = world.open()
    now = boa.env.evm.patch.block_number
    refuse(world, replace(world.report(feed), checkpoint=now), "feeds: checkpoint not in the past")


def test_transmit__checkpoint_in_the_future__is_refused(world: Any) -> None:
    feed = world.open()
    later = boa.env.evm.patch.block_number + 10
    refuse(world, replace(world.report(feed), checkpoint=later), "feeds: checkpoint not in the past")


def test_transmit__checkpoint_before_the_feed_was_opened__is_refused(world: Any) -> None:
    feed = world.open()
    earlier = state(world, feed).opened_at - 10
    report = replace(world.report(feed), checkpoint=earlier, block_hash=world.block_hash(earlier))
    refuse(world, report, "feeds: checkpoint before opening")


def test_transmit__checkpoint_is_the_block_of_opening__lands(world: Any) -> None:
    feed = world.open()
    opened = state(world, feed).opened_at
    assert opened % 10 == 0
    world.transmit(replace(world.report(feed), checkpoint=opened, block_hash=world.block_hash(opened)))
    assert state(world, feed).checkpoint == opened


def test_transmit__same_checkpoint_twice__only_the_first_lands(world: Any) -> None:
    feed = world.open()
    world.transmit(world.report(feed, [1, 1, 1]))
    refuse(world, world.report(feed, [9, 9, 9]), "feeds: checkpoint not newer")


def test_transmit__older_checkpoint_after_a_newer__is_refused(world: Any) -> None:
    feed = world.open()
    newer = world.report(feed)
    older = replace(newer, checkpoint=newer.checkpoint - 10, block_hash=world.block_hash(newer.checkpoint - 10))
    world.transmit(newer)
    refuse(world, older, "feeds: checkpoint not newer")


# signatures


def test_transmit__surplus_signature__is_refused(world: Any) -> None:
    report = world.report(world.open())
    refuse(world, report, "oracle: not exactly a quorum", world.seats.sign(report, [0, 1, 2, 3]))


def test_transmit__missing_signature__is_refused(world: Any) -> None:
    report = world.report(world.open())
    refuse(world, report, "oracle: not exactly a quorum", world.seats.sign(report, [0, 1]))


def test_transmit__fewer_signatures_than_the_bitmap_says__is_refused(world: Any) -> None:
    report = world.report(world.open())
    signers, signatures = world.seats.sign(report)
    refuse(world, report, "oracle: signatures do not match signers", (signers, signatures[:-64]))


def test_transmit__unordered_signatures__are_refused(world: Any) -> None:
    report = world.report(world.open())
    _, signatures = world.seats.sign(report, [1, 0, 2])
    refuse(world, report, "oracle: wrong signature", (0b111, signatures))


def test_transmit__one_signature_three_times__is_refused(world: Any) -> None:
    report = world.report(world.open())
    _, signatures = world.seats.sign(report, [0])
    refuse(world, report, "oracle: wrong signature", (0b111, signatures * 3))


def test_transmit__signer_outside_the_committee__is_refused(world: Any) -> None:
    report = world.report(world.open())
    _, signatures = world.seats.sign(report)
    refuse(world, report, "oracle: not a member", (0b10011, signatures))


def test_transmit__signature_of_a_stranger__is_refused(world: Any) -> None:
    report = world.report(world.open())
    strangers = world.committee(4, b"stranger")
    strangers.keys[0:2] = world.seats.keys[0:2]
    digest = world.seats.digest(report)
    signatures = b"".join(
        signature.r.to_bytes(32, "big") + (signature.v << 255 | signature.s).to_bytes(32, "big")
        for signature in (key.sign_msg_hash(digest) for key in strangers.keys[:3])
    )
    refuse(world, report, "oracle: wrong signature", (0b111, signatures))


@pytest.mark.parametrize(
    ("s", "reason"),
    [
        (HALF_ORDER + 1, "oracle: high s"),
        (2**255 - 1, "oracle: high s"),
        (HALF_ORDER, "oracle: wrong signature"),
    ],
)
def test_transmit__s_above_half_the_order__is_refused(world: Any, s: int, reason: str) -> None:
    report = world.report(world.open())
    signers, signatures = world.seats.sign(report)
    refuse(world, report, reason, (signers, signatures[:32] + s.to_bytes(32, "big") + signatures[64:]))


def test_transmit__mirrored_signature__is_refused(world: Any) -> None:
    report = world.report(world.open())
    signers, signatures = world.seats.sign(report)
    compact = int.from_bytes(signatures[32:64], "big")
    parity, s = compact >> 255, compact & (2**255 - 1)
    mirrored = ((1 - parity) << 255 | (ORDER - s) & (2**255 - 1)).to_bytes(32, "big")
    for forged in (mirrored, (compact ^ 1 << 255).to_bytes(32, "big")):
        with boa.reverts():
            world.oracle.transmit(report.abi, signers, signatures[:32] + forged + signatures[64:])
    assert state(world, report.feed).checkpoint == 0


# calldata


def test_transmit__calldata__is_exactly_as_long_as_its_content(world: Any) -> None:
    report = world.report(world.open())
    data = world.calldata(report)
    for changed in (data + bytes(32), data + b"\1", data + bytes(1), data[:-1], data[:-32]):
        assert not world.send(changed)
        assert state(world, report.feed).checkpoint == 0
    assert world.send(data)
    assert state(world, report.feed).checkpoint == report.checkpoint


def test_transmit__gap_between_the_arrays__is_refused(world: Any) -> None:
    report = world.report(world.open())
    data = world.calldata(report)
    # signals begin one word later, and everything behind them too
    signals_at = 4 + 96 + 6 * 32
    gap = 4 + 96 + 288 + 32 * len(report.observations)
    moved = bytearray(data[:gap] + bytes(32) + data[gap:])
    for place in (signals_at, 4 + 64):
        moved[place : place + 32] = (int.from_bytes(moved[place : place + 32], "big") + 32).to_bytes(32, "big")
    assert not world.send(bytes(moved))
    assert world.send(data)


def test_transmit__value_attached__is_refused(world: Any) -> None:
    report = world.report(world.open())
    boa.env.set_balance(boa.env.eoa, WAD)
    assert not world.send(world.calldata(report), value=1)
    assert world.send(world.calldata(report))


def test_transmit__checkpoint_between_the_last_one_and_its_landing__is_refused(world: Any) -> None:
    feed = world.open()
    boa.env.time_travel(blocks=3 * world.oracle.policy(feed).cadence)
    newest = world.head(feed)
    older = world.report(feed, checkpoint=newest - world.oracle.policy(feed).cadence)
    world.transmit(older)
    landed = world.oracle.feed(feed).updated_block
    assert older.checkpoint < newest < landed
    refuse(world, world.report(feed, checkpoint=newest), "feeds: checkpoint not newer")
    boa.env.time_travel(blocks=world.oracle.policy(feed).cadence)
    assert world.head(feed) >= landed
    world.transmit(world.report(feed))
