"""Who passes the guard: this machine asked directly, or the token; nobody by a trick with headers or names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from node.keys.secrets import Secret
from node.web.guard import WRONG_TOKENS, Guard, Verdict, plain, visitor

TOKEN = "c0ffee00" * 8


class Clock:
    """Milliseconds that a test turns."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def asked(
    *headers: tuple[str, str],
    peer: Any = ("127.0.0.1", 50_000),
    own: Any = ("127.0.0.1", 8_080),
    host: str | None = "localhost:8080",
    version: Any = HttpVersion11,
) -> web.Request:
    """A request as the server sees it, over a connection from `peer` to `own`."""
    ends = {"peername": peer, "sockname": own}
    transport: Any = SimpleNamespace(get_extra_info=lambda name, default=None: ends.get(name, default))
    named = [] if host is None else [("Host", host)]
    return make_mocked_request(
        "GET", "/api/operator/overview", CIMultiDict([*named, *headers]), version=version, transport=transport
    )


def bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"


FAR = {"peer": ("203.0.113.9", 50_000), "own": ("198.51.100.1", 8_080), "host": "node.example"}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080"]
)
@pytest.mark.parametrize("peer", [("127.0.0.1", 5), ("127.0.0.53", 5), ("::1", 5, 0, 0), ("::ffff:127.0.0.1", 5, 0, 0)])
def test_guard__this_machine_asks_itself__is_the_operator(host: str, peer: Any) -> None:
    assert Guard().judge(asked(peer=peer, host=host)) is Verdict.ALLOWED


def test_guard__address_of_its_own_that_is_no_loopback__is_this_machine_too() -> None:
    own = ("192.168.1.5", 8_080)
    assert Guard().allowed(asked(peer=("192.168.1.5", 4_000), own=own, host="192.168.1.5:8080"))
    assert not Guard().allowed(asked(peer=("192.168.1.6", 4_000), own=own, host="192.168.1.5:8080"))
    assert not Guard().allowed(asked(peer=("192.168.1.5", 4_000), own=own, host="nas.example:8080"))


@pytest.mark.parametrize(
    "peer",
    [("203.0.113.9", 5), ("10.0.0.1", 5), ("172.17.0.1", 5), ("2001:db8::1", 5, 0, 0), None, "", ("nobody", 5)],
)
def test_guard__another_machine__is_refused_whatever_it_says_of_itself(peer: Any) -> None:
    for headers in (
        (),
        (("X-Forwarded-For", "127.0.0.1"),),
        (("X-Real-IP", "::1"),),
        (("Origin", "http://localhost"),),
    ):
        assert not Guard().allowed(asked(*headers, peer=peer))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "localhost#.evil.example", "localhost/x", "", "0.0.0.0:8080", "[::]:8080", "localhost:0", "localhost:99999",
        "localhost:x", "2130706433", "0x7f.1", "127.1", None,
    ],
)  # fmt: skip
def test_guard__name_that_dns_may_rebind__is_refused(host: str | None) -> None:
    assert not Guard().allowed(asked(host=host))


def test_guard__two_hosts__is_refused() -> None:
    assert not Guard().allowed(asked(("Host", "evil.example")))


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-For", "x-forwarded-host", "X-FORWARDED-PROTO", "Forwarded", "Via", "X-Real-IP", "X-Client-IP",
        "True-Client-IP", "CF-Connecting-IP", "CF-Ray", "Fly-Client-IP", "X-Amzn-Trace-Id", "X-Envoy-External-Address",
        "X-Original-URL", "X-Request-Id",
    ],
)  # fmt: skip
def test_guard__proxy_on_this_machine__is_refused(name: str) -> None:
    assert not Guard().allowed(asked((name, "127.0.0.1")))
    assert not Guard().allowed(asked((name, "")))


def test_guard__old_protocol_that_proxies_speak_by_default__is_refused() -> None:
    assert not Guard().allowed(asked(version=HttpVersion10))


@pytest.mark.parametrize(
    "headers",
    [
        (("Sec-Fetch-Site", "cross-site"),),
        (("Sec-Fetch-Site", "same-site"),),
        (("Sec-Fetch-Site", "nonsense"),),
        (("Origin", "https://evil.example"),),
        (("Origin", "null"),),
        (("Origin", "http://localhost:3000"),),
    ],
)
def test_guard__page_of_another_site__is_refused_even_with_the_token(headers: tuple[tuple[str, str], ...]) -> None:
    assert Guard(Secret(TOKEN)).judge(asked(*headers, bearer(TOKEN))) is Verdict.FOREIGN
    with pytest.raises(web.HTTPForbidden):
        Guard(Secret(TOKEN)).admit(asked(*headers, bearer(TOKEN)))


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_guard__page_of_its_own__passes(site: str) -> None:
    assert Guard().allowed(asked(("Sec-Fetch-Site", site), ("Origin", "http://localhost:8080")))


def test_guard__token__opens_from_anywhere_and_through_proxies() -> None:
    guard = Guard(Secret(TOKEN))
    for scheme in ("Bearer", "bearer"):
        assert guard.allowed(asked(("Authorization", f"{scheme} {TOKEN}"), ("X-Forwarded-For", "1.2.3.4"), **FAR))
    assert not guard.allowed(asked(**FAR))


@pytest.mark.parametrize("given", ["", "x", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "é", TOKEN + " " + TOKEN])
def test_guard__wrong_token__is_refused_even_on_this_machine(given: str) -> None:
    guard = Guard(Secret(TOKEN))
    assert guard.judge(asked(bearer(given))) is Verdict.WRONG_TOKEN
    assert guard.judge(asked(bearer(given), **FAR)) is Verdict.WRONG_TOKEN


def test_guard__token_where_there_is_none__opens_nothing() -> None:
    assert not Guard().allowed(asked(bearer(TOKEN), **FAR))
    assert Guard().allowed(asked(bearer(TOKEN)))


@pytest.mark.parametrize("header", [f"Basic {TOKEN}", TOKEN, f"Token {TOKEN}", ""])
def test_guard__token_in_another_scheme__is_none(header: str) -> None:
    assert Guard(Secret(TOKEN)).judge(asked(("Authorization", header), **FAR)) is Verdict.NO_TOKEN


def test_guard__machine_that_is_not_trusted__needs_the_token_too() -> None:
    guard = Guard(Secret(TOKEN), local=False)
    assert guard.judge(asked()) is Verdict.NO_TOKEN
    assert guard.allowed(asked(bearer(TOKEN)))


@pytest.mark.parametrize("theirs", [(), (("X-Forwarded-For", "203.0.113.9"),)], ids=["untold", "told"])
def test_guard__strangers_guessing_through_a_proxy_of_this_machine__do_not_lock_its_operator_out(
    theirs: tuple[tuple[str, str], ...],
) -> None:
    guard = Guard(Secret(TOKEN), local=False, clock=Clock())
    guesses = [guard.judge(asked(*theirs, bearer(f"guess {number}"))) for number in range(WRONG_TOKENS.burst + 5)]
    assert guesses[-1] is Verdict.THROTTLED
    assert guard.allowed(asked(bearer(TOKEN)))
    assert guard.judge(asked(*theirs, bearer("another guess"))) is Verdict.THROTTLED


@pytest.mark.parametrize(
    ("peer", "told", "who"),
    [
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["10.9.9.9, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.7", "1.2.3.4 ,2001:db8::5"], "2001:db8::/64"),
        ("127.0.0.1", ["203.0.113.9, unknown"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("::1", ["203.0.113.9"], "203.0.113.9"),
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
    ],
)
def test_visitor__behind_a_proxy_of_this_machine__is_whom_the_proxy_itself_names(
    peer: str, told: list[str], who: str
) -> None:
    request = asked(*(("X-Forwarded-For", each) for each in told), peer=(peer, 5))
    assert visitor(request) == who
    assert not Guard().allowed(request)


def test_guard__guesses__are_throttled_by_address_and_in_time_forgiven() -> None:
    clock = Clock()
    guard = Guard(Secret(TOKEN), clock=clock)
    guesses = [guard.judge(asked(bearer(f"guess {number}"), **FAR)) for number in range(WRONG_TOKENS.burst + 5)]
    assert guesses == [Verdict.WRONG_TOKEN] * WRONG_TOKENS.burst + [Verdict.THROTTLED] * 5
    assert guard.judge(asked(bearer(TOKEN), **FAR)) is Verdict.THROTTLED, "or nothing would be throttled"
    with pytest.raises(web.HTTPTooManyRequests) as refusal:
        guard.admit(asked(bearer(TOKEN), **FAR))
    assert refusal.value.headers["Retry-After"]
    elsewhere = FAR | {"peer": ("203.0.113.10", 50_000)}
    assert guard.allowed(asked(bearer(TOKEN), **elsewhere))
    clock.now += 1_000
    assert guard.allowed(asked(bearer(TOKEN), **FAR))


def test_guard__guesses_from_ever_more_addresses__are_remembered_of_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.web.guard._THROTTLED", 3)
    guard = Guard(Secret(TOKEN), clock=Clock())
    for last in (1, 2, 3, 1, 4, 5):
        guard.judge(asked(bearer("wrong"), **FAR | {"peer": (f"203.0.113.{last}", 5)}))
    assert [*guard._wrong] == ["203.0.113.1", "203.0.113.4", "203.0.113.5"]


def test_guard__guesses_from_one_network_of_ipv6__are_one_visitors() -> None:
    guard = Guard(Secret(TOKEN), clock=Clock())
    for number in range(WRONG_TOKENS.burst):
        guard.judge(asked(bearer("wrong"), **FAR | {"peer": (f"2001:db8::{number:x}", 5, 0, 0)}))
    assert guard.judge(asked(bearer("wrong"), **FAR | {"peer": ("2001:db8::ffff", 5, 0, 0)})) is Verdict.THROTTLED


def test_guard__refusals__say_how_to_get_in_and_are_not_kept() -> None:
    with pytest.raises(web.HTTPForbidden) as closed:
        Guard().admit(asked(**FAR))
    assert closed.value.headers["Cache-Control"] == "no-store"
    with pytest.raises(web.HTTPUnauthorized) as wanted:
        Guard(Secret(TOKEN)).admit(asked(**FAR))
    assert wanted.value.headers["WWW-Authenticate"].startswith("Bearer")
    with pytest.raises(web.HTTPUnauthorized) as wrong:
        Guard(Secret(TOKEN)).admit(asked(bearer("wrong-" + TOKEN), **FAR))
    assert TOKEN not in str(wrong.value.text)


def test_guard__page_itself__is_for_whoever_has_a_use_for_it() -> None:
    assert Guard().reachable(asked())
    assert not Guard().reachable(asked(**FAR))
    assert Guard(Secret(TOKEN)).reachable(asked(**FAR))


@given(st.text(max_size=40), st.text(max_size=40))
def test_guard__any_host_and_token__is_judged_without_a_fault(host: str, token: str) -> None:
    verdict = Guard(Secret(TOKEN), clock=Clock()).judge(asked(bearer(token), host=host))
    assert verdict is not Verdict.ALLOWED


@given(st.ip_addresses())
def test_visitor__any_address__is_itself_or_its_network(address: Any) -> None:
    who = visitor(asked(peer=(str(address), 5)))
    known = plain(str(address))
    assert known is not None
    assert who == (str(known) if known.version == 4 else who)
    assert who.endswith("/64") == (known.version == 6)
