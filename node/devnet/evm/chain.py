"""The embedded Ethereum chain: Prague rules, instant blocks, every past state readable."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from eth_hash.auto import keccak
from eth_typing import Address, Hash32

from node.devnet.evm.blocks import Block, Log, LogIndex, Receipt, Topics
from node.devnet.evm.errors import DevnetError
from node.devnet.evm.execution import Call, Outcome, estimate_gas, execute
from node.devnet.evm.mempool import Mempool
from node.devnet.evm.producer import UnminableError, next_header, prevrandao, produce
from node.devnet.evm.transactions import Transaction, decode
from node.devnet.evm.vm import World
from node.devnet.genesis import faucet_account
from node.devnet.settings import ChainSettings

Tag = Literal["latest", "pending", "safe", "finalized", "earliest"]
MAX_ANCESTORS = 256
MAX_TIMESTAMP = 2**63


class DevnetChain:
    """One chain in memory. Not thread-safe: all calls come from one thread (the server gives it a worker).

    By default each transaction is mined at once in a block of its own (``automine``); otherwise transactions wait
    until :meth:`mine`. Errors are :class:`DevnetError`, worded as geth words them.
    """

    def __init__(self, settings: ChainSettings | None = None) -> None:
        self.settings = settings or ChainSettings()
        self.automine = True
        self.mempool = Mempool()
        self._world = World(self.settings.chain_id)
        self._branch = 0
        self._next_timestamp: int | None = None
        self._time_shift = 0
        self._coinbase = Address(keccak(b"patina/devnet/coinbase/" + self.settings.seed)[12:])
        genesis = self._world.genesis(self.settings, self._randomness(0), self._coinbase)
        self._blocks = [Block(genesis, genesis.hash, ())]
        self._numbers = {genesis.hash: 0}
        self._receipts: dict[Hash32, Receipt] = {}
        self._mined_in: dict[Hash32, int] = {}
        self._logs = LogIndex()

    # reading

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[-1]

    def number_of(self, tag: Tag) -> int:
        """The height that a block tag means now; ``pending`` counts as the head."""
        if tag == "earliest":
            return 0
        depth = self.settings.finality_depth if tag in ("safe", "finalized") else 0
        return max(0, self.head.number - depth)

    def block(self, number: int) -> Block | None:
        """The block at this height, or None above the head."""
        return self._blocks[number] if 0 <= number < len(self._blocks) else None

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        """The block with this hash, or None."""
        number = self._numbers.get(Hash32(block_hash))
        return None if number is None else self._blocks[number]

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """The receipt of a mined transaction, or None."""
        return self._receipts.get(Hash32(tx_hash))

    def mined_in(self, tx_hash: bytes) -> int:
        """The height of the block that holds a mined transaction; :class:`DevnetError` for any other."""
        number = self._mined_in.get(Hash32(tx_hash))
        if number is None:
            raise DevnetError("transaction not found")
        return number

    def waiting(self, tx_hash: bytes) -> Transaction | None:
        """A transaction that waits for a block, or None."""
        return self.mempool.get(Hash32(tx_hash))

    def base_fee_after(self, number: int) -> int:
        """The base fee (wei per gas) of the block that follows block ``number``."""
        parent = self._blocks[number].header
        child = next_header(parent, parent.timestamp + 1, Hash32(bytes(32)), self._coinbase)
        return child.base_fee_per_gas or 0

    def logs(self, first: int, last: int, addresses: Collection[Address] = (), topics: Topics = ()) -> list[Log]:
        """Logs of blocks ``first`` to ``last`` inclusive that match."""
        return self._logs.find(first, last, addresses, topics)

    def balance(self, address: Address, block: Block) -> int:
        """Wei that ``address`` held after ``block``."""
        return self._world.at(block.header).state.get_balance(address)

    def nonce(self, address: Address, block: Block) -> int:
        """Transactions that ``address`` had sent by ``block``."""
        return self._world.at(block.header).state.get_nonce(address)

    def pending_nonce(self, address: Address) -> int:
        """The nonce for ``address``'s next transaction, counting those that wait."""
        return self.mempool.next_nonce(address, self.nonce(address, self.head))

    def code(self, address: Address, block: Block) -> bytes:
        """The code at ``address`` after ``block``."""
        return self._world.at(block.header).state.get_code(address)

    def storage(self, address: Address, slot: int, block: Block) -> int:
        """One storage word of ``address`` after ``block``."""
        return self._world.at(block.header).state.get_storage(address, slot)

    def call(self, call: Call, block: Block) -> Outcome:
        """Execute ``call`` on the state after ``block``."""
        return execute(self._world, block.header, self._ancestors(block.number), call)

    def estimate_gas(self, call: Call, block: Block) -> int:
        """A gas limit that lets ``call`` succeed on the state after ``block``."""
        # A tuple: the search executes the call many times, and each time it may ask for ancestors.
        return estimate_gas(self._world, block.header, tuple(self._ancestors(block.number)), call)

    # writing

    def send(self, raw: bytes) -> Hash32:
        """Take in a signed transaction and, when ``automine`` is on, mine it; its hash."""
        transaction = decode(raw, self.settings.chain_id, self.settings.gas_limit)
        nonce = self.nonce(transaction.sender, self.head)
        if transaction.nonce < nonce:
            raise DevnetError(f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}")
        balance = self.balance(transaction.sender, self.head)
        if balance < transaction.cost:
            raise DevnetError(f"insufficient funds for gas * price + value: have {balance} want {transaction.cost}")
        self.mempool.add(transaction)
        if self.automine and self._selected():
            self.mine()
        return transaction.hash

    def mine(self, count: int = 1) -> Block:
        """Make ``count`` blocks, the first ones with whatever waits; the new head."""
        for _ in range(count):
            self._mine_one()
        return self.head

    def fund(self, address: Address, wei: int) -> Hash32:
        """Send ``wei`` from the faucet to ``address``; the transaction's hash."""
        faucet = faucet_account(self.settings.seed)
        signed = faucet.sign_transaction(
            {
                "type": 2,
                "chainId": self.settings.chain_id,
                "nonce": self.pending_nonce(Address(bytes.fromhex(faucet.address[2:]))),
                "to": address,
                "value": wei,
                "gas": 100_000,
                "maxFeePerGas": 2 * self.head.base_fee + self.settings.priority_fee,
                "maxPriorityFeePerGas": self.settings.priority_fee,
            }
        )
        return self.send(bytes(signed.raw_transaction))

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block this timestamp (seconds); it must lie after the head's."""
        if not self.head.timestamp < timestamp < MAX_TIMESTAMP:
            raise DevnetError(f"timestamp {timestamp} does not lie after the head's {self.head.timestamp}")
        self._next_timestamp = timestamp

    def increase_time(self, seconds: int) -> None:
        """Let the next block lie ``seconds`` later than it would."""
        if not 0 <= seconds < MAX_TIMESTAMP - self.head.timestamp - self._time_shift:
            raise DevnetError(f"time cannot be moved by {seconds} seconds")
        self._time_shift += seconds

    def rewind(self, number: int) -> None:
        """Undo all blocks above ``number``; blocks made from here on differ from the undone ones (a reorganisation)."""
        if not 0 <= number <= self.head.number:
            raise DevnetError(f"no block {number} to go back to")
        for block in self._blocks[number + 1 :]:
            del self._numbers[block.hash]
            for receipt in block.receipts:
                del self._receipts[receipt.transaction.hash]
                del self._mined_in[receipt.transaction.hash]
        del self._blocks[number + 1 :]
        self._logs.truncate(number)
        self._branch += 1
        self._next_timestamp, self._time_shift = None, 0

    # inner

    def _mine_one(self) -> None:
        parent = self.head
        timestamp = self._next_timestamp or parent.timestamp + self.settings.block_time + self._time_shift
        header = next_header(parent.header, timestamp, self._randomness(parent.number + 1), self._coinbase)
        while True:
            try:
                block = produce(self._world, header, self._ancestors(header.block_number), self._selected())
            except UnminableError as error:
                self.mempool.drop(error.transaction)
            else:
                break
        self._next_timestamp, self._time_shift = None, 0
        self._numbers[block.hash] = len(self._blocks)
        self._blocks.append(block)
        for receipt in block.receipts:
            self._receipts[receipt.transaction.hash] = receipt
            self._mined_in[receipt.transaction.hash] = block.number
            self._logs.extend(receipt.logs)
            self.mempool.drop(receipt.transaction)

    def _selected(self) -> list[Transaction]:
        if not len(self.mempool):
            return []
        head = self.head
        base_fee = self.base_fee_after(head.number)
        return self.mempool.select(lambda sender: self.nonce(sender, head), base_fee, self.settings.gas_limit)

    def _ancestors(self, number: int) -> Iterator[Hash32]:
        return (block.hash for block in reversed(self._blocks[max(0, number - MAX_ANCESTORS) : number]))

    def _randomness(self, number: int) -> Hash32:
        return prevrandao(self.settings.seed, self._branch, number)
