"""Several endpoints as one: fails over what an endpoint did wrong, and compares what two of them say."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from node.chain import parse
from node.chain.endpoint import Endpoint, PoolSettings
from node.chain.failures import MissingError, RpcError, UnavailableError
from node.errors import ChainError, RevertError
from node.keys.secrets import SecretUrl

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["Ask", "EndpointStatus", "PoolSettings", "RpcPool"]

Answer = TypeVar("Answer")
Ask = Callable[[str, list[Any]], Awaitable[Any]]
"""One endpoint, bound: method and parameters in, result out. A pool has the same one for an endpoint every time."""

# A transaction is judged by its sender's nonce and funds; asking elsewhere would only blur the reason.
_FINAL_METHODS = ("eth_sendRawTransaction",)


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """How one endpoint does; `name` shows no secret. `fault` is empty while it is well."""

    name: str
    head: int | None
    requests: int
    failures: int
    limited: int
    fault: str


class RpcPool:
    """JSON-RPC over one or more endpoints of the same chain, the preferred first.

    Transport errors, 5xx and limits fail over; a revert never does. URLs may hold keys: pass them as text or
    SecretUrl, they are shown as scheme and host only.
    """

    def __init__(
        self,
        endpoints: Sequence[str | SecretUrl],
        settings: PoolSettings | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ChainError when `endpoints` is empty. `sleep` and `clock` (seconds) can be set by tests."""
        if not endpoints:
            raise ChainError("no JSON-RPC endpoint is configured: name at least one")
        self.settings = settings or PoolSettings()
        urls = [url if isinstance(url, SecretUrl) else SecretUrl(url) for url in endpoints]
        self.endpoints = [Endpoint(url, self.settings, sleep, clock) for url in urls]
        self._asks = {endpoint: self._bind(endpoint) for endpoint in self.endpoints}
        self._sleep = sleep
        self._session: ClientSession | None = None

    def __repr__(self) -> str:
        return f"RpcPool({', '.join(endpoint.name for endpoint in self.endpoints)})"

    async def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Return the `result` of one request from the first endpoint that answers.

        Raises RevertError, RpcError (a JSON-RPC error that all endpoints share) or ChainError (none answers).
        """
        return await self.ask(lambda ask: ask(method, list(params)), final=method in _FINAL_METHODS)

    async def ask(self, question: Callable[[Ask], Awaitable[Answer]], *, final: bool = False) -> Answer:
        """Put a question of one or more requests to one endpoint; to the next if that one cannot answer.

        With `final`, a JSON-RPC error counts as the answer instead.
        """
        faults: dict[str, ChainError] = {}
        for round_ in range(self.settings.rounds):
            if round_:
                await self._sleep(self.settings.pause * 2**round_)
            for endpoint in self._in_order():
                try:
                    return await question(self._bound(endpoint))
                except RevertError:
                    raise
                except RpcError as error:
                    if final:
                        raise
                    faults[endpoint.name] = error
                except UnavailableError as error:
                    faults[endpoint.name] = error
            if all(isinstance(error, RpcError) for error in faults.values()):
                break
        raise _summed(list(faults.values()))

    async def agree(self, question: Callable[[Ask], Awaitable[Answer]]) -> Answer:
        """Put the same question to two endpoints where two are configured, and compare.

        Where they differ all others are asked, and a majority of the configured ones decides, else
        ChainError. An endpoint that cannot answer is passed over, and one answer alone is taken when no other
        endpoint can be reached; but where one that was reached lacks what was asked for, that is a
        ChainError: it lags, or the other one tells of a chain that does not exist.
        """
        if len(self.endpoints) == 1:
            return await self.ask(question)
        answers = await self._answers(question)
        if not answers:
            return await self.ask(question)
        if all(answer == answers[0][1] for _, answer in answers):
            return answers[0][1]
        return self._majority(answers)

    async def agree_each(
        self, question: Callable[[Ask], Awaitable[Sequence[Answer]]], disputed: Answer
    ) -> Sequence[Answer]:
        """Like `agree`, but compare a list item by item: `disputed` stands where no majority agrees.

        For what foreign contracts answer: one that answers each endpoint differently must not take the rest along.
        """
        if len(self.endpoints) == 1:
            return await self.ask(question)
        answers = await self._answers(question)
        if not answers:
            return await self.ask(question)
        if all(answer == answers[0][1] for _, answer in answers):
            return answers[0][1]
        found = []
        for items in zip(*(answer for _, answer in answers), strict=True):
            agreed = [item for item in items if 2 * items.count(item) > len(self.endpoints)]
            found.append(agreed[0] if agreed else disputed)
        return found

    async def _answers(self, question: Callable[[Ask], Awaitable[Answer]]) -> list[tuple[Endpoint, Answer]]:
        """Two answers that are equal, or else one of each endpoint that gives one; none where none does."""
        order = self._reachable()
        answers: list[tuple[Endpoint, Answer]] = []
        lacking: list[ChainError] = []

        async def hear(endpoint: Endpoint) -> None:
            try:
                answers.append((endpoint, await question(self._bound(endpoint))))
            except MissingError as error:
                lacking.append(error)
            except (RpcError, UnavailableError):
                pass

        await _together(hear(endpoint) for endpoint in order[:2])
        for endpoint in order[2:]:
            if len(answers) == 2 and answers[0][1] == answers[1][1]:
                break
            await hear(endpoint)
        if len(answers) == 1 and lacking:
            raise lacking[0]
        return answers

    async def each(self, question: Callable[[Ask], Awaitable[Answer]]) -> list[Answer]:
        """Put a question to all endpoints that can be reached, at once; at least one answer, in no order."""
        return [answer for _, answer in await self.each_named(question)] or [await self.ask(question)]

    async def each_named(self, question: Callable[[Ask], Awaitable[Answer]]) -> list[tuple[str, Answer]]:
        """Like `each`, with each endpoint's name; empty where none answers."""
        answers: list[tuple[str, Answer]] = []

        async def hear(endpoint: Endpoint) -> None:
            with contextlib.suppress(RpcError, UnavailableError):
                answers.append((endpoint.name, await question(self._bound(endpoint))))

        await _together(hear(endpoint) for endpoint in self._reachable())
        return answers

    def _majority(self, answers: list[tuple[Endpoint, Answer]]) -> Answer:
        for _, answer in answers:
            others = [endpoint for endpoint, other in answers if other != answer]
            if 2 * (len(answers) - len(others)) > len(self.endpoints):
                for endpoint in others:
                    endpoint.rest("disagreed with the majority", 20 * self.settings.cooldown, firm=True)
                return answer
        names = ", ".join(endpoint.name for endpoint, _ in answers)
        raise ChainError(f"endpoints disagree about the chain ({names}): nothing is signed on either's word")

    async def probe(self, limit: int | None = None) -> None:
        """Ask every endpoint for its head at once; one that lags, or fails, is asked last from now on.

        A head above `limit` counts as none. Where three or more heads are known, an endpoint lags that is
        behind the second-highest, so that one alone cannot make the others stale, and it is left out of what is
        compared. Of two, the one behind is left out only when its head has stood still for long: an honest
        one's rises, whatever a lying one claims.
        """
        asked = [endpoint for endpoint in self.endpoints if not endpoint.gone] or self.endpoints
        await _together(self._probe(endpoint, limit) for endpoint in asked)
        known = sorted((one.head for one in asked if one.head is not None), reverse=True)
        if not known:
            return
        best = known[1] if len(known) > 2 else known[0]
        for endpoint in asked:
            if endpoint.head is not None:
                endpoint.lag = max(0, best - endpoint.head)
                stuck = endpoint.still_for > self.settings.stuck_after
                endpoint.left_out = self._stale(endpoint) and (len(known) > 2 or stuck)

    async def _probe(self, endpoint: Endpoint, limit: int | None) -> None:
        endpoint.head = None
        try:
            answer = await self._bound(endpoint)("eth_blockNumber", [])
        except ChainError:
            return
        try:
            head = parse.small(parse.quantity(answer, "its head"), "its head")
        except UnavailableError as error:
            endpoint.rest(str(error))
            return
        if limit is not None and head > limit:
            endpoint.rest(f"claims head {head}, beyond any that could be", 20 * self.settings.cooldown, firm=True)
            return
        endpoint.see(head)

    def status(self) -> list[EndpointStatus]:
        """How each endpoint does, in the configured order."""
        return [
            EndpointStatus(
                one.name,
                one.head,
                one.requests,
                one.failures,
                one.limited,
                one.fault or (f"stale: {one.lag} blocks behind" if self._stale(one) else ""),
            )
            for one in self.endpoints
        ]

    def _in_order(self) -> list[Endpoint]:
        """As configured, but stale ones late and those that failed a moment ago last."""
        return sorted(self.endpoints, key=lambda one: (one.rests_until if one.resting else 0.0, self._stale(one)))

    def _reachable(self) -> list[Endpoint]:
        """In order, without those that a moment ago did not answer at all or are left out, unless no other is left."""
        order = self._in_order()
        there = [endpoint for endpoint in order if not endpoint.gone]
        return [endpoint for endpoint in there if not endpoint.left_out] or there or order

    def _stale(self, endpoint: Endpoint) -> bool:
        return endpoint.lag > self.settings.max_lag

    def _bound(self, endpoint: Endpoint) -> Ask:
        return self._asks[endpoint]

    def _bind(self, endpoint: Endpoint) -> Ask:
        async def ask(method: str, params: list[Any]) -> Any:
            return await endpoint.call(self._opened(), method, params)

        return ask

    def _opened(self) -> ClientSession:
        import aiohttp

        if self._session is None or self._session.closed:
            # No cookies, no proxies from the environment: an endpoint sees this node's requests and nothing else.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        return self._session

    async def aclose(self) -> None:
        """Close all connections; harmless when repeated."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _together(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all steps at once; the first error among them ends the others and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except* ChainError as failed:
        first: BaseException = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _summed(faults: list[ChainError]) -> ChainError:
    if len(faults) == 1 or all(isinstance(fault, RpcError) for fault in faults):
        return faults[0]
    return ChainError("no endpoint answers: " + "; ".join(str(fault) for fault in faults))
