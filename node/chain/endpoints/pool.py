"""Several endpoints as one: fails over what an endpoint did wrong, and compares what two of them say."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from node.chain import parse
from node.chain.endpoints.breaker import Circuit
from node.chain.endpoints.endpoint import Endpoint, PoolSettings
from node.chain.endpoints.witnesses import Hearing, Refusal, Witnesses, hear, summed
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
    """How one endpoint does; `name` shows no secret. `fault` is empty while it is well.

    `limited` counts its refusals because we asked too often, `waited` requests held back by our own limit, `opened`
    how often its circuit was opened, and `pruned` what it could not tell because it keeps old state no longer.
    """

    name: str
    head: int | None
    requests: int
    failures: int
    limited: int
    fault: str
    circuit: Circuit = "closed"
    opened: int = 0
    waited: int = 0
    pruned: int = 0


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
        chain_id: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ChainError when `endpoints` is empty.

        `chain_id`: an endpoint that serves another chain is asked nothing else; None for any. `sleep` and `clock`
        (seconds) can be set by tests.
        """
        if not endpoints:
            raise ChainError("no JSON-RPC endpoint is configured: name at least one")
        self.settings = settings or PoolSettings()
        urls = [url if isinstance(url, SecretUrl) else SecretUrl(url) for url in endpoints]
        self.endpoints = [Endpoint(url, self.settings, sleep, clock) for url in urls]
        _tell_apart(self.endpoints)
        self.chain_id = chain_id
        self.counters: Counter[str] = Counter()
        self._witnesses = Witnesses(len(urls), self.settings.witnesses, self.counters, clock)
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
        faults: dict[Endpoint, ChainError] = {}
        for round_ in range(self.settings.rounds):
            if round_:
                await self._sleep(self.settings.pause * 2**round_)
            for endpoint in self._in_order():
                try:
                    answer = await question(self._bound(endpoint))
                except RevertError:
                    raise
                except RpcError as error:
                    if final:
                        raise
                    faults[endpoint] = error
                except UnavailableError as error:
                    faults[endpoint] = error
                else:
                    self.counters["failed_over"] += bool(faults)
                    return answer
            if all(isinstance(error, RpcError) for error in faults.values()):
                break
        raise summed(list(faults.values()))

    async def agree(self, question: Callable[[Ask], Awaitable[Answer]], about: object = "") -> Answer:
        """Put the same question to as many endpoints as must say the same (`settings.witnesses`), and compare.

        Where they differ all others are asked, and a majority of the configured ones decides, else DisagreementError;
        `about` is what the log calls the question. Where too few answer, or one that was reached lacks what was asked
        for, that is an UnwitnessedError or a MissingError: wait, and ask again. A revert must be agreed on like any
        other answer, and is raised.
        """
        if len(self.endpoints) == 1:
            return await self.ask(question)
        answer, outvoted = self._witnesses.settle(await self._hearing(question), about)
        for endpoint in outvoted:
            endpoint.breaker.failed("disagreed with the majority", 20 * self.settings.cooldown, firm=True)
        return answer

    async def agree_each(
        self, question: Callable[[Ask], Awaitable[Sequence[Answer]]], disputed: Answer, about: Sequence[object] = ()
    ) -> Sequence[Answer]:
        """Like `agree`, but compare a list item by item: `disputed` stands where no majority agrees.

        For what foreign contracts answer: one that answers each endpoint differently must not take the rest along.
        `about` names the items for the log.
        """
        if len(self.endpoints) == 1:
            return await self.ask(question)
        return self._witnesses.settle_each(await self._hearing(question), disputed, about)

    async def _hearing(self, question: Callable[[Ask], Awaitable[Answer]]) -> Hearing[Answer]:
        """Enough equal answers, or else what every endpoint says; again after a pause where none says anything."""
        hearing: Hearing[Answer] = Hearing([], [])
        for round_ in range(self.settings.rounds):
            if round_:
                await self._sleep(self.settings.pause * 2**round_)
            hearing = Hearing([], [])

            async def one(endpoint: Endpoint, into: Hearing[Answer] = hearing) -> None:
                answer, fault = await hear(lambda found: question(self._bound(found)), endpoint)
                if fault is None:
                    into.answers.append((endpoint, cast("Answer | Refusal", answer)))
                else:
                    into.faults.append((endpoint, fault))

            order, first = self._reachable(self._witnesses.needed), self._witnesses.first
            await _together(one(endpoint) for endpoint in order[:first])
            for endpoint in order[first:]:
                if self._witnesses.enough(hearing):
                    break
                await one(endpoint)
            if hearing.answers or all(isinstance(error, RpcError | MissingError) for _, error in hearing.faults):
                break
        return hearing

    async def each(self, question: Callable[[Ask], Awaitable[Answer]], *, linger: float | None = None) -> list[Answer]:
        """Put a question to all endpoints that can be reached, at once; at least one answer, in no order.

        `linger`: how many seconds to wait for the others once one has answered; None for as long as it takes.
        """
        return [answer for _, answer in await self.each_named(question, linger=linger)] or [await self.ask(question)]

    async def each_named(
        self, question: Callable[[Ask], Awaitable[Answer]], *, linger: float | None = None
    ) -> list[tuple[str, Answer]]:
        """Like `each`, with each endpoint's name; empty where none answers."""
        answers: list[tuple[str, Answer]] = []
        answered = asyncio.Event()

        async def hear(endpoint: Endpoint) -> None:
            with contextlib.suppress(RpcError, UnavailableError):
                answers.append((endpoint.name, await question(self._bound(endpoint))))
                answered.set()

        async def all_heard() -> None:
            await _together(hear(endpoint) for endpoint in self._reachable())

        if linger is None:
            await all_heard()
            return answers
        everyone, someone = asyncio.create_task(all_heard()), asyncio.create_task(answered.wait())
        try:
            await asyncio.wait({everyone, someone}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({everyone}, timeout=linger)
            if everyone.done():
                await everyone
        finally:
            for task in (everyone, someone):
                task.cancel()
            await asyncio.gather(everyone, someone, return_exceptions=True)
        return answers

    async def probe(self, limit: int | None = None) -> None:
        """Ask every endpoint for its head at once; one that lags, or fails, is asked last from now on.

        A head above `limit` counts as none. Where three or more heads are known, an endpoint lags that is
        behind the second-highest, so that one alone cannot make the others stale, and it is left out of what is
        compared. Of two, the one behind is left out only when its head has stood still for long: an honest
        one's rises, whatever a lying one claims.
        """
        asked = [endpoint for endpoint in self.endpoints if not endpoint.breaker.gone] or self.endpoints
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
            endpoint.breaker.failed(str(error))
            return
        if limit is not None and head > limit:
            endpoint.breaker.failed(
                f"claims head {head}, beyond any that could be", 20 * self.settings.cooldown, firm=True
            )
            return
        endpoint.see(head)

    def status(self) -> list[EndpointStatus]:
        """How each endpoint does, in the configured order."""
        return [
            EndpointStatus(
                name=one.name,
                head=one.head,
                requests=one.requests,
                failures=one.breaker.failures,
                limited=one.limited,
                fault=one.breaker.fault or (f"stale: {one.lag} blocks behind" if self._stale(one) else ""),
                circuit=one.breaker.circuit,
                opened=one.breaker.opened,
                waited=one.waited,
                pruned=one.pruned,
            )
            for one in self.endpoints
        ]

    @property
    def trouble(self) -> list[str]:
        """Short codes for what keeps this node from believing its endpoints; empty while it does."""
        return self._witnesses.trouble

    def _in_order(self) -> list[Endpoint]:
        """As configured, but busy and stale ones late and those that failed a moment ago last."""

        def place(one: Endpoint) -> tuple[float, bool, bool]:
            return one.breaker.rests_until if one.breaker.resting else 0.0, self._stale(one), one.busy

        return sorted(self.endpoints, key=place)

    def _reachable(self, needed: int = 1) -> list[Endpoint]:
        """In order, without those that a moment ago did not answer at all or are left out, unless too few are left."""
        order = self._in_order()
        there = [one for one in order if not one.breaker.gone]
        for some in ([one for one in there if not one.left_out], there):
            if len(some) >= needed:
                return some
        return order

    def _stale(self, endpoint: Endpoint) -> bool:
        return endpoint.lag > self.settings.max_lag

    def _bound(self, endpoint: Endpoint) -> Ask:
        return self._asks[endpoint]

    def _bind(self, endpoint: Endpoint) -> Ask:
        async def ask(method: str, params: list[Any]) -> Any:
            if self.chain_id is not None:
                await endpoint.meet(self._opened(), self.chain_id)
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


def _tell_apart(endpoints: Sequence[Endpoint]) -> None:
    """Number those that would be shown alike: two keys at one provider."""
    shown = Counter(one.name for one in endpoints)
    for number, one in enumerate(endpoints, 1):
        if shown[one.name] > 1:
            one.name = one.breaker.name = f"{one.name} (number {number})"
