"""Looks at each broker as the node will use it: connection, certificates, login, and a message that comes back."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from node.errors import ChainError, ConfigError, GossipError, KeyFileError, printable
from node.keys.certificates import EXPIRY_WARNING_DAYS
from node.preflight.finding import Notes, UnknownError
from node.preflight.once import in_thread

if TYPE_CHECKING:
    from node.gossip.settings import BrokerSettings
    from node.preflight.facts import Facts

_CONNECT_S: Final = 5.0
_ECHO_S: Final = 5.0
_SLOW_S: Final = 2.0
"""A round trip longer than this takes a good part of a leader's time to propose."""
_AFTER: Final = ("brokers.login", "brokers.round-trip")


async def check(facts: Facts, notes: Notes) -> None:
    """Note how every broker does, side by side."""
    if "brokers" in facts.sound.lacking:
        raise UnknownError("the configuration names no broker that could be asked; see configuration.settings")
    prefix = await _prefix(facts)
    each = [Notes(notes.subject) for _ in facts.config.gossip.brokers]
    try:
        await asyncio.gather(*(_check(facts, position, prefix, each[position]) for position in range(len(each))))
    finally:
        # In the configured order, whichever answered first; what one hung at hides nothing of the others.
        notes.found += [finding for one in each for finding in one.found]


async def _prefix(facts: Facts) -> str:
    """The topics of the committee in force; where none is known, of one that there is not: rules are the same."""
    from node.gossip.transport import topic_prefix

    with suppress(UnknownError, ChainError):
        network = await facts.network.get()
        return topic_prefix((await network.installed.get()).configuration.config_digest)
    return topic_prefix(bytes(32))


async def _check(facts: Facts, position: int, prefix: str, notes: Notes) -> None:
    from node.gossip.settings import BrokerSettings
    from node.settings import settings_of

    broker = facts.config.gossip.brokers[position]
    refused = ""
    try:
        try:
            settings = settings_of(facts.config, broker, facts.environ)
        except KeyFileError as error:
            refused = f"the node refuses its password file: {error}"
            settings = BrokerSettings(broker.url.reveal(), ca=broker.ca, cert=broker.cert, key=broker.key)
    except ConfigError as error:
        notes.fault("brokers.reachable", str(error), f"broker {position + 1}")
        return
    name = settings.name
    _check_own(settings, notes, name)
    if settings.exposed:
        notes.warn("brokers.password", "the password travels in clear over a network", name)
    if not await _check_connection(settings, notes, name):
        for code in _AFTER:
            notes.skip(code, "no connection", name)
    elif refused:
        for code in _AFTER:
            notes.skip(code, refused, name)
    else:
        await _check_messages(settings, prefix, notes, name)


def _check_own(settings: BrokerSettings, notes: Notes, name: str) -> None:
    """The certificate with which this node shows itself."""
    facts = settings.certificate()
    if facts is None:
        return
    days, code = facts.days_left(datetime.now(UTC)), "brokers.own-certificate"
    until = f"{facts.ends:%Y-%m-%d}"
    if days < 0:
        notes.fault(code, f"{settings.cert}: has expired on {until}", name)
    elif facts.begins > datetime.now(UTC):
        notes.fault(code, f"{settings.cert}: is not good before {facts.begins:%Y-%m-%d}; is the clock right?", name)
    elif days < EXPIRY_WARNING_DAYS:
        notes.warn(code, f"{settings.cert}: expires in {days} days, on {until}", name)
    else:
        notes.ok(code, f"good until {until}", name)


async def _check_connection(settings: BrokerSettings, notes: Notes, name: str) -> bool:
    """TCP, and with mqtts the handshake and the broker's certificate; whether there is a connection to be had."""
    from node.gossip.dial import dial

    try:
        tls = await in_thread(settings.tls)
    except ConfigError as error:
        notes.fault(
            "brokers.reachable", str(error), name, "mend ca, cert and key of this broker; see configuration.files"
        )
        return False
    began = time.monotonic()
    try:
        async with asyncio.timeout(_CONNECT_S):
            connection = await dial(settings.host, settings.port, tls)
    except ssl.SSLCertVerificationError as error:
        notes.ok("brokers.reachable", "takes a connection", name)
        notes.fault("brokers.certificate", f"is refused: {printable(error.verify_message)}", name, _remedy_of(error))
        return False
    except TimeoutError:
        notes.fault("brokers.reachable", f"no connection within {_CONNECT_S:g} s", name)
        return False
    except OSError as error:
        notes.fault("brokers.reachable", f"no connection: {_words(error)}", name)
        return False
    spent = time.monotonic() - began
    try:
        notes.ok("brokers.reachable", f"connected in {spent * 1000:.0f} ms", name)
        if isinstance(connection, ssl.SSLSocket):
            _check_certificate(connection.getpeercert(), notes, name)
    finally:
        connection.close()
    return True


def _words(error: OSError) -> str:
    """The system's own word where it has one: asyncio's text is a call with its arguments."""
    if error.errno is not None and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return printable(error.strerror or str(error))


def _remedy_of(error: ssl.SSLCertVerificationError) -> str:
    words = error.verify_message.lower()
    if "hostname" in words or "ip address" in words:
        return "use the name that the broker's certificate is for in its url, or have one made for this name"
    if "expired" in words or "not yet valid" in words:
        return "ask whoever runs the broker to renew its certificate; if it is good, this machine's clock is wrong"
    return "name the authority that issued the broker's certificate in ca"


def _check_certificate(told: Any, notes: Notes, name: str) -> None:
    ends = told.get("notAfter") if told else None
    if not ends:
        return
    when = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    days = (when - datetime.now(UTC)).days
    if days < EXPIRY_WARNING_DAYS:
        notes.warn("brokers.certificate", f"expires in {days} days, on {when:%Y-%m-%d}", name)
    else:
        notes.ok("brokers.certificate", f"good until {when:%Y-%m-%d}", name)


async def _check_messages(settings: BrokerSettings, prefix: str, notes: Notes, name: str) -> None:
    """Log in, subscribe, and publish one message of the kind with which links probe; other nodes pass it over."""
    import aiomqtt

    from node.clock import milliseconds
    from node.gossip.bucket import TokenBucket
    from node.gossip.client import Client
    from node.gossip.limits import Limits
    from node.gossip.link import PROBE, QOS

    topic, probe, echo = f"{prefix}/{PROBE}/{settings.identity()}", secrets.token_bytes(16), asyncio.Event()

    def arrived(where: str, payload: bytes) -> None:
        if where == topic and payload == probe:
            echo.set()

    client = Client(settings, arrived, TokenBucket(Limits().broker, milliseconds()), lambda: None)
    try:
        try:
            await client.open()
        except (aiomqtt.MqttError, GossipError, ConfigError, OSError) as error:
            told = printable(": ".join(filter(None, (str(error), client.why))))
            notes.fault("brokers.login", f"as {settings.username or settings.identity()}: {told}", name)
            notes.skip("brokers.round-trip", "not let in", name)
            return
        notes.ok("brokers.login", f"let in as {settings.username or settings.identity()}", name)
        await _check_echo(client, prefix, topic, probe, echo, notes, name, qos=QOS)
    finally:
        client.hang_up()


async def _check_echo(
    client: Any, prefix: str, topic: str, probe: bytes, echo: asyncio.Event, notes: Notes, name: str, *, qos: int
) -> None:
    import aiomqtt

    code = "brokers.round-trip"
    try:
        granted = await client.subscribe(f"{prefix}/+/+", qos=qos)
        if any(getattr(one, "is_failure", False) for one in granted):
            notes.fault(code, f"refuses to let this node read {prefix}/+/+", name)
            return
        began = time.monotonic()
        await client.publish(topic, probe, qos=qos)
        async with asyncio.timeout(_ECHO_S):
            await echo.wait()
    except TimeoutError:
        notes.fault(code, f"what is published to {topic} does not come back within {_ECHO_S:g} s", name)
    except (aiomqtt.MqttError, OSError) as error:
        notes.fault(code, f"hangs up: {printable(str(error))}", name)
    else:
        spent = time.monotonic() - began
        told = f"there and back in {spent * 1000:.0f} ms"
        (notes.warn if spent > _SLOW_S else notes.ok)(code, told, name)
