"""The chain client against the embedded chain and the real contracts."""

from __future__ import annotations

import dataclasses

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from node.agreement.report import report_digest, typed_data
from node.chain import feeds
from node.chain.client import Chain
from node.chain.sending.accounts import Accounts
from node.chain.types import EditionState, Feed
from node.errors import ChainError, RevertError
from tests.integration.chain.world import CADENCE, MEMBERS, OWNER, THRESHOLDS, WAD, Oracle, World


def land(oracle: Oracle, checkpoint: int, answer: int) -> None:
    report = oracle.report(checkpoint, answer)
    calldata = oracle.reader().transmit_calldata(report, 0b1011, oracle.signatures(report))
    oracle.world.transact(OWNER, oracle.address, calldata)


def next_checkpoint(world: World) -> int:
    """Mine until a checkpoint lies in the past; return it."""
    checkpoint = -(-(world.chain.head.number + 1) // CADENCE) * CADENCE
    world.chain.mine(checkpoint + 1 - world.chain.head.number)
    return checkpoint


async def test_finalized__by_tag_and_by_confirmations__is_behind_the_head(oracle: Oracle) -> None:
    head = await oracle.reader().head()
    assert (await oracle.reader().finalized()).number == head.number - 2
    five = await oracle.reader(finality=5).finalized()
    assert five.number == head.number - 5
    assert five == await oracle.reader().block(five.number)


async def test_chain_id__of_another_chain__is_refused(oracle: Oracle) -> None:
    assert await oracle.reader(chain_id=31337).chain_id() == 31337
    with pytest.raises(ChainError, match="chain 31337, the configuration says 1"):
        await oracle.reader(chain_id=1).chain_id()


async def test_committee__in_force__has_the_contracts_digest(oracle: Oracle) -> None:
    committee = await oracle.reader().committee()
    assert committee == oracle.committee
    assert committee.config_digest == await oracle.reader().config_digest()
    with pytest.raises(ChainError):
        await Chain(oracle.world.pool, oracle.vault).committee()


async def test_feeds__opened_feed__is_read_whole(oracle: Oracle) -> None:
    (feed,) = await oracle.reader().feeds()
    assert (feed.id, feed.vault, feed.collection, feed.edition) == (1, oracle.vault, oracle.collection, 1)
    assert (feed.opener, feed.basis, feed.scale) == (OWNER.address, WAD, 10**12)
    assert (feed.band, feed.checkpoint, feed.answer) == (0, 0, 0)
    assert feed.policy.thresholds == THRESHOLDS
    assert feed.policy.cadence == CADENCE
    assert await oracle.reader().feeds(await oracle.reader().block(feed.opened_at - 1)) == []


async def test_sample__at_a_block__reads_that_block_in_one_call(oracle: Oracle) -> None:
    reader = oracle.reader()
    (feed,) = await reader.feeds()
    before = await reader.head()
    oracle.profit(25 * 10**6)
    (old,) = await reader.sample([feed], before)
    after = await reader.head()
    requests = sum(one.requests for one in oracle.world.pool.endpoints)
    (new,) = await reader.sample([feed], after)
    assert sum(one.requests for one in oracle.world.pool.endpoints) == requests + 1
    assert (old.share_price, old.block_hash, old.checkpoint) == (WAD, before.hash, before.number)
    # 1,025 tokens for 1,000 shares; ERC-4626 rounds down, here to the asset's sixth decimal.
    assert WAD * 1025 // 1000 - new.share_price in (0, 10**12)
    assert (new.total_assets, new.total_supply) == (1_025 * 10**6, 10**9)


async def test_sample__vault_that_fails_or_is_none__leaves_out_that_feed_alone(oracle: Oracle) -> None:
    reader = oracle.reader()
    (feed,) = await reader.feeds()
    block = await reader.head()
    no_contract = dataclasses.replace(feed, vault=OWNER.address)
    reverting = dataclasses.replace(feed, vault=oracle.token)
    unknown = dataclasses.replace(feed, id=7)
    found = await reader.sample([no_contract, feed, reverting, unknown], block)
    assert [sample.feed for sample in found] == [1]
    assert found[0].share_price == WAD
    assert await reader.sample([feed], await reader.block(feed.opened_at - 1)) == []


async def test_sample__many_feeds__stays_one_request(oracle: Oracle) -> None:
    reader = oracle.reader()
    (feed,) = await reader.feeds()
    head = await reader.head()
    requests = oracle.world.pool.endpoints[0].requests
    found = await reader.sample([feed] * 100, head)
    assert len(found) == 100
    assert oracle.world.pool.endpoints[0].requests == requests + 1


async def test_multicall__absent__is_said(oracle: Oracle) -> None:
    reader = oracle.reader(multicall=OWNER.address)
    with pytest.raises(ChainError, match="no Multicall3"):
        await reader.feeds()


async def test_report__transmitted__is_rebuilt_from_calldata(oracle: Oracle) -> None:
    reader = oracle.reader()
    checkpoint = next_checkpoint(oracle.world)
    report = oracle.report(checkpoint, 15 * WAD // 1000)
    land(oracle, checkpoint, 15 * WAD // 1000)
    full = await reader.report(1, checkpoint)
    assert full.report == report
    assert not full.by_vote
    assert full.signers == (MEMBERS[0].address, MEMBERS[1].address, MEMBERS[3].address)
    assert (full.landed.previous_band, full.landed.band, full.landed.answer) == (0, 1, 15 * WAD // 1000)
    assert full.landed.report_digest == report_digest(full.domain, report)
    assert 60_000 < full.gas_used < 400_000
    # eth-account's encoder is another implementation of EIP-712.
    message = encode_typed_data(full_message=typed_data(full.domain, report))
    for signer, signature in zip(full.signers, full.signatures, strict=True):
        v = 27 + (signature[32] >> 7)
        s = int.from_bytes(signature[32:], "big") & ((1 << 255) - 1)
        vrs = (v, int.from_bytes(signature[:32], "big"), s)
        assert Account.recover_message(message, vrs=vrs) == signer
    (feed,) = await reader.feeds()
    assert (feed.checkpoint, feed.band, feed.updated_block) == (checkpoint, 1, full.landed.block_number)


async def test_report__voted__lists_the_voters(oracle: Oracle) -> None:
    reader = oracle.reader()
    checkpoint = next_checkpoint(oracle.world)
    block = await reader.block(checkpoint)
    answers = [15 * WAD // 1000, 16 * WAD // 1000, 14 * WAD // 1000]
    # One vote for other signals goes first: it has no part in the result.
    stray = reader.vote_calldata(1, checkpoint, block.hash, answers[0], (9,), b"\x09" * 32)
    oracle.world.transact(MEMBERS[3], oracle.address, stray)
    for member, answer in zip(MEMBERS[:3], answers, strict=False):
        vote = reader.vote_calldata(1, checkpoint, block.hash, answer, (1, -2), b"\x09" * 32)
        oracle.world.transact(member, oracle.address, vote)
    full = await reader.report(1, checkpoint)
    assert full.by_vote
    assert full.landed.answer == answers[0]
    assert full.signers == tuple(member.address for member in MEMBERS[:3])
    assert [ballot.answer for ballot in full.ballots] == answers
    assert {ballot.signals for ballot in full.ballots} == {(1, -2)}


async def test_report__that_never_landed__is_said(oracle: Oracle) -> None:
    with pytest.raises(ChainError, match="no report of feed 1 for checkpoint 4"):
        await oracle.reader().report(1, 4)


async def test_landed__bounded_chunks__find_every_report_once(oracle: Oracle) -> None:
    checkpoints = []
    for answer in (15, 25, 15):
        checkpoints.append(next_checkpoint(oracle.world))
        land(oracle, checkpoints[-1], answer * WAD // 1000)
    head = oracle.world.chain.head.number
    found = await oracle.reader(log_chunk=3).landed(0, head)
    assert [landed.checkpoint for landed in found] == checkpoints
    assert found == await oracle.reader().landed(0, head)
    assert [(one.previous_band, one.band) for one in found] == [(0, 1), (1, 2), (2, 1)]
    assert await oracle.reader().landed(found[0].block_number + 1, found[1].block_number - 1) == []
    with pytest.raises(ChainError, match="does not have block"):
        await oracle.reader().landed(0, head + 1)


async def test_estimate__refused_call__raises_the_contracts_words(oracle: Oracle) -> None:
    checkpoint = next_checkpoint(oracle.world)
    land(oracle, checkpoint, 15 * WAD // 1000)
    report = oracle.report(checkpoint, 15 * WAD // 1000)
    calldata = oracle.reader().transmit_calldata(report, 0b1011, oracle.signatures(report))
    with pytest.raises(RevertError, match=r"^the contract refused: \w+: checkpoint not newer$"):
        await Accounts(oracle.world.pool).estimate(OWNER.address, oracle.address, calldata)


async def test_edition__opened_on_a_feed__is_read_with_its_tokens(oracle: Oracle) -> None:
    reader = oracle.reader()
    opening = (6, 0, 1, b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, OWNER.address, 500)
    oracle.world.call(OWNER, "DynamicCollection", oracle.collection, "open_edition", *opening)
    oracle.world.call(OWNER, "DynamicCollection", oracle.collection, "mint", 1, MEMBERS[0].address, 2)
    edition = await reader.edition(oracle.collection, 1)
    assert (edition.supply, edition.minted, edition.feed, edition.recipe) == (6, 2, 1, b"\x01" * 32)
    assert edition.state == EditionState.SELLING
    assert not edition.revealed
    assert list(edition.token_ids()) == [1_000_001, 1_000_002]
    assert await reader.name(oracle.collection) == "Weather"
    assert (await reader.token_uri(oracle.collection, 1_000_001)).startswith("ipfs://")
    with pytest.raises(ChainError):
        await reader.token_seeds(oracle.collection, [1_000_001])
    with pytest.raises(ChainError):
        await reader.edition(oracle.collection, 2)
    with pytest.raises(ChainError, match="no DynamicCollection"):
        await reader.name(OWNER.address)


def test_feed__of_the_contract__has_all_fields_of_the_abi() -> None:
    from node.chain.interface import artifact

    (entry,) = [item for item in artifact("StrategyOracle")["abi"] if item.get("name") == "feed"]
    declared = [part["name"] for part in entry["outputs"][0]["components"]]
    assert declared == [field.name for field in dataclasses.fields(Feed)][1:-1]
    places = (feeds._VAULT, feeds._BAND, feeds._CHECKPOINT)
    assert [declared[place] for place in places] == ["vault", "band", "checkpoint"]
