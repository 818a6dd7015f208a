"""Notices members that sign two reports for one view, keeps the proof, and says so."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

import structlog

from node.agreement.effects import RoundKey
from node.agreement.messages import Attestation, Opened
from node.agreement.report import Statement, statement_digest, statement_of
from node.agreement.signature import recover
from node.clock import milliseconds
from node.errors import AgreementError, JournalError, PatinaError
from node.gossip.bucket import Rate, TokenBucket
from node.gossip.envelope import EnvelopeError, open_envelope
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
"""Landed reports whose signers are remembered, the latest ones; the journal knows those that are final."""
LATE: Final = Rate(per_second=50, burst=512)
"""Attestations of rounds that are over, of all members together, that are looked up and checked."""
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
_MOST_NUMBER: Final = 1 << 63
"""Feeds and checkpoints from here on no journal holds, and no round of this node has."""

log = structlog.get_logger("equivocation")


class Watch:
    """Compares every signature that is heard, or that landed on chain, with the first of its member for that view.

    Signatures are checked only where two statements differ, so that honest members cost nothing. Memory is bounded
    by member, and evidence by signer; neither is spent by anyone but the signer itself. Of rounds that are over the
    journal knows what members signed first, and what landed: who waits with the second signature gains little.
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
        self._unkept: OrderedDict[tuple[bytes, str, Place], First] = OrderedDict()
        self._under_way: set[tuple[int, int]] = set()
        self._over: dict[int, tuple[int, int]] = {}
        self._unwritten: list[Evidence] = []
        self._landed: OrderedDict[tuple[bytes, RoundKey], Landed] = OrderedDict()
        self.suspects: deque[Landed] = deque(maxlen=MAX_SUSPECTS)
        self.alarmed = False
        """Whether this node's own key was seen to sign twice since the node was started."""
        self._late = TokenBucket(LATE, clock())
        self.counters: Counter[str] = Counter()

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
        """Wrap what opens a committee's envelopes, so that every attestation in them is heard, late ones too."""

        def noted(raw: bytes) -> Opened:
            try:
                opened = opener(raw)
            except EnvelopeError as error:
                if error.unproven is not None:
                    self._hear_late(committee, error.unproven)
                raise
            if isinstance(opened.message, Attestation):
                self.hear(committee, opened.sender, opened.message)
            return opened

        return noted

    def _hear_late(self, committee: Committee, unproven: Opened) -> None:
        """Take an attestation of a round that is over, as nobody else does any more, unless it says nothing new.

        What members announce again, and what brokers deliver again, costs a look into memory or the journal.
        """
        attestation, config = unproven.message, committee.config_digest
        if not isinstance(attestation, Attestation):
            return
        signer, statement = committee.signers[unproven.sender], attestation.statement
        member, place = self._member(committee, signer), place_of(statement)
        signed = Signed(statement, attestation.signature)
        first = member.firsts.get(place)
        if first is not None and first.signed == signed:
            return
        if not self._late.take(1, self._clock()):
            self.counters["late signatures passed over"] += 1
            return
        first = first or self._first(config, signer, member, place)
        if first is None:
            landed = self._landed_at(config, RoundKey(*place[:2]))
            new = landed is None or statement_digest(committee.domain, statement) != landed.report_digest
        else:
            new = first.signed != signed and not (first.genuine and first.signed.statement == statement)
        if not new:
            return
        try:
            open_envelope(unproven.raw, committee)
        except EnvelopeError:
            return
        if self._affordable(member) and self._genuine(committee, signer, signed):
            self.counters["late signatures"] += 1
            self._take(committee, signer, signed, genuine=True)

    def told(self, landed: Landed) -> None:
        """Take a report that landed: its event names the signers and the digest.

        Where one of them was heard to sign another report of the round, it is a suspect: its signatures are worth
        fetching, for `landed`.
        """
        key = RoundKey(landed.feed, landed.checkpoint)
        self._landed[landed.config_digest, key] = landed
        if len(self._landed) > MAX_LANDED:
            self._landed.popitem(last=False)
        committee = self._committee(landed.config_digest)
        if committee is None:
            return
        said: dict[str, list[Statement]] = {}
        try:
            for row in self._journal.equivocations.of_round(landed.config_digest, *key):
                said.setdefault(row.signer, []).append(unpack_statement(row.statement))
        except JournalError as error:
            log.warning("signatures heard are not read", error=str(error))
        for index, signer in enumerate(committee.signers):
            if landed.signers >> index & 1:
                member = self._members.get((landed.config_digest, signer))
                firsts = [] if member is None else member.rounds.get(key, [])
                self._doubt(committee, landed, said.get(signer, []) + [first.signed.statement for first in firsts])

    def _doubt(self, committee: Committee, landed: Landed, said: list[Statement]) -> None:
        """Have a report read whole, one of whose signers said this in its round: one statement a view.

        Where the report itself is among it, whatever else there is was said in other views.
        """
        digests = {statement_digest(committee.domain, statement) for statement in said}
        if digests and landed.report_digest not in digests and landed not in self.suspects:
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
        first = member.firsts.get(place) or self._first(committee.config_digest, signer, member, place)
        if first is not None and first.signed.statement == signed.statement:
            if first.signed == signed:
                first.genuine = first.genuine or genuine
            elif not first.genuine and (
                genuine or (self._affordable(member) and self._genuine(committee, signer, signed))
            ):
                # A true statement under a false signature must not hide the true one.
                member.drop(place)
                self._note(committee, signer, member, First(signed, genuine=True))
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
        return self._members.setdefault((config, signer), Member(self._clock()))

    def _committee(self, config: bytes) -> Committee | None:
        """The committee of a configuration, if anything was heard under it, or the journal knows it."""
        known = self._committees.get(config)
        return known or self._journal.configurations.committee(config, *self._identity())

    def _first(self, config: bytes, signer: str, member: Member, place: Place) -> First | None:
        """What the journal holds of a member: of open rounds over restarts and floods, and of rounds that are over."""
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

    def _landed_at(self, config: bytes, key: RoundKey) -> Landed | None:
        """The report that landed in a round of a configuration, if one did."""
        landed = self._landed.get((config, key))
        if landed is None and max(key.feed, key.checkpoint) < _MOST_NUMBER:
            try:
                landed = self._journal.reports.get(*key)
            except JournalError as error:
                log.warning("what landed is not read", error=str(error))
        return landed if landed is not None and landed.config_digest == config else None

    def _note(self, committee: Committee, signer: str, member: Member, first: First) -> None:
        config, place = committee.config_digest, place_of(first.signed.statement)
        member.note(first)
        self._unkept[config, signer, place] = first
        self.counters["signatures heard"] += 1
        if len(member.firsts) > MAX_HEARD:
            gone = next(iter(member.firsts))
            member.drop(gone)
            if gone[:2] not in self._under_way:
                self._unkept.pop((config, signer, gone), None)
            elif len(self._unkept) > MAX_UNKEPT:
                self._unkept.popitem(last=False)
        key = RoundKey(*place[:2])
        landed = self._landed_at(config, key)
        # Of whom a piece of evidence was found no other is looked for.
        if landed is not None and not member.found and landed.signers >> committee.signers.index(signer) & 1:
            self._doubt(committee, landed, [each.signed.statement for each in member.rounds[key]])

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
        """A report of the feed in block `before` is final: earlier checkpoints are over.

        Memory holds what was signed for them until the next one is final, the journal that of the latest of them.
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
