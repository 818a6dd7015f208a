"""Brings evidence of equivocation to the staking contract, once, unless somebody else was first."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

import structlog
from eth_hash.auto import keccak

from node.errors import ChainError, JournalError, PatinaError, RevertError
from node.rounds.transmit import turn
from node.staking import calldata
from node.staking.evidence import Evidence
from node.staking.kept import evidence_of

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.sending.sender import Sender
    from node.chain.types import Landed
    from node.journal import Journal
    from node.journal.equivocations import EvidenceRow
    from node.staking.contract import Staking
    from node.staking.locator import Locator
    from node.staking.watch import Watch

LOOK_S: Final = 5.0
"""Seconds between looks at evidence and at suspects."""
TRIES: Final = 5
"""Refusals after which evidence is left to its file, and failures after which a landed report is not read any more."""
_NOTHING_LEFT: Final = ("already", "unknown configuration", "not slashable")

log = structlog.get_logger("equivocation")


class Accuser:
    """Reads landed reports that are worth it, and submits evidence where that is configured.

    Members take turns, in an order that the offender decides, whatever evidence each of them holds: one transaction is
    the rule. Whoever finds the signer slashed already has nothing to do, and who waits for one transaction against it
    sends no other: a second one would fail, and cost gas as often as the offender pleases.
    """

    def __init__(
        self,
        chain: Chain,
        journal: Journal,
        watch: Watch,
        locator: Locator,
        sender: Sender,
        *,
        submit: bool,
        stage: float,
    ) -> None:
        """`submit`: whether evidence is sent; `stage`: seconds between one member's turn and the next."""
        self._chain = chain
        self._journal = journal
        self._watch = watch
        self._locator = locator
        self._sender = sender
        self._submit = submit
        self._stage = stage
        self._since: dict[EvidenceRow, float] = {}
        self._refused: Counter[str] = Counter()
        self._unread: Counter[Landed] = Counter()
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Look until cancelled; what fails is tried again."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Read what is suspect, and bring forward what is found; failures are logged."""
        await self._read()
        try:
            if self._submit:
                for row in self._journal.equivocations.all():
                    if row.state == "found" and row.signer != self._sender.address:
                        await self._accuse(row)
        except PatinaError as error:
            log.warning("evidence not looked after, trying again", error=str(error))

    async def _read(self) -> None:
        """Fetch the signatures of landed reports that contradict what was heard."""
        for _ in range(len(self._watch.suspects)):
            landed = self._watch.suspects.popleft()
            try:
                chain_id = await self._chain.chain_id()
                committee = self._journal.configurations.committee(landed.config_digest, chain_id, self._chain.oracle)
                report = await self._chain.report(landed.feed, landed.checkpoint, landed)
            except ChainError as error:
                # A reorganisation may have taken it back: then nobody has it, however often it is asked for.
                self._unread[landed] += 1
                if self._unread[landed] < TRIES:
                    self._watch.suspects.append(landed)
                log.info("report not read", feed=landed.feed, checkpoint=landed.checkpoint, why=str(error))
                continue
            self._unread.pop(landed, None)
            self.counters["reports read"] += 1
            if committee is not None:
                self._watch.landed(committee, report)

    async def _accuse(self, row: EvidenceRow) -> None:
        staking = await self._locator.find()
        if staking is None:
            return
        evidence = evidence_of(row, await self._chain.chain_id(), self._chain.oracle, staking.address)
        done = await self._settled(staking, evidence)
        if done is not None:
            self._over(row, done)
            return
        if self._waits(staking, row.signer):
            return
        now = asyncio.get_running_loop().time()
        if now < self._since.setdefault(row, now) + self._turn(evidence) * self._stage:
            return
        key = _key(staking, row)
        try:
            tx = await self._sender.send(key, staking.address, calldata.slash_equivocation(evidence))
        except RevertError as error:
            self._refused[key] += 1
            if any(words in str(error) for words in _NOTHING_LEFT) or self._refused[key] >= TRIES:
                self._over(row, str(error))
            else:
                log.info("evidence not sent", signer=row.signer, why=str(error))
            return
        self.counters["evidence sent"] += 1
        self._mark(row, "sent", "0x" + tx.hex())
        log.warning("evidence sent", signer=row.signer, tx="0x" + tx.hex())

    async def _settled(self, staking: Staking, evidence: Evidence) -> str | None:
        """Why there is nothing to send any more, or None."""
        if await staking.config_number(evidence.config_digest) == 0:
            return "the configuration is not one of the staking contract's"
        number = await staking.node_of_signer(evidence.signer)
        if number == 0:
            return "the signer is no node of the staking contract's"
        if (await staking.node(number)).slashed:
            return "the node is slashed already"
        return None

    def _waits(self, staking: Staking, signer: str) -> bool:
        """Whether a transaction against a signer is on its way."""
        for row in self._journal.equivocations.all():
            if row.signer == signer and row.state == "sent":
                sent = self._journal.transactions.get(_key(staking, row))
                if sent is not None and sent.state in ("queued", "signed", "sent"):
                    return True
        return False

    def _turn(self, evidence: Evidence) -> int:
        """When it is this node's turn, 0 first; whoever has no seat comes last."""
        committee = self._journal.configurations.committee(
            evidence.config_digest, evidence.chain_id, self._chain.oracle
        )
        if committee is None:
            return 0
        if self._sender.address not in committee.signers:
            return committee.n
        return turn(keccak(evidence.signer.encode()), committee.signers.index(self._sender.address), committee.n)

    def _over(self, row: EvidenceRow, why: str) -> None:
        self._mark(row, "over", why)
        log.info("evidence needs nothing more", signer=row.signer, why=why)

    def _mark(self, row: EvidenceRow, state: str, note: str) -> None:
        self._since.pop(row, None)
        try:
            self._journal.equivocations.mark(row, "sent" if state == "sent" else "over", note)
        except JournalError as error:
            raise ChainError(f"evidence not marked: {error}") from error


def _key(staking: Staking, row: EvidenceRow) -> str:
    """The key of the transaction that brings evidence to a contract."""
    return f"slash {staking.address} {row.signer}-{row.feed}-{row.checkpoint}-{row.view} {row.config.hex()[:8]}"
