"""A committee with real keys, and what its members sign."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from node.agreement.committee import Committee
from node.agreement.messages import Attestation
from node.agreement.report import Report, report_digest, statement_of
from node.keys.signing import LocalSigner
from node.staking.evidence import Evidence, Signed

ORACLE = "0x" + "ab" * 20


@dataclass
class Bench:
    """Four members and their keys."""

    signers: list[LocalSigner]
    committee: Committee

    def report(self, root: int = 7, **fields: object) -> Report:
        plain = Report(1, 40, b"\x0b" * 32, 0, 0b0111, (5, 6, 7), (1, -2), bytes([root]) * 32)
        return replace(plain, **fields)  # type: ignore[arg-type]

    def signed(self, index: int, report: Report) -> Signed:
        signature = self.signers[index].sign_digest(report_digest(self.committee.domain, report))
        return Signed(statement_of(report), signature)

    def attestation(self, index: int, report: Report) -> Attestation:
        signed = self.signed(index, report)
        return Attestation(*signed.statement, signed.signature)

    def evidence(self, index: int = 2, **fields: object) -> Evidence:
        first, second = self.signed(index, self.report(7)), self.signed(index, self.report(8))
        committee = self.committee
        plain = Evidence(
            committee.chain_id, committee.oracle, committee.config_digest, committee.signers[index], first, second
        )
        return replace(plain, **fields)  # type: ignore[arg-type]


def committee_of(signers: list[LocalSigner], oracle: str = ORACLE) -> Committee:
    keys = [bytes([index + 1]) * 32 for index in range(len(signers))]
    return Committee(31337, oracle, [signer.address for signer in signers], keys)


@pytest.fixture
def bench() -> Bench:
    signers = [LocalSigner(bytes([index + 1]) * 32) for index in range(4)]
    return Bench(signers, committee_of(signers))
