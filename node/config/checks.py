"""Rules between settings that each alone are fine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from node.config.faults import Faults
from node.config.nearest import suggest
from node.config.published import check_publish
from node.config.values import WRONG, fault_of_url
from node.keys.secrets import SecretUrl
from node.notices.kinds import KINDS

_DEVICE = re.compile(r"cpu|cuda:(0|[1-9][0-9]{0,2})")
_TIME = "([01][0-9]|2[0-3]):([0-5][0-9])"
QUIET_HOURS = re.compile(f"{_TIME}-{_TIME}")


def check_together(sections: Mapping[str, Mapping[str, Any]], faults: Faults) -> None:
    """Note every pair of settings that contradict each other; settings that are WRONG are passed over."""
    _check_order(sections, faults)
    _check_render(sections.get("render", {}), faults)
    _check_web(sections.get("web", {}), faults)
    check_publish(sections.get("content", {}).get("publish", WRONG), faults)
    _check_notices(sections.get("notices", {}), faults)
    brokers = sections.get("gossip", {}).get("brokers", WRONG)
    if brokers is WRONG:
        return
    seen: set[SecretUrl] = set()
    for position, broker in enumerate(brokers, 1):
        where = f"gossip.brokers[{position}]"
        _check_broker(broker, where, faults)
        if broker["url"] in seen:
            faults.add(f"{where}.url", "is the same broker again", "remove one of the two")
        seen.add(broker["url"])


def _check_web(web: Mapping[str, Any], faults: Faults) -> None:
    enabled, port, metrics = (web.get(name, WRONG) for name in ("enabled", "port", "metrics_port"))
    if enabled is True and port is not WRONG and port != 0 and port == metrics:
        faults.add("web.metrics_port", f"{port} is the port of the pages", "choose another, or remove it")


def _check_order(sections: Mapping[str, Mapping[str, Any]], faults: Faults) -> None:
    for section, smaller, larger in (
        ("agreement", "view_ms", "max_view_ms"),
        ("transmit", "priority_fee_gwei", "max_fee_gwei"),
    ):
        low = sections.get(section, {}).get(smaller, WRONG)
        high = sections.get(section, {}).get(larger, WRONG)
        if WRONG not in (low, high) and low > high:
            faults.add(f"{section}.{larger}", f"{high} is below {smaller} ({low})", f"make it at least {low}")


def _check_render(render: Mapping[str, Any], faults: Faults) -> None:
    devices, engine, pool = (render.get(name, WRONG) for name in ("devices", "engine", "pool"))
    named = () if devices in (WRONG, "auto") else devices
    for position, device in enumerate(named, 1):
        where = f"render.devices[{position}]"
        if not _DEVICE.fullmatch(device):
            faults.add(where, "is no device", 'write "cpu", or "cuda:0" for the first GPU')
        elif engine != "auto" and engine is not WRONG and (device == "cpu") == (engine == "cuda"):
            faults.add(where, f'has no use with engine "{engine}"', 'write engine = "auto", or remove the device')
    if pool in (WRONG, "local"):
        return
    if pool != "ray://auto" and (fault := _fault_of_ray(pool)):
        faults.add("render.pool", fault, 'write "local", "ray://auto" or "ray://host:10001"')
    elif named:
        faults.add("render.devices", "names devices, which a Ray cluster chooses itself", 'write devices = "auto"')


def _check_notices(notices: Mapping[str, Any], faults: Faults) -> None:
    mute, hours = (notices.get(name, WRONG) for name in ("mute", "quiet_hours"))
    for position, code in enumerate(() if mute is WRONG else mute, 1):
        if code not in KINDS:
            faults.add(
                f"notices.mute[{position}]",
                f"is the code of no notice{suggest(code, KINDS)}",
                "take it from docs/notices.md",
            )
    if hours not in (WRONG, None) and not QUIET_HOURS.fullmatch(hours):
        faults.add("notices.quiet_hours", "is no span of hours", 'write two times of the day, such as "22:00-07:00"')


def _fault_of_ray(pool: str) -> str | None:
    if fault := fault_of_url(pool, ("ray",)):
        return fault
    parts = urlsplit(pool)
    if "@" in parts.netloc:
        return "holds a user or password, which Ray does not know"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return "has more than host and port"
    return None if parts.port else "has no port"


def _check_broker(broker: Mapping[str, Any], where: str, faults: Faults) -> None:
    url = broker["url"]
    if url is not WRONG:
        parts = urlsplit(url.reveal())
        if "@" in parts.netloc:
            faults.add(f"{where}.url", "holds a user or password", "take them out: use username and password_file")
        elif parts.path not in ("", "/") or parts.query or parts.fragment:
            faults.add(f"{where}.url", "has more than host and port", "write mqtts://host:8883 or mqtt://host:1883")
        if parts.scheme == "mqtt" and any(broker[name] for name in ("ca", "cert", "key")):
            faults.add(f"{where}.url", "has certificates but no TLS", "write mqtts:// or remove ca, cert and key")
    if broker["password_file"] and not broker["username"]:
        faults.add(f"{where}.username", "is missing, though there is a password_file", "add the user's name")
    for one, other in (("cert", "key"), ("key", "cert")):
        if broker[one] and not broker[other]:
            faults.add(f"{where}.{other}", f"is missing, though {one} is given", "name both or neither")
