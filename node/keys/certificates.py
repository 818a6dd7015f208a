"""TLS certificates as files: what one says, when it ends, and whether a key belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.bounded import read_at_most
from node.errors import KeyFileError
from node.keys.secrets import MAX_BYTES, check_private

if TYPE_CHECKING:
    from cryptography import x509

EXPIRY_WARNING_DAYS: Final = 30
"""From so many days before its end a certificate is warned about."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a person wants to know of a certificate. Times are in UTC; `hosts` are DNS names and IP addresses."""

    name: str
    issuer: str
    use: str
    hosts: tuple[str, ...]
    begins: datetime
    ends: datetime
    serial: int

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative once it has."""
        return (self.ends - now).days


def load_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file. Raises KeyFileError."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(read_at_most(path, MAX_BYTES))
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None
    except ValueError:
        raise KeyFileError(f"{path}: holds no certificate in PEM; make one with: patina certs") from None


def load_private_key(path: Path, password: bytes | None = None) -> Any:
    """The private key of a PEM file that is private. Raises KeyFileError, which never repeats what is in the file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    check_private(path)
    try:
        return load_pem_private_key(read_at_most(path, MAX_BYTES), password)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None
    except TypeError:
        problem = "needs a password" if password is None else "is not encrypted, though a password is given"
        raise KeyFileError(f"{path}: the key {problem}; give the password if and only if there is one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path}: the password is wrong, or this is no private key in PEM; check the file") from None


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """What a certificate says."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    extensions = certificate.extensions
    uses: list[str] = []
    hosts: list[str] = []
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            uses.append("authority")
        elif isinstance(value, x509.ExtendedKeyUsage):
            uses += ["node"] if ExtendedKeyUsageOID.CLIENT_AUTH in value else []
            uses += ["broker"] if ExtendedKeyUsageOID.SERVER_AUTH in value else []
        elif isinstance(value, x509.SubjectAlternativeName):
            hosts += value.get_values_for_type(x509.DNSName)
            hosts += map(str, value.get_values_for_type(x509.IPAddress))
    return CertificateFacts(
        name=_common_name(certificate.subject),
        issuer=_common_name(certificate.issuer),
        use=" and ".join(uses) or "any",
        hosts=tuple(hosts),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        serial=certificate.serial_number,
    )


def read_certificate(path: Path) -> CertificateFacts:
    """What the certificate in a PEM file says. Raises KeyFileError."""
    certificate = load_certificate(path)
    try:
        return facts_of(certificate)
    except ValueError as error:
        raise KeyFileError(f"{path}: this certificate cannot be read ({error}); make one with: patina certs") from None


def check_pair(cert: Path, key: Path) -> None:
    """Raise KeyFileError unless the private key is the certificate's."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    certificate, private = load_certificate(cert), load_private_key(key)
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        raise KeyFileError(f"{key}: is not the key of {cert}; name the two files that were made together")


def _common_name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
