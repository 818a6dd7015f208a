"""Evidence: what it proves, and the file that carries it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import AgreementError, PatinaError
from node.staking.evidence import (
    Evidence,
    Signed,
    decode_evidence,
    encode_evidence,
    pack_statement,
    read_evidence,
    unpack_statement,
    write_evidence,
)
from tests.unit.staking.conftest import Bench

STAKING = "0x1111111111111111111111111111111111111111"


def test_evidence__two_reports_of_one_view__proves(bench: Bench) -> None:
    bench.evidence().check()


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"root": 7}, "both statements are the same"),
        ({"root": 8, "view": 1}, "one feed, checkpoint and view"),
        ({"root": 8, "checkpoint": 44}, "one feed, checkpoint and view"),
        ({"root": 8, "feed": 2}, "one feed, checkpoint and view"),
    ],
)
def test_incident__two_views_or_rounds__are_no_offence(bench: Bench, second: dict[str, int], words: str) -> None:
    evidence = bench.evidence(second=bench.signed(2, bench.report(**second)))
    with pytest.raises(AgreementError, match=words):
        evidence.check()


def test_check__another_members_signature__proves_nothing(bench: Bench) -> None:
    with pytest.raises(AgreementError, match="not 0x"):
        bench.evidence(second=bench.signed(3, bench.report(8))).check()


def test_check__another_configuration__proves_nothing(bench: Bench) -> None:
    with pytest.raises(AgreementError):
        bench.evidence(config_digest=b"\x01" * 32).check()


def test_incident__signature_in_its_other_form__is_refused(bench: Bench) -> None:
    """(r, n - s) is the same signature to whoever does not look: one honest signature would be two."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    signed = bench.signed(2, bench.report(7))
    s = int.from_bytes(signed.signature[32:], "big")
    parity, s = s >> 255, s & ((1 << 255) - 1)
    other = (order - s) | (1 - parity) << 255
    forged = Signed(signed.statement, signed.signature[:32] + (other % (1 << 256)).to_bytes(32, "big"))
    with pytest.raises(AgreementError):
        bench.evidence(second=forged).check()


def test_file__written__is_read_as_it_was(bench: Bench, tmp_path: Path) -> None:
    evidence = bench.evidence(staking=STAKING)
    path = write_evidence(tmp_path / "evidence", evidence)
    assert path.name == f"{evidence.signer}-1-40-0.json"
    assert read_evidence(path) == evidence
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    document = json.loads(path.read_text())
    assert list(document) == [
        *("format", "version", "chain_id", "oracle", "staking", "config_digest", "signer", "statements")
    ]


def changed(evidence: Evidence, **fields: object) -> bytes:
    return json.dumps(json.loads(encode_evidence(evidence)) | fields).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "another"},
        {"version": 2},
        {"statements": []},
        {"more": 1},
        {"chain_id": 0},
        {"chain_id": 1},
        {"config_digest": "0x" + "zz" * 32},
        {"signer": "0x" + "11" * 20},
        {"oracle": "nobody"},
    ],
)
def test_incident__malformed_document__evidence_refused(bench: Bench, fields: dict[str, object]) -> None:
    with pytest.raises(AgreementError):
        decode_evidence(changed(bench.evidence(), **fields))


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(str).map(str.encode))
@settings(max_examples=100)
def test_decode__noise__refused_never_a_crash(raw: bytes) -> None:
    with pytest.raises(AgreementError):
        decode_evidence(raw)


def test_read__missing_or_huge__says_which(tmp_path: Path) -> None:
    with pytest.raises(PatinaError, match="No such file"):
        read_evidence(tmp_path / "none.json")
    (tmp_path / "huge.json").write_bytes(b" " * 70_000)
    with pytest.raises(PatinaError, match="more than"):
        read_evidence(tmp_path / "huge.json")


def test_pack_statement__unpacked__the_same(bench: Bench) -> None:
    statement = bench.signed(0, bench.report()).statement
    assert unpack_statement(pack_statement(statement)) == statement
    with pytest.raises(AgreementError):
        unpack_statement(pack_statement(statement)[:-1])
    with pytest.raises(AgreementError):
        unpack_statement(bytes(126) + b"\x01" + bytes(129))  # a view of 256


def test_evidence__changed_signer__proves_nothing(bench: Bench) -> None:
    with pytest.raises(AgreementError):
        replace(bench.evidence(), signer=bench.committee.signers[0]).check()
