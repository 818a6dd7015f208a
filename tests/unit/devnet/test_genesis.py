"""The first block: whose code stands in it, and that a seed decides its accounts."""

from __future__ import annotations

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_hash.auto import keccak

from node.devnet.evm.chain import DevnetChain
from node.devnet.genesis import MULTICALL3_ADDRESS, dev_account, faucet_account, multicall3_code
from node.devnet.settings import ChainSettings

# The deployment that the authors of Multicall3 signed once for every chain: its signature covers the code.
DEPLOYER = bytes.fromhex("05f32b3cc3888453ff71b01135b34ff8e41263f2")
CODE_COPIER = bytes.fromhex("608060405234801561001057600080fd5b50610ee0806100206000396000f3fe")
SIGNATURE = (
    28,
    0xEDCE47092C0F398CEBF3FFC267F05C8E7076E3B89445E0FE50F6332273D4569B,
    0x1B0B9D000E19B24C5869B0FC3B22B0D6FA47CD63316875CBBD577D76E6FDE086,
)


def test_multicall3_code__put_into_its_signed_deployment__yields_the_canonical_address() -> None:
    deployment = [0, 100 * 10**9, 1_000_000, b"", 0, CODE_COPIER + multicall3_code(), *SIGNATURE]
    sender = bytes.fromhex(Account.recover_transaction(rlp.encode(deployment))[2:])
    assert sender == DEPLOYER
    assert keccak(rlp.encode([sender, 0]))[12:] == MULTICALL3_ADDRESS


def test_multicall3_code__changed_by_one_byte__no_longer_recovers_the_deployer() -> None:
    code = bytearray(multicall3_code())
    code[100] ^= 1
    deployment = [0, 100 * 10**9, 1_000_000, b"", 0, CODE_COPIER + bytes(code), *SIGNATURE]
    assert bytes.fromhex(Account.recover_transaction(rlp.encode(deployment))[2:]) != DEPLOYER


def test_genesis__accounts__are_funded_and_follow_from_the_seed() -> None:
    settings = ChainSettings(seed=b"one", accounts=3, account_balance=7)
    chain = DevnetChain(settings)
    accounts = [dev_account(b"one", index) for index in range(3)]
    assert [chain.balance(bytes.fromhex(account.address[2:]), chain.head) for account in accounts] == [7, 7, 7]
    addresses = {account.address for account in accounts}
    assert len(addresses | {faucet_account(b"one").address}) == 4
    assert addresses.isdisjoint(dev_account(b"two", index).address for index in range(3))


def test_genesis__same_settings__same_hash() -> None:
    assert DevnetChain(ChainSettings(seed=b"a")).head.hash == DevnetChain(ChainSettings(seed=b"a")).head.hash
    assert DevnetChain(ChainSettings(seed=b"a")).head.hash != DevnetChain(ChainSettings(seed=b"b")).head.hash
