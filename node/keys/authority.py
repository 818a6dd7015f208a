"""The committee's own certificate authority: certificates for nodes and brokers (X.509, RFC 5280)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from node.bounded import read_at_most
from node.errors import KeyFileError
from node.keys.certificates import CertificateFacts, facts_of, load_certificate, load_private_key, read_certificate
from node.keys.certifying import (
    CLOCK_SKEW,
    alternative_names,
    certificate_builder,
    check_name,
    hosts_of,
    key_usage,
    pem_of,
    pem_of_key,
    refuse_existing,
    signed,
    span,
    subject_of,
)
from node.keys.files import create_private, replace_kept
from node.keys.secrets import MAX_BYTES, Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

Use = Literal["node", "broker"]
AUTHORITY_DAYS: Final = 3_650
DAYS: Final = 397
"""A year and a month: what public authorities may give a server at most, and a date that comes back every year."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Files that were written, and what the certificate says. `key` is None where the key is somebody else's."""

    cert: Path
    key: Path | None
    facts: CertificateFacts


class Authority:
    """An authority in a folder: `ca.pem`, which everybody gets, and `ca.key`, which nobody else does.

    `ca.crl`, which brokers get, lists the certificates that count no longer.
    """

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

        for path in (folder / "ca.pem", folder / "ca.key", folder / "ca.crl"):
            refuse_existing(path)
        if not 0 < len(name) <= 64 or not name.isprintable():
            raise KeyFileError("the authority's name: write 1 to 64 printable characters")
        begins, ends = span(now, days)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = subject_of(name)
        usage = key_usage(key_cert_sign=True, crl_sign=True)
        builder = (
            certificate_builder(subject, subject, key.public_key(), key.public_key(), begins, ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        certificate = signed(builder, key)
        # The key first: a certificate without its key would look like a whole authority.
        create_private(folder / "ca.key", pem_of_key(key, password))
        create_private(folder / "ca.crl", _revocations(certificate, key, [], begins), 0o644)
        create_private(folder / "ca.pem", pem_of(certificate), 0o644)
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
            refuse_existing(path)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certify(name, use, hosts, key.public_key(), days, now)
        create_private(secret, pem_of_key(key, None))
        create_private(cert, pem_of(certificate), 0o644)
        return Issued(cert, secret, facts_of(certificate))

    def sign(self, request: Path, use: Use, *, days: int = DAYS, now: datetime | None = None) -> Issued:
        """The certificate for a request: its key stays on the machine where `request_certificate` made it.

        Raises KeyFileError for what is no request, is not signed by its own key, or whose certificate stands already.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

        try:
            asked = x509.load_pem_x509_csr(read_at_most(request, MAX_BYTES))
            whole = asked.is_signature_valid
            common = asked.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            hosts = hosts_of(asked)
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
        refuse_existing(cert)
        certificate = self._certify(str(common[0].value), use, hosts, public, days, now)
        create_private(cert, pem_of(certificate), 0o644)
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
        replace_kept(cert, pem_of(certificate), kept)
        return Issued(cert, None, facts_of(certificate)), kept

    def revoke(self, cert: Path, now: datetime | None = None) -> Path:
        """Note in `ca.crl` that the certificate is not to be accepted any more; brokers need that file anew.

        Returns where it is. Raises KeyFileError for a certificate of another authority, or one that is noted already.
        """
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature

        gone = load_certificate(cert)
        try:
            gone.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            raise KeyFileError(f"{cert}: does not come from the authority in {self.folder}; name that one") from None
        path = self.folder / "ca.crl"
        try:
            listed = list(x509.load_pem_x509_crl(read_at_most(path, MAX_BYTES)))
        except OSError as error:
            raise KeyFileError(f"{path}: cannot be read ({error.strerror}); restore it from a backup") from None
        except ValueError:
            raise KeyFileError(f"{path}: is no revocation list; restore it from a backup") from None
        if gone.serial_number in {each.serial_number for each in listed}:
            raise KeyFileError(f"{cert}: is revoked already")
        moment = span(now, 1)[0]
        entry = x509.RevokedCertificateBuilder(gone.serial_number, moment).build()
        old = path.with_name(f"{path.stem}.before-{moment:%Y-%m-%d}-{gone.serial_number:x}"[:60] + path.suffix)
        replace_kept(path, _revocations(self._certificate, self._key, [*listed, entry], moment), old)
        old.unlink()
        return path

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
        begins, ends = span(now, days)
        authority_ends = self._certificate.not_valid_after_utc
        if authority_ends <= begins + CLOCK_SKEW:
            raise KeyFileError(f"{self.cert}: the authority expired on {authority_ends:%Y-%m-%d}; make a new one")
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if use == "broker" else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            certificate_builder(
                subject_of(name),
                self._certificate.subject,
                public,
                self._key.public_key(),
                begins,
                min(ends, authority_ends),
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if hosts:
            builder = builder.add_extension(alternative_names(hosts), critical=False)
        return signed(builder, self._key)


def certificates_in(folder: Path) -> list[tuple[Path, CertificateFacts]]:
    """The certificates in force in a folder, by file name; renewed ones are left out.

    Raises KeyFileError for one that cannot be read.
    """
    return [(path, read_certificate(path)) for path in sorted(folder.glob("*.pem")) if ".until-" not in path.name]


def _revocations(
    certificate: x509.Certificate, key: EllipticCurvePrivateKey, entries: list[x509.RevokedCertificate], now: datetime
) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    # It holds until the authority ends: an older one counts as none, and then OpenSSL refuses everybody.
    builder = (
        x509.CertificateRevocationListBuilder(certificate.subject, now, certificate.not_valid_after_utc)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(len(entries) + 1), critical=False)
    )
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
