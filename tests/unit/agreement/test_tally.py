"""Attestations: counted once, checked, and bounded."""

from __future__ import annotations

from node.agreement import reasons
from node.agreement.signature import recover
from node.agreement.tally import MAX_VIEWS_EACH, Signed, Tally

DIGEST = b"\x05" * 32


def tally_of(members) -> Tally:
    return Tally(members.committee.signers, members.committee.quorum, recover)


def test_quorum__three_of_four__bitmap_and_signatures_in_order(members_of) -> None:
    members = members_of(4)
    tally = tally_of(members)
    signatures = [members.sign(index, DIGEST) for index in range(4)]
    for index in (3, 0, 2):
        assert tally.quorum(0, DIGEST) is None
        assert tally.add(index, 0, Signed(DIGEST, signatures[index])) is None
        assert tally.check(0, DIGEST) == []
    assert tally.quorum(0, DIGEST) == (0b1101, signatures[0] + signatures[2] + signatures[3])
    tally.add(1, 0, Signed(DIGEST, signatures[1]))
    tally.check(0, DIGEST)
    assert tally.quorum(0, DIGEST) == (0b0111, b"".join(signatures[:3]))


def test_check__another_members_signature__false_and_may_be_mended(members_of) -> None:
    members = members_of(4)
    tally = tally_of(members)
    tally.add(1, 0, Signed(DIGEST, members.sign(0, DIGEST)))
    assert tally.check(0, DIGEST) == [1]
    assert tally.check(0, DIGEST) == []
    assert tally.add(1, 0, Signed(DIGEST, members.sign(1, DIGEST))) is None
    assert tally.check(0, DIGEST) == []
    assert tally.count(0, DIGEST) == 1


def test_quorum__unchecked_signatures__do_not_count(members_of) -> None:
    tally = tally_of(members_of(4))
    for index in range(4):
        tally.add(index, 0, Signed(DIGEST, bytes(64)))
    assert tally.quorum(0, DIGEST) is None
    assert tally.check(0, DIGEST) == [0, 1, 2, 3]


def test_add__again_or_other__reasons(members_of) -> None:
    tally = tally_of(members_of(4))
    tally.add(0, 0, Signed(DIGEST, bytes(64)))
    assert tally.add(0, 0, Signed(DIGEST, bytes(64))) == reasons.REPEATED
    assert tally.add(0, 0, Signed(bytes(32), bytes(64))) == reasons.CONFLICTING


def test_add__hundreds_of_views__only_the_latest_kept(members_of) -> None:
    tally = tally_of(members_of(4))
    for view in range(256):
        tally.add(0, view, Signed(DIGEST, bytes(64)))
    kept = [view for view in range(256) if tally.count(view, DIGEST)]
    assert kept == list(range(256 - MAX_VIEWS_EACH, 256))
    assert tally.add(0, 3, Signed(DIGEST, bytes(64))) == reasons.STALE
