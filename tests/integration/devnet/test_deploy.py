"""All contracts on an embedded chain, put there by a plain account, and prices set by real transfers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import rlp  # type: ignore[import-untyped]
from eth_abi.abi import encode
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.chain.types import EditionState, Policy
from node.devnet import deploy
from node.devnet.account import Account, Contract, connect
from node.devnet.genesis import dev_account
from node.devnet.history import WAD
from node.devnet.rpc.server import DevnetServer, serve_chain
from node.errors import ChainError, ReplayError, RevertError

SIGNERS = [dev_account(b"signers", index).address for index in range(4)]
KEYS = [bytes([index + 1]) * 32 for index in range(4)]
POLICY = Policy(10, 3, 0, 0, WAD // 1000, (WAD // 100, WAD // 50))


def plan(name: str, asset_decimals: int = 18, first_price: int = WAD) -> deploy.EditionPlan:
    secret = keccak(name.encode())
    return deploy.EditionPlan(
        name, "YLD", first_price, POLICY, b"\x01" * 32, b"\x02" * 32, secret, asset_decimals=asset_decimals
    )


@pytest.fixture
async def server() -> AsyncIterator[DevnetServer]:
    async with serve_chain() as running:
        yield running


@pytest.fixture
async def account(server: DevnetServer) -> AsyncIterator[Account]:
    web3 = connect(server.url)
    yield Account(web3, dev_account(server.chain.settings.seed, 0))
    await web3.provider.disconnect()


async def test_deploy__two_editions__are_open_revealed_and_fed(account: Account) -> None:
    first_price = 1_007_545_170_000_000_000
    names = "falconx", "a name of more than twenty-five bytes: ∞∞∞"
    found = await deploy.deploy(account, SIGNERS, KEYS, [plan(names[0]), plan(names[1], 8, first_price)])
    committee = Committee(found.chain_id, found.oracle.address, SIGNERS, KEYS)
    assert await account.read(found.oracle, "config_digest") == committee.config_digest
    for number, (edition, price) in enumerate(zip(found.editions, (WAD, first_price), strict=True), 1):
        assert (edition.id, edition.feed) == (number, number)
        feed = await account.read(found.oracle, "feed", edition.feed)
        assert (feed[0], feed[1], feed[2]) == (
            edition.vault.contract.address.lower(),
            found.collection.address.lower(),
            number,
        )
        assert feed[5] == price  # the basis
        state = await account.read(found.collection, "edition", number)
        assert state[:2] == (6, 6)
        assert state[12] == EditionState.REVEALED
        block = await account.web3.eth.get_block(state[8])
        assert state[9] == bytes(block["mixHash"])
        assert state[10] == keccak(keccak(names[number - 1].encode()) + bytes(block["mixHash"]))
        token = number * 1_000_000 + 1
        assert await account.read(found.collection, "ownerOf", token) == account.address.lower()
        assert (await account.read(found.collection, "tokenURI", token)).startswith("ipfs://")
        assert await account.read(edition.aggregator, "decimals") == 18


async def test_transfer__two_at_once_with_one_nonce__one_is_refused_as_a_chains_error(account: Account) -> None:
    done = await asyncio.gather(*[account.transfer(account.address, wei) for wei in (1, 2)], return_exceptions=True)
    assert {type(one) for one in done} <= {type(None), ChainError}, done


@pytest.mark.parametrize(("asset_decimals", "share_offset"), [(18, 0), (6, 0), (8, 3)])
async def test_set_price__up_down_and_unchanged__reads_to_the_assets_last_decimal(
    account: Account, server: DevnetServer, asset_decimals: int, share_offset: int
) -> None:
    vault = await deploy.deploy_vault(account, "Vault", "V", WAD, asset_decimals, share_offset)
    one_share = 10**vault.share_decimals
    for price in (1_234_567_890_123_456_789, 10**13, 5 * WAD, 5 * WAD, 10**9 * WAD, 999_999_999_999_999_999):
        before = server.chain.head.number
        standing = await account.read(vault.contract, "convertToAssets", one_share)
        wanted = price // 10 ** (18 - asset_decimals)
        profit, loss = await account.read(vault.contract, "gap", wanted)
        held = await account.read(vault.contract, "totalAssets")
        await deploy.set_price(account, vault, price)
        assert await account.read(vault.contract, "convertToAssets", one_share) == wanted
        # the contract's own rule agrees on what was to report
        assert await account.read(vault.contract, "totalAssets") == held + profit - loss
        assert server.chain.head.number == before + (standing != wanted)


async def test_set_price__below_the_assets_last_decimal__is_refused_before_any_transaction(
    account: Account, server: DevnetServer
) -> None:
    vault = await deploy.deploy_vault(account, "Vault", "V", WAD, 6)
    head = server.chain.head.number
    with pytest.raises(ReplayError, match="below the last"):
        await deploy.set_price(account, vault, 10**12 - 1)
    assert server.chain.head.number == head


async def test_send__that_reverts__raises_with_the_contracts_reason(account: Account) -> None:
    oracle = await deploy.deploy_oracle(account, [], [])
    with pytest.raises(RevertError, match=r"StrategyOracle\.open_feed: .*feeds: vault has no code"):
        await account.send(oracle, "open_feed", account.address, (10, 3, 0, 0, 0, ()), account.address, 1)
    with pytest.raises(RevertError, match=r"StrategyOracle\.feed"):
        await account.read(oracle, "feed", 1)


async def test_rpc__refused_method__is_a_chain_error(account: Account) -> None:
    with pytest.raises(ChainError, match="evm_nope"):
        await account.rpc("evm_nope")


async def test_read__contract_asks_for_an_offchain_lookup__no_url_is_fetched_cve_2026_40072(
    account: Account, server: DevnetServer
) -> None:
    visits: list[object] = []
    listener = await asyncio.start_server(lambda _reader, writer: (visits.append(1), writer.close()), "127.0.0.1", 0)
    async with listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/{{sender}}/{{data}}"

        def bait(address: bytes) -> bytes:
            types = ["address", "string[]", "bytes", "bytes4", "bytes"]
            lookup = keccak(b"OffchainLookup(address,string[],bytes,bytes4,bytes)")[:4]
            return lookup + encode(types, [address, [url], b"", b"\x01" * 4, b""])

        # PUSH2 size, DUP1, PUSH1 11, PUSH0, CODECOPY, PUSH0, REVERT, STOP, and then the revert data
        key = dev_account(server.chain.settings.seed, 1)
        address = keccak(rlp.encode([bytes.fromhex(key.address[2:]), 0]))[12:]
        error = bait(address)
        code = bytes.fromhex(f"61{len(error):04x}80600b5f395ffd00") + error
        creation = bytes.fromhex(f"61{len(code):04x}80600a5f395ff3") + code
        fields = {"type": 2, "chainId": 31337, "nonce": 0, "gas": 10**6, "data": creation}
        signed = key.sign_transaction(fields | {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9})
        await server.run(server.chain.send, bytes(signed.raw_transaction))
        assert len(await account.web3.eth.get_code(account.web3.to_checksum_address(address))) == len(code)
        with pytest.raises(RevertError):
            await account.read(Contract("TestToken", account.web3.to_checksum_address(address)), "decimals")
    assert visits == []
