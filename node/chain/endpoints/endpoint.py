"""One JSON-RPC endpoint over HTTP: asks, waits when told to, and never shows its URL."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node.chain import parse
from node.chain.endpoints.answers import parsed
from node.chain.endpoints.breaker import Breaker
from node.chain.endpoints.limits import TokenBucket, retry_after, timestamp
from node.chain.endpoints.names import Shown, unreachable
from node.chain.failures import RpcError, UnavailableError, WrongChainError, revert_in, state_gone
from node.durations import REQUEST_S, Durations
from node.keys.secrets import SecretUrl

if TYPE_CHECKING:
    from aiohttp import ClientSession

# "Limit exceeded" in EIP-1474, and what some providers send instead of HTTP 429.
_LIMITED = (-32005, 429)
# What they say with that code of a log query that finds too much.
_TOO_LONG = ("query returned", "results", "block range")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Limits of one request: seconds, except `max_bytes` of an answer and `rounds` over all endpoints.

    `rate` is the most requests a second that one endpoint is asked (None: any number), `burst` how many at once.
    `witnesses` is how many endpoints must say the same of what the node signs for; where fewer are configured, all
    of them. With 1 two are compared wherever two answer, and one alone is believed while no other does.
    `retry_after_cap` is the longest that a Retry-After is waited for; `cooldown` how long an endpoint that
    failed is asked last; `max_lag` how many blocks it may be behind the others, `stuck_after` for how long a
    head may stand still before an endpoint that is further behind no longer counts where endpoints are compared.
    """

    timeout: float = 10.0
    retry_after_cap: float = 5.0
    cooldown: float = 15.0
    rounds: int = 2
    pause: float = 0.5
    max_bytes: int = 64 * 2**20
    max_lag: int = 8
    stuck_after: float = 120.0
    rate: float | None = None
    burst: float = 20.0
    witnesses: int = 2


class Endpoint:
    """One URL. `name` is all of it that is ever shown: scheme, host and port."""

    def __init__(
        self,
        url: SecretUrl,
        settings: PoolSettings,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shown = Shown(url)
        self.name = self._shown.name
        self.breaker = Breaker(self.name, settings.cooldown, clock)
        self.head: int | None = None
        self.lag = 0
        self.left_out = False
        self.moved_at = clock()
        self.requests = 0
        self.limited = 0
        self.waited = 0
        self.pruned = 0
        self.took = Durations(REQUEST_S)
        """How long requests took, those that failed too."""
        self.clock_offset: float | None = None
        """Seconds by which this machine's clock is ahead of the endpoint's, from its last answer; None before."""
        self._url = url
        self._settings = settings
        self._sleep = sleep
        self._clock = clock
        self._bucket = TokenBucket(settings.rate, settings.burst, clock)
        self._last = -1
        self._right_chain = False
        self._wrong_until = clock()
        self._meeting = asyncio.Lock()
        self._ids = itertools.count(1)

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    @property
    def busy(self) -> bool:
        """True while requests queue up for its limit: others are asked first."""
        return self._bucket.wait > self._settings.pause

    @property
    def still_for(self) -> float:
        """Seconds since its head last rose."""
        return self._clock() - self.moved_at

    def see(self, head: int) -> None:
        """Note its head."""
        if head > self._last:
            self.moved_at = self._clock()
        self.head = self._last = head

    def shown(self, answer: object) -> str:
        """An answer of its, shortened and without secrets, for the log."""
        said = getattr(answer, "hash", answer)
        text = "0x" + said.hex() if isinstance(said, bytes) else str(said)
        return self._shown.redact(text[:2_000])[:160]

    async def meet(self, session: ClientSession, chain_id: int) -> None:
        """Ask for the chain's id before anything else, and again after a silence: a proxy may have another behind it.

        Raises ChainError when it is another, or cannot be had.
        """
        failures = self.breaker.failures
        async with self._meeting:
            if self._right_chain:
                return
            if self.breaker.failures > failures or self._clock() < self._wrong_until:
                raise UnavailableError(f"{self.name}: {self.breaker.fault}")
            found = parse.quantity(await self.call(session, "eth_chainId", []), "the chain id")
            if found != chain_id:
                rest = 4 * self._settings.cooldown
                self.breaker.failed(f"serves chain {found}, the configuration says {chain_id}", rest, firm=True)
                self._wrong_until = self.breaker.rests_until
                raise WrongChainError(f"{self.name}: {self.breaker.fault}")
            self._right_chain = True

    async def call(self, session: ClientSession, method: str, params: list[Any]) -> Any:
        """Return the `result` of one request.

        Raises UnavailableError (no usable answer), CallRevertError, or RpcError (any other JSON-RPC error). A 429 is
        waited for once if its Retry-After is short enough.
        """
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params})
        async with self.breaker.passage():
            for attempt in range(2):
                await self._turn(method)
                status, headers, raw, fault = await self._post(session, body)
                answer = None if raw is None else parsed(raw)
                if status == 429 or _limits(answer):
                    self._limit(method, headers, last=attempt > 0)
                    continue
                if status == 413:
                    raise RpcError(self.name, method, 413, "the request is too large (HTTP 413)")
                if fault or answer is None or ("result" not in answer and not isinstance(answer.get("error"), dict)):
                    fault = fault or (f"HTTP {status}" if status != 200 else "not a JSON-RPC answer")
                    self._fail(fault, retry_after(headers) if status == 503 else None, silent=status == 0)
                    raise UnavailableError(f"{self.name}: {method}: {fault}")
                return self._result(method, answer)
        raise AssertionError("unreachable")

    async def _turn(self, method: str) -> None:
        """Wait until it may be asked; UnavailableError where the endpoint itself made that too long."""
        if (closed := self._bucket.closed_for) > self._settings.retry_after_cap:
            raise UnavailableError(f"{self.name}: {method}: not asked: it wants to be left alone for {closed:.0f} s")
        if (wait := self._bucket.take()) > 0:
            self.waited += 1
            await self._sleep(wait)

    def _limit(self, method: str, headers: dict[str, str], *, last: bool) -> None:
        """It answered that we ask too often: close it for as long as it says, or let others go first."""
        self.limited += 1
        asked = retry_after(headers)
        wait = 1.0 if asked is None else asked
        self._bucket.close(wait)
        if last or wait > self._settings.retry_after_cap:
            self.breaker.failed("limits our requests", max(wait, self._settings.cooldown))
            raise UnavailableError(f"{self.name}: {method}: it limits our requests (429)")

    def _fail(self, fault: str, seconds: float | None, *, silent: bool) -> None:
        self._right_chain = False
        # A 503 may say when it is over (RFC 9110, section 15.6.4).
        wait = None if seconds is None else max(seconds, self._settings.cooldown)
        self.breaker.failed(fault, wait, silent=silent)

    def _result(self, method: str, answer: dict[str, Any]) -> Any:
        error = answer.get("error")
        # An error in good form is an answer too: it is this request that fails, not the endpoint.
        self.breaker.worked()
        if error is None:
            return answer["result"]
        revert = revert_in(error)
        if revert is not None:
            raise revert
        code = error.get("code")
        message = self._shown.redact(str(error.get("message", ""))[:2_000])[:300]
        found = RpcError(self.name, method, code if isinstance(code, int) else 0, message)
        self.pruned += state_gone(found)
        raise found

    async def _post(self, session: ClientSession, body: str) -> tuple[int, dict[str, str], bytes | None, str]:
        """Status, headers, body, fault. aiohttp's errors show the URL, so none leaves this function."""
        import aiohttp

        self.requests += 1
        began = self._clock()
        try:
            async with session.post(
                self._url.reveal(),
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout),
                allow_redirects=False,  # a redirect would carry the key to another host
            ) as response:
                self._compare_clocks(response.headers.get("Date"), self._clock() - began)
                chunks: list[bytes] = []
                size = 0
                async for chunk in response.content.iter_chunked(1 << 16):
                    size += len(chunk)
                    if size > self._settings.max_bytes:
                        return response.status, {}, None, f"an answer above {self._settings.max_bytes} bytes"
                    chunks.append(chunk)
                return response.status, dict(response.headers), b"".join(chunks), ""
        except TimeoutError:
            return 0, {}, None, f"no answer in {self._settings.timeout:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return 0, {}, None, unreachable(error)
        finally:
            self.took.observe(self._clock() - began)

    def _compare_clocks(self, date: str | None, took: float) -> None:
        """Note how far apart the clocks are. HTTP's dates leave out the fraction of a second (RFC 9110, 5.6.7)."""
        said = timestamp(date or "")
        if said is not None:
            self.clock_offset = time.time() - took / 2 - (said + 0.5)


def _limits(answer: dict[str, Any] | None) -> bool:
    """Whether it says that we ask too often; some use the same code where one answer would be too long."""
    error = answer.get("error") if answer else None
    if not isinstance(error, dict) or error.get("code") not in _LIMITED:
        return False
    return not any(words in str(error.get("message", "")).lower() for words in _TOO_LONG)
