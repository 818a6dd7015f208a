"""The pure checks of a report: who signed or voted, what their numbers come to, and the band that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.agreement.median import median
from node.agreement.signature import recover
from node.chain.types import Ballot, Landed, Policy
from node.content.cid import directory_cid
from node.content.edition import token_path
from node.errors import AgreementError
from node.verify.landing import Signed


class NotProvenError(AgreementError):
    """A check that does not come out."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a quorum agreed upon, as far as artworks depend on it: `signals` are wads in the agreed order."""

    block_hash: bytes
    signals: tuple[int, ...]
    content_root: bytes


def check_committee(committee: Committee, landed: Landed) -> None:
    """The committee's own digest, made anew from its members, is the one under which the report landed."""
    if committee.config_digest != landed.config_digest:
        raise NotProvenError(
            f"the report names configuration 0x{landed.config_digest.hex()}, the committee then was that of "
            f"0x{committee.config_digest.hex()}"
        )


def check_signatures(committee: Committee, landed: Landed, signed: Signed) -> list[int]:
    """The members who signed: exactly a quorum of them, each recovered from the signature in its place."""
    members = committee.members(signed.signers)
    if len(members) != committee.quorum or len(signed.signatures) != len(members):
        raise NotProvenError(
            f"{len(signed.signatures)} signatures for {len(members)} members; a quorum is {committee.quorum}"
        )
    if signed.signers != landed.signers:
        raise NotProvenError("the event names other signers than the calldata")
    for member, signature in zip(members, signed.signatures, strict=True):
        try:
            address = recover(signed.digest, signature)
        except AgreementError as error:
            raise NotProvenError(f"seat {member + 1}: {error}") from None
        if address != committee.signers[member]:
            raise NotProvenError(f"seat {member + 1} is {committee.signers[member]}, the signature is by {address}")
    return members


def check_ballots(committee: Committee, landed: Landed, ballots: Sequence[Ballot]) -> list[int]:
    """The members who voted: a quorum of different ones, all for the ballot that the event names."""
    members = committee.members(landed.signers)
    named = {committee.signers[member] for member in members}
    voters = [ballot.voter for ballot in ballots]
    if len(members) != committee.quorum or len(voters) != len(members) or set(voters) != named:
        raise NotProvenError(f"{len(set(voters))} votes of members; a quorum is {committee.quorum}")
    for ballot in ballots:
        if ballot_digest(landed, ballot) != landed.report_digest:
            raise NotProvenError(f"the vote of {ballot.voter} is for something else")
    return members


def ballot_digest(landed: Landed, ballot: Ballot) -> bytes:
    """A ballot: keccak256(abi.encode(config digest, feed, checkpoint, block hash, keccak256(signals), root))."""
    words = b"".join(signal.to_bytes(32, "big", signed=True) for signal in ballot.signals)
    place = landed.feed.to_bytes(32, "big") + landed.checkpoint.to_bytes(32, "big")
    return keccak(landed.config_digest + place + ballot.block_hash + keccak(words) + ballot.content_root)


def check_answer(committee: Committee, landed: Landed, policy: Policy, answers: Sequence[int]) -> None:
    """The event's answer is the lower median of at least a quorum's answers, and its band is the policy's."""
    if len(answers) < committee.quorum:
        raise NotProvenError(f"{len(answers)} observations; a quorum is {committee.quorum}")
    if median(list(answers)) != landed.answer:
        raise NotProvenError(f"the median of what was observed is {median(list(answers))}, not {landed.answer}")
    band = next_band(landed.answer, landed.previous_band, policy)
    if band != landed.band:
        told = f"by the policy the band goes from {landed.previous_band + 1} to {band + 1}, not {landed.band + 1}"
        raise NotProvenError(told)


def check_observers(committee: Committee, signed: Signed) -> None:
    """The report's observers are members, as many as there are observations, which stand in ascending order."""
    if len(committee.members(signed.report.observers)) != len(signed.report.observations):
        raise NotProvenError("not as many observers as observations")
    if list(signed.report.observations) != sorted(signed.report.observations):
        raise NotProvenError("the observations are not in ascending order")


def next_band(answer: int, band: int, policy: Policy) -> int:
    """The band after an answer, coming from `band`: the rule of docs/architecture.md, "Numbers"."""
    up = sum(answer >= edge + policy.hysteresis for edge in policy.thresholds)
    down = sum(answer >= edge - policy.hysteresis for edge in policy.thresholds)
    return up if up > band else min(band, down)


def token_uri(root: bytes, edition: int, index: int, supply: int) -> str:
    """The tokenURI that a content root and an edition's size dictate."""
    return f"ipfs://{directory_cid(root)}/{token_path(edition, index, supply)}"
