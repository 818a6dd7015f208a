"""The committee's authority: what it makes, what it refuses, and what OpenSSL's own rules say of it."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given
from hypothesis import strategies as st

from node.errors import KeyFileError
from node.keys.authority import Authority, certificates_in
from node.keys.certificates import check_pair, load_certificate, load_private_key, read_certificate
from node.keys.requests import request_certificate
from node.keys.secrets import Secret

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "certs", "Test committee", now=NOW)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_create__new__key_private_and_certificate_an_authoritys(authority: Authority) -> None:
    folder = authority.folder
    assert (mode(folder), mode(folder / "ca.key")) == (0o700, 0o600)
    certificate = load_certificate(folder / "ca.pem")
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    assert isinstance(certificate.public_key().curve, ec.SECP256R1)
    facts = read_certificate(folder / "ca.pem")
    assert (facts.name, facts.use, facts.days_left(NOW)) == ("Test committee", "authority", 3650)


def test_create__twice__refused_and_untouched(authority: Authority) -> None:
    before = {path: path.read_bytes() for path in authority.folder.iterdir()}
    with pytest.raises(KeyFileError, match="never overwritten"):
        Authority.create(authority.folder, "Another", now=NOW)
    assert {path: path.read_bytes() for path in authority.folder.iterdir()} == before


def test_issue__broker__every_host_and_address_verifies_and_no_other(authority: Authority) -> None:
    hosts = ("mq1.example.org", "10.0.0.7", "::1")
    made = authority.issue("mq1", "broker", hosts, now=NOW)
    assert made.key is not None
    assert mode(made.key) == 0o600
    check_pair(made.cert, made.key)
    assert (made.facts.name, made.facts.use, made.facts.hosts) == ("mq1", "broker", hosts)
    # The verifier of `cryptography` keeps to the CA/Browser Forum's profile, which is stricter than OpenSSL.
    builder = PolicyBuilder().store(Store([load_certificate(authority.cert)])).time(NOW.replace(tzinfo=None))
    leaf = load_certificate(made.cert)
    builder.build_server_verifier(x509.DNSName("mq1.example.org")).verify(leaf, [])
    with pytest.raises(x509.verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("mq2.example.org")).verify(leaf, [])


def test_issue__node__for_clients_alone(authority: Authority) -> None:
    made = authority.issue("node-1", "node", now=NOW)
    usage = load_certificate(made.cert).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert made.facts.days_left(NOW) == 397


@pytest.mark.parametrize("name", ["", "..", "a/b", "a+b", "#", "-x", "x" * 65, "ca", "no de", "n\n"])
def test_issue__name_that_is_no_file_or_topic__refused(authority: Authority, name: str) -> None:
    before = sorted(authority.folder.iterdir())
    with pytest.raises(KeyFileError):
        authority.issue(name, "node", now=NOW)
    assert sorted(authority.folder.iterdir()) == before


@pytest.mark.parametrize(
    "hosts", [(), ("host:8883",), ("mqtts://host",), ("256.1.1.1",), ("a..b",), ("",), ("b\u00fc.org",)]
)
def test_issue__broker_without_usable_host__refused_and_nothing_written(
    authority: Authority, hosts: tuple[str, ...]
) -> None:
    before = sorted(authority.folder.iterdir())
    with pytest.raises(KeyFileError):
        authority.issue("mq", "broker", hosts, now=NOW)
    assert sorted(authority.folder.iterdir()) == before


def test_issue__name_taken__refused_and_untouched(authority: Authority) -> None:
    made = authority.issue("node-1", "node", now=NOW)
    before = made.cert.read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        authority.issue("node-1", "node", now=NOW)
    assert made.cert.read_bytes() == before


def test_issue__authority_ends_sooner__certificate_ends_with_it(tmp_path: Path) -> None:
    brief = Authority.create(tmp_path, "Brief", days=10, now=NOW)
    assert brief.issue("node", "node", now=NOW).facts.ends == NOW + timedelta(days=10)
    with pytest.raises(KeyFileError, match="expired"):
        brief.issue("late", "node", now=NOW + timedelta(days=11))


def test_open__password__needed_right_and_unrepeated(tmp_path: Path) -> None:
    Authority.create(tmp_path, "Guarded", password=Secret("planted-secret"), now=NOW)
    assert b"ENCRYPTED" in (tmp_path / "ca.key").read_bytes()
    Authority.open(tmp_path, Secret("planted-secret")).issue("node", "node", now=NOW)
    for wrong in (None, Secret("not-it-either")):
        with pytest.raises(KeyFileError) as caught:
            Authority.open(tmp_path, wrong)
        assert "planted-secret" not in str(caught.value)
        assert "not-it-either" not in str(caught.value)


def test_open__key_open_to_others_or_of_another_authority__refused(authority: Authority, tmp_path: Path) -> None:
    key = authority.folder / "ca.key"
    key.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Authority.open(authority.folder)
    Authority.create(tmp_path / "other", "Other", now=NOW)
    key.unlink()
    (tmp_path / "other" / "ca.key").rename(key)
    with pytest.raises(KeyFileError, match="not the key"):
        Authority.open(authority.folder)
    with pytest.raises(KeyFileError, match="certs init"):
        Authority.open(tmp_path / "nowhere")


def test_request_and_sign__key_stays_away__certificate_fits_it(authority: Authority, tmp_path: Path) -> None:
    key, asked = request_certificate(tmp_path / "node", "node-7", ("10.1.1.1",))
    made = authority.sign(asked, "node", now=NOW)
    assert made.cert == authority.folder / "node-7.pem"
    assert not (authority.folder / "node-7.key").exists()
    assert made.facts.hosts == ("10.1.1.1",)
    check_pair(made.cert, key)
    with pytest.raises(KeyFileError, match="never overwritten"):
        authority.sign(asked, "node", now=NOW)


def test_sign__request_that_asks_to_be_an_authority__gets_a_nodes_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    builder = x509.CertificateSigningRequestBuilder(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "climber")])
    ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    asked = tmp_path / "climber.csr"
    from cryptography.hazmat.primitives import hashes, serialization

    key = ec.generate_private_key(ec.SECP256R1())
    asked.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    assert authority.sign(asked, "node", now=NOW).facts.use == "node"


def test_sign__changed_on_the_way_or_no_request__refused(authority: Authority, tmp_path: Path) -> None:
    _, asked = request_certificate(tmp_path, "node-7")
    request = x509.load_pem_x509_csr(asked.read_bytes())
    from cryptography.hazmat.primitives import serialization

    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[der.index(b"node-7") + 5] = ord("8")
    asked.write_bytes(x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM))
    with pytest.raises(KeyFileError, match="changed on the way"):
        authority.sign(asked, "node", now=NOW)
    asked.write_text("nonsense")
    with pytest.raises(KeyFileError, match="no certificate request"):
        authority.sign(asked, "node", now=NOW)
    with pytest.raises(KeyFileError, match="cannot be read"):
        authority.sign(tmp_path / "absent.csr", "node", now=NOW)


def test_renew__broker__same_name_hosts_use_and_key_for_another_term(authority: Authority) -> None:
    made = authority.issue("mq1", "broker", ("mq1.example.org", "10.0.0.7"), now=NOW)
    assert made.key is not None
    old_bytes, old_key = made.cert.read_bytes(), made.key.read_bytes()
    renewed, kept = authority.renew(made.cert, now=NOW + timedelta(days=370))
    assert renewed.cert == made.cert
    assert kept.read_bytes() == old_bytes
    assert made.key.read_bytes() == old_key
    check_pair(made.cert, made.key)
    facts = read_certificate(made.cert)
    assert (facts.name, facts.use, facts.hosts) == (made.facts.name, made.facts.use, made.facts.hosts)
    assert facts.ends == NOW + timedelta(days=370 + 397)
    assert facts.serial != made.facts.serial
    assert mode(made.cert) == 0o644
    again, _ = authority.renew(made.cert, now=NOW + timedelta(days=370))
    assert again.cert == made.cert
    assert [path.name for path, _ in certificates_in(authority.folder)] == ["ca.pem", "mq1.pem"]


def test_renew__certificate_of_another_authority_or_the_authoritys_own__refused(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority.create(tmp_path / "other", "Test committee", now=NOW)
    foreign = stranger.issue("node-1", "node", now=NOW).cert
    with pytest.raises(KeyFileError, match="does not come from"):
        authority.renew(foreign, now=NOW)
    with pytest.raises(KeyFileError, match="neither"):
        authority.renew(authority.cert, now=NOW)


def test_revoke__some__listed_and_nothing_else_left_behind(authority: Authority) -> None:
    made = [authority.issue(f"node-{number}", "node", now=NOW) for number in range(3)]
    before = {path.name for path in authority.folder.iterdir()}
    for each in made[:2]:
        path = authority.revoke(each.cert, now=NOW)
    listed = x509.load_pem_x509_crl(path.read_bytes())
    assert {entry.serial_number for entry in listed} == {each.facts.serial for each in made[:2]}
    assert listed.is_signature_valid(load_certificate(authority.cert).public_key())
    # A list that has run out makes OpenSSL refuse everybody.
    assert listed.next_update_utc == read_certificate(authority.cert).ends
    assert {path.name for path in authority.folder.iterdir()} == before
    with pytest.raises(KeyFileError, match="already"):
        authority.revoke(made[0].cert, now=NOW)


def test_revoke__certificate_of_another_authority__refused(authority: Authority, tmp_path: Path) -> None:
    foreign = Authority.create(tmp_path / "other", "Test committee", now=NOW).issue("node-1", "node", now=NOW)
    with pytest.raises(KeyFileError, match="does not come from"):
        authority.revoke(foreign.cert, now=NOW)


def test_check_pair__files_of_two_nodes__refused(authority: Authority) -> None:
    one, two = authority.issue("one", "node", now=NOW), authority.issue("two", "node", now=NOW)
    assert two.key is not None
    with pytest.raises(KeyFileError, match="is not the key of"):
        check_pair(one.cert, two.key)


@given(st.binary(max_size=200))
def test_incident__any_bytes_as_certificate_or_key__refused_never_another_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pem"
    for wrapped in (content, b"-----BEGIN CERTIFICATE-----\n" + content + b"\n-----END CERTIFICATE-----\n"):
        path.write_bytes(wrapped)
        path.chmod(0o600)
        with pytest.raises(KeyFileError):
            read_certificate(path)
        with pytest.raises(KeyFileError):
            load_private_key(path)
