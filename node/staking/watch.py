"""Notices members that sign two reports for one view, keeps the proof, and says so."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from node.agreement.effects import RoundKey
from node.agreement.messages import Attestation, Opened
from node.agreement.report import statement_digest, statement_of
from node.agreement.signature import recover
from node.errors import AgreementError, JournalError, PatinaError
from node.gossip.bucket import Rate, TokenBucket, milliseconds
from node.journal.equivocations import EvidenceRow, HeardRow
from node.staking.evidence import (
    FOLDER,
    Evidence,
    Signed,
    pack_statement,
    place_of,
    unpack_statement,
    write_evidence,
)

if TYPE_CHECKING:
    from pathlib import Path

    from node.agreement.committee import Committee
    from node.chain.types import FullReport, Landed
    from node.journal import Journal

MAX_HEARD: Final = 1_024
"""First signatures kept of one member of one configuration, the latest ones."""
MAX_CONFIGURATIONS: Final = 4
MAX_LANDED: Final = 1_024
"""Landed reports whose signers are remembered, the latest ones."""
MAX_SUSPECTS: Final = 64
"""Landed reports that wait to be read whole."""
MAX_EVIDENCE: Final = 8
"""Pieces of evidence kept against one signer of one configuration: one is enough, and it could go on for ever."""
CHECKS: Final = Rate(per_second=20, burst=512)
"""Signatures of one member that are checked; an honest one never needs a check."""
PATIENCE: Final = 300
"""Writes that pass over what was signed in a round that is not begun here, before it is let go of."""
FLUSH_S: Final = 1.0
"""Seconds between writes of what was heard."""

log = structlog.get_logger("equivocation")

Place = tuple[int, int, int]


@dataclass(slots=True, eq=False)
class _First:
    """The first signature of a member for a view; whether it is known to be genuine, and the writes that passed it."""

    signed: Signed
    genuine: bool = False
    waited: int = 0


class _Member:
    """What one member of one configuration signed."""

    def __init__(self, now: int) -> None:
        self.firsts: OrderedDict[Place, _First] = OrderedDict()
        self.rounds: dict[RoundKey, list[_First]] = {}
        self.checks = TokenBucket(CHECKS, now)
        self.found = 0

    def note(self, first: _First) -> None:
        """Keep a first signature."""
        place = place_of(first.signed.statement)
        self.firsts[place] = first
        self.rounds.setdefault(RoundKey(*place[:2]), []).append(first)

    def drop(self, place: Place) -> None:
        """Let go of a first signature."""
        first, key = self.firsts.pop(place), RoundKey(*place[:2])
        self.rounds[key].remove(first)
        if not self.rounds[key]:
            del self.rounds[key]


class Watch:
    """Compares every signature that is heard, or that landed on chain, with the first of its member for that view.

    Signatures are checked only where two statements differ, so that honest members cost nothing. Memory is bounded
    by member, and evidence by signer; neither is spent by anyone but the signer itself.
    """

    def __init__(
        self,
        journal: Journal,
        directory: Path,
        own: str,
        *,
        open_rounds: Callable[[], Collection[tuple[int, int]]],
        staking: Callable[[], str | None] = lambda: None,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        """`directory` is the node's folder, `own` its signing address; `open_rounds` tells every (feed,
        checkpoint) whose round is under way here: what was signed in it is kept over restarts. `staking` tells the
        address of the staking contract as far as it is known."""
        self._journal = journal
        self._folder = directory / FOLDER
        self._own = own
        self._open_rounds = open_rounds
        self._staking = staking
        self._clock = clock
        self._committees: OrderedDict[bytes, Committee] = OrderedDict()
        self._members: dict[tuple[bytes, str], _Member] = {}
        self._restored: dict[bytes, list[HeardRow]] = {}
        self._unkept: OrderedDict[tuple[bytes, str, Place], _First] = OrderedDict()
        self._unwritten: list[Evidence] = []
        self._landed: OrderedDict[tuple[bytes, RoundKey], Landed] = OrderedDict()
        self.suspects: deque[Landed] = deque(maxlen=MAX_SUSPECTS)
        self.counters: Counter[str] = Counter()
        for row in journal.equivocations.heard():
            self._restored.setdefault(row.config, []).append(row)

    # -- what is heard ---------------------------------------------------------------------------------------------

    def hear(self, committee: Committee, sender: int, attestation: Attestation) -> None:
        """Take an attestation whose envelope the committee member `sender` sealed."""
        signer = committee.signers[sender]
        member = self._members.get((committee.config_digest, signer))
        if member is not None:
            first = member.firsts.get((attestation.feed, attestation.checkpoint, attestation.view))
            if first is not None and first.signed == (attestation.statement, attestation.signature):
                return  # announced again
        self._take(committee, signer, Signed(attestation.statement, attestation.signature), genuine=False)

    def noting(self, committee: Committee, opener: Callable[[bytes], Opened]) -> Callable[[bytes], Opened]:
        """Wrap what opens a committee's envelopes, so that every attestation in them is heard."""

        def noted(raw: bytes) -> Opened:
            opened = opener(raw)
            if isinstance(opened.message, Attestation):
                self.hear(committee, opened.sender, opened.message)
            return opened

        return noted

    def told(self, landed: Landed) -> None:
        """Take a report that landed: its event names the signers and the digest.

        Where one of them was heard to sign another report of the round, it is a suspect: its signatures are worth
        fetching, for `landed`.
        """
        key = landed.config_digest, RoundKey(landed.feed, landed.checkpoint)
        self._landed[key] = landed
        if len(self._landed) > MAX_LANDED:
            self._landed.popitem(last=False)
        committee = self._committees.get(landed.config_digest)
        if committee is None:
            return
        for index in range(committee.n):
            if landed.signers >> index & 1:
                member = self._members.get((landed.config_digest, committee.signers[index]))
                for first in () if member is None else member.rounds.get(key[1], ()):
                    self._suspect(committee, landed, first.signed)

    def _suspect(self, committee: Committee, landed: Landed, signed: Signed) -> None:
        if statement_digest(committee.domain, signed.statement) != landed.report_digest and landed not in self.suspects:
            self.suspects.append(landed)

    def landed(self, committee: Committee, report: FullReport) -> None:
        """Take the signatures under which a report landed; those of another configuration are passed over."""
        if report.report is None or report.landed.config_digest != committee.config_digest:
            return
        statement = statement_of(report.report)
        for signer, signature in zip(report.signers, report.signatures, strict=True):
            if signer in committee.signers:
                self._take(committee, signer, Signed(statement, signature), genuine=True)

    def _take(self, committee: Committee, signer: str, signed: Signed, *, genuine: bool) -> None:
        member = self._member(committee, signer)
        place = place_of(signed.statement)
        first = member.firsts.get(place)
        if first is not None and first.signed.statement == signed.statement:
            first.genuine = first.genuine or (genuine and first.signed == signed)
            return
        if first is None:
            self._note(committee, signer, member, _First(signed, genuine))
            return
        if not first.genuine:
            if not self._affordable(member):
                return
            first.genuine = self._genuine(committee, signer, first.signed)
            if not first.genuine:
                member.drop(place)
                self._note(committee, signer, member, _First(signed, genuine))
                return
        if genuine or (self._affordable(member) and self._genuine(committee, signer, signed)):
            self._found(committee, signer, member, first.signed, signed)

    def _member(self, committee: Committee, signer: str) -> _Member:
        config = committee.config_digest
        if config not in self._committees:
            self._committees[config] = committee
            while len(self._committees) > MAX_CONFIGURATIONS:
                old, _ = self._committees.popitem(last=False)
                self._members = {key: member for key, member in self._members.items() if key[0] != old}
                self._unkept = OrderedDict((key, first) for key, first in self._unkept.items() if key[0] != old)
            for row in self._restored.pop(config, ()):
                if row.signer in committee.signers:
                    self._restore(row)
        return self._members.setdefault((config, signer), _Member(self._clock()))

    def _restore(self, row: HeardRow) -> None:
        member = self._members.setdefault((row.config, row.signer), _Member(self._clock()))
        member.note(_First(Signed(unpack_statement(row.statement), row.signature)))

    def _note(self, committee: Committee, signer: str, member: _Member, first: _First) -> None:
        config, place = committee.config_digest, place_of(first.signed.statement)
        member.note(first)
        self._unkept[config, signer, place] = first
        self.counters["signatures heard"] += 1
        if len(member.firsts) > MAX_HEARD:
            gone = next(iter(member.firsts))
            member.drop(gone)
            self._unkept.pop((config, signer, gone), None)
        landed = self._landed.get((config, RoundKey(*place[:2])))
        if landed is not None and landed.signers >> committee.signers.index(signer) & 1:
            self._suspect(committee, landed, first.signed)

    def _affordable(self, member: _Member) -> bool:
        if member.checks.take(1, self._clock()):
            return True
        self.counters["signatures unchecked"] += 1
        return False

    def _genuine(self, committee: Committee, signer: str, signed: Signed) -> bool:
        try:
            genuine = recover(statement_digest(committee.domain, signed.statement), signed.signature) == signer
        except AgreementError:
            genuine = False
        if not genuine:
            self.counters["signatures false"] += 1
        return genuine

    # -- what is found ---------------------------------------------------------------------------------------------

    def _found(self, committee: Committee, signer: str, member: _Member, first: Signed, second: Signed) -> None:
        evidence = Evidence(
            committee.chain_id, committee.oracle, committee.config_digest, signer, first, second, self._staking()
        )
        feed, checkpoint, view = evidence.place
        self.counters["equivocations"] += 1
        member.found += 1
        if member.found > MAX_EVIDENCE:
            return
        said = {"feed": feed, "checkpoint": checkpoint, "view": view, "signer": signer}
        if signer == self._own:
            log.critical("YOUR KEY SIGNED TWICE: another program signs with it, stop both and find out", **said)
        else:
            log.error("a member signed two reports for one view", **said, file=str(self._folder / evidence.name))
        self._unwritten.append(evidence)
        self._write()

    def _write(self) -> None:
        """Keep what was found, in the journal and as a file; what cannot be kept now is tried again."""
        waiting, self._unwritten = self._unwritten, []
        for evidence in waiting:
            try:
                self._journal.equivocations.add(row_of(evidence))
                write_evidence(self._folder, evidence)
            except PatinaError as error:
                log.error("evidence not kept, trying again", error=str(error))
                self._unwritten.append(evidence)

    # -- over restarts ---------------------------------------------------------------------------------------------

    def forget(self, feed: int, before: int) -> None:
        """A report of the feed in block `before` is final: what was signed for earlier checkpoints is kept no more.

        Memory goes on holding it for a while.
        """
        self._journal.equivocations.forget(feed, before)

    def flush(self) -> None:
        """Write down what was heard in open rounds since the last call, and evidence that could not be written."""
        if self._unwritten:
            self._write()
        if not self._unkept:
            return
        under_way = set(self._open_rounds())
        due = [(key, first) for key, first in self._unkept.items() if key[2][:2] in under_way]
        for key, first in list(self._unkept.items()):
            first.waited += 1
            if first.waited >= PATIENCE:
                del self._unkept[key]
        if not due:
            return
        rows = [
            HeardRow(config, *place, signer, pack_statement(first.signed.statement), first.signed.signature)
            for (config, signer, place), first in due
        ]
        try:
            self._journal.equivocations.hear(rows)
        except JournalError as error:
            log.warning("signatures heard are not kept", error=str(error))
            return
        for key, _ in due:
            self._unkept.pop(key, None)

    def restore_files(self) -> None:
        """Write the file of every piece of evidence that the journal holds; one that is there is written anew."""
        for row in self._journal.equivocations.all():
            self._unwritten.append(evidence_of(row, *self._identity(), self._staking()))
        self._write()

    def _identity(self) -> tuple[int, str]:
        chain, _, oracle = (self._journal.identity or "chain 0, oracle ").partition(", oracle ")
        return int(chain.removeprefix("chain ")), oracle

    @property
    def alarmed(self) -> bool:
        """Whether this node's own key was seen to sign twice."""
        return any(row.signer == self._own for row in self._journal.equivocations.all())

    async def run(self) -> None:
        """Write down what is heard until cancelled."""
        self.restore_files()
        while True:
            await asyncio.sleep(FLUSH_S)
            self.flush()

    def status(self) -> dict[str, object]:
        """Figures for status pages, and who was found."""
        return {
            "counters": dict(self.counters),
            "evidence": [
                {
                    "signer": row.signer,
                    "feed": row.feed,
                    "checkpoint": row.checkpoint,
                    "view": row.view,
                    "own": row.signer == self._own,
                    "state": row.state,
                    "note": row.note,
                }
                for row in self._journal.equivocations.all()
            ],
        }


def row_of(evidence: Evidence) -> EvidenceRow:
    """The evidence as the journal keeps it."""
    return EvidenceRow(
        evidence.config_digest,
        *evidence.place,
        evidence.signer,
        pack_statement(evidence.first.statement),
        evidence.first.signature,
        pack_statement(evidence.second.statement),
        evidence.second.signature,
    )


def evidence_of(row: EvidenceRow, chain_id: int, oracle: str, staking: str | None = None) -> Evidence:
    """The evidence that the journal keeps, of this chain and oracle."""
    first = Signed(unpack_statement(row.first), row.first_signature)
    second = Signed(unpack_statement(row.second), row.second_signature)
    return Evidence(chain_id, oracle, row.config, row.signer, first, second, staking)
