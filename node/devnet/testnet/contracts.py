"""What stands on a testnet in a box: an oracle that obeys a staking contract, a collection, a vault with a feed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from node.chain.types import NOBODY
from node.devnet import deploy
from node.devnet.account import Account, Contract
from node.devnet.staking import RULES, UNIT, Stake, deploy_staking, enrol, rotate
from node.devnet.testnet.market import POLICY, WAD

if TYPE_CHECKING:
    from node.devnet.replay.network import Member
    from node.devnet.replay.stage import Opening
    from node.staking.types import Params

TITLE: Final = "Drifting Tide"
COIN: Final = 10**18
ERA: Final = 1_200
DELAY: Final = 3_600
"""As long as reports of a committee are taken after it: seconds of the chain's clock, as eras are."""
BOND: Final = 2_000 * UNIT
"""What the network's own nodes have bonded: twice what the token's faucet gives, so that newcomers compete for the
seats that are left."""
FEED_FUNDS: Final = 1_000 * COIN
TREASURY: Final = 100 * COIN
NODE_COINS: Final = 1_000 * COIN
_FIRST_OPERATOR: Final = 100


class Recorder(Account):
    """An account that remembers what it deployed, and with which arguments."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.deployed: list[tuple[Contract, tuple[Any, ...]]] = []

    async def deploy(self, name: str, *arguments: Any) -> Contract:
        """Create the contract of artifact ``name``."""
        contract = await super().deploy(name, *arguments)
        self.deployed.append((contract, arguments))
        return contract


@dataclass(frozen=True, slots=True)
class Ground:
    """The contracts, before anyone has joined; `rules` are the staking contract's."""

    owner: Recorder
    oracle: Contract
    collection: Contract
    stake: Stake
    rules: Params


@dataclass(frozen=True, slots=True)
class Market:
    """A vault whose strategy moves the price of its share, and the feed on it."""

    strategist: Account
    vault: deploy.Vault
    feed: int


def rules(nodes: int) -> Params:
    """A network's rules, told how many nodes are its own.

    One seat more than those, so that a newcomer who stays away never keeps the others from a quorum; short eras, few
    reports that count, and stake that is soon free again, because a block lasts 12 s of the chain's clock.
    """
    return replace(RULES, seats=nodes + 1 if nodes else RULES.seats, era=ERA, delay=DELAY, least_reports=2)


async def lay(owner: Recorder, nodes: int) -> Ground:
    """Deploy oracle, collection, token and staking, and fill the treasury; `owner` owns everything."""
    chosen = rules(nodes)
    oracle = await deploy.deploy_oracle(owner, [], [])
    collection = await deploy.deploy_collection(owner, oracle)
    stake = await deploy_staking(owner, oracle, chosen)
    await owner.send(stake.staking, "fund_treasury", value=TREASURY)
    return Ground(owner, oracle, collection, stake, chosen)


async def seat(ground: Ground, members: list[Member]) -> None:
    """Register the network's own nodes, bond their stake, give them coin, and make them the first committee."""
    import asyncio

    from node.config import load, unlock_signer
    from node.devnet.genesis import dev_account
    from node.devnet.settings import ChainSettings

    owner = ground.owner
    for place, member in enumerate(members):
        operator = Account(owner.web3, dev_account(ChainSettings().seed, _FIRST_OPERATOR + place))
        for address in (operator.address, member.address):
            await owner.transfer(address, NODE_COINS)
        await owner.send(ground.stake.token, "mint", operator.address, BOND)
        config = await asyncio.to_thread(load, member.process.folder / "config.toml")
        signer = await asyncio.to_thread(unlock_signer, config)
        await enrol(operator, ground.stake, signer, member.transport_key, BOND)
    if members:
        await rotate(owner, ground.stake)


async def open_market(ground: Ground, strategist: Account, opening: Opening | None) -> Market:
    """Open a vault and a feed on it that pays for its reports; with an edition where `opening` says what it is."""
    owner = ground.owner
    vault = await deploy.deploy_vault(strategist, TITLE, "DRIFT", WAD)
    number, collection = 0, Contract("DynamicCollection", NOBODY)
    if opening is not None:
        collection = ground.collection
        number = int(await owner.read(collection, "next_edition"))
    feed = await deploy.open_feed(owner, ground.oracle, vault, POLICY, collection, number)
    await owner.send(ground.stake.staking, "fund", feed, value=FEED_FUNDS)
    if opening is not None:
        await _publish(owner, collection, feed, number, opening)
    return Market(strategist, vault, feed)


async def _publish(owner: Account, collection: Contract, feed: int, number: int, opening: Opening) -> None:
    from eth_hash.auto import keccak

    plan = deploy.EditionPlan(
        name=TITLE,
        symbol="DRIFT",
        first_price=WAD,
        policy=POLICY,
        recipe=opening.recipe,
        placeholder=opening.placeholder,
        secret=keccak(b"patina devnet secret" + opening.recipe),
        supply=opening.tokens,
    )
    await deploy.open_edition(owner, collection, feed, plan)
    await deploy.sell_out(owner, collection, number, owner.address)
    await deploy.reveal(owner, collection, number, plan.secret)
