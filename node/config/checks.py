"""Rules between settings that each alone are fine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from node.config.faults import Faults
from node.config.values import WRONG
from node.keys.secrets import SecretUrl


def check_together(sections: Mapping[str, Mapping[str, Any]], faults: Faults) -> None:
    """Note every pair of settings that contradict each other; settings that are WRONG are passed over."""
    _check_order(sections, faults)
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


def _check_order(sections: Mapping[str, Mapping[str, Any]], faults: Faults) -> None:
    for section, smaller, larger in (
        ("agreement", "view_ms", "max_view_ms"),
        ("transmit", "priority_fee_gwei", "max_fee_gwei"),
    ):
        low = sections.get(section, {}).get(smaller, WRONG)
        high = sections.get(section, {}).get(larger, WRONG)
        if WRONG not in (low, high) and low > high:
            faults.add(f"{section}.{larger}", f"{high} is below {smaller} ({low})", f"make it at least {low}")


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
