"""Everything an artist's command works with: deployment, chain, collection and account."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from node.errors import ConfigError, JournalError, KeyFileError, PatinaError

if TYPE_CHECKING:
    from pathlib import Path

    from node.artist.secrets import Secrets
    from node.chain.client import Chain
    from node.chain.sending.fees import Fees
    from node.chain.types import Edition
    from node.cli.edition.errands import Errands
    from node.cli.edition.options import Choice
    from node.cli.stake.talk import Talk
    from node.deployment.file import Deployment
    from node.staking.outbox import Mined

_GWEI = 10**9


@dataclass
class Desk:
    """One network, one collection and one account."""

    choice: Choice
    deployment: Deployment
    chain: Chain
    known_collection: str | None
    secrets: Secrets
    talk: Talk
    fees: Fees
    journals: contextlib.ExitStack
    _errands: Errands | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """The account that signs and pays. KeyFileError without its keystore."""
        from node.keys.signing import EthKeystore

        path = self.choice.keystore
        if not path.exists():
            raise KeyFileError(
                f"{path}: there is no such keystore; make one with patina edition account, or name one with --account"
            )
        return EthKeystore(path).address

    @property
    def collection(self) -> str:
        """The collection's address; ConfigError where none is named anywhere."""
        if self.known_collection is None:
            raise ConfigError(
                f"{self.deployment.path}: names no collection; make one with patina edition collection, or give yours "
                "with --collection"
            )
        return self.known_collection

    @property
    def blocks(self) -> Path:
        """Where blocks are kept for whoever publishes them."""
        return self.choice.folder / "blocks"

    async def edition(self, number: int) -> Edition:
        """An edition of the collection; PatinaError where there is none."""
        if not 0 < number < await self.next_edition():
            raise PatinaError(f"{self.collection} has no edition {number}: patina edition show lists all there are")
        return await self.chain.edition(self.collection, number)

    async def next_edition(self) -> int:
        """The number that the next edition gets; RevertError, ChainError where there is no collection."""
        return int(await self.read("DynamicCollection", self.collection, "next_edition"))

    async def read(self, contract: str, address: str, name: str, *arguments: Any) -> Any:
        """What a view answers now."""
        from node.chain.calls import call_at
        from node.chain.interface import interface
        from node.errors import ChainError

        abi = interface(contract)
        calldata = abi.encode(name, *arguments)
        returned = await self.chain.pool.ask(lambda ask: call_at(ask, address, calldata, None))
        if not returned:
            raise ChainError(f"there is no {contract} at {address} on this chain: correct the address")
        return abi.result(name, returned, len(arguments))

    async def account(self, contract: str, address: str, name: str) -> str | None:
        """An account that a view answers, with its checksum; None for nobody."""
        from node.keys.address import checksum_address

        found = str(await self.read(contract, address, name))
        return checksum_address(found) if int(found, 16) else None

    async def send(self, what: str, to: str, calldata: bytes, *, value: int = 0, ask: str | None = None) -> Mined:
        """Ask, send one transaction and wait for it; a refusal comes in words. As `Errands.send`."""
        return await (await self.errands()).send(what, to, calldata, value=value, ask=ask)

    async def errands(self) -> Errands:
        """The account's transactions, its key unlocked, and what an earlier run left seen through."""
        from node.cli.edition.account import password
        from node.cli.edition.errands import Errands
        from node.cli.options import asker
        from node.journal import Journal
        from node.keys.signing import EthKeystore
        from node.staking.outbox import Outbox

        if self._errands is None:
            address = self.address
            secret = password(self.choice.password_file, asker())
            key = EthKeystore(self.choice.keystore).unlock(secret)
            folder = self.choice.folder / "outbox" / network(self.deployment) / address.lower()
            try:
                journal = self.journals.enter_context(Journal(folder))
            except JournalError as error:
                raise JournalError(f"{error} (is another patina edition command under way?)") from None
            errands = Errands(Outbox(self.chain, key, journal, self.fees, self.talk.told), journal, self.talk)
            await errands.begin()
            self._errands = errands
        return self._errands


@contextlib.asynccontextmanager
async def open_desk(choice: Choice, talk: Talk) -> AsyncIterator[Desk]:
    """Read the deployment file and connect to its chain; PatinaError for another chain, or no collection."""
    from node.artist.secrets import Secrets
    from node.chain.client import Chain
    from node.chain.endpoints.pool import RpcPool
    from node.chain.sending.fees import Fees
    from node.config.schema import HTTP
    from node.config.values import fault_of_url
    from node.deployment.file import load
    from node.keys.secrets import SecretUrl

    deployment = load(choice.deployment)
    for rpc in choice.rpcs:
        if fault := fault_of_url(rpc, HTTP):
            raise ConfigError(f"--rpc: {fault}")
    collection = (
        checked(choice.collection, "--collection") or own_collection(choice, deployment) or deployment.collection
    )
    fees = Fees(max_fee=int(choice.max_fee_gwei * _GWEI), priority_fee=min(_GWEI, int(choice.max_fee_gwei * _GWEI)))
    async with RpcPool([SecretUrl(rpc) for rpc in dict.fromkeys(choice.rpcs)], chain_id=deployment.chain_id) as pool:
        chain = Chain(pool, deployment.oracle, chain_id=deployment.chain_id)
        await chain.chain_id()
        with contextlib.ExitStack() as journals:
            secrets = Secrets(choice.folder / "secrets")
            yield Desk(choice, deployment, chain, collection, secrets, talk, fees, journals)


def network(deployment: Deployment) -> str:
    """A folder's or file's name for a network."""
    return f"{deployment.chain_id}-{deployment.oracle.lower()}"


def note_collection(desk: Desk, address: str) -> Path:
    """Remember a collection that was deployed from this folder: it is meant from now on; the file's path."""
    path = desk.choice.folder / f"{network(desk.deployment)}.collection"
    path.write_text(address + "\n")
    return path


def own_collection(choice: Choice, deployment: Deployment) -> str | None:
    """The collection that was deployed last from this folder, if any; PatinaError for what is no address."""
    path = choice.folder / f"{network(deployment)}.collection"
    return checked(path.read_text().strip(), str(path)) if path.is_file() else None


def perform(choice: Choice, work: Callable[[Desk], Awaitable[dict[str, Any]]]) -> None:
    """Run one artist's command: what it returns is its JSON; PatinaError."""
    from node.artist.refusals import explain
    from node.cli.perform import at_desk

    at_desk(choice, open_desk, work, explain)


def checked(address: str | None, what: str) -> str | None:
    """An address with its checksum; PatinaError that names the option otherwise."""
    from node.keys.address import fault_of_address

    if address is not None and (fault := fault_of_address(address)):
        raise PatinaError(f"{what}: {fault[0]}; {fault[1]}")
    return address
