"""Where a broker is and how to be let in."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from node.errors import ConfigError, KeyFileError
from node.keys.certificates import CertificateFacts, read_certificate

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_TOPIC_LEVEL = re.compile(r"[^/+#$\x00-\x1f\x7f][^/+#\x00-\x1f\x7f]{0,127}")
"""A level of a topic (MQTT 3.1.1, section 4.7): without separator and wildcards."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """`url` is mqtt://host[:port] or mqtts://host[:port]; the files are PEM, for mqtts alone.

    `ca` replaces the system's authorities; `cert` and `key` are for brokers that want a client certificate.
    Raises ConfigError on anything that cannot be used; its text never repeats the URL, which may hold a secret.
    """

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            raise ConfigError("broker url: not a URL; write mqtt://host:port or mqtts://host:port") from None
        if parts.scheme not in _PORTS or not parts.hostname or port == 0:
            raise ConfigError("broker url: write mqtt://host:port or mqtts://host:port")
        if parts.username is not None or parts.password is not None:
            raise ConfigError("broker url: holds credentials; put them into username and password")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ConfigError("broker url: ends after the port")
        if parts.scheme == "mqtt" and (self.ca or self.cert or self.key):
            raise ConfigError("broker: ca, cert and key need an mqtts:// url")
        if self.key is not None and self.cert is None:
            raise ConfigError("broker: key without cert")
        if self.password is not None and self.username is None:
            raise ConfigError("broker: password without username")

    @property
    def host(self) -> str:
        """Host name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port."""
        parts = urlsplit(self.url)
        return parts.port or _PORTS[parts.scheme]

    @property
    def name(self) -> str:
        """host:port, for logs and counters."""
        return f"{self.host}:{self.port}"

    @property
    def exposed(self) -> bool:
        """Whether the password travels in clear over a network."""
        return self.password is not None and urlsplit(self.url).scheme == "mqtt" and not _on_this_machine(self.host)

    def identity(self) -> str:
        """What this node is called in the topics that it publishes to at this broker.

        It is the name that the broker knows it by, so that access rules can hold it to topics of its own: the
        username, else the certificate's common name, else "node". A name that no topic can hold counts as none.
        Raises ConfigError if the certificate does not load.
        """
        name = self.username
        if name is None and self.cert is not None:
            try:
                name = read_certificate(self.cert).name
            except KeyFileError as error:
                raise ConfigError(f"broker {self.name}: cert: {error}") from None
        return name if name and _TOPIC_LEVEL.fullmatch(name) else "node"

    def certificate(self) -> CertificateFacts | None:
        """What this node's certificate at the broker says now, or None where there is none to be read."""
        try:
            return None if self.cert is None else read_certificate(self.cert)
        except KeyFileError:
            return None

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context of an mqtts broker (1.2 or newer, host name checked); reads the files.

        Raises ConfigError if one of them does not load.
        """
        if urlsplit(self.url).scheme != "mqtts":
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"broker {self.name}: ca, cert or key does not load: {error}") from error
        return context


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
