"""How often an endpoint may be asked: a token bucket, and the waits that the endpoint itself asks for."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping

_DAY = 86_400
_LONGEST = 600.0
"""Seconds that an endpoint is left alone when it asks for more: a slip of its must not stop a node for a day."""


class TokenBucket:
    """Lets `rate` requests a second through, and `burst` at once after a pause; None for no limit.

    Requests are let through in the order they came: each takes its token at once, and waits until it is due.
    """

    def __init__(self, rate: float | None, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = max(1.0, burst)
        self._clock = clock
        self._tokens = self._burst
        self._at = clock()
        self._closed_until = 0.0

    def close(self, seconds: float) -> None:
        """Let nothing through for so long: the endpoint said so, and it meant every request."""
        self._closed_until = max(self._closed_until, self._clock() + min(seconds, _LONGEST))

    @property
    def closed_for(self) -> float:
        """Seconds until it may be asked at all."""
        return max(0.0, self._closed_until - self._clock())

    @property
    def wait(self) -> float:
        """Seconds that a request would have to wait now."""
        if self._rate is None:
            return self.closed_for
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(self.closed_for, (1.0 - self._tokens) / self._rate, 0.0)

    def take(self) -> float:
        """Take a token; return the seconds after which the request may be made."""
        wait = self.wait
        if self._rate is not None:
            self._tokens -= 1.0
        return wait


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from RFC 9110, section 10.2.3: a number, or a date; None where it says neither.

    A date is reckoned from the server's own Date where there is one, so that this machine's clock may be wrong.
    At most a day, whatever it says.
    """
    fields = {name.lower(): value.strip() for name, value in headers.items()}
    text = fields.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), _DAY)) if len(text) < 10 else float(_DAY)
    until = timestamp(text)
    if until is None:
        return None
    now = timestamp(fields.get("date", ""))
    return min(max(0.0, until - (time.time() if now is None else now)), float(_DAY))


def timestamp(text: str) -> float | None:
    """A date of HTTP's as a Unix timestamp."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
