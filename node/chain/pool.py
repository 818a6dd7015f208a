"""Several endpoints as one: fails over what an endpoint did wrong, and compares what two of them say."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from node.chain.endpoint import Endpoint, PoolSettings
from node.chain.failures import MissingError, RpcError, UnavailableError
from node.errors import ChainError, RevertError
from node.keys.secrets import SecretUrl

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["Ask", "EndpointStatus", "PoolSettings", "RpcPool"]

Answer = TypeVar("Answer")
Ask = Callable[[str, list[Any]], Awaitable[Any]]
"""One endpoint, bound: method and parameters in, result out."""

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
        if not answers:
            return await self.ask(question)
        if len(answers) == 1 and lacking:
            raise lacking[0]
        if all(answer == answers[0][1] for _, answer in answers):
            return answers[0][1]
        return self._majority(answers)

    async def each(self, question: Callable[[Ask], Awaitable[Answer]]) -> list[Answer]:
        """Put a question to all endpoints that can be reached, at once; at least one answer, in no order."""
        answers: list[Answer] = []

        async def hear(endpoint: Endpoint) -> None:
            with contextlib.suppress(RpcError, UnavailableError):
                answers.append(await question(self._bound(endpoint)))

        await _together(hear(endpoint) for endpoint in self._reachable())
        return answers or [await self.ask(question)]

    def _majority(self, answers: list[tuple[Endpoint, Answer]]) -> Answer:
        for _, answer in answers:
            others = [endpoint for endpoint, other in answers if other != answer]
            if 2 * (len(answers) - len(others)) > len(self.endpoints):
                for endpoint in others:
                    endpoint.rest("disagreed with the majority", 20 * self.settings.cooldown, firm=True)
                return answer
        names = ", ".join(endpoint.name for endpoint, _ in answers)
        raise ChainError(f"endpoints disagree about the chain ({names}): nothing is signed on either's word")

    async def probe(self) -> None:
        """Ask every endpoint for its head at once; one that lags, or fails, is asked last from now on."""
        await _together(self._probe(endpoint) for endpoint in self._reachable())
        best = max((endpoint.head for endpoint in self.endpoints if endpoint.head is not None), default=0)
        for endpoint in self.endpoints:
            if endpoint.head is not None:
                endpoint.lag = best - endpoint.head

    async def _probe(self, endpoint: Endpoint) -> None:
        endpoint.head = None
        try:
            endpoint.head = int(await self._bound(endpoint)("eth_blockNumber", []), 16)
        except ChainError:
            return
        except (TypeError, ValueError):
            endpoint.rest("its block number is none")

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
        """In order, without those that a moment ago did not answer at all, unless there are no others."""
        order = self._in_order()
        return [endpoint for endpoint in order if not endpoint.gone] or order

    def _stale(self, endpoint: Endpoint) -> bool:
        return endpoint.lag > self.settings.max_lag

    def _bound(self, endpoint: Endpoint) -> Ask:
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
