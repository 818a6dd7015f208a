"""Puts Patina on a development chain: oracle and committee, vaults, a collection with its editions, feeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field

from node.chain.header import header_rlp
from node.chain.types import Policy
from node.devnet.account import Account, Contract
from node.devnet.history import WAD, assets_for

REVEAL_DELAY = 2
FIRST_SHARES = 1_000
"""Whole shares of a vault's first deposit, so that a wanted price can be met to the asset's last decimal."""
_RESERVE = 10**24
_NOBODY = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Vault:
    """A YieldVault whose deployer is its strategy account and owns all its shares."""

    contract: Contract
    asset: Contract
    asset_decimals: int
    share_decimals: int


@dataclass(frozen=True, slots=True)
class EditionPlan:
    """One edition to be: its vault's names and first price (wad), policy, supply and what its tokens look like.

    ``recipe`` and ``placeholder`` are 32-byte digests; ``secret``, 32 bytes, mixes into the edition's seed.
    """

    name: str
    symbol: str
    first_price: int
    policy: Policy
    recipe: bytes
    placeholder: bytes
    secret: bytes
    supply: int = 6
    price: int = WAD // 100
    asset_decimals: int = 18


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition that was opened, sold and revealed, with its feed and vault."""

    id: int
    feed: int
    vault: Vault
    aggregator: Contract


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything that :func:`deploy` put on the chain, the editions in the order of their plans."""

    chain_id: int
    oracle: Contract
    collection: Contract
    editions: tuple[Edition, ...] = field(default=())


async def deploy(
    account: Account, signers: Sequence[str], transport_keys: Sequence[bytes], plans: Sequence[EditionPlan]
) -> Deployment:
    """Deploy all contracts and open, sell and reveal one edition per plan; ``account`` owns everything."""
    oracle = await deploy_oracle(account, signers, transport_keys)
    collection = await deploy_collection(account, oracle)
    editions = []
    for plan in plans:
        vault = await deploy_vault(account, plan.name, plan.symbol, plan.first_price, plan.asset_decimals)
        number = int(await account.read(collection, "next_edition"))
        feed = await open_feed(account, oracle, vault, plan.policy, collection, number)
        await open_edition(account, collection, feed, plan)
        await sell_out(account, collection, number, account.address)
        await reveal(account, collection, number, plan.secret)
        editions.append(Edition(number, feed, vault, await deploy_aggregator(account, oracle, feed)))
    return Deployment(await account.web3.eth.chain_id, oracle, collection, tuple(editions))


async def deploy_oracle(account: Account, signers: Sequence[str], transport_keys: Sequence[bytes]) -> Contract:
    """A StrategyOracle; with a committee, unless ``signers`` is empty (see :func:`set_committee`)."""
    oracle = await account.deploy("StrategyOracle")
    if signers:
        await set_committee(account, oracle, signers, transport_keys)
    return oracle


async def set_committee(
    account: Account, oracle: Contract, signers: Sequence[str], transport_keys: Sequence[bytes]
) -> None:
    """Install the committee: addresses and Ed25519 public keys in the same order."""
    await account.send(oracle, "set_committee", list(signers), list(transport_keys))


async def deploy_collection(
    account: Account, oracle: Contract, name: str = "Patina", symbol: str = "PATNA", reveal_delay: int = REVEAL_DELAY
) -> Contract:
    """A DynamicCollection whose editions ``oracle`` repaints; ``account`` is the artist."""
    return await account.deploy("DynamicCollection", name, symbol, oracle.address, reveal_delay, "")


async def deploy_vault(
    account: Account, name: str, symbol: str, first_price: int, asset_decimals: int = 18, share_offset: int = 0
) -> Vault:
    """A test token and a YieldVault on it, with a first deposit and ``first_price`` (wad) for one share.

    Names are cut to the 25 bytes that contracts hold, symbols to 5.
    """
    asset = await account.deploy("TestToken", _cut(f"{name} asset", 25), _cut(f"t{symbol}", 5), asset_decimals)
    names = _cut(name, 25), _cut(symbol, 5)
    contract = await account.deploy("YieldVault", asset.address, *names, share_offset, account.address)
    vault = Vault(contract, asset, asset_decimals, asset_decimals + share_offset)
    await account.send(asset, "mint", account.address, _RESERVE * 10**asset_decimals)
    await account.send(asset, "approve", vault.contract.address, 2**256 - 1)
    await account.send(vault.contract, "deposit", FIRST_SHARES * 10**asset_decimals, account.address)
    await set_price(account, vault, first_price)
    return vault


async def set_price(account: Account, vault: Vault, price: int) -> None:
    """Make one share read ``price`` (wad), to the asset's last decimal, by a real profit or loss of the strategy.

    ReplayError for a price below the asset's last decimal. A price that stands already takes no transaction.
    """
    shares = int(await account.read(vault.contract, "totalSupply"))
    held = int(await account.read(vault.contract, "totalAssets"))
    wanted = assets_for(price, shares, asset_decimals=vault.asset_decimals, share_decimals=vault.share_decimals)
    if wanted > held:
        await account.send(vault.contract, "report_profit", wanted - held)
    elif wanted < held:
        await account.send(vault.contract, "report_loss", held - wanted)


async def open_feed(
    account: Account, oracle: Contract, vault: Vault, policy: Policy, collection: Contract, edition: int
) -> int:
    """Open a feed on ``vault`` for an edition that is opened next; the feed's id."""
    await account.send(oracle, "open_feed", vault.contract.address, astuple(policy), collection.address, edition)
    return int(await account.read(oracle, "feed_count"))


async def open_edition(account: Account, collection: Contract, feed: int, plan: EditionPlan) -> None:
    """Open the edition that ``feed`` names, for sale and without royalties."""
    from eth_utils.crypto import keccak

    await account.send(
        collection,
        "open_edition",
        plan.supply,
        plan.price,
        feed,
        plan.recipe,
        plan.placeholder,
        keccak(plan.secret),
        _NOBODY,
        0,
    )


async def sell_out(account: Account, collection: Contract, edition: int, buyer: str) -> None:
    """Buy every token of an edition for ``buyer`` and close its sale."""
    terms = await account.read(collection, "edition", edition)
    supply, minted, price = terms[:3]
    while minted < supply:
        quantity = min(100, supply - minted)
        await account.send(collection, "mint", edition, buyer, quantity, value=price * quantity)
        minted += quantity
    await account.send(collection, "close_edition", edition)


async def reveal(account: Account, collection: Contract, edition: int, secret: bytes) -> None:
    """Make the edition's reveal block, prove its prevrandao by its header, and reveal the seed."""
    reveal_block = int((await account.read(collection, "edition", edition))[8])
    head = await account.web3.eth.block_number
    if head < reveal_block:
        await account.mine(reveal_block - head)
    header = header_rlp(await account.rpc("eth_getBlockByNumber", hex(reveal_block), False))
    await account.send(collection, "record_randomness", edition, header)
    await account.send(collection, "reveal", edition, secret)


async def deploy_aggregator(account: Account, oracle: Contract, feed: int) -> Contract:
    """The AggregatorV3Interface facade of a feed."""
    return await account.deploy("FeedAggregator", oracle.address, feed)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
