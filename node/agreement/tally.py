"""The attestations of one round: who signed which report, and whether a quorum did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from node.agreement import reasons
from node.agreement.seat import Recover
from node.errors import AgreementError

MAX_VIEWS_EACH: Final = 8
"""Signatures kept of one member, those of its latest views."""


class Signed(NamedTuple):
    """A signature (64 bytes of EIP-2098) and the digest of the report that it is said to be over."""

    digest: bytes
    signature: bytes


class Tally:
    """Keeps the first signature of each member and view; signatures are checked when they are needed."""

    def __init__(self, signers: Sequence[str], quorum: int, recover: Recover) -> None:
        self._signers = signers
        self._quorum = quorum
        self._recover = recover
        self._kept: list[dict[int, Signed]] = [{} for _ in signers]
        self._genuine: set[tuple[int, int]] = set()

    def add(self, sender: int, view: int, signed: Signed) -> str | None:
        """Keep a member's signature over a report of this view; the reason if it is not kept."""
        mine = self._kept[sender]
        known = mine.get(view)
        if known is not None:
            return reasons.REPEATED if known.digest == signed.digest else reasons.CONFLICTING
        if len(mine) >= MAX_VIEWS_EACH:
            oldest = min(mine)
            if view < oldest:
                return reasons.STALE
            del mine[oldest]
            self._genuine.discard((sender, oldest))
        mine[view] = signed
        return None

    def count(self, view: int, digest: bytes) -> int:
        """How many members say that they signed this digest in this view."""
        return sum(kept[view].digest == digest for kept in self._kept if view in kept)

    def check(self, view: int, digest: bytes) -> list[int]:
        """Verify the signatures over this digest that were not verified yet; the members whose are false.

        A false one is forgotten, so that its sender may still send a true one, and blocks nobody.
        """
        false: list[int] = []
        for sender, kept in enumerate(self._kept):
            signed = kept.get(view)
            if signed is None or signed.digest != digest or (sender, view) in self._genuine:
                continue
            try:
                genuine = self._recover(digest, signed.signature) == self._signers[sender]
            except AgreementError:
                genuine = False
            if genuine:
                self._genuine.add((sender, view))
            else:
                del kept[view]
                false.append(sender)
        return false

    def quorum(self, view: int, digest: bytes) -> tuple[int, bytes] | None:
        """The bitmap and signatures of exactly a quorum in ascending order, or None while there is none."""
        signed = [
            (sender, kept[view].signature)
            for sender, kept in enumerate(self._kept)
            if (sender, view) in self._genuine and kept[view].digest == digest
        ]
        if len(signed) < self._quorum:
            return None
        chosen = signed[: self._quorum]
        return sum(1 << sender for sender, _ in chosen), b"".join(signature for _, signature in chosen)
