"""JSON-RPC methods that send transactions and steer the embedded chain."""

from __future__ import annotations

from collections.abc import Iterator

from node.devnet.evm.chain import DevnetChain
from node.devnet.genesis import dev_account
from node.devnet.rpc import encode, params
from node.devnet.rpc.encode import Json

MAX_MINE = 100_000
STEP = 25
"""Blocks made before other requests get their turn."""


def send_raw(chain: DevnetChain, raw: Json) -> Json:
    """Take in a signed transaction; its hash."""
    return encode.data(chain.send(params.data(raw, "transaction")))


def accounts(chain: DevnetChain) -> Json:
    """Addresses of the development accounts; their keys follow from the chain's seed."""
    return [dev_account(chain.settings.seed, index).address for index in range(chain.settings.accounts)]


def fund(chain: DevnetChain, address: Json, wei: Json) -> Json:
    """Send wei from the faucet; the transaction's hash."""
    return encode.data(chain.fund(params.address(address, "address"), params.quantity(wei, "wei")))


def evm_mine(chain: DevnetChain, arguments: Json = None) -> Iterator[Json]:
    """Make blocks: none or a count, or {"blocks": n, "timestamp": t}; as ganache and hardhat, in one method."""
    count = 1
    if isinstance(arguments, dict):
        fields = params.mapping(arguments, "options", ("blocks", "timestamp"))
        count = _count(fields.get("blocks", 1))
        if "timestamp" in fields:
            chain.set_next_timestamp(params.quantity(fields["timestamp"], "timestamp"))
    elif arguments is not None:
        count = _count(arguments)
    return _mine(chain, count, "0x0")


def anvil_mine(chain: DevnetChain, count: Json = "0x1") -> Iterator[Json]:
    """Make blocks, as anvil_mine and hardhat_mine."""
    return _mine(chain, _count(count), None)


def set_next_timestamp(chain: DevnetChain, timestamp: Json) -> Json:
    """Fix the next block's timestamp."""
    chain.set_next_timestamp(params.quantity(timestamp, "timestamp"))
    return encode.quantity(params.quantity(timestamp, "timestamp"))


def increase_time(chain: DevnetChain, seconds: Json) -> Json:
    """Let the next block lie later."""
    chain.increase_time(params.quantity(seconds, "seconds"))
    return encode.quantity(params.quantity(seconds, "seconds"))


def set_automine(chain: DevnetChain, enabled: Json) -> Json:
    """Mine each transaction at once, or let transactions wait for evm_mine."""
    chain.automine = params.boolean(enabled, "enabled")
    return True


def get_automine(chain: DevnetChain) -> Json:
    """Whether transactions are mined at once."""
    return chain.automine


def rewind(chain: DevnetChain, number: Json) -> Json:
    """Undo all blocks above this height, so that what is mined next is a reorganisation."""
    chain.rewind(params.quantity(number, "block number"))
    return True


def rollback(chain: DevnetChain, depth: Json = "0x1") -> Json:
    """Undo this many blocks, as anvil_rollback: what is mined next is a reorganisation."""
    chain.rewind(chain.head.number - params.quantity(depth, "depth"))
    return None


def drop_transactions(chain: DevnetChain) -> Json:
    """Forget every waiting transaction; how many there were."""
    waiting = list(chain.mempool)
    for transaction in waiting:
        chain.mempool.drop(transaction)
    return encode.quantity(len(waiting))


def _count(value: Json) -> int:
    count = params.quantity(value, "number of blocks")
    if count > MAX_MINE:
        raise params.invalid(f"at most {MAX_MINE} blocks at a time")
    return count


def _mine(chain: DevnetChain, count: int, answer: Json) -> Iterator[Json]:
    """Make the blocks a few at a time; the last item is the answer."""
    while count > 0:
        chain.mine(min(count, STEP))
        count -= STEP
        yield None
    yield answer
