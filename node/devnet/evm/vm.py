"""Py-evm's Prague rules, set up to run on plain headers without a block database."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from eth.abc import (
    AtomicDatabaseAPI,
    BlockHeaderAPI,
    ComputationAPI,
    ConsensusContextAPI,
    SignedTransactionAPI,
)
from eth.db.atomic import AtomicDB
from eth.db.chain import ChainDB
from eth.vm.chain_context import ChainContext
from eth.vm.forks.prague import PragueVM
from eth_typing import Address, Hash32

from node.devnet.genesis import genesis_accounts
from node.devnet.settings import ChainSettings

# Importing py-evm lifts Python's recursion limit to 100,000, at which a deeply nested JSON text overflows the C
# stack and kills the process. A call depth of 1,024, the EVM's limit, takes less than 8,000 frames.
RECURSION_LIMIT = 20_000
sys.setrecursionlimit(RECURSION_LIMIT)


class _NoConsensus(ConsensusContextAPI):
    """Nothing to prove: blocks are made here and nowhere else."""

    def __init__(self, db: AtomicDatabaseAPI) -> None:
        pass


class DevnetVM(PragueVM):
    """Prague, with the ancestor hashes handed in: looking each up in a database costs a header decoding."""

    ancestors: Iterable[Hash32] = ()

    @property
    def previous_hashes(self) -> Iterable[Hash32]:
        """Hashes of the blocks before this one, newest first (what BLOCKHASH may ask for)."""
        return self.ancestors

    @classmethod
    def finalize_gas_used(cls, transaction: SignedTransactionAPI, computation: ComputationAPI) -> int:
        """Gas a transaction pays for, by EIP-7623: execution less the capped refund, or the calldata floor.

        Py-evm caps the refund by the gas after the floor is added, which reports too little where both apply.
        """
        spent = transaction.gas - computation.get_gas_remaining()
        refund: int = cls.calculate_net_gas_refund(spent, computation.get_gas_refund())
        return spent - refund + computation.data_floor_gas


class World:
    """The chain's state database; every state root ever reached stays readable."""

    def __init__(self, chain_id: int) -> None:
        self._db = AtomicDB()
        self._chaindb = ChainDB(self._db)
        self._context = ChainContext(chain_id)
        self._consensus = _NoConsensus(self._db)

    def at(self, header: BlockHeaderAPI, ancestors: Iterable[Hash32] = ()) -> DevnetVM:
        """A virtual machine on the state and in the block context of ``header``; nothing lasts until persisted."""
        vm = DevnetVM(header, self._chaindb, self._context, self._consensus)
        vm.ancestors = ancestors
        return vm

    def genesis(self, settings: ChainSettings, prevrandao: Hash32, coinbase: Address) -> BlockHeaderAPI:
        """Write the first block's state and return its header."""
        header = DevnetVM.create_genesis_header(
            difficulty=0,
            timestamp=settings.genesis_time,
            gas_limit=settings.gas_limit,
            base_fee_per_gas=settings.base_fee,
            mix_hash=prevrandao,
            coinbase=coinbase,
            parent_beacon_block_root=Hash32(bytes(32)),
        )
        state = self.at(header).state
        for address, (balance, nonce, code) in genesis_accounts(settings).items():
            state.set_balance(address, balance)
            state.set_nonce(address, nonce)
            if code:
                state.set_code(address, code)
        state.persist()
        return header.copy(state_root=state.state_root)
