"""The order of the verifier's checks, each member's share, and whom a refusal is held against."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node.agreement import reasons
from node.agreement.committee import Committee
from node.agreement.messages import Observation
from node.gossip.bucket import Rate
from node.gossip.envelope import EnvelopeError, sealer
from node.gossip.limits import OVER_LIMIT, Limits
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip
from node.gossip.verifier import Verifier

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(4)]
COMMITTEE = Committee(
    1,
    "0x" + "ab" * 20,
    ["0x" + bytes([index + 1] * 20).hex() for index in range(4)],
    [key.public_key().public_bytes_raw() for key in KEYS],
)
FEW = Limits(sender=Rate(per_second=10, burst=5))


def said(sender: int, checkpoint: int, feed: int = 1) -> bytes:
    return sealer(KEYS[sender], COMMITTEE, sender)(Observation(feed, checkpoint, bytes(32), 1, ()))


def refusal(verifier: Verifier, raw: bytes) -> str:
    with pytest.raises(EnvelopeError) as caught:
        verifier.open(raw)
    return caught.value.reason


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_share__member_says_too_much__dropped_until_its_share_has_grown_again_others_unaffected() -> None:
    clock = Clock()
    verifier = Verifier(COMMITTEE, limits=FEW, clock=clock)
    for checkpoint in range(5):
        verifier.open(said(0, checkpoint))
    assert refusal(verifier, said(0, 5)) == OVER_LIMIT
    assert verifier.open(said(1, 5)).sender == 1
    clock.now += 100
    # Announced again it is heard: what was dropped was not remembered as heard.
    assert verifier.open(said(0, 5)).sender == 0
    assert refusal(verifier, said(0, 6)) == OVER_LIMIT
    assert verifier.counters == {OVER_LIMIT: 2}


def test_incident__broker_replays_and_forges_in_a_members_name__its_share_is_untouched() -> None:
    verifier = Verifier(COMMITTEE, limits=FEW, clock=Clock())
    first = verifier.open(said(0, 0))
    forged = first.raw[:-1] + bytes([first.raw[-1] ^ 1])
    for _ in range(100):
        verifier.open(first.raw)
        assert refusal(verifier, forged) == reasons.BAD_SIGNATURE
    for checkpoint in range(1, 5):
        verifier.open(said(0, checkpoint))
    assert refusal(verifier, said(0, 5)) == OVER_LIMIT


def test_incident__broker_replays_what_is_settled__refused_before_signature_and_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verifier = Verifier(COMMITTEE, limits=FEW, clock=Clock())
    old = [said(0, checkpoint) for checkpoint in range(4)]
    for raw in old:
        verifier.open(raw)
    verifier.settled(1, 3)
    assert len(verifier.window) == 0
    monkeypatch.setattr("node.gossip.envelope.Ed25519PublicKey", None)  # a signature check would fail on this
    assert [refusal(verifier, raw) for raw in old] == [reasons.STALE] * 4
    monkeypatch.setattr("node.gossip.envelope.Ed25519PublicKey", Ed25519PublicKey)
    verifier.open(said(0, 4))
    assert refusal(verifier, said(0, 5)) == OVER_LIMIT
    # Another feed's rounds are not over.
    assert Verifier(COMMITTEE).open(said(0, 2, feed=2))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (bytes(65 * 1024), reasons.OVERSIZED),
        (b"nonsense", reasons.MALFORMED),
        (said(0, 1).replace(COMMITTEE.config_digest, bytes(32)), reasons.FOREIGN),
        (said(0, 1)[:-200] + b"\xff" + said(0, 1)[-199:], reasons.MALFORMED),
    ],
)
def test_open__refused_by_its_looks__costs_no_signature_check(
    raw: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.gossip.envelope.Ed25519PublicKey", None)
    assert refusal(Verifier(COMMITTEE), raw) == reason


def test_call__inner_envelope__uses_up_nobodys_share_and_is_known_afterwards() -> None:
    verifier = Verifier(COMMITTEE, limits=FEW, clock=Clock())
    for checkpoint in range(20):
        assert verifier(said(0, checkpoint)) is not None
    for checkpoint in range(20):
        verifier.open(said(0, checkpoint))
    assert verifier.counters == {reasons.REPEATED: 20}


async def test_counting__messages_of_two_brokers__each_counted_where_it_came_from() -> None:
    gossip = Gossip([BrokerSettings("mqtt://one"), BrokerSettings("mqtt://two")], "patina/x")
    verifier = Verifier(COMMITTEE, limits=FEW, clock=Clock())
    hear = gossip.counting(verifier.open)
    genuine = said(2, 7)
    for lane, raw in [(0, b"nonsense"), (1, genuine), (0, genuine), (0, bytes(65 * 1024))]:
        gossip._deliver(lane, raw)
    outcomes = []
    while (raw := gossip.incoming.get_nowait()) is not None:
        try:
            outcomes.append(hear(raw).sender)
        except EnvelopeError as error:
            outcomes.append(error.reason)
    assert outcomes == [reasons.MALFORMED, 2, 2]
    assert gossip.by_broker == [
        {"received": 2, reasons.MALFORMED: 1, "accepted": 1, "oversized": 1},
        {"received": 1, "accepted": 1},
    ]
    assert gossip.counters == {"received": 3, "oversized": 1}
    shown = gossip.status()
    assert [each["broker"] for each in shown] == ["one:1883", "two:1883"]
    assert shown[0]["messages"] == gossip.by_broker[0]
