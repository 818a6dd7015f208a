"""Finds the report that set a content root, and the transactions that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from node.agreement.report import Domain, Report, report_digest
from node.agreement.signature import SIGNATURE_BYTES
from node.chain import logs, parse
from node.chain.configurations import PREVIOUS
from node.chain.endpoints.pool import Ask, RpcPool
from node.chain.failures import MissingError
from node.chain.interface import interface
from node.chain.types import Ballot, Landed
from node.errors import AgreementError, ChainError
from node.verify.facts import Facts
from node.verify.sheet import UntoldError

MAX_BLOCKS: Final = 2_000_000
"""Blocks that are searched backwards for a report, from the feed's last one on: most of a year of 12-second blocks."""
CHUNK: Final = 2_000
_EMBEDDED: Final = 16
"""Places in another contract's calldata at which a report is looked for."""
_ZERO: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Signed:
    """A transmitted report as its calldata has it; `signatures` are 64 bytes each."""

    report: Report
    digest: bytes
    signers: int
    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is looked at of a transaction: `to` and `sender` in lower case, `calldata` its input."""

    sender: str
    to: str
    calldata: bytes


async def root_setter(pool: RpcPool, oracle: str, facts: Facts) -> Landed:
    """The newest landed report of the token's feed that names artworks and whose callback did not fail.

    Raises UntoldError where the search would be longer than its bound, ChainError where there is none.
    """
    topics = [interface("StrategyOracle").topic("Reported"), facts.feed.id.to_bytes(32, "big")]
    last = min(facts.feed.updated_block, facts.block.number)
    oldest, first = facts.feed.opened_at, last
    while last >= oldest:
        if facts.feed.updated_block - first > MAX_BLOCKS:
            raise UntoldError(f"the report is more than {MAX_BLOCKS} blocks older than the feed's last one")
        found: list[Landed] = []
        async for some in logs.scan(pool, oracle, topics, (first, last), CHUNK, logs.landed, agree=True):
            found += some
        for landed in reversed(found):
            if landed.content_root != _ZERO and not await _callback_failed(pool, oracle, landed, facts.collection):
                return landed
        last, first = first - 1, max(oldest, first - CHUNK)
    raise ChainError(f"feed {facts.feed.id} never had a report with artworks, yet the collection shows some")


async def signed_report(pool: RpcPool, oracle: str, chain_id: int, landed: Landed) -> Signed | None:
    """The report and signatures in the calldata that brought `landed`; None where it came by votes.

    A report that came through another contract is looked for within that contract's calldata, where its digest gives
    it away. Raises UntoldError where it is not there, ChainError where a transaction to the oracle does not carry it.
    """
    abi = interface("StrategyOracle")
    transaction = await read_transaction(pool, landed.tx_hash, landed)
    if transaction.to == oracle.lower():
        call = abi.call(transaction.calldata)
        if call is not None and call[0] == "vote":
            return None
        if call is None or call[0] != "transmit":
            raise ChainError(f"transaction 0x{landed.tx_hash.hex()} neither transmits nor votes")
        found = _signed(chain_id, oracle, landed, call[1])
        if found.digest != landed.report_digest:
            raise ChainError("the report in the calldata is not the one that the event names: another digest")
        return found
    selector, at = abi.encode("transmit", _EMPTY, 0, b"")[:4], -1
    for _ in range(_EMBEDDED):
        at = transaction.calldata.find(selector, at + 1)
        if at < 0:
            break
        try:
            call = abi.call(transaction.calldata[at:])
            found = _signed(chain_id, oracle, landed, call[1] if call else ())
        except (ChainError, ValueError):
            continue
        if found.digest == landed.report_digest:
            return found
    raise UntoldError("the report came through another contract, and stands nowhere in the calldata it was called with")


async def ballots(pool: RpcPool, oracle: str, landed: Landed) -> tuple[Ballot, ...]:
    """The votes that made `landed`, each from its own transaction, in the order in which they were cast.

    Raises UntoldError where one came through another contract.
    """
    from eth_utils.address import to_checksum_address

    abi = interface("StrategyOracle")
    topics = [abi.topic("Voted"), landed.feed.to_bytes(32, "big"), landed.checkpoint.to_bytes(32, "big")]
    blocks = landed.checkpoint, landed.block_number
    votes: list[tuple[logs.Log, dict[str, Any]]] = []
    async for some in logs.scan(pool, oracle, topics, blocks, CHUNK, _voted, agree=True):
        votes += some
    found = []
    for log, event in votes:
        # Votes of other ballots, and those after the quorum, had no part in it.
        if event["ballot"] != landed.report_digest or (log.block_number, log.index) > _place(landed):
            continue
        transaction = await read_transaction(pool, log.tx_hash, log)
        call = abi.call(transaction.calldata) if transaction.to == oracle.lower() else None
        if call is None or call[0] != "vote":
            raise UntoldError("a vote came through another contract, so its calldata does not show it")
        voter = str(to_checksum_address(event["voter"]))
        feed, checkpoint, block_hash, answer, signals, root = call[1]
        if (feed, checkpoint, answer) != (landed.feed, landed.checkpoint, event["answer"]):
            raise ChainError(f"the vote of {voter} is not the one that its event names")
        if transaction.sender != voter.lower():
            raise ChainError(f"the vote of {voter} was sent by {transaction.sender}")
        found.append(Ballot(voter, block_hash, answer, tuple(signals), root, log.tx_hash, log.block_number))
    return tuple(found)


async def read_transaction(pool: RpcPool, tx_hash: bytes, where: Landed | logs.Log) -> Transaction:
    """A transaction; ChainError if it is not in the block in which its log is."""

    async def question(ask: Ask) -> Transaction:
        answer = await ask("eth_getTransactionByHash", ["0x" + tx_hash.hex()])
        if answer is None:
            raise MissingError(f"an endpoint does not know transaction 0x{tx_hash.hex()}")
        fields = parse.mapping(answer, "a transaction")
        if parse.octets(fields.get("blockHash"), "a transaction", 32) != where.block_hash:
            raise ChainError(f"transaction 0x{tx_hash.hex()} is not in the block that its event is in")
        calldata = parse.octets(fields.get("input"), "a transaction")
        return Transaction(str(fields.get("from")).lower(), str(fields.get("to")).lower(), calldata)

    return await pool.agree(question)


_EMPTY: Final = (0, 0, _ZERO, 0, 0, (), (), _ZERO)


def _signed(chain_id: int, oracle: str, landed: Landed, arguments: tuple[Any, ...]) -> Signed:
    fields, signers, packed = arguments
    feed, checkpoint, block_hash, view, observers, observations, signals, root = fields
    report = Report(feed, checkpoint, block_hash, view, observers, tuple(observations), tuple(signals), root)
    try:
        digest = report_digest(Domain(chain_id, oracle, landed.config_digest), report)
    except AgreementError as error:
        raise ChainError(str(error)) from None
    signatures = tuple(packed[at : at + SIGNATURE_BYTES] for at in range(0, len(packed), SIGNATURE_BYTES))
    # Under which configuration it is meant is the digest's matter: the bit that says so is no member's.
    return Signed(report, digest, signers & ~PREVIOUS, signatures)


async def _callback_failed(pool: RpcPool, oracle: str, landed: Landed, collection: str) -> bool:
    """Whether the collection did not take the report: then what it shows is an older one's."""
    topics = [
        interface("StrategyOracle").topic("CallbackFailed"),
        landed.feed.to_bytes(32, "big"),
        bytes.fromhex(collection[2:]).rjust(32, b"\0"),
    ]
    blocks = landed.block_number, landed.block_number
    async for some in logs.scan(pool, oracle, topics, blocks, CHUNK, lambda log: log, agree=True):
        if any(log.tx_hash == landed.tx_hash for log in some):
            return True
    return False


def _voted(log: logs.Log) -> tuple[logs.Log, dict[str, Any]]:
    return log, interface("StrategyOracle").event("Voted", log.topics, log.payload)


def _place(landed: Landed) -> tuple[int, int]:
    return landed.block_number, landed.log_index
