"""Rules between the settings of places to publish to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from node.config.faults import Faults
from node.config.values import WRONG

MOST = 16
"""Places that one node publishes to; each has an upload of its own under way."""


def check_publish(targets: Sequence[dict[str, Any]] | object, faults: Faults) -> None:
    """Note every fault of `[[content.publish]]` tables together; settings that are WRONG are passed over."""
    if not isinstance(targets, list | tuple):
        return
    if len(targets) > MOST:
        faults.add("content.publish", f"names {len(targets)} places", f"keep at most {MOST}")
    seen: set[str] = set()
    for position, target in enumerate(targets, 1):
        where = f"content.publish[{position}]"
        url, name = target["url"], target["name"]
        if url is not WRONG:
            parts = urlsplit(url.reveal())
            if "@" in parts.netloc:
                faults.add(f"{where}.url", "holds a user or password", "take them out: use username and token_file")
            elif parts.query or parts.fragment:
                faults.add(f"{where}.url", "has more than host, port and path", "take the rest out: use token_file")
        if ":" in str(target["username"] or ""):
            faults.add(f"{where}.username", "has a colon, which HTTP has no way to send", "correct it")
        if url is WRONG or name is WRONG:
            continue
        known = str(url) if name is None else name
        if known in seen:
            faults.add(f"{where}.name", "is that of another place", "give each of them a name of its own")
        seen.add(known)
        if target["origins"] not in (WRONG, ()) and target["kind"] == "kubo":
            faults.add(f"{where}.origins", "has no use: a kubo node is sent the blocks", "remove it")
