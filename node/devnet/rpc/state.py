"""JSON-RPC methods that read accounts and execute calls."""

from __future__ import annotations

from node.devnet.evm.chain import DevnetChain
from node.devnet.rpc import encode, params
from node.devnet.rpc.encode import Json


def chain_id(chain: DevnetChain) -> Json:
    """The chain id of EIP-155."""
    return encode.quantity(chain.settings.chain_id)


def network(chain: DevnetChain) -> Json:
    """The same as a decimal string, as net_version gives it."""
    return str(chain.settings.chain_id)


def balance(chain: DevnetChain, address: Json, block: Json = "latest") -> Json:
    """Wei of an account."""
    return encode.quantity(chain.balance(params.address(address, "address"), params.block(chain, block)))


def code(chain: DevnetChain, address: Json, block: Json = "latest") -> Json:
    """Code of an account."""
    return encode.data(chain.code(params.address(address, "address"), params.block(chain, block)))


def storage(chain: DevnetChain, address: Json, slot: Json, block: Json = "latest") -> Json:
    """One storage word."""
    account = params.address(address, "address")
    word = chain.storage(account, params.quantity(slot, "slot"), params.block(chain, block))
    return encode.data(word.to_bytes(32, "big"))


def nonce(chain: DevnetChain, address: Json, block: Json = "latest") -> Json:
    """Transactions an account has sent; ``pending`` counts those that wait."""
    account = params.address(address, "address")
    if block == "pending":
        return encode.quantity(chain.pending_nonce(account))
    return encode.quantity(chain.nonce(account, params.block(chain, block)))


def call(chain: DevnetChain, transaction: Json, block: Json = "latest") -> Json:
    """Execute without a trace; a revert is error 3 with the revert data."""
    outcome = chain.call(params.call(chain, transaction), params.block(chain, block))
    if outcome.failure is not None:
        raise outcome.failure
    return encode.data(outcome.output)


def estimate_gas(chain: DevnetChain, transaction: Json, block: Json = "latest") -> Json:
    """A gas limit that suffices."""
    return encode.quantity(chain.estimate_gas(params.call(chain, transaction), params.block(chain, block)))
