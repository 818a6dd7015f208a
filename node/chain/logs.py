"""Event logs in bounded ranges, whatever range an endpoint is willing to answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from node.chain import parse
from node.chain.endpoints.pool import Ask, RpcPool
from node.chain.failures import MissingError, RpcError, UnavailableError
from node.chain.interface import interface
from node.chain.types import Landed
from node.errors import ChainError

Event = TypeVar("Event")

_MAX_NODES = 31  # the oracle's largest committee

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


class _TooMuchError(ChainError):
    """An endpoint finds a range too large; where several are compared, one that does is not passed over."""


async def scan(
    pool: RpcPool,
    address: str,
    topics: Sequence[bytes | None],
    blocks: tuple[int, int],
    chunk: int,
    read: Callable[[Log], Event],
    *,
    agree: bool = False,
) -> AsyncIterator[list[Event]]:
    """Yield what `read` makes of the matching logs of blocks first..last in order, at most `chunk` blocks a request.

    A range that an endpoint finds too large is halved. With `agree`, two endpoints must say the same where two
    are configured. Raises ChainError; what `read` refuses with a ChainError is the endpoint's fault.
    """
    start, last = blocks
    while start <= last:
        end = min(last, start + chunk - 1)

        async def question(ask: Ask, first: int = start, final: int = end) -> list[Event]:
            try:
                return await _read(ask, address, topics, first, final, read)
            except RpcError as error:
                if agree and first < final and _too_much(error):
                    raise _TooMuchError(str(error)) from None
                raise

        try:
            found = await (pool.agree(question) if agree else pool.ask(question))
        except (RpcError, _TooMuchError) as error:
            if start == end or not (isinstance(error, _TooMuchError) or _too_much(error)):
                raise
            chunk = max(1, (end - start + 1) // 2)
            continue
        yield found
        start = end + 1


def _too_much(error: RpcError) -> bool:
    return any(word in error.message.lower() for word in _TOO_MUCH)


async def _read(
    ask: Ask, address: str, topics: Sequence[bytes | None], first: int, last: int, read: Callable[[Log], Event]
) -> list[Event]:
    query = {
        "address": address,
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
    }
    # An endpoint that lags answers with no logs instead of an error, and what it lacks would be missed for good.
    if parse.quantity(await ask("eth_blockNumber", []), "the head") < last:
        raise MissingError(f"an endpoint does not have block {last} yet")
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
    try:
        return [read(log) for log in sorted(logs, key=lambda log: (log.block_number, log.index))]
    except UnavailableError:
        raise
    except ChainError as error:
        raise UnavailableError(f"an endpoint answered eth_getLogs with nonsense: {error}") from None


def _log(item: object) -> Log:
    fields = parse.mapping(item, "a log")
    topics = fields.get("topics")
    return Log(
        topics=tuple(parse.octets(topic, "a topic", 32) for topic in topics) if isinstance(topics, list) else (),
        payload=parse.octets(fields.get("data"), "a log"),
        block_number=parse.small(parse.quantity(fields.get("blockNumber"), "a log"), "a log"),
        block_hash=parse.octets(fields.get("blockHash"), "a log", 32),
        tx_hash=parse.octets(fields.get("transactionHash"), "a log", 32),
        index=parse.small(parse.quantity(fields.get("logIndex"), "a log"), "a log"),
    )


def landed(log: Log) -> Landed:
    """The `Reported` event in a log; UnavailableError for numbers that no oracle can log (and no journal store)."""
    from eth_utils.address import to_checksum_address

    event = interface("StrategyOracle").event("Reported", log.topics, log.payload)
    return Landed(
        feed=parse.small(event["feed"], "a report's feed"),
        checkpoint=parse.small(event["checkpoint"], "a report's checkpoint"),
        config_digest=event["config_digest"],
        report_digest=event["report_digest"],
        answer=event["answer"],
        previous_band=event["previous_band"],
        band=event["band"],
        content_root=event["content_root"],
        signers=parse.small(event["signers"], "a report's signers", _MAX_NODES),
        transmitter=str(to_checksum_address(event["transmitter"])),
        block_number=log.block_number,
        block_hash=log.block_hash,
        tx_hash=log.tx_hash,
        log_index=log.index,
    )
