"""Every setting of a node: its name, type, default, limits and meaning, in this one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from node.config.contents import ContentConfig as ContentConfig
from node.config.contents import PublishConfig as PublishConfig
from node.config.key import HTTP as HTTP
from node.config.key import MULTICALL3 as MULTICALL3
from node.config.key import Address as Address
from node.config.key import Key as Key
from node.config.notices import NoticesConfig as NoticesConfig
from node.config.pages import WebConfig as WebConfig
from node.keys.secrets import SecretUrl

_HOUR = 3_600_000
_MAKE_KEYS = "make one with: patina keys new, or correct the path"
_MAKE_CERTIFICATES = "make one with: patina certs, or correct the path"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """This node: what it is called, and where it keeps what it must not forget."""

    name: Annotated[str, Key("What this node is called in logs and on its page.")] = "patina"
    directory: Annotated[
        Path,
        Key(
            "Folder of the journal and the content blocks. The journal is what keeps a restarted node from "
            "signing twice: never start from a copy older than what the node has signed since."
        ),
    ] = Path("state")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysConfig:
    """The encrypted key files, and the files that hold their passwords.

    Without a password file the password comes from the environment (PATINA_SIGNING_PASSWORD,
    PATINA_TRANSPORT_PASSWORD), or is asked for at the terminal. Passwords never stand in this file.
    """

    signing_keystore: Annotated[
        Path,
        Key(
            "Keystore (Web3 Secret Storage v3) of the key that signs reports and pays for transactions.",
            exists="private file",
            remedy=_MAKE_KEYS,
        ),
    ] = Path("keys/signing.json")
    signing_password_file: Annotated[
        Path | None,
        Key("File with the keystore's password, mode 0600.", example="keys/password", exists="private file"),
    ] = None
    transport_key: Annotated[
        Path, Key("Ed25519 key (encrypted PKCS #8 PEM) that signs gossip.", exists="private file", remedy=_MAKE_KEYS)
    ] = Path("keys/transport.pem")
    transport_password_file: Annotated[
        Path | None,
        Key("File with the transport key's password, mode 0600.", example="keys/password", exists="private file"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainConfig:
    """The chain, how it is reached, and when a block of it counts as final."""

    id: Annotated[
        int,
        Key(
            "Chain id; an endpoint of another chain is refused. Where deployment is set, its file says it.",
            example=11155111,
            low=1,
            high=2**64 - 1,
        ),
    ]
    oracle: Annotated[
        Address,
        Key(
            "Address of the StrategyOracle contract, with its checksum (EIP-55). Where deployment is set, its file "
            "says it.",
            example="0x1111111111111111111111111111111111111111",
        ),
    ]
    deployment: Annotated[
        Path | None,
        Key(
            "The network's deployment file, in the place of id, oracle and staking.contract.",
            example="deployment.json",
        ),
    ] = None
    endpoints: Annotated[
        tuple[SecretUrl, ...],
        Key(
            "JSON-RPC URLs, the preferred first; two of different providers let the node notice a lying one, and of "
            "three any one may fail. "
            "A URL with a key in it is better kept in endpoints_file. PATINA_ENDPOINTS (separated by spaces) "
            "replaces both.",
            example=("https://sepolia.example.org",),
            schemes=HTTP,
        ),
    ] = ()
    endpoints_file: Annotated[
        Path | None,
        Key(
            "File with more URLs, one a line, mode 0600. Lines that begin with # are skipped.",
            example="keys/endpoints",
            exists="private file",
        ),
    ] = None
    witnesses: Annotated[
        int,
        Key(
            "How many endpoints must say the same of what this node signs for; where fewer are configured, all of "
            "them. With 1, two are compared while two answer, and one alone is believed while no other does.",
            low=1,
            high=16,
        ),
    ] = 2
    requests_per_second: Annotated[
        int,
        Key(
            "The most requests a second to one endpoint, with bursts of twice as many; what is more waits, or goes "
            "to another endpoint.",
            low=1,
            high=1_000_000,
        ),
    ] = 50
    max_lag_blocks: Annotated[
        int,
        Key("How many blocks an endpoint may be behind the others before they are preferred.", low=1, high=100_000),
    ] = 8
    websockets: Annotated[
        tuple[SecretUrl, ...],
        Key(
            "WebSocket URLs that announce new blocks, so that the node looks sooner than poll_ms; what they say is "
            "not believed, and polling goes on without them. In endpoints_file they may stand too.",
            schemes=("ws", "wss"),
        ),
    ] = ()
    finality: Annotated[
        Literal["finalized"] | int,
        Key(
            'What makes a block final: "finalized" (the chain says so), or a number of confirmations for a chain '
            "that does not say it.",
            low=1,
            high=100_000,
        ),
    ] = "finalized"
    poll_ms: Annotated[int, Key("How often the chain is asked for a new final block, in ms.", low=50, high=_HOUR)] = (
        4_000
    )
    timeout_ms: Annotated[int, Key("How long one request to an endpoint may take, in ms.", low=100, high=600_000)] = (
        10_000
    )
    multicall: Annotated[Address, Key("Address of Multicall3, through which all feeds are read in one request.")] = (
        MULTICALL3
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """One MQTT broker. The broker need not be trusted: messages are signed and checked."""

    url: Annotated[
        SecretUrl,
        Key(
            "mqtts://host:8883 (TLS) or mqtt://host:1883, without user and password.",
            example="mqtts://broker.example.org:8883",
            schemes=("mqtt", "mqtts"),
        ),
    ]
    username: Annotated[str | None, Key("User name at the broker.", example="patina")] = None
    password_file: Annotated[
        Path | None,
        Key(
            "File with the password at the broker, mode 0600; PATINA_BROKER_1_PASSWORD (2 for the second "
            "broker, and so on) stands in for it.",
            example="keys/broker-1.password",
            exists="private file",
        ),
    ] = None
    ca: Annotated[
        Path | None,
        Key(
            "CA certificate (PEM) that the broker's certificate must come from; without it, the system's.",
            example="keys/ca.pem",
            exists="file",
            remedy=_MAKE_CERTIFICATES,
        ),
    ] = None
    cert: Annotated[
        Path | None,
        Key(
            "This node's certificate (PEM), where the broker asks for one; without username, its common name is what "
            "the node is called in the topics that it publishes to.",
            example="keys/node.pem",
            exists="file",
            remedy=_MAKE_CERTIFICATES,
        ),
    ] = None
    key: Annotated[
        Path | None,
        Key(
            "Private key (PEM) of that certificate, mode 0600.",
            example="keys/node.key",
            exists="private file",
            remedy=_MAKE_CERTIFICATES,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GossipConfig:
    """How nodes talk: over every broker at once, so that any one of them is enough."""

    brokers: Annotated[tuple[BrokerConfig, ...], Key("The brokers, each in a [[gossip.brokers]] of its own.", many=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementConfig:
    """Timing of the protocol. Nodes with different timings still agree, only later."""

    grace_ms: Annotated[
        int,
        Key("How long a leader with a quorum waits for late observations, in ms: above poll_ms.", low=0, high=_HOUR),
    ] = 4_500
    view_ms: Annotated[
        int,
        Key("How long the first leader has to propose, in ms; doubled with every further view.", low=100, high=_HOUR),
    ] = 12_000
    render_ms: Annotated[
        int, Key("How long a view lasts from its proposal on, in ms: time to render.", low=100, high=24 * _HOUR)
    ] = 120_000
    repeat_ms: Annotated[
        int, Key("How often messages are announced again until the round ends, in ms.", low=50, high=_HOUR)
    ] = 1_000
    max_view_ms: Annotated[int, Key("The longest that view_ms grows to, in ms.", low=100, high=24 * _HOUR)] = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitConfig:
    """Sending reports to the chain. Senders take turns; only one of a committee pays for each report."""

    enabled: Annotated[bool, Key("Whether this node sends at all; without it, it signs and others send.")] = True
    stage_ms: Annotated[
        int, Key("How long each sender waits for the one before it, in ms; a few blocks' time.", low=0, high=_HOUR)
    ] = 30_000
    vote_after_ms: Annotated[
        int,
        Key(
            "How long gossip may be silent, in ms, before this node votes on chain for what it measures and renders by "
            "itself: every broker away, or too few members heard for a quorum while a round is open. Each member pays "
            "for its own vote; enough votes that agree have the effect of a report.",
            low=1_000,
            high=24 * _HOUR,
        ),
    ] = 600_000
    max_fee_gwei: Annotated[
        Decimal,
        Key(
            "The most that a unit of gas may ever cost, in gwei (1e9 wei), replacements included.",
            low=Decimal("0.000000001"),
            high=Decimal(100_000),
        ),
    ] = Decimal(100)
    priority_fee_gwei: Annotated[
        Decimal,
        Key("The first offer to the block's builder per unit of gas, in gwei.", low=Decimal(0), high=Decimal(100_000)),
    ] = Decimal(1)
    bump_percent: Annotated[
        Decimal,
        Key(
            "How much more a replacement offers, in percent; networks refuse less than 10.",
            low=Decimal(10),
            high=Decimal(1_000),
        ),
    ] = Decimal("12.5")
    resend_after_ms: Annotated[
        int, Key("How long a transaction may wait before it is replaced, in ms.", low=100, high=24 * _HOUR)
    ] = 60_000
    max_gas: Annotated[
        int,
        Key(
            "The most gas that one transaction may ask for; an endpoint that estimates more is not believed.",
            low=100_000,
            high=1_000_000_000,
        ),
    ] = 10_000_000
    low_balance_ether: Annotated[
        Decimal,
        Key(
            "A balance of the paying account below this, in ether, is told as low-balance; it still sends what it "
            "can pay.",
            low=Decimal(0),
            high=Decimal(1_000_000),
        ),
    ] = Decimal("0.05")

    @property
    def max_fee(self) -> int:
        """The most that a unit of gas may cost, in wei."""
        return int(self.max_fee_gwei * 10**9)

    @property
    def priority_fee(self) -> int:
        """The first priority fee per unit of gas, in wei."""
        return int(self.priority_fee_gwei * 10**9)

    @property
    def low_balance(self) -> int:
        """The balance below which the account counts as nearly empty, in wei."""
        return int(self.low_balance_ether * 10**18)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedsConfig:
    """Which of the oracle's feeds this node serves."""

    serve: Annotated[
        Literal["all"] | tuple[int, ...], Key('"all", or a list of feed ids such as [1, 4].', low=1, many=1)
    ] = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class StakingConfig:
    """What this node does about the staking contract, where the oracle obeys one.

    Everything here is paid by the signing key's account; the operator's own account is never needed.
    """

    contract: Annotated[
        Address | None,
        Key(
            "Address of the NodeStaking contract, with its checksum (EIP-55); without it, the one that the oracle "
            "obeys.",
            example="0x2222222222222222222222222222222222222222",
        ),
    ] = None
    rotate: Annotated[
        bool,
        Key(
            "Whether this node settles work and rotates the committee when it is its turn; the treasury repays the gas "
            "of a rotation as far as it reaches."
        ),
    ] = True
    claim: Annotated[
        bool,
        Key(
            "Whether this node has its rewards paid out once an era, to the payee that its operator chose, and what "
            "its account is owed for transactions; only where that is worth ten times its gas."
        ),
    ] = False
    submit_evidence: Annotated[
        bool,
        Key(
            "Whether this node takes proof that a member signed two reports to the contract, when it is its turn; a "
            "part of the slashed stake is then its own. Without it, the proof is written to a file."
        ),
    ] = False
    serve_unpaid: Annotated[
        bool,
        Key("Whether this node also works for feeds whose funds do not cover a report."),
    ] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderConfig:
    """Drawing the artworks, in processes beside the node: one for each device."""

    engine: Annotated[
        str,
        Key(
            '"auto" (the fastest that proves exact on this machine), "torch" (CPU), "cuda", or "numpy" '
            "(without torch, and slow). All draw the same bytes.",
            choices=("auto", "numpy", "torch", "cuda"),
        ),
    ] = "auto"
    devices: Annotated[
        Literal["auto"] | tuple[str, ...],
        Key('"auto" (the GPUs, or without one the CPU), or a list such as ["cpu", "cuda:0"].', many=1),
    ] = "auto"
    workers: Annotated[
        int,
        Key(
            "How many processes render at once on the CPU, or on the Ray cluster; each keeps a model in memory.",
            low=1,
            high=256,
        ),
    ] = 1
    batch: Annotated[
        int,
        Key("The most pictures that are drawn together; less where memory asks for it.", low=1, high=256),
    ] = 4
    memory_mb: Annotated[
        int,
        Key(
            "MiB of memory that one process may fill, shared libraries and a GPU's memory aside; beyond it the process "
            "is replaced and a smaller batch tried.",
            low=512,
            high=2**24,
        ),
    ] = 4_096
    nice: Annotated[int, Key("How far rendering yields to all else on this machine.", low=0, high=19)] = 5
    picture_ms: Annotated[
        int,
        Key(
            "How long one picture may take, or the start of a process, before the process is replaced, in ms.",
            low=1_000,
            high=24 * _HOUR,
        ),
    ] = 180_000
    pool: Annotated[
        str,
        Key(
            'Where rendering is done: "local" (this machine), "ray://host:port" (a Ray cluster, by its client port) or '
            '"ray://auto" (the cluster that this machine is part of). Ray comes with the extra patina[ray].'
        ),
    ] = "local"
    recipes: Annotated[
        Path, Key("Folder of recipe files (*.json); recipes that are not there are fetched from the content peers.")
    ] = Path("recipes")
    pipelines: Annotated[
        Path, Key("Folder of diffusers pipelines, each in a folder of its own, for recipes that name one.")
    ] = Path("pipelines")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """What is logged, and how. Known secrets are masked in all of it."""

    level: Annotated[str, Key("The least that is logged.", choices=("debug", "info", "warning", "error"))] = "info"
    format: Annotated[
        str,
        Key(
            '"human" (for eyes), "json" (one object a line), or "auto": human on a terminal, json elsewhere.',
            choices=("auto", "human", "json"),
        ),
    ] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A node's whole configuration. All paths are absolute; `path` is the file that it came from."""

    path: Path
    chain: ChainConfig
    gossip: GossipConfig
    node: NodeConfig = field(default_factory=NodeConfig)
    keys: KeysConfig = field(default_factory=KeysConfig)
    agreement: AgreementConfig = field(default_factory=AgreementConfig)
    transmit: TransmitConfig = field(default_factory=TransmitConfig)
    feeds: FeedsConfig = field(default_factory=FeedsConfig)
    staking: StakingConfig = field(default_factory=StakingConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    content: ContentConfig = field(default_factory=ContentConfig)
    web: WebConfig = field(default_factory=WebConfig)
    notices: NoticesConfig = field(default_factory=NoticesConfig)
    log: LogConfig = field(default_factory=LogConfig)


#: Sections in the order of the example file.
SECTIONS: dict[str, type] = {
    "node": NodeConfig,
    "keys": KeysConfig,
    "chain": ChainConfig,
    "gossip": GossipConfig,
    "agreement": AgreementConfig,
    "transmit": TransmitConfig,
    "feeds": FeedsConfig,
    "staking": StakingConfig,
    "render": RenderConfig,
    "content": ContentConfig,
    "web": WebConfig,
    "notices": NoticesConfig,
    "log": LogConfig,
}
