"""Building one block: system call, transactions, state root, header."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eth._utils.address import generate_contract_address
from eth.abc import BlockHeaderAPI, ReceiptAPI
from eth.db.trie import make_trie_root_and_nodes
from eth_hash.auto import keccak
from eth_typing import Address, Hash32

from node.devnet.evm.blocks import Block, Log, Receipt
from node.devnet.evm.transactions import Transaction
from node.devnet.evm.vm import DevnetVM, World


class UnminableError(Exception):
    """A transaction that the rules refuse to execute at its place in the block."""

    def __init__(self, transaction: Transaction, reason: str) -> None:
        super().__init__(reason)
        self.transaction = transaction


def next_header(parent: BlockHeaderAPI, timestamp: int, prevrandao: Hash32, coinbase: Address) -> BlockHeaderAPI:
    """The header that Prague's rules let follow ``parent``, before anything is executed."""
    header: BlockHeaderAPI = DevnetVM.create_header_from_parent(
        parent,
        timestamp=timestamp,
        gas_limit=parent.gas_limit,
        mix_hash=prevrandao,
        coinbase=coinbase,
        parent_beacon_block_root=Hash32(bytes(32)),
    )
    return header


def produce(
    world: World, header: BlockHeaderAPI, ancestors: Iterable[Hash32], transactions: Sequence[Transaction]
) -> Block:
    """Execute ``transactions`` on ``header``'s parent state and seal the block.

    Raises :class:`UnminableError`, leaving no trace in the state, for the first transaction that is not valid there.
    """
    vm = world.at(header, ancestors)
    vm.block_preprocessing(vm.get_block())  # EIP-2935: the parent's hash goes into the history contract
    running = header
    receipts: list[ReceiptAPI] = []
    for transaction in transactions:
        try:
            receipt, _ = vm.apply_transaction(running, transaction.body)
        except Exception as error:  # py-evm has no one root for what it raises on a transaction
            raise UnminableError(transaction, f"{type(error).__name__}: {error}") from error
        running = vm.increment_blob_gas_used(vm.add_receipt_to_header(running, receipt), transaction.body)
        receipts.append(receipt)
    vm.state.persist()
    fields: dict[str, object] = {"state_root": vm.state.state_root}
    if transactions:
        fields["transaction_root"] = make_trie_root_and_nodes([tx.body for tx in transactions])[0]
        fields["receipt_root"] = make_trie_root_and_nodes(receipts)[0]
    sealed: BlockHeaderAPI = running.copy(**fields)
    return Block(sealed, sealed.hash, tuple(_receipts(sealed, transactions, receipts)))


def _receipts(
    header: BlockHeaderAPI, transactions: Sequence[Transaction], receipts: Sequence[ReceiptAPI]
) -> Iterable[Receipt]:
    cumulative = log_index = 0
    for index, (transaction, receipt) in enumerate(zip(transactions, receipts, strict=True)):
        logs = tuple(
            Log(
                address=Address(entry.address),
                topics=tuple(topic.to_bytes(32, "big") for topic in entry.topics),
                data=bytes(entry.data),
                block_number=header.block_number,
                block_hash=header.hash,
                block_timestamp=header.timestamp,
                tx_hash=transaction.hash,
                tx_index=index,
                index=log_index + offset,
            )
            for offset, entry in enumerate(receipt.logs)
        )
        created = None
        if not transaction.to:
            created = Address(generate_contract_address(transaction.sender, transaction.nonce))
        yield Receipt(
            transaction=transaction,
            index=index,
            succeeded=receipt.state_root == b"\x01",
            gas_used=receipt.gas_used - cumulative,
            cumulative_gas=receipt.gas_used,
            gas_price=transaction.gas_price(header.base_fee_per_gas or 0),
            bloom=receipt.bloom,
            created=created,
            logs=logs,
        )
        cumulative = receipt.gas_used
        log_index += len(logs)


def prevrandao(seed: bytes, branch: int, number: int) -> Hash32:
    """A block's randomness: unforeseeable to contracts, the same for the same seed; a new branch draws anew."""
    return Hash32(keccak(b"patina/devnet/prevrandao/" + branch.to_bytes(8, "big") + number.to_bytes(8, "big") + seed))
