"""The parts that certificates and requests are made of (X.509, RFC 5280): names, terms, extensions, files."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.errors import KeyFileError
from node.keys.secrets import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

CLOCK_SKEW: Final = timedelta(hours=1)
"""Certificates begin so much before they are made: clocks differ."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(
    r"(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


def check_name(name: str) -> None:
    """Raise KeyFileError unless a name can be a file's, a user's at a broker, and a level of a topic."""
    if not _NAME.fullmatch(name):
        raise KeyFileError("a certificate's name: write letters, digits, dots, dashes and underscores, at most 64")


def alternative_names(hosts: tuple[str, ...]) -> x509.SubjectAlternativeName:
    """Host names and IP addresses as an extension. Raises KeyFileError for what is neither."""
    from cryptography import x509

    names: list[x509.GeneralName] = []
    for host in dict.fromkeys(hosts):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            if not _HOST.fullmatch(host) or len(host) > 253 or re.fullmatch(r"[0-9.]+", host):
                raise KeyFileError(f"{host!r}: is no host name and no IP address; write one without port") from None
            names.append(x509.DNSName(host.lower()))
    return x509.SubjectAlternativeName(names)


def hosts_of(asked: x509.CertificateSigningRequest) -> tuple[str, ...]:
    """The host names and IP addresses that a request asks for."""
    from cryptography import x509

    try:
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress)))


def certificate_builder(
    subject: x509.Name, issuer: x509.Name, public: Any, authority: Any, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    """A certificate without its extensions but for the two key identifiers."""
    from cryptography import x509

    return (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), begins, ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    )


def signed(builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> x509.Certificate:
    """The certificate, signed with SHA-256."""
    from cryptography.hazmat.primitives import hashes

    return builder.sign(key, hashes.SHA256())


def key_usage(**allowed: bool) -> x509.KeyUsage:
    """The key usage extension with these uses and no others."""
    from cryptography import x509

    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # type: ignore[assignment]
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def subject_of(name: str) -> x509.Name:
    """A name of a common name alone."""
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def span(now: datetime | None, days: int) -> tuple[datetime, datetime]:
    """Begin and end of a term. Raises KeyFileError for one that makes no sense."""
    if not 1 <= days <= 36_500:
        raise KeyFileError("days: write a number from 1 to 36500")
    start = (now or datetime.now(UTC)).replace(microsecond=0)
    return start - CLOCK_SKEW, start + timedelta(days=days)


def pem_of(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def pem_of_key(key: EllipticCurvePrivateKey, password: Secret | None) -> bytes:
    """A private key as PKCS #8 PEM, encrypted if there is a password."""
    from cryptography.hazmat.primitives import serialization

    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password.reveal().encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def refuse_existing(path: Path) -> None:
    """Raise KeyFileError where something stands at the path."""
    if path.exists():
        raise KeyFileError(f"{path}: exists already, and is never overwritten; choose another name or folder")
