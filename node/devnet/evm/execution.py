"""Calls that leave no trace: eth_call, and the search for a gas limit that suffices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from eth.abc import BlockHeaderAPI, ComputationAPI
from eth.exceptions import Revert, VMError
from eth.vm.forks.berlin.transactions import calculate_txn_intrinsic_gas_berlin
from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_typing import Address, Hash32

from node.devnet.evm.errors import REVERTED, DevnetError
from node.devnet.evm.transactions import MAX_INITCODE
from node.devnet.evm.vm import World

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_CALL_STIPEND = 2_300
# Geth's words, which clients look for; py-evm's own differ and name memory addresses.
_FAILURES = {
    "OutOfGas": "out of gas",
    "InvalidInstruction": "invalid opcode",
    "InvalidJumpDestination": "invalid jump destination",
    "InsufficientStack": "stack underflow",
    "FullStack": "stack limit reached 1024",
    "InsufficientFunds": "insufficient funds for transfer",
    "StackDepthLimit": "max call depth exceeded",
    "WriteProtection": "write protection",
    "OutOfBoundsRead": "return data out of bounds",
    "ContractCreationCollision": "contract address collision",
    "ReservedBytesInCode": "invalid code: must not begin with 0xef",
}
ESTIMATE_TOLERANCE = 0.015
"""As geth: the search stops once the bounds lie within this fraction of the upper one."""


@dataclass(frozen=True, slots=True)
class Call:
    """A message to execute: gas in units, value and price in wei; an empty ``to`` creates a contract."""

    sender: Address
    to: bytes
    data: bytes
    value: int
    gas: int
    gas_price: int = 0
    access_list: tuple[tuple[Address, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did: its output (revert data when reverted), gas used, and why it failed."""

    output: bytes
    gas_used: int
    failure: DevnetError | None


class _Message:
    """The view of a :class:`Call` that py-evm's transaction executor takes for a signed transaction."""

    type_id = 2
    authorization_list = ()
    blob_versioned_hashes = ()

    def __init__(self, call: Call) -> None:
        self.sender = call.sender
        self.to = call.to
        self.data = call.data
        self.value = call.value
        self.gas = call.gas
        self.access_list = call.access_list
        self.max_fee_per_gas = call.gas_price
        self.max_priority_fee_per_gas = call.gas_price
        self.intrinsic_gas = int(calculate_txn_intrinsic_gas_berlin(self))  # type: ignore[arg-type]

    def copy(self, **_: object) -> _Message:
        return self


def execute(world: World, header: BlockHeaderAPI, ancestors: Iterable[Hash32], call: Call) -> Outcome:
    """Run ``call`` on the state after ``header``'s block, in that block's context; gas is free."""
    if not call.to and len(call.data) > MAX_INITCODE:
        raise DevnetError(f"max initcode size exceeded: code size {len(call.data)}, limit {MAX_INITCODE}")
    vm = world.at(header, ancestors)
    executor = vm.state.get_transaction_executor()
    message = _Message(replace(call, gas_price=0))
    if call.gas < message.intrinsic_gas:
        raise DevnetError(f"intrinsic gas too low: gas {call.gas}, minimum needed {message.intrinsic_gas}")
    vm.state.lock_changes()
    evm_message = executor.build_evm_message(message)  # type: ignore[arg-type]
    message.max_fee_per_gas = message.max_priority_fee_per_gas = call.gas_price  # what GASPRICE returns
    try:
        computation: ComputationAPI = executor.build_computation(evm_message, message)  # type: ignore[arg-type]
    except VMError as error:  # raised, not returned, where the message cannot even begin: too little balance
        return Outcome(b"", message.intrinsic_gas, _told(error))
    return Outcome(_output(computation, creating=not call.to), _gas_used(computation, message), _failure(computation))


def estimate_gas(world: World, header: BlockHeaderAPI, ancestors: Sequence[Hash32], call: Call) -> int:
    """The least gas limit, within :data:`ESTIMATE_TOLERANCE`, with which ``call`` succeeds; at most ``call.gas``.

    Raises :class:`DevnetError` if it fails even with ``call.gas``, with the revert data if it reverts.
    """
    trial = execute(world, header, ancestors, call)
    if trial.failure is not None:
        raise trial.failure
    low, high = trial.gas_used - 1, call.gas
    # What is used may not suffice: refunds come at the end, and each inner call withholds 1/64 (EIP-150).
    guess = min((trial.gas_used + _CALL_STIPEND) * 64 // 63, high)
    while high - low > high * ESTIMATE_TOLERANCE:
        if _succeeds(world, header, ancestors, replace(call, gas=guess)):
            high = guess
        else:
            low = guess
        guess = (low + high) // 2
    return high


def _succeeds(world: World, header: BlockHeaderAPI, ancestors: Sequence[Hash32], call: Call) -> bool:
    try:
        return execute(world, header, ancestors, call).failure is None
    except DevnetError:
        return False


def _output(computation: ComputationAPI, creating: bool) -> bytes:
    if creating and not computation.is_error:
        return bytes(computation.state.get_code(computation.msg.storage_address))
    return bytes(computation.output)


def _gas_used(computation: ComputationAPI, message: _Message) -> int:
    spent = message.gas - computation.get_gas_remaining()
    refund = min(computation.get_gas_refund(), spent // 5)  # EIP-3529
    tokens = 4 * len(message.data) - 3 * message.data.count(0)
    return max(int(spent - refund), 21_000 + 10 * tokens)  # EIP-7623


def _failure(computation: ComputationAPI) -> DevnetError | None:
    if not computation.is_error:
        return None
    if isinstance(computation.error, Revert):
        return reverted(bytes(computation.output))
    return _told(computation.error)


def _told(error: VMError) -> DevnetError:
    return DevnetError(_FAILURES.get(type(error).__name__, f"execution failed: {error}"))


def reverted(data: bytes) -> DevnetError:
    """The error that tells a client of a revert, with the reason in words where the data carries one."""
    reason = revert_reason(data)
    text = "execution reverted" + (f": {reason}" if reason else "")
    return DevnetError(text, REVERTED, "0x" + data.hex())


def revert_reason(data: bytes) -> str:
    """What ``Error(string)`` or ``Panic(uint256)`` says; empty for anything else."""
    try:
        if data[:4] == _ERROR_STRING:
            return str(abi_decode(["string"], data[4:])[0])
        if data[:4] == _PANIC:
            return f"panic code {abi_decode(['uint256'], data[4:])[0]:#x}"
    except (DecodingError, OverflowError, UnicodeDecodeError):
        pass
    return ""
