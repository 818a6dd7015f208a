"""A whole node's parts on paper: real where that costs nothing, scripted where they would reach out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.agreement.machine import Machine
from node.chain.client import Chain
from node.chain.configurations import NO_DIGEST, Configuration, Installed
from node.chain.endpoints.pool import RpcPool
from node.chain.endpoints.wakeup import WakeUp
from node.chain.sending.sender import Sender
from node.chain.types import Block
from node.config import Config
from node.gossip.envelope import sealer
from node.gossip.transport import Gossip
from node.gossip.verifier import Verifier
from node.journal import Journal
from node.keys.signing import LocalSigner
from node.notices.notices import Notices
from node.parts import Parts
from node.publish.publisher import Publisher
from node.render.pool import local_pool
from node.rounds.driver import RoundDriver
from node.rounds.landings import Landings
from node.settings import broker_settings, fees, pool_settings, render_settings, timing
from node.status.disk import Disk
from node.status.health import Health
from node.status.standings import Standings
from node.term.term import Term
from node.term.terms import Terms
from tests.unit.paper import make_block

ORACLE = "0xdD870fA1b7C4700F2BD7f44238821C26f7392148"
PASSWORD = "planted-broker-password-71"
CONFIG = f"""
[node]
name = "north"
[chain]
id = 31337
oracle = "{ORACLE}"
endpoints = ["http://127.0.0.1:8545/v2/planted-endpoint-key-72"]
poll_ms = 1500
timeout_ms = 2500
witnesses = 3
requests_per_second = 7
max_lag_blocks = 5
websockets = ["wss://one.example/v2/planted-endpoint-key-72"]
[[gossip.brokers]]
url = "mqtts://one.example:8883"
username = "north"
password_file = "broker.password"
[[gossip.brokers]]
url = "mqtt://two.example:1883"
[agreement]
grace_ms = 11
view_ms = 1200
max_view_ms = 5000
render_ms = 7000
repeat_ms = 900
[transmit]
max_fee_gwei = 2.5
priority_fee_gwei = 0.5
bump_percent = 20
resend_after_ms = 2500
max_gas = 900000
low_balance_ether = 0.25
[render]
engine = "torch"
devices = ["cpu"]
workers = 3
batch = 2
memory_mb = 900
nice = 7
picture_ms = 2500
"""
SIGNERS = [LocalSigner(keccak(b"signer %d" % index)) for index in range(4)]
TRANSPORT = [Ed25519PrivateKey.from_private_bytes(keccak(b"transport %d" % index)) for index in range(4)]


def make_committee() -> Committee:
    keys = [key.public_key().public_bytes_raw() for key in TRANSPORT]
    return Committee(31337, ORACLE, [signer.address for signer in SIGNERS], keys)


@dataclass
class PaperOracle:
    """Has one committee, and says so at every block; none for None."""

    seated: Committee | None
    oracle: str = ORACLE

    async def configuration(self, _: Block) -> Configuration:
        return Configuration(NO_DIGEST if self.seated is None else self.seated.config_digest, 0, NO_DIGEST, 0)

    async def installed(self, block: Block) -> Installed:
        return Installed(await self.configuration(block), self.seated, None)


def make_term(config: Config, committee: Committee, journal: Journal) -> Term:
    verifier = Verifier(committee)
    gossip = Gossip(broker_settings(config), "patina/x")
    machine = Machine(committee, 1, verifier, timing(config), sealer(TRANSPORT[1], committee, 1))
    transmitter: Any = SimpleNamespace(previous=False)
    rounds = RoundDriver(machine, committee, journal, SIGNERS[1], gossip, verifier.open, transmitter)
    voter: Any = SimpleNamespace(status=dict, retired=False, counters=Counter(), silent_for=lambda: 0.0)
    return Term(committee, 1, gossip, verifier, rounds, voter, transmitter)


async def make_parts(
    config: Config, committee: Committee, journal: Journal, seated: Committee | None = None, *, vacant: bool = False
) -> Parts:
    pool = RpcPool(config.chain.endpoints, pool_settings(config))
    chain = Chain(pool, ORACLE, chain_id=config.chain.id)
    oracle: Any = PaperOracle(None if vacant else seated or committee)
    terms = Terms(oracle, journal, 31337, SIGNERS[1].address, lambda them, _: make_term(config, them, journal))
    await terms.look(make_block(900))
    known: dict[str, Any] = {
        "chain": chain,
        "chain_id": 31337,
        "address": SIGNERS[1].address,
        "sender": Sender(chain, SIGNERS[1], journal, fees(config)),
        "wakeup": WakeUp(config.chain.websockets),
        "guard": SimpleNamespace(doubtful=lambda: False),
        "landings": (landings := Landings(chain, journal, 1)),
        "standings": Standings(journal, landings),
        "duty": SimpleNamespace(reasons=list, status=dict, own=SimpleNamespace(found=None, age=None)),
        "config": config,
        "journal": journal,
        "terms": terms,
        "health": Health(),
        "disk": Disk(journal.path, config.node.directory / "blocks"),
        "studio": SimpleNamespace(painted=12),
        "collector": SimpleNamespace(missing=0),
        "publisher": Publisher((), journal, cast(Any, None), chain.oracle),
        "renderers": local_pool(render_settings(config)),
        "drawings": SimpleNamespace(found=5),
        "notices": Notices(config, journal, ()),
    }
    return Parts(**{each.name: known.get(each.name, cast(Any, None)) for each in fields(Parts)})


def in_force(parts: Parts) -> Term:
    term = parts.terms.current
    assert term is not None
    return term
