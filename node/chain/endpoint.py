"""One JSON-RPC endpoint over HTTP: asks, waits when told to, and never shows its URL."""

from __future__ import annotations

import asyncio
import email.utils
import itertools
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node.chain.failures import RpcError, UnavailableError, revert_in
from node.keys.redaction import Redactor
from node.keys.secrets import SecretUrl, url_secrets

if TYPE_CHECKING:
    from aiohttp import ClientSession

# "Limit exceeded" in EIP-1474, and what some providers send instead of HTTP 429.
_LIMITED = (-32005, 429)
_DAY = 86_400
_MAX_DEPTH = 64
_MAX_BRACKETS = 1_000_000
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Limits of one request: seconds, except `max_bytes` of an answer and `rounds` over all endpoints.

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


class Endpoint:
    """One URL. `name` is all of it that is ever shown: scheme, host and port."""

    def __init__(
        self,
        url: SecretUrl,
        settings: PoolSettings,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = _name(url)
        self.head: int | None = None
        self.lag = 0
        self.left_out = False
        self.moved_at = clock()
        self.requests = 0
        self.failures = 0
        self.limited = 0
        self.fault = ""
        self._url = url
        self._settings = settings
        self._sleep = sleep
        self._clock = clock
        self._last = -1
        self._rests_until = 0.0
        self._streak = 0
        self._firm = False
        self._silent = False
        self._ids = itertools.count(1)
        # An endpoint may quote the key that it was asked with in its own error text.
        self._redactor = Redactor()
        for part in [url.reveal(), *url_secrets(url.reveal())]:
            self._redactor.add(part)

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    @property
    def resting(self) -> bool:
        """True for a while after a failure: others are asked first."""
        return self._clock() < self._rests_until

    @property
    def rests_until(self) -> float:
        """When it may be asked first again, on this endpoint's clock."""
        return self._rests_until

    @property
    def gone(self) -> bool:
        """True while it rests because it gave no answer at all: waiting for it again would stall the node."""
        return self.resting and self._silent

    @property
    def still_for(self) -> float:
        """Seconds since its head last rose."""
        return self._clock() - self.moved_at

    def see(self, head: int) -> None:
        """Note its head."""
        if head > self._last:
            self.moved_at = self._clock()
        self.head = self._last = head

    def rest(self, fault: str, seconds: float | None = None, *, firm: bool = False, silent: bool = False) -> None:
        """Note a fault and let others go first, for longer each time it happens in a row.

        A `firm` rest is not ended by the next good answer.
        """
        wait = self._settings.cooldown * 2 ** min(self._streak, 5) if seconds is None else seconds
        self.failures += 1
        self.fault = fault
        self._streak += 1
        self._firm = firm
        self._silent = silent
        self._rests_until = self._clock() + wait

    def recovered(self) -> None:
        """It answers well again."""
        if not (self._firm and self.resting):
            self.fault = ""
            self._rests_until = 0.0
            self._streak = 0

    async def call(self, session: ClientSession, method: str, params: list[Any]) -> Any:
        """Return the `result` of one request.

        Raises UnavailableError (no usable answer), Reverted, or RpcError (any other JSON-RPC error). A 429 is
        waited for once if its Retry-After is short enough.
        """
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params})
        for attempt in range(2):
            status, headers, raw, fault = await self._post(session, body)
            answer = None if raw is None else _parsed(raw)
            if status == 429 or _code(answer) in _LIMITED:
                self.limited += 1
                wait = _retry_after(headers)
                if attempt == 0 and wait <= self._settings.retry_after_cap:
                    await self._sleep(wait)
                    continue
                self.rest("limits our requests", max(wait, self._settings.cooldown))
                raise UnavailableError(f"{self.name}: {method}: it limits our requests (429)")
            if fault or answer is None or ("result" not in answer and not isinstance(answer.get("error"), dict)):
                fault = fault or (f"HTTP {status}" if status != 200 else "not a JSON-RPC answer")
                self.rest(fault, silent=status == 0)
                raise UnavailableError(f"{self.name}: {method}: {fault}")
            return self._result(method, answer)
        raise AssertionError("unreachable")

    def _result(self, method: str, answer: dict[str, Any]) -> Any:
        error = answer.get("error")
        if error is None:
            self.recovered()
            return answer["result"]
        revert = revert_in(error)
        if revert is not None:
            raise revert
        code = error.get("code")
        message = self._redactor.redact(str(error.get("message", "")))[:300]
        raise RpcError(self.name, method, code if isinstance(code, int) else 0, message)

    async def _post(self, session: ClientSession, body: str) -> tuple[int, dict[str, str], bytes | None, str]:
        """Status, headers, body, fault. aiohttp's errors show the URL, so none leaves this function."""
        import aiohttp

        self.requests += 1
        try:
            async with session.post(
                self._url.reveal(),
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout),
                allow_redirects=False,  # a redirect would carry the key to another host
            ) as response:
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
            return 0, {}, None, f"unreachable ({type(error).__name__})"


def _name(url: SecretUrl) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(url.reveal())
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/..." if parts.path.strip("/") or parts.query else f"{parts.scheme}://{host}"


def _parsed(raw: bytes) -> dict[str, Any] | None:
    if _too_deep(raw):
        return None
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _too_deep(raw: bytes) -> bool:
    """Whether JSON nests deeper than any answer of an Ethereum client does, or has absurdly many brackets.

    The C parsers recurse on the machine's stack, and Python's own limit does not protect it wherever some
    library has raised that limit (py-evm does): nested brackets alone would then end the process.
    """
    openings = raw.count(b"[") + raw.count(b"{")
    if openings <= _MAX_DEPTH:
        return False
    if openings > _MAX_BRACKETS:
        return True
    depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MAX_DEPTH:
            return True
    return False


def _code(answer: dict[str, Any] | None) -> object:
    error = answer.get("error") if answer else None
    return error.get("code") if isinstance(error, dict) else None


def _retry_after(headers: dict[str, str]) -> float:
    """Seconds to wait, from RFC 9110, section 10.2.3: a number or a date; 1 second when it says nothing.

    At most a day, whatever it says.
    """
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), _DAY)) if len(text) < 10 else float(_DAY)
    try:
        wait = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return 1.0
    return min(max(0.0, wait), float(_DAY))
