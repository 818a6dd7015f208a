"""The embedded chain: blocks, time, randomness, past states, reorganisations."""

from __future__ import annotations

import json

import pytest
import rlp  # type: ignore[import-untyped]
from eth.chains.base import Chain
from eth.consensus import ConsensusApplier, NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlock
from eth_hash.auto import keccak
from eth_typing import Address
from hypothesis import given, settings
from hypothesis import strategies as st

from node.devnet.evm.chain import DevnetChain
from node.devnet.evm.errors import DevnetError
from node.devnet.genesis import MULTICALL3_ADDRESS, genesis_accounts
from node.devnet.settings import ChainSettings
from tests.unit.devnet.evm.ledger import GWEI, Ledger

HISTORY = bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")  # EIP-2935
SOMEONE = Address(b"\x11" * 20)
PREVRANDAO = bytes.fromhex("4460005260206000f3")  # returns PREVRANDAO
BLOCKHASH_OF_ARGUMENT = bytes.fromhex("6000354060005260206000f3")


def test_chain__blocks_of_all_sorts__are_accepted_by_a_second_implementation_of_import() -> None:
    ledger = Ledger()
    chain = ledger.chain
    token = ledger.token()
    ledger.transact(to=SOMEONE, value=5)
    ledger.transact(to=token, data=ledger.token_call("mint", ledger.keys[1].address, 10**9))
    ledger.transact(1, to=token, data=ledger.token_call("transfer", ledger.keys[2].address, 7))
    assert not ledger.transact(3, to=token, data=ledger.token_call("transfer", ledger.keys[2].address, 7)).succeeded
    ledger.transact(to=SOMEONE, gasPrice=GWEI)
    ledger.transact(to=SOMEONE, data=b"\x01" * 2000)
    chain.automine = False
    for index in (0, 1, 2):
        ledger.send(index, to=SOMEONE, value=index + 1)
    chain.mine(3)

    rules = ConsensusApplier(NoProofConsensus).amend_vm_configuration(((0, PragueVM),))
    other = type("Other", (Chain,), {"chain_id": chain.settings.chain_id, "vm_configuration": rules})
    genesis = chain.block(0).header
    keys = ("difficulty", "timestamp", "gas_limit", "base_fee_per_gas", "mix_hash", "coinbase")
    fields = {key: getattr(genesis, key) for key in (*keys, "parent_beacon_block_root", "extra_data")}
    state = {
        address: {"balance": balance, "nonce": nonce, "code": code, "storage": {}}
        for address, (balance, nonce, code) in genesis_accounts(chain.settings).items()
    }
    verifier = other.from_genesis(AtomicDB(), fields, state)
    assert verifier.get_canonical_head().hash == genesis.hash
    for number in range(1, chain.head.number + 1):
        block = chain.block(number)
        bodies = [receipt.transaction.body for receipt in block.receipts]
        verifier.import_block(PragueBlock(block.header, bodies, [], []), perform_validation=True)
    assert verifier.get_canonical_head().hash == chain.head.hash
    assert len(chain.block(chain.head.number - 2).receipts) == 3


def test_header_rlp__any_block__hashes_to_the_blocks_hash_and_carries_prevrandao() -> None:
    chain = DevnetChain()
    chain.mine(3)
    for number in range(4):
        block = chain.block(number)
        assert keccak(block.header_rlp) == block.hash
        fields = rlp.decode(block.header_rlp)
        assert fields[13] == block.prevrandao
        assert len(fields) == 21
        assert fields[0] == (chain.block(number - 1).hash if number else bytes(32))


def test_prevrandao__same_seed__same_series_and_no_value_twice() -> None:
    first, second = DevnetChain(ChainSettings(seed=b"x")), DevnetChain(ChainSettings(seed=b"x"))
    first.mine(20)
    second.mine(20)
    series = [first.block(number).prevrandao for number in range(21)]
    assert series == [second.block(number).prevrandao for number in range(21)]
    assert len(set(series)) == 21


def test_prevrandao__inside_a_contract__is_the_headers() -> None:
    ledger = Ledger()
    contract = ledger.deploy(PREVRANDAO)
    outcome = ledger.chain.call(ledger.call(contract), ledger.chain.head)
    assert outcome.output == ledger.chain.head.prevrandao


def test_history_contract__after_many_blocks__knows_every_ancestor() -> None:
    ledger = Ledger()
    ledger.chain.mine(300)
    head = ledger.chain.head
    for number in (0, 1, 299):
        asked = ledger.call(HISTORY, number.to_bytes(32, "big"))
        assert ledger.chain.call(asked, head).output == ledger.chain.block(number).hash
    assert ledger.chain.call(ledger.call(HISTORY, (300).to_bytes(32, "big")), head).failure is not None


def test_blockhash__at_a_past_block__reaches_256_back_from_there() -> None:
    ledger = Ledger()
    contract = ledger.deploy(BLOCKHASH_OF_ARGUMENT)
    ledger.chain.mine(300)
    at = ledger.chain.block(290)

    def asked(number: int) -> bytes:
        return ledger.chain.call(ledger.call(contract, number.to_bytes(32, "big")), at).output

    assert asked(289) == ledger.chain.block(289).hash
    assert asked(34) == ledger.chain.block(34).hash
    assert asked(33) == bytes(32)
    assert asked(290) == bytes(32)


def test_state__at_a_past_block__is_what_it_was() -> None:
    ledger = Ledger()
    chain = ledger.chain
    for _ in range(3):
        ledger.transact(to=SOMEONE, value=10)
    balances = [chain.balance(SOMEONE, chain.block(number)) for number in range(4)]
    assert balances == [0, 10, 20, 30]
    assert [chain.nonce(ledger.address(), chain.block(number)) for number in range(4)] == [0, 1, 2, 3]
    token = ledger.token()
    assert chain.code(token, chain.block(3)) == b""
    assert len(chain.code(token, chain.head)) > 1000
    ledger.transact(to=token, data=ledger.token_call("mint", ledger.keys[1].address, 77))
    asked = ledger.call(token, ledger.token_call("balanceOf", ledger.keys[1].address))
    assert int.from_bytes(chain.call(asked, chain.head).output, "big") == 77
    assert int.from_bytes(chain.call(asked, chain.block(4)).output, "big") == 0


def test_call__that_writes__leaves_no_trace() -> None:
    ledger = Ledger()
    token = ledger.token()
    root = ledger.chain.head.header.state_root
    minted = ledger.chain.call(
        ledger.call(token, ledger.token_call("mint", ledger.keys[1].address, 5)), ledger.chain.head
    )
    assert minted.failure is None
    ledger.chain.mine()
    asked = ledger.call(token, ledger.token_call("balanceOf", ledger.keys[1].address))
    assert int.from_bytes(ledger.chain.call(asked, ledger.chain.head).output, "big") == 0
    assert ledger.chain.head.header.state_root != root  # the history contract moved on, nothing else did


@pytest.mark.parametrize(("depth", "blocks", "final"), [(2, 0, 0), (2, 1, 0), (2, 5, 3), (0, 5, 5)])
def test_number_of__finalized_and_safe__lie_the_depth_behind(depth: int, blocks: int, final: int) -> None:
    chain = DevnetChain(ChainSettings(finality_depth=depth))
    chain.mine(blocks)
    assert chain.number_of("finalized") == chain.number_of("safe") == final
    assert chain.number_of("latest") == chain.number_of("pending") == blocks
    assert chain.number_of("earliest") == 0


def test_timestamp__by_default__moves_on_by_the_block_time() -> None:
    chain = DevnetChain(ChainSettings(genesis_time=1000, block_time=5))
    chain.mine(2)
    assert [chain.block(number).timestamp for number in range(3)] == [1000, 1005, 1010]
    chain.increase_time(100)
    chain.mine(2)
    assert [chain.block(number).timestamp for number in (3, 4)] == [1115, 1120]
    chain.set_next_timestamp(5000)
    chain.mine(2)
    assert [chain.block(number).timestamp for number in (5, 6)] == [5000, 5005]


def test_set_next_timestamp__not_after_the_head__is_refused() -> None:
    chain = DevnetChain()
    for timestamp in (chain.head.timestamp, 0, 2**64):
        with pytest.raises(DevnetError, match="does not lie after"):
            chain.set_next_timestamp(timestamp)


def test_base_fee__by_default__stands_still_over_empty_and_small_blocks() -> None:
    ledger = Ledger()
    ledger.chain.mine(50)
    ledger.transact(to=SOMEONE, value=1)
    ledger.chain.mine(2)
    assert {ledger.chain.block(number).base_fee for number in range(ledger.chain.head.number + 1)} == {7}


def test_base_fee__from_a_larger_start__falls_by_an_eighth_per_empty_block() -> None:
    chain = DevnetChain(ChainSettings(base_fee=800))
    chain.mine(2)
    assert [chain.block(number).base_fee for number in range(3)] == [800, 700, 613]
    assert chain.base_fee_after(2) == 537


def test_rewind__then_mining_again__gives_another_branch_and_forgets_what_was_undone() -> None:
    ledger = Ledger()
    chain = ledger.chain
    token = ledger.token()
    chain.mine(3)
    kept = chain.head
    undone = ledger.send(to=token, data=ledger.token_call("mint", ledger.keys[1].address, 5))
    lost = chain.head
    assert len(chain.logs(0, chain.head.number, [token])) == 3
    chain.rewind(kept.number)
    assert chain.head is kept
    assert chain.receipt(undone) is None
    assert chain.block_by_hash(lost.hash) is None
    assert len(chain.logs(0, 10**6, [token])) == 2
    chain.mine()
    assert chain.head.number == lost.number
    assert chain.head.hash != lost.hash
    assert chain.head.header.parent_hash == kept.hash
    with pytest.raises(DevnetError, match="go back"):
        chain.rewind(chain.head.number + 1)


def test_fund__from_the_faucet__moves_nobody_elses_nonce() -> None:
    ledger = Ledger()
    ledger.chain.fund(SOMEONE, 123)
    ledger.chain.fund(SOMEONE, 1)
    assert ledger.chain.balance(SOMEONE, ledger.chain.head) == 124
    assert ledger.chain.nonce(ledger.address(), ledger.chain.head) == 0


def test_recursion__until_gas_runs_out__fails_in_the_contract_and_not_in_the_chain() -> None:
    ledger = Ledger()
    # CALL(gas, address(this), 0, 0, 0, 0, 0) in itself, without end
    contract = ledger.deploy(bytes.fromhex("60006000600060006000305af1"))
    outcome = ledger.chain.call(ledger.call(contract), ledger.chain.head)
    assert outcome.failure is None  # each level survives the failure of the one below (EIP-150)
    assert outcome.gas_used > 21_000 + 500 * 100  # hundreds of levels deep, 100 gas each (EIP-2929)
    assert ledger.transact(to=contract, gas=30_000_000).succeeded


def test_recursion__to_the_evms_limit_of_1024__fits_pythons() -> None:
    ledger = Ledger(ChainSettings(gas_limit=10**15))
    contract = ledger.deploy(bytes.fromhex("60006000600060006000305af1"))
    outcome = ledger.chain.call(ledger.call(contract), ledger.chain.head)
    assert outcome.failure is None
    assert outcome.gas_used > 21_000 + 1024 * 100
    with pytest.raises(RecursionError):
        json.loads("[" * 100_000)  # with py-evm's own limit this would kill the process


def test_multicall3__aggregate3__answers_for_several_contracts_and_survives_a_failing_one() -> None:
    from eth_abi.abi import decode, encode

    ledger = Ledger()
    token = ledger.token()
    calls = [
        (token, True, ledger.token_call("decimals")),
        (token, True, ledger.token_call("transfer", ledger.keys[1].address, 1)),
        (MULTICALL3_ADDRESS, True, keccak(b"getBlockNumber()")[:4]),
    ]
    data = keccak(b"aggregate3((address,bool,bytes)[])")[:4] + encode(["(address,bool,bytes)[]"], [calls])
    outcome = ledger.chain.call(ledger.call(MULTICALL3_ADDRESS, data), ledger.chain.head)
    (results,) = decode(["(bool,bytes)[]"], outcome.output)
    assert [success for success, _ in results] == [True, False, True]
    assert int.from_bytes(results[0][1], "big") == 6
    assert int.from_bytes(results[2][1], "big") == ledger.chain.head.number


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**18)), min_size=1, max_size=8))
def test_transfers__any_series__conserve_wei_but_for_the_burnt_base_fee(transfers: list[tuple[int, int]]) -> None:
    ledger = Ledger()
    chain = ledger.chain
    holders = [*(ledger.address(index) for index in range(4)), SOMEONE, chain.head.header.coinbase]

    def total() -> int:
        return sum(chain.balance(holder, chain.head) for holder in holders)

    before, burnt = total(), 0
    for index, value in transfers:
        receipt = ledger.transact(index, to=SOMEONE, value=value)
        burnt += receipt.gas_used * chain.head.base_fee
    assert total() == before - burnt
