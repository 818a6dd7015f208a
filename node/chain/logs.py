"""Event logs in bounded ranges, whatever range an endpoint is willing to answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from node.chain import parse
from node.chain.failures import RpcError, UnavailableError
from node.chain.interface import interface
from node.chain.pool import Ask, RpcPool
from node.chain.types import Landed

# Providers' own limits differ (1,000 to 10,000 blocks, or 10,000 results), and so do their words for them.
_TOO_MUCH = ("range", "limit", "too many", "more than", "too large", "exceed")


@dataclass(frozen=True, slots=True)
class Log:
    """One event as it was logged."""

    topics: tuple[bytes, ...]
    payload: bytes
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    index: int


async def scan(
    pool: RpcPool, address: str, topics: Sequence[bytes | None], first: int, last: int, chunk: int
) -> AsyncIterator[list[Log]]:
    """Yield the matching logs of blocks first..last in order, at most `chunk` blocks a request.

    A range that an endpoint finds too large is halved. Raises ChainError.
    """
    start = first
    while start <= last:
        end = min(last, start + chunk - 1)
        try:
            found = await pool.ask(lambda ask, a=start, b=end: _read(ask, address, topics, a, b))  # type: ignore[misc]
        except RpcError as error:
            if start == end or not any(word in error.message.lower() for word in _TOO_MUCH):
                raise
            chunk = max(1, (end - start + 1) // 2)
            continue
        yield found
        start = end + 1


async def _read(ask: Ask, address: str, topics: Sequence[bytes | None], first: int, last: int) -> list[Log]:
    query = {
        "address": address,
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
    }
    # An endpoint that lags answers with no logs instead of an error, and what it lacks would be missed for good.
    if parse.quantity(await ask("eth_blockNumber", []), "the head") < last:
        raise UnavailableError(f"an endpoint does not have block {last} yet")
    answer = await ask("eth_getLogs", [query])
    if not isinstance(answer, list):
        raise UnavailableError("an endpoint answered eth_getLogs with something that is no list")
    logs = []
    for item in answer:
        log = _log(item)
        fits = all(want in (None, have) for want, have in zip(topics, log.topics, strict=False))
        if not fits or not first <= log.block_number <= last or str(item.get("address")).lower() != address.lower():
            raise UnavailableError("an endpoint answered eth_getLogs with a log that was not asked for")
        if not item.get("removed"):
            logs.append(log)
    return sorted(logs, key=lambda log: (log.block_number, log.index))


def _log(item: object) -> Log:
    fields = parse.mapping(item, "a log")
    topics = fields.get("topics")
    return Log(
        topics=tuple(parse.octets(topic, "a topic", 32) for topic in topics) if isinstance(topics, list) else (),
        payload=parse.octets(fields.get("data"), "a log"),
        block_number=parse.quantity(fields.get("blockNumber"), "a log"),
        block_hash=parse.octets(fields.get("blockHash"), "a log", 32),
        tx_hash=parse.octets(fields.get("transactionHash"), "a log", 32),
        index=parse.quantity(fields.get("logIndex"), "a log"),
    )


def landed(log: Log) -> Landed:
    """The `Reported` event in a log."""
    from eth_utils.address import to_checksum_address

    event = interface("StrategyOracle").event("Reported", log.topics, log.payload)
    return Landed(
        feed=event["feed"],
        checkpoint=event["checkpoint"],
        config_digest=event["config_digest"],
        report_digest=event["report_digest"],
        answer=event["answer"],
        previous_band=event["previous_band"],
        band=event["band"],
        content_root=event["content_root"],
        signers=event["signers"],
        transmitter=str(to_checksum_address(event["transmitter"])),
        block_number=log.block_number,
        block_hash=log.block_hash,
        tx_hash=log.tx_hash,
        log_index=log.index,
    )
