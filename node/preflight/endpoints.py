"""Looks at each endpoint: who it serves, how far it is behind, how old a state it keeps, and how fast it answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from node.chain import parse
from node.chain.endpoints.endpoint import Endpoint
from node.chain.failures import RpcError
from node.errors import ChainError
from node.preflight.finding import UnknownError
from node.preflight.survey import open_session
from node.settings import pool_settings
from node.staking.words import span, times
from node.status.health import STANDSTILL_MS

if TYPE_CHECKING:
    import aiohttp

    from node.chain.types import Block, Feed
    from node.keys.secrets import SecretUrl
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes
    from node.preflight.survey import Reach, Survey

LOG_RANGE: Final = 2_000
"""Blocks that the node asks for in one query of events."""
_SHORT_RANGE: Final = 100
_SIGNALS: Final = 24
"""Samples that signals are made of (docs/architecture.md, Numbers); an answer needs its window, and its lookback."""
_SLOW_S: Final = 1.0


async def check(facts: Facts, notes: Notes) -> None:
    """Note how every endpoint does, in the configured order."""
    survey = await facts.survey.get()
    config = facts.config
    oldest, why = await _oldest_needed(facts)
    good = survey.sound(config.chain.id)
    spare = len([one for one in good if one.lag <= survey.max_lag]) >= min(
        config.chain.witnesses, len(survey.endpoints)
    )
    async with open_session() as session:
        deeper = [_look_deeper(facts, one, oldest, session) for one in survey.endpoints]
        for one, told in zip(survey.endpoints, await asyncio.gather(*deeper), strict=True):
            _tell(facts, one, survey, notes, spare=spare)
            if one.fault or one.chain_id != config.chain.id:
                continue
            _tell_history(one, told[0], oldest, why, notes)
            _tell_logs(one, told[1], notes)
            _tell_latency(one, notes)
    _tell_witnesses(facts, good, notes)
    await asyncio.gather(*(_check_websocket(url, notes) for url in config.chain.websockets))


def _tell(facts: Facts, one: Reach, survey: Survey, notes: Notes, *, spare: bool) -> None:
    """What the survey found; a failure is a fault only where too few others are left."""
    config = facts.config
    tell_failure = notes.warn if spare else notes.fault
    if one.fault:
        tell_failure("endpoints.answers", one.fault, one.name)
        return
    notes.ok("endpoints.answers", "answers", one.name)
    if one.chain_id != config.chain.id:
        notes.fault("endpoints.chain", f"serves chain {one.chain_id}, configured is {config.chain.id}", one.name)
        return
    notes.ok("endpoints.chain", f"chain {one.chain_id}", one.name)
    _tell_network(facts, one, survey, notes)
    assert one.head is not None  # noqa: S101 - there is no fault
    head = f"block {one.head.number}"
    if one.fanciful:
        notes.fault("endpoints.head", f"claims {head}, too far ahead of any final one to be true", one.name)
    elif one.lag > survey.max_lag:
        tell_failure("endpoints.head", f"{head}, {times(one.lag, 'block')} behind the others", one.name)
    else:
        notes.ok("endpoints.head", f"{head}, {one.lag} behind" if one.lag else head, one.name)
    _tell_finality(one, notes)


def _tell_network(facts: Facts, one: Reach, survey: Survey, notes: Notes) -> None:
    """Block 0 and the oracle's code, held against the deployment file's, or else against the other endpoints'."""
    code = "endpoints.network"
    right = [each for each in survey.endpoints if each.chain_id == one.chain_id and not each.fault]
    if not one.code:
        notes.fault(code, f"no contract stands at the oracle's address {facts.config.chain.oracle}", one.name)
        return
    expected = _genesis(facts)
    usual = expected or _most([each.genesis for each in right])
    if None not in (one.genesis, usual) and one.genesis != usual:
        told = "the deployment file's" if expected else "the other endpoints'"
        notes.fault(code, f"its first block is 0x{(one.genesis or b'').hex()}, not {told}", one.name)
    elif one.code != (most := _most([each.code or None for each in right])) and most is not None:
        notes.fault(code, "the oracle's code is another than at the other endpoints", one.name)
    else:
        first = "the first block is not kept" if one.genesis is None else f"first block 0x{one.genesis.hex()[:16]}..."
        notes.ok(code, f"{first}, oracle of {len(one.code):,} bytes", one.name)


def _genesis(facts: Facts) -> bytes | None:
    from node.deployment.file import load
    from node.errors import DeploymentError

    path = facts.config.chain.deployment
    try:
        return None if path is None else load(path).genesis_hash
    except DeploymentError:
        return None  # the configuration's check tells it


def _most(values: list[bytes | None]) -> bytes | None:
    counted = Counter(value for value in values if value is not None).most_common(1)
    return counted[0][0] if counted else None


def _tell_finality(one: Reach, notes: Notes) -> None:
    code = "endpoints.finality"
    if one.final is None or one.head is None:
        notes.fault(code, one.final_fault or "no final block", one.name)
        return
    behind, late = one.head.number - one.final.number, one.head.timestamp - one.final.timestamp
    told = f"final block {one.final.number}, {times(behind, 'block')} and {span(late)} behind its newest"
    (notes.warn if late > STANDSTILL_MS // 1_000 else notes.ok)(code, told, one.name)


def _tell_history(one: Reach, kept: str | None, oldest: int | None, why: str, notes: Notes) -> None:
    code = "endpoints.history"
    if oldest is None:
        notes.skip(code, why, one.name)
    elif kept is None:
        notes.ok(code, f"has the state of block {oldest}, the oldest that a feed's window needs now", one.name)
    else:
        notes.warn(code, f"does not tell the state of block {oldest}, which a feed's window needs: {kept}", one.name)


def _tell_logs(one: Reach, told: int | str, notes: Notes) -> None:
    code = "endpoints.logs"
    if isinstance(told, str):
        notes.fault(code, f"refuses events: {told}", one.name)
    elif told < _SHORT_RANGE:
        notes.warn(code, f"answers at most about {told} blocks of events at once: catching up takes long", one.name)
    else:
        notes.ok(code, f"events of {told:,} blocks at once", one.name)


def _tell_latency(one: Reach, notes: Notes) -> None:
    code = "endpoints.latency"
    if one.latency is None:
        notes.skip(code, "a plain request was not answered", one.name)
        return
    told = f"{one.latency * 1000:.0f} ms"
    (notes.warn if one.latency > _SLOW_S else notes.ok)(code, told, one.name)


def _tell_witnesses(facts: Facts, good: list[Reach], notes: Notes) -> None:
    needed = min(facts.config.chain.witnesses, len(facts.config.chain.endpoints))
    hosts = {urlsplit(one.url.reveal()).hostname for one in good}
    if len(good) < needed:
        notes.fault(
            "endpoints.witnesses",
            f"{len(good)} sound, {needed} must say the same of what this node signs for",
            remedy="mend the endpoints above, or name others in chain.endpoints",
        )
    elif len(good) < 2:
        notes.warn("endpoints.witnesses", "one endpoint alone: nobody notices when it lies or stands still")
    elif len(hosts) < 2:
        notes.warn("endpoints.witnesses", f"{len(good)} sound, all of one host: they fail and lie together")
    else:
        notes.ok("endpoints.witnesses", f"{len(good)} sound, of {len(hosts)} hosts; {needed} must agree")


async def _oldest_needed(facts: Facts) -> tuple[int | None, str]:
    """The oldest block whose state a served feed's window needs for its next answer, or None and why."""
    try:
        network = await facts.network.get()
        feeds, head = await network.feeds(), await network.head.get()
    except (ChainError, UnknownError) as error:
        return None, str(error)
    if not feeds:
        return None, "no feed is served"
    return min(_oldest(feed, head) for feed in feeds), ""


def _oldest(feed: Feed, head: Block) -> int:
    rule = feed.policy
    samples = max(_SIGNALS, rule.window + rule.lookback)
    newest = head.number // rule.cadence * rule.cadence
    return min(head.number, max(feed.opened_at, newest - (samples - 1) * rule.cadence))


async def _look_deeper(
    facts: Facts, one: Reach, oldest: int | None, session: aiohttp.ClientSession
) -> tuple[str | None, int | str]:
    """Why the state of the oldest block is not to be had (None: it is), and how many blocks of events, or why none."""
    if one.fault or one.head is None or one.chain_id != facts.config.chain.id:
        return None, ""
    endpoint = Endpoint(one.url, pool_settings(facts.config))

    async def ask(method: str, *params: Any) -> Any:
        return await endpoint.call(session, method, list(params))

    kept = None
    if oldest is not None:
        try:
            parse.quantity(await ask("eth_getBalance", facts.config.chain.oracle, hex(oldest)), "a balance")
        except ChainError as error:
            kept = str(error)
    return kept, await _log_range(ask, facts.config.chain.oracle, one.head.number)


async def _log_range(ask: Any, oracle: str, head: int) -> int | str:
    """The largest range of those that the node would try, which is halved until it is answered."""
    from node.chain.interface import interface

    topic = "0x" + interface("StrategyOracle").topic("Reported").hex()
    size = LOG_RANGE
    while True:
        first = max(0, head - size + 1)
        query = {"address": oracle, "fromBlock": hex(first), "toBlock": hex(head), "topics": [topic]}
        try:
            await ask("eth_getLogs", query)
        except RpcError as error:
            if size == 1:
                return str(error)
            size //= 2
        except ChainError as error:
            return str(error)
        else:
            return size


async def _check_websocket(url: SecretUrl, notes: Notes) -> None:
    """Subscribe to new heads and hang up; the next head may be long in coming, and is not waited for."""
    import aiohttp

    from node.chain.endpoints.answers import parsed
    from node.chain.endpoints.names import Shown, unreachable
    from node.chain.endpoints.wakeup import SUBSCRIBE, WakeSettings, refuse_redirects

    shown, limits, code = Shown(url), WakeSettings(), "endpoints.websocket"
    fault = "no answer"
    try:
        async with (
            asyncio.timeout(limits.connect),
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, middlewares=(refuse_redirects,)
            ) as session,
            session.ws_connect(url.reveal(), max_msg_size=limits.max_bytes) as socket,
        ):
            await socket.send_str(SUBSCRIBE)
            message = await socket.receive()
            said = (parsed(message.data.encode()) if message.type is aiohttp.WSMsgType.TEXT else None) or {}
            if isinstance(said.get("result"), str):
                notes.ok(code, "subscribed to new blocks", shown.name)
                return
            fault = f"no subscription: {shown.redact(str(said.get('error'))[:2_000])[:160]}"
    except TimeoutError:
        fault = f"no answer in {limits.connect:g} s"
    except (OSError, ValueError, aiohttp.ClientError) as error:
        fault = unreachable(error)
    notes.warn(code, fault, shown.name)
