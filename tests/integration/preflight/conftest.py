"""A network with staking, a broker with a login, and a node's folder with a seat; and endpoints that are not well."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.config import load, unlock_signer
from node.config.directory import NodeFolder, create_node_folder
from node.devnet.account import connect
from node.devnet.broker import EmbeddedBroker
from node.devnet.genesis import dev_account
from node.devnet.replay.stage import Opening
from node.devnet.rpc.server import DevnetServer, serve_chain
from node.devnet.settings import ChainSettings, EmbeddedBrokerSettings
from node.devnet.staking import enrol, rotate
from node.devnet.testnet.contracts import BOND, COIN, Ground, Recorder, lay, open_market
from node.devnet.testnet.market import POLICY
from node.devnet.testnet.record import record
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT
from node.render.recipe import Recipe

SETTINGS = ChainSettings(accounts=2)
USER, BROKER_PASSWORD = "alice", "planted-broker-password-3"
TOKENS = 2


@dataclass
class World:
    """A network with staking and a feed that paints an edition, and a broker with a login; all of it real."""

    server: DevnetServer
    ground: Ground
    broker: EmbeddedBroker
    folder: Path
    deployment: Path
    recipe: Recipe

    @property
    def url(self) -> str:
        return self.server.url

    async def mine(self, blocks: int) -> None:
        await self.server.run(self.server.chain.mine, blocks)

    def make(self, name: str, **changes: dict[str, Any]) -> NodeFolder:
        """A node's folder that lacks nothing, but for `changes` of its sections."""
        secret = f"mqtt://{USER}:{BROKER_PASSWORD}@127.0.0.1:{self.broker.port}"
        settings: dict[str, dict[str, Any]] = {
            "chain": {"endpoints": [self.url], "timeout_ms": 5_000},
            "gossip": {"brokers": [{"url": secret}]},
            "web": {"port": 0},
        }
        for section, table in changes.items():
            settings[section] = {**settings.get(section, {}), **table}
        made = create_node_folder(
            self.folder / name, settings, Secret("planted-key-password"), keep_password=True,
            deployment=self.deployment.read_bytes(), scrypt_n=SCRYPT_N_LIGHT,
        )  # fmt: skip
        (self.folder / name / "recipes" / "tide.json").write_bytes(self.recipe.canonical)
        return made

    async def seat(self, made: NodeFolder) -> None:
        """Give a node coin, a bond and the first seat, as its operator would."""
        owner, stake = self.ground.owner, self.ground.stake
        signer = unlock_signer(load(made.config))
        await owner.transfer(made.address, COIN)
        await owner.send(stake.token, "mint", owner.address, BOND)
        await enrol(owner, stake, signer, made.transport_key, BOND)
        await rotate(owner, stake)
        await self.mine(3)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("preflight")
    recipe = Recipe.for_bands(len(POLICY.thresholds) + 1, "Drifting Tide")
    opening = Opening(None, recipe.digest, bytes([7]) * 32, TOKENS)  # type: ignore[arg-type]  # nothing is replayed
    broker = EmbeddedBroker(EmbeddedBrokerSettings(username=USER, password=BROKER_PASSWORD))
    async with serve_chain(SETTINGS) as server:
        web3 = connect(server.url)
        await broker.start()
        try:
            owner = Recorder(web3, dev_account(SETTINGS.seed, 0))
            ground = await lay(owner, 0)
            await open_market(ground, Recorder(web3, dev_account(SETTINGS.seed, 1)), opening)
            deployment = folder / "network.json"
            await record(ground, deployment)
            yield World(server, ground, broker, folder, deployment, recipe)
        finally:
            await broker.aclose()
            await web3.provider.disconnect()


@dataclass
class Proxy:
    """An endpoint in front of another: `behind` blocks late, of another `chain_id`, `ahead` seconds by its clock."""

    session: ClientSession
    target: str
    behind: int = 0
    chain_id: int | None = None
    ahead: float = 0.0
    ahead_blocks: int = 0
    url: str = ""
    refused: tuple[str, ...] = field(default=())

    async def handle(self, request: web.Request) -> web.Response:
        asked = await request.json()
        method, params = asked["method"], asked["params"]
        if method in self.refused:
            answer = {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32000, "message": "missing trie node"}}
            return self._reply(answer)
        if self.behind and params[:1] == ["latest"]:
            asked["params"] = [hex(await self._head() - self.behind), *params[1:]]
        async with self.session.post(self.target, json=asked) as response:
            answer = await response.json()
        if self.ahead_blocks and params[:1] == ["latest"]:
            answer["result"]["number"] = hex(int(answer["result"]["number"], 16) + self.ahead_blocks)
        if method == "eth_chainId" and self.chain_id is not None:
            answer["result"] = hex(self.chain_id)
        return self._reply(answer)

    async def _head(self) -> int:
        question = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        async with self.session.post(self.target, json=question) as response:
            return int((await response.json())["result"], 16)

    def _reply(self, answer: Any) -> web.Response:
        when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.ahead)
        return web.json_response(answer, headers={"Date": format_datetime(when, usegmt=True)})


class Proxies:
    """Starts proxies, and stops them in the end."""

    def __init__(self, stack: AsyncExitStack, session: ClientSession) -> None:
        self._stack, self._session = stack, session

    async def start(self, target: str, **how: Any) -> Proxy:
        proxy = Proxy(self._session, target, **how)
        app = web.Application()
        app.router.add_post("/{rest:.*}", proxy.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return proxy


@pytest_asyncio.fixture(loop_scope="module")
async def proxies() -> AsyncIterator[Proxies]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        yield Proxies(stack, session)


def certificate(folder: Path, *, days: int) -> tuple[Path, ssl.SSLContext]:
    """A certificate of its own authority for 127.0.0.1 that ends in so many days, and a server's TLS with it."""
    import ipaddress

    now = datetime.datetime.now(datetime.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=400))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / f"cert{days}.pem", folder / f"cert{days}.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, secret)
    return cert, context
