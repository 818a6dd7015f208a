"""The pure checks of a report, each turned down for what it is there for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from keepers.policy import next_band as keepers_band
from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest
from node.agreement.signature import HALF_ORDER
from node.chain.types import Ballot, Landed, Policy
from node.errors import AgreementError
from node.keys.signing import LocalSigner
from node.verify import judge
from node.verify.landing import Signed
from tests.unit.paper import PERCENT, POLICY, make_landed

MEMBERS = [LocalSigner(keccak(b"member %d" % index)) for index in range(4)]
COMMITTEE = Committee(1, "0x" + "11" * 20, [one.address for one in MEMBERS], [bytes([i + 1]) * 32 for i in range(4)])
REPORT = Report(1, 20, b"h" * 32, 0, 0b0111, (PERCENT, PERCENT, 2 * PERCENT), (1, 2, -3), b"r" * 32)
DIGEST = report_digest(COMMITTEE.domain, REPORT)


def signed(members: tuple[int, ...] = (0, 1, 3), digest: bytes = DIGEST) -> Signed:
    bitmap = sum(1 << member for member in members)
    return Signed(REPORT, DIGEST, bitmap, tuple(MEMBERS[member].sign_digest(digest) for member in members))


LANDED: Landed = make_landed(
    20, 25, config_digest=COMMITTEE.config_digest, report_digest=DIGEST, signers=0b1011, content_root=b"r" * 32,
    previous_band=1, band=1, answer=PERCENT,
)  # fmt: skip


def test_check_signatures__quorum_of_members__names_them() -> None:
    assert judge.check_signatures(COMMITTEE, LANDED, signed()) == [0, 1, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        signed((0, 1)),
        signed((0, 1, 2, 3)),
        signed(digest=b"x" * 32),
        replace(signed(), signatures=signed().signatures[::-1]),
        replace(signed(), signatures=signed().signatures[:2]),
        replace(signed(), signers=0b0111),
        replace(signed(), signers=0b10011),
        replace(signed(), signatures=(bytes(64), *signed().signatures[1:])),
        replace(signed(), signatures=(signed().signatures[0][:63], *signed().signatures[1:])),
        replace(signed(), signatures=(b"\1" * 32 + (HALF_ORDER + 1).to_bytes(32, "big"), *signed().signatures[1:])),
    ],
    ids=[
        "too few",
        "too many",
        "other digest",
        "order",
        "missing one",
        "others",
        "stranger",
        "zero",
        "short",
        "high s",
    ],
)
def test_check_signatures__anything_else__refused(wrong: Signed) -> None:
    with pytest.raises(AgreementError):
        judge.check_signatures(COMMITTEE, LANDED, wrong)


def test_check_signatures__event_that_names_others__refused() -> None:
    with pytest.raises(judge.NotProvenError, match="other signers"):
        judge.check_signatures(COMMITTEE, replace(LANDED, signers=0b0111), signed())


def test_check_committee__another_configuration__refused() -> None:
    judge.check_committee(COMMITTEE, LANDED)
    with pytest.raises(judge.NotProvenError, match="configuration"):
        judge.check_committee(COMMITTEE, replace(LANDED, config_digest=b"c" * 32))


def test_check_answer__median_and_policy__hold() -> None:
    judge.check_answer(COMMITTEE, LANDED, POLICY, REPORT.observations)
    judge.check_observers(COMMITTEE, signed())


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        ({"answer": 2 * PERCENT, "band": 2}, REPORT.observations),
        ({"band": 2}, REPORT.observations),
        ({}, (PERCENT, PERCENT)),
    ],
    ids=["not the median", "not the policy's band", "too few"],
)
def test_check_answer__anything_else__refused(changes: dict[str, int], answers: tuple[int, ...]) -> None:
    with pytest.raises(judge.NotProvenError):
        judge.check_answer(COMMITTEE, replace(LANDED, **changes), POLICY, answers)


@pytest.mark.parametrize("changes", [{"observers": 0b1111}, {"observers": 0b10011}, {"observations": (3, 2, 1)}])
def test_check_observers__not_as_signed_for__refused(changes: dict[str, object]) -> None:
    with pytest.raises(AgreementError):
        judge.check_observers(COMMITTEE, replace(signed(), report=replace(REPORT, **changes)))  # type: ignore[arg-type]


@given(
    answer=st.integers(-(10**18), 10**18),
    thresholds=st.lists(st.integers(-(10**17), 10**17), max_size=15, unique=True).map(sorted),
    hysteresis=st.integers(0, 10**16),
    data=st.data(),
)
def test_next_band__any_answer__is_the_keepers(
    answer: int, thresholds: list[int], hysteresis: int, data: st.DataObject
) -> None:
    band = data.draw(st.integers(0, len(thresholds)))
    policy = Policy(10, 3, 0, 0, hysteresis, tuple(thresholds))
    assert judge.next_band(answer, band, policy) == keepers_band(answer, band, thresholds, hysteresis)


def ballots(*voters: int) -> list[Ballot]:
    return [
        Ballot(MEMBERS[voter].address, b"h" * 32, voter * PERCENT, (1, -2, 3), b"r" * 32, b"t" * 32, 22)
        for voter in voters
    ]


def by_vote() -> Landed:
    return replace(LANDED, report_digest=judge.ballot_digest(LANDED, ballots(0)[0]))


def test_check_ballots__quorum_for_one_ballot__names_them() -> None:
    assert judge.check_ballots(COMMITTEE, by_vote(), ballots(3, 0, 1)) == [0, 1, 3]


@pytest.mark.parametrize(
    "votes",
    [
        ballots(0, 1),
        ballots(0, 1, 2),
        ballots(0, 1, 1),
        [*ballots(0, 1), replace(ballots(3)[0], content_root=b"q" * 32)],
        [*ballots(0, 1), replace(ballots(3)[0], signals=(1, 2, 3))],
        [],
    ],
    ids=["too few", "others", "twice", "another root", "other signals", "none"],
)
def test_check_ballots__anything_else__refused(votes: list[Ballot]) -> None:
    with pytest.raises(judge.NotProvenError):
        judge.check_ballots(COMMITTEE, by_vote(), votes)


@pytest.mark.parametrize(("supply", "folder"), [(1, ""), (1_000, ""), (1_001, "0/"), (999_999, "0/")])
def test_token_uri__of_a_root__has_a_folder_above_a_thousand(supply: int, folder: str) -> None:
    uri = judge.token_uri(b"r" * 32, 2, 1, supply)
    assert uri.startswith("ipfs://bafybei")
    assert uri.partition("//")[2].partition("/")[2] == f"{folder}2000001.json"
