"""What is shown of an endpoint: scheme, host and port, and its own words without the key that it was asked with."""

from __future__ import annotations

import os
import ssl
from typing import Final
from urllib.parse import urlsplit

from node.keys.redaction import Redactor
from node.keys.secrets import SecretUrl, url_secrets

_SAID: Final = {"ClientConnectorDNSError": "no such host", "ServerDisconnectedError": "it hangs up"}


class Shown:
    """A URL's public side."""

    def __init__(self, url: SecretUrl) -> None:
        self.name = _name(url)
        # An endpoint may quote the key that it was asked with in its own error text.
        self._redactor = Redactor()
        for part in [url.reveal(), *url_secrets(url.reveal())]:
            self._redactor.add(part)

    def redact(self, text: str) -> str:
        """Foreign words without the URL's secrets."""
        return self._redactor.redact(text)


def _name(url: SecretUrl) -> str:
    parts = urlsplit(url.reveal())
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/..." if parts.path.strip("/") or parts.query else f"{parts.scheme}://{host}"


def unreachable(error: Exception) -> str:
    """Why nobody could be asked, in the system's words: those of aiohttp's errors show the URL."""
    name, number = type(error).__name__, getattr(error, "errno", None)
    if isinstance(getattr(error, "certificate_error", error), ssl.SSLCertVerificationError):
        why = "its certificate is not accepted"
    elif isinstance(getattr(error, "os_error", error), ssl.SSLError):
        why = "no TLS is spoken there"
    elif name in _SAID:
        why = _SAID[name]
    elif isinstance(number, int) and number > 0:
        why = os.strerror(number)
    else:
        why = name
    return f"unreachable ({why})"
