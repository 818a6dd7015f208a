"""Report digests against eth-account, an implementation that shares no code with ours."""

from __future__ import annotations

import json

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.report import Domain, Report, report_digest, typed_data
from node.errors import AgreementError

int256 = st.integers(-(1 << 255), (1 << 255) - 1)
bytes32 = st.binary(min_size=32, max_size=32)
reports = st.builds(
    Report,
    feed=st.integers(0, (1 << 256) - 1),
    checkpoint=st.integers(0, (1 << 64) - 1),
    block_hash=bytes32,
    view=st.integers(0, 255),
    observers=st.integers(0, (1 << 256) - 1),
    observations=st.lists(int256, max_size=31).map(tuple),
    signals=st.lists(int256, max_size=16).map(tuple),
    content_root=bytes32,
)
domains = st.builds(
    Domain,
    chain_id=st.integers(1, (1 << 64) - 1),
    oracle=st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    config_digest=bytes32,
)
REPORT = Report(1, 100, b"\x01" * 32, 0, 7, (-1, 0, 1), (5, 6, 7), bytes(32))
DOMAIN = Domain(1, "0x" + "ab" * 20, b"\x02" * 32)


@given(domains, reports)
@settings(max_examples=60, deadline=None)
def test_report_digest__any_report__as_eth_account(domain: Domain, report: Report) -> None:
    through_json = json.loads(json.dumps(typed_data(domain, report)))
    assert _hash_eip191_message(encode_typed_data(full_message=through_json)) == report_digest(domain, report)


@pytest.mark.parametrize(
    "changed",
    [
        {"feed": 2},
        {"checkpoint": 101},
        {"block_hash": b"\x03" * 32},
        {"view": 1},
        {"observers": 11},
        {"observations": (-1, 0, 2)},
        {"observations": (-1, 0)},
        {"signals": (5, 6)},
        {"content_root": b"\x04" * 32},
    ],
)
def test_report_digest__any_field_changed__another_digest(changed: dict[str, object]) -> None:
    values = {name: getattr(REPORT, name) for name in Report.__dataclass_fields__} | changed
    assert report_digest(DOMAIN, Report(**values)) != report_digest(DOMAIN, REPORT)


def test_incident__report_replayed_under_another_chain_oracle_or_committee__another_digest() -> None:
    others = [
        Domain(2, DOMAIN.oracle, DOMAIN.config_digest),
        Domain(1, "0x" + "ac" * 20, DOMAIN.config_digest),
        Domain(1, DOMAIN.oracle, b"\x03" * 32),
    ]
    digests = {report_digest(domain, REPORT) for domain in [DOMAIN, *others]}
    assert len(digests) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"feed": -1},
        {"feed": 1 << 256},
        {"checkpoint": 1 << 64},
        {"view": 256},
        {"observers": 1 << 256},
        {"observations": (1 << 255,)},
        {"signals": (-(1 << 255) - 1,)},
        {"block_hash": b"short"},
        {"content_root": bytes(33)},
    ],
)
def test_report_digest__field_outside_its_type__refused(changed: dict[str, object]) -> None:
    values = {name: getattr(REPORT, name) for name in Report.__dataclass_fields__} | changed
    with pytest.raises(AgreementError):
        report_digest(DOMAIN, Report(**values))


@pytest.mark.parametrize("oracle", ["", "0x", "ab" * 20, "0x" + "ab" * 19, "0x" + "zz" * 20])
def test_report_digest__oracle_is_no_address__refused(oracle: str) -> None:
    with pytest.raises(AgreementError):
        report_digest(Domain(1, oracle, bytes(32)), REPORT)
