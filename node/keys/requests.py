"""A certificate asked for: a key that stays where it was made, and a request for an authority to sign (RFC 2986)."""

from __future__ import annotations

from pathlib import Path

from node.keys.certifying import alternative_names, check_name, pem_of_key, refuse_existing, subject_of
from node.keys.files import create_private


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
        refuse_existing(path)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject_of(name))
    if hosts:
        builder = builder.add_extension(alternative_names(hosts), critical=False)
    asked = builder.sign(key, hashes.SHA256())
    create_private(secret, pem_of_key(key, None))
    create_private(request, asked.public_bytes(serialization.Encoding.PEM), 0o644)
    return secret, request
