"""What is shown of an endpoint: scheme, host and port, and its own words without the key that it was asked with."""

from __future__ import annotations

from urllib.parse import urlsplit

from node.keys.redaction import Redactor
from node.keys.secrets import SecretUrl, url_secrets


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
