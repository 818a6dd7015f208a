"""Who may read what is the operator's: this machine itself, asked directly, or whoever holds the token."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web

from node.clock import milliseconds
from node.gossip.bucket import Rate, TokenBucket

if TYPE_CHECKING:
    from node.keys.secrets import Secret

Address = IPv4Address | IPv6Address

WRONG_TOKENS: Final = Rate(per_second=1, burst=10)
"""Wrong tokens that one address may send before it has to wait."""
_THROTTLED: Final = 4_096
"""Addresses whose wrong tokens are remembered, the latest ones."""
_PREFIX: Final = 64
"""Bits of an IPv6 address that its holder does not choose (RFC 6177): what one visitor has as one address."""

_FORWARDING: Final = frozenset(
    (
        "forwarded",
        "via",
        "x-real-ip",
        "x-real-port",
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "client-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "x-request-id",
        "x-forwarded",
        "x-proxyuser-ip",
        "cdn-loop",
        "max-forwards",
    )
)
_FORWARDING_PREFIXES: Final = ("x-forwarded-", "x-original-", "x-envoy-", "x-amzn-", "cf-", "x-azure-", "x-appengine-")
"""Headers that proxies add and browsers do not: what carries one comes from somebody else's machine."""


class Verdict(Enum):
    """What the guard says of a request."""

    ALLOWED = "allowed"
    FOREIGN = "another site's page asks for it"
    NO_TOKEN = "it comes from another machine and carries no token"  # noqa: S105 - words, no password
    WRONG_TOKEN = "the token is wrong"  # noqa: S105 - words, no password
    THROTTLED = "too many wrong tokens came from this address"


class Guard:
    """Tells the operator's requests from a visitor's; it holds digests of the token, never the token itself.

    Without a token a request counts as local when it comes from this very machine, asks for this machine by a name
    that no DNS server has a say in, and shows no trace of a proxy. A page of another site is refused whatever it has.
    """

    def __init__(
        self,
        token: Secret | None = None,
        *,
        local: bool = True,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        """`local`: whether this machine needs no token; `clock`: monotonic, in ms."""
        self._digest = None if token is None else _digest(token.reveal())
        self._local = local
        self._clock = clock
        self._wrong: OrderedDict[str, TokenBucket] = OrderedDict()

    @property
    def token_known(self) -> bool:
        """Whether there is a token at all."""
        return self._digest is not None

    def allowed(self, request: web.Request) -> bool:
        """Whether this may be the operator."""
        return self.judge(request) is Verdict.ALLOWED

    def reachable(self, request: web.Request) -> bool:
        """Whether the operator's page, which holds no figures itself, is of use to whoever asks: a token would do."""
        return self.token_known or self.is_local(request)

    def judge(self, request: web.Request) -> Verdict:
        """Say what is to become of a request."""
        if _of_another_site(request):
            return Verdict.FOREIGN
        given = _bearer(request)
        if given is not None and self._digest is not None:
            return self._compare(given, visitor(request))
        return Verdict.ALLOWED if self.is_local(request) else Verdict.NO_TOKEN

    def admit(self, request: web.Request) -> None:
        """Let the operator pass.

        Raises:
            HTTPForbidden, HTTPUnauthorized, HTTPTooManyRequests: with the reason as text.
        """
        verdict = self.judge(request)
        if verdict is Verdict.ALLOWED:
            return
        text = f"for the operator of this node alone: {verdict.value}\n"
        headers = {"Cache-Control": "no-store"}
        if verdict is Verdict.THROTTLED:
            raise web.HTTPTooManyRequests(text=text, headers={**headers, "Retry-After": "10"})
        if verdict is Verdict.FOREIGN or not self.token_known:
            raise web.HTTPForbidden(text=text, headers=headers)
        raise web.HTTPUnauthorized(text=text, headers={**headers, "WWW-Authenticate": 'Bearer realm="patina"'})

    def is_local(self, request: web.Request) -> bool:
        """Whether a request was made on this machine, at this machine, by no proxy."""
        # A target with a host in it goes before the Host header (RFC 9112, section 3.2.2), and is for proxies.
        if not self._local or request.version < HttpVersion11 or not request.raw_path.startswith("/"):
            return False
        if _forwarded(request):
            return False
        peer, own = _end(request, "peername"), _end(request, "sockname")
        if peer is None or not (peer.is_loopback or peer == own):
            return False
        hosts = request.headers.getall("Host", [])
        return len(hosts) == 1 and _names_this_machine(hosts[0], own)

    def _compare(self, given: str, address: str) -> Verdict:
        now = self._clock()
        bucket = self._wrong.get(address)
        throttled = bucket is not None and bucket.wait(1, now) > 0
        # Whoever comes through a proxy that tells of nobody has this machine's address: strangers' guesses must not
        # lock out its operator, nor what reads the metrics. Nobody guesses a token of 32 characters.
        if throttled and not is_this_machine(address):
            return Verdict.THROTTLED
        if self._digest is not None and hmac.compare_digest(_digest(given), self._digest):
            return Verdict.ALLOWED
        if throttled:
            return Verdict.THROTTLED
        if bucket is None:
            bucket = self._wrong[address] = TokenBucket(WRONG_TOKENS, now)
            if len(self._wrong) > _THROTTLED:
                self._wrong.popitem(last=False)
        bucket.charge(1, now)
        self._wrong.move_to_end(address)
        return Verdict.WRONG_TOKEN


def visitor(request: web.Request) -> str:
    """Whose request it is as far as limits go: an IPv4 address, or an IPv6 network of 64 bits; "" for a Unix socket.

    A proxy on this machine names its visitor last in X-Forwarded-For. Who has no proxy there cannot say so, and whoever
    passes for another by a proxy that adds nothing has only what all of that proxy's visitors had before: no share.
    """
    peer = _end(request, "peername")
    if peer is not None and peer.is_loopback and (told := request.headers.getall("X-Forwarded-For", [])):
        peer = plain(told[-1].rpartition(",")[2].strip()) or peer
    return "" if peer is None else holder(peer)


def is_this_machine(who: str) -> bool:
    """Whether a visitor (see `visitor`) is this machine itself: its operator, or a proxy."""
    # An address of ::1 has become its network, ::/64.
    return who.startswith("127.") or who in ("::/64", "")


def whose(request: web.Request) -> str:
    """As `visitor`; "" also for this machine, which may be a proxy that does not say whose its requests are."""
    who = visitor(request)
    return "" if is_this_machine(who) else who


def holder(address: Address) -> str:
    """As `visitor`, for an address."""
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> 128 - _PREFIX << 128 - _PREFIX)}/{_PREFIX}"
    return str(address)


def plain(host: str) -> Address | None:
    """The address that a text spells, IPv4 inside IPv6 as IPv4; None for a name."""
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _end(request: web.Request, which: str) -> Address | None:
    transport = request.transport
    name = None if transport is None else transport.get_extra_info(which)
    return plain(name[0]) if isinstance(name, tuple) and name and isinstance(name[0], str) else None


def _forwarded(request: web.Request) -> bool:
    return any(name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES) for name in map(str.lower, request.headers))


def _names_this_machine(host: str, own: Address | None) -> bool:
    """Whether a Host header names the machine by itself: a page that rebinds its own name in DNS cannot send that."""
    name = _hostname(host)
    if name is None:
        return False
    if name == "localhost":
        return True
    address = plain(name)
    return address is not None and (address.is_loopback or address == own)


def _of_another_site(request: web.Request) -> bool:
    """Whether a browser says that another site's page is behind it (Fetch Metadata; Origin where that is missing)."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin.partition("://")[2].lower() != request.headers.get("Host", "").lower()


def _hostname(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return None
    if parts.path or parts.query or parts.fragment or "@" in host or (port is not None and port == 0):
        return None
    return parts.hostname


def _bearer(request: web.Request) -> str | None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def _digest(token: str) -> bytes:
    # Both sides have one length, whatever was sent; a header may hold bytes that are no text.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
