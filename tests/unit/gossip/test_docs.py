"""docs/transport.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from node.agreement import reasons
from node.backoff import Backoff
from node.cli.certs import certs
from node.gossip.client import MAX_PACKET
from node.gossip.envelope import MAX_BYTES
from node.gossip.limits import FORGERY, OVER_LIMIT, Limits
from node.gossip.link import OUTGOING_BYTES, Probing
from node.gossip.transport import CERTIFICATES_EVERY_S, INCOMING_BYTES, INCOMING_PER_BROKER
from node.gossip.window import BYTES_PER_SENDER
from node.keys.authority import AUTHORITY_DAYS, DAYS
from node.keys.certificates import EXPIRY_WARNING_DAYS

ROOT = Path(__file__).parents[3]
PAGE = " ".join((ROOT / "docs" / "transport.md").read_text().split())
MIB = 1024 * 1024


def test_page__limits__are_those_of_the_code() -> None:
    limits, probing, backoff = Limits(), Probing(), Backoff()
    for text in (
        f"{limits.broker.per_second:,} messages a second from one broker, {limits.broker.burst:,} at once",
        f"{limits.sender.per_second:,} messages a second from one member, {limits.sender.burst:,} at once",
        f"at most {MAX_BYTES // 1024} KiB",
        f"room for {INCOMING_PER_BROKER} messages and {INCOMING_BYTES // MIB} MiB per broker",
        f"at most {INCOMING_BYTES // MIB} MiB that came in and {OUTGOING_BYTES // MIB} MiB that is to go out",
        f"{BYTES_PER_SENDER // MIB} MiB of known messages",
        f"asks again every {probing.every:.0f} seconds",
        f"Between attempts lie {backoff.first} to {backoff.cap:.0f} seconds",
        f"for {DAYS} days",
        f"From {EXPIRY_WARNING_DAYS} days before a certificate ends",
    ):
        assert text in PAGE, text
    assert (FORGERY, probing.lost) == (4, 3)
    assert "four messages more" in PAGE
    assert "three questions without an answer" in PAGE
    assert AUTHORITY_DAYS == 3_650
    assert "for ten years" in PAGE
    assert CERTIFICATES_EVERY_S * 4 == 24 * 3600
    assert "four times a day" in PAGE


def test_page__counters__all_explained() -> None:
    for code in (
        *(reasons.OVERSIZED, reasons.MALFORMED, reasons.FOREIGN, reasons.UNKNOWN_SENDER, reasons.BAD_SIGNATURE),
        *(reasons.REPEATED, reasons.STALE, OVER_LIMIT, "paused", "incoming_overflow"),
    ):
        assert f"`{code}`" in PAGE, code


def test_page__commands__all_listed_and_no_other() -> None:
    listed = set(re.findall(r"\| `patina certs ([a-z]+)", PAGE))
    assert listed == set(certs.commands)


def test_example__packet_limit__lets_the_longest_envelope_through() -> None:
    for name in ("mosquitto.conf", "passwords.conf"):
        text = (ROOT / "examples" / "mosquitto" / name).read_text()
        found = re.search(r"^max_packet_size (\d+)$", text, re.MULTILINE)
        assert found is not None
        assert int(found[1]) == MAX_PACKET
