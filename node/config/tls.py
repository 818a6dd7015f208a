"""Whether the TLS files that a configuration names can be used, and go together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from node.config.faults import Faults
from node.config.values import WRONG
from node.errors import KeyFileError


def check_tls(broker: Mapping[str, Any], where: str, faults: Faults) -> None:
    """Note what is wrong with a broker's ca, cert and key.

    Files that are missing or open to others are noted already and passed over. A certificate that has expired is no
    fault: the node still works through its other brokers, and says so in its log.
    """
    files = {name: broker[name] for name in ("ca", "cert", "key")}
    if WRONG in files.values() or any(fault.key.startswith(f"{where}.") for fault in faults.found):
        return
    ca, cert, key = files["ca"], files["cert"], files["key"]
    # Loaded only where there is something to check: it costs every command that reads a configuration.
    from node.keys import certificates

    def note(name: str, check: Any, *paths: Path) -> bool:
        try:
            check(*paths)
        except KeyFileError as error:
            problem, _, fix = str(error).partition("; ")
            faults.add(f"{where}.{name}", problem, fix or "check the file and its permissions")
            return False
        return True

    if ca is not None:
        note("ca", certificates.read_certificate, ca)
    if cert is not None and key is not None and note("cert", certificates.read_certificate, cert):
        note("key", certificates.check_pair, cert, key)
