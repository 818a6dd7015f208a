"""The committee's own certificate authority: certificates for nodes and brokers (X.509, RFC 5280)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from node.errors import KeyFileError
from node.keys.certificates import CertificateFacts, facts_of, load_certificate, load_private_key, read_certificate
from node.keys.files import create_private, replace_kept
from node.keys.secrets import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

Use = Literal["node", "broker"]
AUTHORITY_DAYS: Final = 3_650
DAYS: Final = 397
"""A year and a month: what public authorities may give a server at most, and a date that comes back every year."""
_CLOCK_SKEW: Final = timedelta(hours=1)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(
    r"(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class Issued:
    """Files that were written, and what the certificate says. `key` is None where the key is somebody else's."""

    cert: Path
    key: Path | None
    facts: CertificateFacts


class Authority:
    """An authority in a folder: `ca.pem`, which everybody gets, and `ca.key`, which nobody else does."""

    def __init__(self, folder: Path, certificate: x509.Certificate, key: EllipticCurvePrivateKey) -> None:
        self.folder = folder
        self._certificate = certificate
        self._key = key

    @property
    def cert(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "ca.pem"

    @classmethod
    def create(
        cls,
        folder: Path,
        name: str,
        *,
        days: int = AUTHORITY_DAYS,
        password: Secret | None = None,
        now: datetime | None = None,
    ) -> Self:
        """Make a new authority in `folder`; with a password its key is encrypted.

        Raises KeyFileError where one stands already, or for a name that no certificate can carry.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        for path in (folder / "ca.pem", folder / "ca.key"):
            _refuse_existing(path)
        if not 0 < len(name) <= 64 or not name.isprintable():
            raise KeyFileError("the authority's name: write 1 to 64 printable characters")
        begins, ends = _span(now, days)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        usage = _key_usage(key_cert_sign=True, crl_sign=True)
        builder = (
            _builder(subject, subject, key.public_key(), key.public_key(), begins, ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        certificate = _sign(builder, key)
        # The key first: a certificate without its key would look like a whole authority.
        create_private(folder / "ca.key", _pem_of_key(key, password))
        create_private(folder / "ca.pem", _pem(certificate), 0o644)
        return cls(folder, certificate, key)

    @classmethod
    def open(cls, folder: Path, password: Secret | None = None) -> Self:
        """The authority in `folder`. Raises KeyFileError, for one that has expired too."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

        path = folder / "ca.pem"
        if not path.exists():
            raise KeyFileError(f"{folder}: no authority is here; make one with: patina certs init")
        certificate = load_certificate(path)
        key = load_private_key(folder / "ca.key", None if password is None else password.reveal().encode())
        if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise KeyFileError(f"{folder / 'ca.key'}: is not the key of {path}; restore the two from one backup")
        return cls(folder, certificate, key)

    def issue(
        self,
        name: str,
        use: Use,
        hosts: tuple[str, ...] = (),
        *,
        days: int = DAYS,
        now: datetime | None = None,
    ) -> Issued:
        """A new key (`<name>.key`, mode 0600) and its certificate (`<name>.pem`).

        `hosts` are the DNS names and IP addresses under which a broker is reached; a node needs none. Raises
        KeyFileError where one of the files stands already, or for a name or host that cannot be used.
        """
        from cryptography.hazmat.primitives.asymmetric import ec

        cert, secret = self._paths(name)
        for path in (cert, secret):
            _refuse_existing(path)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certify(name, use, hosts, key.public_key(), days, now)
        create_private(secret, _pem_of_key(key, None))
        create_private(cert, _pem(certificate), 0o644)
        return Issued(cert, secret, facts_of(certificate))

    def sign(self, request: Path, use: Use, *, days: int = DAYS, now: datetime | None = None) -> Issued:
        """The certificate for a request: its key stays on the machine where `request_certificate` made it.

        Raises KeyFileError for what is no request, is not signed by its own key, or whose certificate stands already.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

        try:
            asked = x509.load_pem_x509_csr(request.read_bytes())
            whole = asked.is_signature_valid
            common = asked.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            hosts = _hosts_of(asked)
            public = asked.public_key()
        except OSError as error:
            raise KeyFileError(f"{request}: cannot be read ({error.strerror}); check the path") from None
        except ValueError:
            raise KeyFileError(f"{request}: is no certificate request; make one with: patina certs request") from None
        if not whole or len(common) != 1:
            raise KeyFileError(f"{request}: was changed on the way; send it again")
        if not isinstance(public, EllipticCurvePublicKey) or not isinstance(public.curve, SECP256R1):
            raise KeyFileError(f"{request}: its key is not on P-256; make one with: patina certs request")
        cert, _ = self._paths(str(common[0].value))
        _refuse_existing(cert)
        certificate = self._certify(str(common[0].value), use, hosts, public, days, now)
        create_private(cert, _pem(certificate), 0o644)
        return Issued(cert, None, facts_of(certificate))

    def renew(self, cert: Path, *, days: int = DAYS, now: datetime | None = None) -> tuple[Issued, Path]:
        """The same certificate for another term: same name, hosts, use and key. Returns it, and where the old one is.

        The file at `cert` is replaced in one step, so nobody needs another path; the old one stays beside it.
        Raises KeyFileError for a certificate of another authority.
        """
        from cryptography.exceptions import InvalidSignature

        old = load_certificate(cert)
        try:
            old.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            raise KeyFileError(f"{cert}: does not come from the authority in {self.folder}; name that one") from None
        facts = facts_of(old)
        if facts.use not in ("node", "broker"):
            raise KeyFileError(f"{cert}: is neither a node's nor a broker's certificate")
        use: Use = "node" if facts.use == "node" else "broker"
        certificate = self._certify(facts.name, use, facts.hosts, old.public_key(), days, now)
        kept = cert.with_name(f"{cert.stem}.until-{facts.ends:%Y-%m-%d}-{f'{facts.serial:x}'[:8]}{cert.suffix}")
        replace_kept(cert, _pem(certificate), kept)
        return Issued(cert, None, facts_of(certificate)), kept

    def _paths(self, name: str) -> tuple[Path, Path]:
        check_name(name)
        if name == "ca":
            raise KeyFileError("ca: is the authority's own name; choose another")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _certify(
        self, name: str, use: Use, hosts: tuple[str, ...], public: Any, days: int, now: datetime | None
    ) -> x509.Certificate:
        from cryptography import x509
        from cryptography.x509.oid import ExtendedKeyUsageOID

        if use == "broker" and not hosts:
            raise KeyFileError(
                f"{name}: a broker's certificate names the hosts and addresses it is reached at; add one"
            )
        begins, ends = _span(now, days)
        authority_ends = self._certificate.not_valid_after_utc
        if authority_ends <= begins + _CLOCK_SKEW:
            raise KeyFileError(f"{self.cert}: the authority expired on {authority_ends:%Y-%m-%d}; make a new one")
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if use == "broker" else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            _builder(
                _subject(name),
                self._certificate.subject,
                public,
                self._key.public_key(),
                begins,
                min(ends, authority_ends),
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if hosts:
            builder = builder.add_extension(_alternative_names(hosts), critical=False)
        return _sign(builder, self._key)


def request_certificate(folder: Path, name: str, hosts: tuple[str, ...] = ()) -> tuple[Path, Path]:
    """A new key (`<name>.key`, mode 0600) and the request for its certificate (`<name>.csr`), for `Authority.sign`.

    Raises KeyFileError where one of the files stands already, or for a name or host that cannot be used.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    check_name(name)
    secret, request = folder / f"{name}.key", folder / f"{name}.csr"
    for path in (secret, request):
        _refuse_existing(path)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(name))
    if hosts:
        builder = builder.add_extension(_alternative_names(hosts), critical=False)
    asked = builder.sign(key, hashes.SHA256())
    create_private(secret, _pem_of_key(key, None))
    create_private(request, asked.public_bytes(serialization.Encoding.PEM), 0o644)
    return secret, request


def certificates_in(folder: Path) -> list[tuple[Path, CertificateFacts]]:
    """The certificates in force in a folder, by file name; renewed ones are left out.

    Raises KeyFileError for one that cannot be read.
    """
    return [(path, read_certificate(path)) for path in sorted(folder.glob("*.pem")) if ".until-" not in path.name]


def check_name(name: str) -> None:
    """Raise KeyFileError unless a name can be a file's, a user's at a broker, and a level of a topic."""
    if not _NAME.fullmatch(name):
        raise KeyFileError("a certificate's name: write letters, digits, dots, dashes and underscores, at most 64")


def _alternative_names(hosts: tuple[str, ...]) -> x509.SubjectAlternativeName:
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


def _hosts_of(asked: x509.CertificateSigningRequest) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress)))


def _builder(
    subject: x509.Name, issuer: x509.Name, public: Any, authority: Any, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), begins, ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> x509.Certificate:
    from cryptography.hazmat.primitives import hashes

    return builder.sign(key, hashes.SHA256())


def _key_usage(**allowed: bool) -> x509.KeyUsage:
    from cryptography import x509

    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # type: ignore[assignment]
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def _subject(name: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _span(now: datetime | None, days: int) -> tuple[datetime, datetime]:
    if not 1 <= days <= 36_500:
        raise KeyFileError("days: write a number from 1 to 36500")
    start = (now or datetime.now(UTC)).replace(microsecond=0)
    return start - _CLOCK_SKEW, start + timedelta(days=days)


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _pem_of_key(key: EllipticCurvePrivateKey, password: Secret | None) -> bytes:
    from cryptography.hazmat.primitives import serialization

    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password.reveal().encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise KeyFileError(f"{path}: exists already, and is never overwritten; choose another name or folder")
