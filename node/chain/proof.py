"""A landed report's proof, rebuilt from the transactions that brought it on chain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from node.agreement.report import Domain, Report, report_digest
from node.agreement.signature import SIGNATURE_BYTES, recover
from node.chain import logs, parse
from node.chain.configurations import PREVIOUS
from node.chain.endpoints.pool import Ask, RpcPool
from node.chain.interface import interface
from node.chain.types import Ballot, FullReport, Landed
from node.errors import AgreementError, ChainError


async def prove(pool: RpcPool, oracle: str, chain_id: int, landed: Landed, log_chunk: int) -> FullReport:
    """Rebuild the report behind `landed`, and check its digest and its number of signers.

    A report that came through another contract is `relayed`: its proof is not in that transaction's calldata.
    Raises ChainError when a transaction to the oracle itself does not prove the event.
    """
    domain = Domain(chain_id, oracle, landed.config_digest)
    transaction, gas_used = await pool.ask(lambda ask: _transaction(ask, landed.tx_hash))
    relayed = FullReport(landed, domain, None, (), (), (), gas_used, relayed=True)
    call = _call_to(oracle, transaction, landed.tx_hash)
    if call is None:
        return relayed
    name, arguments = call
    if name == "vote":
        ballots = await _ballots(pool, oracle, landed, log_chunk)
        if ballots is None:
            return relayed
        voters = tuple(ballot.voter for ballot in ballots)
        return FullReport(landed, domain, None, voters, (), ballots, gas_used)
    if name != "transmit":
        raise ChainError(f"transaction 0x{landed.tx_hash.hex()} calls {name}: it proves no report")
    fields, signers, packed = arguments
    feed, checkpoint, block_hash, view, observers, observations, signals, root = fields
    report = Report(feed, checkpoint, block_hash, view, observers, tuple(observations), tuple(signals), root)
    if len(packed) != SIGNATURE_BYTES * landed.signers.bit_count() or signers & ~PREVIOUS != landed.signers:
        raise ChainError(f"transaction 0x{landed.tx_hash.hex()} does not carry the signatures that its event names")
    signatures = tuple(packed[at : at + SIGNATURE_BYTES] for at in range(0, len(packed), SIGNATURE_BYTES))
    try:
        digest = report_digest(domain, report)
        addresses = tuple(recover(digest, signature) for signature in signatures)
    except AgreementError as error:
        raise ChainError(f"transaction 0x{landed.tx_hash.hex()}: {error}") from None
    if digest != landed.report_digest:
        raise ChainError(f"transaction 0x{landed.tx_hash.hex()} does not carry the report that its event names")
    return FullReport(landed, domain, report, addresses, signatures, (), gas_used)


async def _ballots(pool: RpcPool, oracle: str, landed: Landed, log_chunk: int) -> tuple[Ballot, ...] | None:
    """The votes that made the report; None when one of them came through another contract."""
    from eth_utils.address import to_checksum_address

    topics = [
        interface("StrategyOracle").topic("Voted"),
        landed.feed.to_bytes(32, "big"),
        landed.checkpoint.to_bytes(32, "big"),
    ]
    found: list[Ballot] = []
    blocks = landed.checkpoint, landed.block_number
    async for some in logs.scan(pool, oracle, topics, blocks, log_chunk, _voted):
        for log, event in some:
            # Votes of other ballots, and those after the quorum, had no part in it.
            if event["ballot"] != landed.report_digest or (log.block_number, log.index) > _place(landed):
                continue
            transaction, _ = await pool.ask(partial(_transaction, tx_hash=log.tx_hash))
            call = _call_to(oracle, transaction, log.tx_hash)
            if call is None:
                return None
            name, arguments = call
            if name != "vote":
                raise ChainError(f"transaction 0x{log.tx_hash.hex()} calls {name}, not vote")
            _, _, block_hash, answer, signals, root = arguments
            voter = str(to_checksum_address(event["voter"]))
            found.append(Ballot(voter, block_hash, answer, tuple(signals), root, log.tx_hash, log.block_number))
    if len(found) != landed.signers.bit_count():
        raise ChainError(f"feed {landed.feed}, checkpoint {landed.checkpoint}: {len(found)} votes, not a quorum's")
    return tuple(found)


def _voted(log: logs.Log) -> tuple[logs.Log, dict[str, Any]]:
    return log, interface("StrategyOracle").event("Voted", log.topics, log.payload)


def _place(landed: Landed) -> tuple[int, int]:
    return landed.block_number, landed.log_index


async def _transaction(ask: Ask, tx_hash: bytes) -> tuple[Mapping[str, Any], int]:
    """The transaction and the gas it used."""
    named = "0x" + tx_hash.hex()
    transaction = parse.mapping(await ask("eth_getTransactionByHash", [named]), "a transaction")
    receipt = parse.mapping(await ask("eth_getTransactionReceipt", [named]), "a receipt")
    return transaction, parse.quantity(receipt.get("gasUsed"), "a receipt")


def _call_to(oracle: str, transaction: Mapping[str, Any], tx_hash: bytes) -> tuple[str, tuple[Any, ...]] | None:
    """The oracle's function that a transaction calls, with its arguments; None when it calls another contract."""
    if str(transaction.get("to")).lower() != oracle.lower():
        return None
    call = interface("StrategyOracle").call(parse.octets(transaction.get("input"), "a transaction"))
    if call is None:
        raise ChainError(f"transaction 0x{tx_hash.hex()} calls no function of the oracle's: it proves no report")
    return call
