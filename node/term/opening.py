"""Makes what a seat in a committee needs, from what a node has anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.agreement.machine import Machine
from node.gossip.envelope import sealer
from node.gossip.hearing import Hearing
from node.gossip.limits import Limits
from node.gossip.transport import Gossip, topic_prefix
from node.gossip.verifier import Verifier
from node.rounds.driver import RoundDriver
from node.rounds.transmit import Transmitter
from node.settings import timing
from node.term.term import Term
from node.voting.voter import Voter

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from node.agreement.committee import Committee
    from node.chain.client import Chain
    from node.chain.sending.sender import Sender
    from node.config import Config
    from node.gossip.settings import BrokerSettings
    from node.journal import Journal
    from node.keys.signing import Signer
    from node.rounds.landings import Landings
    from node.staking.watch import Watch


@dataclass(frozen=True)
class Opening:
    """Everything that lasts, as far as a term needs it; called, it opens a term that does not run yet."""

    config: Config
    chain: Chain
    journal: Journal
    signer: Signer
    transport_key: Ed25519PrivateKey
    brokers: Sequence[BrokerSettings]
    sender: Sender
    landings: Landings
    watch: Watch

    def __call__(self, committee: Committee, index: int) -> Term:
        """Open the term of a seat.

        Raises:
            ConfigError: a broker cannot be used.
        """
        chosen = self.config.transmit
        gossip = Gossip(self.brokers, topic_prefix(committee.config_digest))
        verifier = Verifier(committee, limits=Limits())
        transmitter = Transmitter(
            self.chain,
            committee,
            index,
            self.sender,
            self.landings,
            stage_ms=chosen.stage_ms,
            enabled=chosen.enabled,
        )
        seal = sealer(self.transport_key, committee, index)
        machine = Machine(committee, index, verifier, timing(self.config), seal)
        hearing = Hearing(committee, index)
        opener = self.watch.noting(committee, hearing.noting(gossip.counting(verifier.open)))
        rounds = RoundDriver(machine, committee, self.journal, self.signer, gossip, opener, transmitter)
        voter = Voter(
            rounds,
            self.chain,
            committee,
            index,
            self.journal,
            self.sender,
            self.landings,
            gossip.silent_for,
            hearing,
            after=chosen.vote_after_ms / 1000,
            stage=chosen.stage_ms / 1000,
            pause=self.config.chain.poll_ms / 1000,
            enabled=chosen.enabled,
        )
        return Term(committee, index, gossip, verifier, rounds, voter, transmitter, hearing)
