"""Notices members that sign two reports for one view, keeps the proof, and says so."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

import structlog

from node.agreement.effects import RoundKey
from node.agreement.messages import Attestation, Opened
from node.agreement.report import statement_digest, statement_of
from node.agreement.signature import recover
from node.clock import milliseconds
from node.errors import AgreementError, JournalError, PatinaError
from node.journal.equivocations import HeardRow
from node.staking.evidence import (
    FOLDER,
    Evidence,
    Signed,
    pack_statement,
    place_of,
    unpack_statement,
    write_evidence,
)
from node.staking.heard import First, Member, Place
from node.staking.kept import evidence_of, row_of

if TYPE_CHECKING:
    from pathlib import Path

    from node.agreement.committee import Committee
    from node.chain.types import FullReport, Landed
    from node.journal import Journal

MAX_HEARD: Final = 4_096
"""First signatures kept of one member of one configuration, the latest ones."""
MAX_CONFIGURATIONS: Final = 4
MAX_UNKEPT: Final = 31 * MAX_HEARD
"""Signatures that wait to be written down, of all members together."""
MAX_LANDED: Final = 1_024
"""Landed reports whose signers are remembered, the latest ones."""
MAX_SUSPECTS: Final = 64
"""Landed reports that wait to be read whole."""
MAX_EVIDENCE: Final = 8
"""Pieces of evidence kept against one signer of one configuration: one is enough, and it could go on for ever."""
PATIENCE: Final = 300
"""Writes that pass over what was signed in a round that is not begun here, before it is let go of."""
SWEEP: Final = 60
"""Writes between two looks at what memory holds of rounds that are over."""
FLUSH_S: Final = 1.0
"""Seconds between writes of what was heard."""

log = structlog.get_logger("equivocation")


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
        self._members: dict[tuple[bytes, str], Member] = {}
        self._restored: dict[bytes, list[HeardRow]] = {}
        self._unkept: OrderedDict[tuple[bytes, str, Place], First] = OrderedDict()
        self._under_way: set[tuple[int, int]] = set()
        self._over: dict[int, tuple[int, int]] = {}
        self._unwritten: list[Evidence] = []
        self._landed: OrderedDict[tuple[bytes, RoundKey], Landed] = OrderedDict()
        self.suspects: deque[Landed] = deque(maxlen=MAX_SUSPECTS)
        self.alarmed = False
        """Whether this node's own key was seen to sign twice since the node was started."""
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
        first = member.firsts.get(place) or self._recalled(committee.config_digest, signer, member, place)
        if first is not None and first.signed.statement == signed.statement:
            first.genuine = first.genuine or (genuine and first.signed == signed)
            return
        if first is None:
            self._note(committee, signer, member, First(signed, genuine))
            return
        if not first.genuine:
            if not self._affordable(member):
                return
            first.genuine = self._genuine(committee, signer, first.signed)
            if not first.genuine:
                member.drop(place)
                self._note(committee, signer, member, First(signed, genuine))
                return
        if genuine or (self._affordable(member) and self._genuine(committee, signer, signed)):
            self._found(committee, signer, member, first.signed, signed)

    def _member(self, committee: Committee, signer: str) -> Member:
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
        return self._members.setdefault((config, signer), Member(self._clock()))

    def _restore(self, row: HeardRow) -> None:
        member = self._members.setdefault((row.config, row.signer), Member(self._clock()))
        member.note(First(Signed(unpack_statement(row.statement), row.signature)))

    def _recalled(self, config: bytes, signer: str, member: Member, place: Place) -> First | None:
        """What the journal holds of a member that said so much that some of it had to go here."""
        if not member.crowded:
            return None
        try:
            row = self._journal.equivocations.first(config, *place, signer)
        except JournalError as error:
            log.warning("signatures heard are not read", error=str(error))
            return None
        if row is None:
            return None
        first = First(Signed(unpack_statement(row.statement), row.signature))
        member.note(first)
        if len(member.firsts) > MAX_HEARD:
            member.drop(next(iter(member.firsts)))
        return first

    def _note(self, committee: Committee, signer: str, member: Member, first: First) -> None:
        config, place = committee.config_digest, place_of(first.signed.statement)
        member.note(first)
        self._unkept[config, signer, place] = first
        self.counters["signatures heard"] += 1
        if len(member.firsts) > MAX_HEARD:
            gone = next(iter(member.firsts))
            member.drop(gone)
            member.crowded = True
            if gone[:2] not in self._under_way:
                self._unkept.pop((config, signer, gone), None)
            elif len(self._unkept) > MAX_UNKEPT:
                self._unkept.popitem(last=False)
        landed = self._landed.get((config, RoundKey(*place[:2])))
        if landed is not None and landed.signers >> committee.signers.index(signer) & 1:
            self._suspect(committee, landed, first.signed)

    def _affordable(self, member: Member) -> bool:
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

    def _found(self, committee: Committee, signer: str, member: Member, first: Signed, second: Signed) -> None:
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
            self.alarmed = True
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

        Memory goes on holding it until the next one is final.
        """
        self._journal.equivocations.forget(feed, before)
        _, newest = self._over.get(feed, (0, 0))
        self._over[feed] = newest, before

    def sweep(self) -> None:
        """Let go of what was signed in rounds that the last final report but one had ended."""
        for (config, signer), member in self._members.items():
            gone = [place for place in member.firsts if place[1] < self._over.get(place[0], (0, 0))[0]]
            for place in gone:
                member.drop(place)
                self._unkept.pop((config, signer, place), None)
            member.crowded = member.crowded and len(member.firsts) > MAX_HEARD // 2

    def flush(self) -> None:
        """Write down what was heard in open rounds since the last call, and evidence that could not be written."""
        if self._unwritten:
            self._write()
        if not self._unkept:
            return
        under_way = self._under_way = set(self._open_rounds())
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

    async def run(self) -> None:
        """Write down what is heard until cancelled."""
        self.restore_files()
        flushes = 0
        while True:
            await asyncio.sleep(FLUSH_S)
            self.flush()
            flushes += 1
            if flushes % SWEEP == 0:
                self.sweep()

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
