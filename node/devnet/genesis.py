"""The embedded chain's first block: funded development accounts, EIP-2935's history contract and Multicall3."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from eth_hash.auto import keccak
from eth_typing import Address

from node.devnet.settings import ChainSettings

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

MULTICALL3_ADDRESS = Address(bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11"))
"""Where Multicall3 (https://github.com/mds1/multicall3, MIT licence) lives on every public chain."""


@lru_cache(maxsize=1)
def multicall3_code() -> bytes:
    """The runtime code that stands at :data:`MULTICALL3_ADDRESS` on Ethereum mainnet, 3808 bytes."""
    contract = json.loads(resources.files("node.devnet").joinpath("multicall3.json").read_text("ascii"))
    return bytes.fromhex("".join(contract["runtime"]))


def dev_account(seed: bytes, index: int) -> LocalAccount:
    """Development account ``index`` of a chain with this seed: a throw-away key, worthless on any other chain."""
    from eth_account import Account

    account: LocalAccount = Account.from_key(keccak(b"patina/devnet/account/" + index.to_bytes(4, "big") + seed))
    return account


def faucet_account(seed: bytes) -> LocalAccount:
    """The account that pays for ``patina_fund``; apart from the others so that nobody's nonce moves by it."""
    return dev_account(seed, 0xFFFF_FFFF)


def genesis_accounts(settings: ChainSettings) -> dict[Address, tuple[int, int, bytes]]:
    """Every account of the first block: address -> (balance in wei, nonce, code)."""
    from eth.vm.forks.prague.constants import HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CONTRACT_CODE

    accounts: dict[Address, tuple[int, int, bytes]] = {}
    for index in range(settings.accounts):
        accounts[_address(dev_account(settings.seed, index))] = (settings.account_balance, 0, b"")
    accounts[_address(faucet_account(settings.seed))] = (2**128, 0, b"")
    # EIP-2935 deploys its contract with nonce 1, so that it does not count as an empty account (EIP-161).
    accounts[Address(HISTORY_STORAGE_ADDRESS)] = (0, 1, HISTORY_STORAGE_CONTRACT_CODE)
    accounts[MULTICALL3_ADDRESS] = (0, 1, multicall3_code())
    return accounts


def _address(account: LocalAccount) -> Address:
    return Address(bytes.fromhex(account.address[2:]))
