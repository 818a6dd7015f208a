"""Raw transactions as clients send them: decoding, and the checks that need no state."""

from __future__ import annotations

from dataclasses import dataclass

from eth.abc import SignedTransactionAPI
from eth.exceptions import UnrecognizedTransactionType
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature
from eth_typing import Address, Hash32
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]

from node.devnet.evm.errors import DevnetError

BLOB_TYPE = 3
MAX_RAW_SIZE = 128 * 1024
"""As geth's transaction pool: no single transaction above 128 KiB."""
MAX_INITCODE = 49_152
"""EIP-3860."""
_INITCODE_WORD = 2
_TX_BASE_GAS = 21_000
_FLOOR_PER_TOKEN = 10


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded, correctly signed transaction; prices in wei per gas, ``to`` empty for a creation."""

    body: SignedTransactionAPI
    raw: bytes
    hash: Hash32
    sender: Address
    type: int
    chain_id: int | None
    nonce: int
    to: bytes
    value: int
    data: bytes
    gas: int
    max_fee: int
    priority_fee: int

    def effective_tip(self, base_fee: int) -> int:
        """What the block's producer earns per gas (EIP-1559)."""
        return min(self.priority_fee, self.max_fee - base_fee)

    def gas_price(self, base_fee: int) -> int:
        """What the sender pays per gas in a block with this base fee (EIP-1559)."""
        return base_fee + self.effective_tip(base_fee)

    @property
    def cost(self) -> int:
        """The most this transaction can take from its sender, in wei."""
        return self.gas * self.max_fee + self.value


def decode(raw: bytes, chain_id: int, gas_limit: int) -> Transaction:
    """Decode and check ``raw``; :class:`DevnetError` for anything that could never be mined on this chain."""
    if len(raw) > MAX_RAW_SIZE:
        raise DevnetError(f"oversized data: transaction size {len(raw)}, limit {MAX_RAW_SIZE}")
    try:
        body = PragueTransactionBuilder.decode(raw)
        kind = body.type_id or 0
        if kind == BLOB_TYPE:
            raise DevnetError("blob transactions are not carried by this chain")
        body.validate()
        body.check_signature_validity()
        sender = Address(body.sender)
    except (
        RLPException,
        UnrecognizedTransactionType,
        ValidationError,
        BadSignature,
        IndexError,
        TypeError,
        ValueError,
    ) as error:
        raise DevnetError(f"rlp: transaction cannot be decoded: {type(error).__name__}") from error
    transaction = Transaction(
        body=body,
        raw=raw,
        hash=Hash32(keccak(raw)),
        sender=sender,
        type=kind,
        chain_id=body.chain_id,
        nonce=body.nonce,
        to=bytes(body.to),
        value=body.value,
        data=bytes(body.data),
        gas=body.gas,
        max_fee=body.max_fee_per_gas,
        priority_fee=body.max_priority_fee_per_gas,
    )
    _check(transaction, chain_id, gas_limit)
    return transaction


def required_gas(body: SignedTransactionAPI) -> int:
    """The least gas limit a transaction must carry: its intrinsic gas, or the calldata floor (EIP-7623)."""
    data = bytes(body.data)
    tokens = 4 * len(data) - 3 * data.count(0)
    initcode = 0 if body.to else _INITCODE_WORD * ((len(data) + 31) // 32)
    return max(int(body.intrinsic_gas) + initcode, _TX_BASE_GAS + _FLOOR_PER_TOKEN * tokens)


def _check(transaction: Transaction, chain_id: int, gas_limit: int) -> None:
    if transaction.chain_id is not None and transaction.chain_id != chain_id:
        raise DevnetError(f"invalid chain id for signer: have {transaction.chain_id} want {chain_id}")
    if transaction.gas > gas_limit:
        raise DevnetError(f"exceeds block gas limit: have {transaction.gas}, limit {gas_limit}")
    if transaction.priority_fee > transaction.max_fee:
        raise DevnetError("max priority fee per gas higher than max fee per gas")
    if not transaction.to and len(transaction.data) > MAX_INITCODE:
        raise DevnetError(f"max initcode size exceeded: code size {len(transaction.data)}, limit {MAX_INITCODE}")
    needed = required_gas(transaction.body)
    if transaction.gas < needed:
        raise DevnetError(f"intrinsic gas too low: gas {transaction.gas}, minimum needed {needed}")
