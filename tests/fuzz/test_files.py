"""Files that people bring: configurations, histories, recipes, keys, certificates, protection files."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from node.agreement.report import Domain, Statement, statement_digest
from node.config import load
from node.config.text import example_toml
from node.deployment import file as deployment
from node.devnet.history import MAX_BYTES, parse_history, read_history
from node.errors import (
    AgreementError,
    ConfigError,
    DeploymentError,
    JournalError,
    KeyFileError,
    PatinaError,
    RenderError,
    ReplayError,
)
from node.journal.safety import protection_file as protection
from node.keys.certificates import load_private_key, read_certificate
from node.keys.redaction import redactor
from node.keys.secrets import LONGEST, Secret, SecretUrl, read_secret, read_text
from node.keys.signing import EthKeystore, LocalSigner, key_from_hex
from node.keys.transport import TransportKeyFile
from node.render.document import SIGNALS
from node.render.reading import read_recipe
from node.staking.evidence import Evidence, Signed, decode_evidence, encode_evidence
from tests.fuzz.hold import KIB, Decoder, hold, modest, peak_of
from tests.fuzz.mutations import any_input, odd_json, spelled

HISTORIES = (
    b"block,date,share_price,tvl\n1,2025-06-01,1.0,5\n2,,1.00754517,6\n9,2025-06-03,1.02,7\n",
    b"\xef\xbb\xbfTimestamp,Share_Price\r\n1750000000,0.998\r\n1750003600,1.5\r\n",
    b'"share_price"\n"1"\n2\n',
)
RECIPE: dict[str, Any] = {
    "format": "patina-recipe/1",
    "name": "Tide",
    "model": "11" * 32,
    "sampler": {"kind": "ddim", "steps": 20},
    "classes": ["storm", "clear", "golden"],
    "signals": {signal: {"full_scale": str(10**16)} for signal in SIGNALS},
    "palette": {"hue": [0, 255], "accent": [9, 200]},
}
ADDRESS = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
DEPLOYMENT: dict[str, Any] = {
    "format": 2,
    "complete": True,
    "protocol_version": 1,
    "software": {"least_node": "0.1.0"},
    "chain_id": 31337,
    "network": "ethereum:local",
    "genesis_hash": "0x" + "1f" * 32,
    "deployer": ADDRESS,
    "owner": ADDRESS,
    "config_digest": None,
    "contracts": {
        name: {"contract": source, "address": ADDRESS, "block": 1, "arguments": {}, "code_hash": "0x" + "1f" * 32}
        for name, source in deployment.SOURCES.items()
    },
}
OWNED: dict[str, Any] = {
    **DEPLOYMENT,
    "config_digest": "0x" + "1f" * 32,
    "committee": {"signers": [ADDRESS], "transport_keys": ["0x" + "11" * 32]},
    "contracts": {"oracle": DEPLOYMENT["contracts"]["oracle"]},
}
PIPELINE: dict[str, Any] = {
    "format": "patina-pipeline-recipe/1",
    "name": "Tide",
    "pipeline": {
        "digest": "22" * 32, "precision": "float32", "width": 64, "height": 64, "steps": 5, "guidance": "7.5",
        "noise": "token",
    },
    "bands": [
        {"mood": "low", "prompt": "a {volatility} sea", "negative_prompt": None, "class_label": None},
        {"mood": "high", "prompt": "light", "negative_prompt": "text", "class_label": 7},
    ],
    "signals": {signal: {"full_scale": str(10**16), "words": ["calm", "wild"]} for signal in SIGNALS},
    "tolerance": {"psnr_floor_db": "42.5"},
}  # fmt: skip
KEYSTORE: dict[str, Any] = {
    "version": 3,
    "id": "0",
    "address": "0x" + "11" * 20,
    "crypto": {
        "cipher": "aes-128-ctr", "cipherparams": {"iv": "00" * 16}, "ciphertext": "33" * 32, "kdf": "scrypt",
        "kdfparams": {"dklen": 32, "n": 2, "r": 1, "p": 1, "salt": "44" * 16}, "mac": "55" * 32,
    },
}  # fmt: skip
PROTECTION: dict[str, Any] = {
    "format": protection.FORMAT, "version": 2, "signer": "0x" + "11" * 20, "chain": 1, "oracle": "0x" + "22" * 20,
    "floor": -1,
    "configurations": [
        {"config": "0x" + "33" * 32, "marks": [{"feed": 1, "checkpoint": 30}], "rounds": [
            {"feed": 1, "checkpoint": 40, "attestations": [{"view": 0, "digest": "0x" + "44" * 32}], "closed": True,
             "vote": "0x" + "55" * 32,
             "promise": {"left": 0, "prepared_view": 1, "prepared_digest": "0x" + "66" * 32, "lock_view": -1,
                         "lock": "0x"}}]},
    ],
}  # fmt: skip
TOML = (
    example_toml().encode(),
    b'[chain]\nid = 1\noracle = "0x5FbDB2315678afecb367f032d93F642f64180aa3"\nendpoints = ["http://127.0.0.1:8545"]\n'
    b'[[gossip.brokers]]\nurl = "mqtt://127.0.0.1:1883"\nusername = "a"\n[render]\ndevices = ["cpu"]\n'
    b"[transmit]\nmax_fee_gwei = 1.5e2\n[agreement]\nview_ms = 1_000\n",
)  # fmt: skip
PASSWORDS = (b"a password\n", b"two\r\nlines\r\n", b"\xc3\xa4\xf0\x9f\x8c\x8a" * 90)
PASSWORD = Secret("correct horse")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def through_file(path: Path, read: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """A reader of files as a reader of bytes."""

    def read_bytes(raw: bytes) -> Any:
        path.unlink(missing_ok=True)
        path.write_bytes(raw)
        path.chmod(0o600)
        return read(path)

    return read_bytes


def forgetting(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """A reader of secrets after which the process masks nothing new: it would keep a pattern of every example's."""

    def read_and_forget(raw: bytes) -> Any:
        held = redactor._known.copy(), redactor._rules, redactor._ordered
        try:
            return read(raw)
        finally:
            redactor._known, redactor._rules, redactor._ordered = held

    return read_and_forget


def fed_with(decoder: Decoder, *documents: Any) -> None:
    """Noise, damage, and values of other kinds in documents of JSON."""
    inputs = any_input(decoder.corpus)
    if documents:
        inputs = st.one_of(inputs, *(odd_json(document).map(spelled) for document in documents))

    @given(inputs)
    def feed(raw: bytes) -> None:
        hold(decoder, raw)

    for raw in decoder.corpus:
        with suppress(PatinaError):
            decoder.read(raw)  # what is loaded and built once is not this input's
        hold(decoder, raw)
    feed()


def test_history__noise_and_damage__is_read_or_refused_with_its_line() -> None:
    read = lambda raw: parse_history(raw, "prices.csv", "prices")  # noqa: E731
    fed_with(Decoder("node.devnet.history.parse_history", read, ReplayError, HISTORIES))


@pytest.mark.parametrize("line", [b"\n", b"ab\n", b"1\n", b" ,\n", b"\r\n"])
def test_history__largest_file_of_shortest_lines__takes_a_few_times_its_size(line: bytes) -> None:
    """Not a list of millions of lines, which takes fifty times as much as the file."""
    raw = b"share_price\n" + line * (MAX_BYTES // len(line) - 4)
    found, peak = peak_of(lambda: parse_history(raw, "prices.csv", "prices"))
    assert isinstance(found, ReplayError)
    assert peak < 8 * MAX_BYTES


def test_history__file_through_the_disk__is_held_to_the_same(folder: Path) -> None:
    fed_with(Decoder("read_history", through_file(folder / "prices.csv", read_history), ReplayError, HISTORIES))


def test_recipe__noise_damage_and_odd_values__is_refused_or_has_one_digest() -> None:
    corpus = (spelled(RECIPE), spelled(PIPELINE))
    decoder = Decoder("node.render.reading.read_recipe", read_recipe, RenderError, corpus)
    fed_with(decoder, RECIPE, PIPELINE)

    @given(st.sampled_from((RECIPE, PIPELINE)).flatmap(odd_json))
    def canonical(document: Any) -> None:
        found = hold(decoder, spelled(document))
        if not isinstance(found, RenderError):
            assert read_recipe(found.canonical) == found
            assert read_recipe(found.canonical).canonical == found.canonical

    canonical()


def test_configuration__noise_and_damage__is_read_or_refused_with_every_fault(folder: Path) -> None:
    read = through_file(folder / "config.toml", lambda path: load(path, environ={}, check_files=False))
    fed_with(Decoder("node.config.load", read, ConfigError, TOML, base=1024 * KIB, factor=256, lines=True))


def test_signing_key__noise_damage_and_odd_values__is_refused(folder: Path) -> None:
    keystore = forgetting(through_file(folder / "signing.json", lambda path: EthKeystore(path).unlock(PASSWORD)))
    fed_with(Decoder("node.keys.signing.EthKeystore", keystore, KeyFileError, (spelled(KEYSTORE),)), KEYSTORE)


@given(st.text(max_size=80) | st.text("0123456789abcdefxX _\n", min_size=60, max_size=70))
def test_signing_key__any_text_as_hex__is_a_key_or_refused_without_repeating_it(text: str) -> None:
    try:
        key = forgetting(lambda _: key_from_hex(Secret(text)))(b"")
    except KeyFileError as error:
        assert len(text) < 12 or text not in str(error)  # noqa: PT017
        return
    assert len(key) == 32


def test_transport_key__noise_and_damage__is_refused(folder: Path) -> None:
    path = folder / "transport.pem"
    TransportKeyFile.create(path, PASSWORD)
    pem, public = path.read_bytes(), TransportKeyFile(path).public_path.read_bytes()
    private = forgetting(through_file(path, lambda at: TransportKeyFile(at).unlock(PASSWORD)))
    fed_with(Decoder("node.keys.transport.TransportKeyFile.unlock", private, KeyFileError, (pem,)))
    of_public = through_file(path.with_suffix(".pub"), lambda _: TransportKeyFile(path).public_key)
    fed_with(Decoder("node.keys.transport.TransportKeyFile.public_key", of_public, KeyFileError, (public,)))


def test_certificate__noise_and_damage__is_read_or_refused(folder: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    key = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "node one")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 5)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("broker.example")]), critical=False)
        .sign(key, None)
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    wrapped = pem.splitlines(keepends=True)

    def armoured(der: bytes) -> bytes:
        from base64 import encodebytes

        return wrapped[0] + encodebytes(der) + wrapped[-1]

    def noted(path: Path) -> Any:
        return read_certificate(path)

    decoder = Decoder(
        "node.keys.certificates.read_certificate", through_file(folder / "node.crt", noted), KeyFileError, (pem,)
    )
    fed_with(decoder)

    @given(any_input((certificate.public_bytes(serialization.Encoding.DER),)))
    def inside(der: bytes) -> None:
        hold(decoder, armoured(der))

    inside()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    read = through_file(folder / "node.key", load_private_key)
    fed_with(Decoder("node.keys.certificates.load_private_key", read, KeyFileError, (private,)))


def test_protection_file__noise_damage_and_odd_values__is_refused_or_written_the_same(folder: Path) -> None:
    raw = msgspec.json.format(spelled(PROTECTION), indent=1)
    read = through_file(folder / "protection.json", protection.read)
    decoder = Decoder("node.journal.safety.protection_file.read", read, JournalError, (raw,))
    fed_with(decoder, PROTECTION)
    found = hold(decoder, raw)
    assert msgspec.json.decode(msgspec.json.encode(found)) == PROTECTION


def test_evidence__noise_damage_and_odd_values__is_refused_or_proves_what_it_says() -> None:
    domain, signer = Domain(31337, "0x" + "22" * 20, b"\x33" * 32), LocalSigner(b"\x07" * 32)
    said = [Statement(1, 40, b"\x44" * 32, 0, 7, b"\x55" * 32, b"\x66" * 32, bytes([root]) * 32) for root in (1, 2)]
    first, second = (Signed(one, signer.sign_digest(statement_digest(domain, one))) for one in said)
    evidence = Evidence(domain.chain_id, domain.oracle, domain.config_digest, signer.address, first, second)
    raw = encode_evidence(evidence)

    def read(found: bytes) -> Evidence:
        decoded = decode_evidence(found)
        decoded.check()
        return decoded

    fed_with(Decoder("node.staking.evidence.decode_evidence", read, AgreementError, (raw,)), json.loads(raw))


def test_deployment_file__noise_damage_and_odd_values__is_read_or_refused(folder: Path) -> None:
    raw = spelled(DEPLOYMENT)
    read = through_file(folder / "deployment.json", deployment.load)
    decoder = Decoder("node.deployment.file.load", read, DeploymentError, (raw, spelled(OWNED)))
    fed_with(decoder, DEPLOYMENT, OWNED)
    assert hold(decoder, raw).staking == ADDRESS


def test_secret_files__noise__is_text_or_refused(folder: Path) -> None:
    for name, reader in (("read_text", read_text), ("read_secret", read_secret)):
        read = forgetting(through_file(folder / "password", reader))
        fed_with(Decoder(f"node.keys.secrets.{name}", read, KeyFileError, PASSWORDS, factor=8 * KIB))


@given(st.text(st.characters(), min_size=1, max_size=40))
def test_secret__any_text_of_an_environment__is_held_or_refused_without_repeating_it(text: str) -> None:
    for kind in (Secret, SecretUrl):
        try:
            assert forgetting(lambda _, kind=kind: kind(text).reveal())(b"") == text  # type: ignore[misc]
        except KeyFileError as error:
            assert text not in str(error)  # noqa: PT017
            assert any("\ud800" <= letter <= "\udfff" for letter in text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 1 << 40),
        ("n", 1 << 24),
        ("r", 1 << 30),
        ("p", 1 << 24),
        ("c", 1 << 40),
        ("dklen", 1 << 40),
        ("N", 1 << 30),
    ],
)
def test_signing_key__asks_for_more_than_any_key_is_worth__is_refused_at_once(
    folder: Path, name: str, value: int
) -> None:
    """A stranger's keystore, imported: scrypt's cost stands in the file, and would take terabytes or years."""
    document = copy.deepcopy(KEYSTORE)
    document["crypto"]["kdfparams"][name] = value
    read = through_file(folder / "imported.json", lambda path: EthKeystore(path).decrypt(PASSWORD))
    found, _ = peak_of(lambda: read(json.dumps(document).encode()))
    assert isinstance(found, KeyFileError)
    assert "more memory or time" in str(found)


@pytest.mark.parametrize(
    "text",
    ["x = 1e9999999999999999999999", "a." * 3_000 + "b = 1", '"a" . ' * 100 + "b = 1", "# " + "x" * (1 << 20)],
    ids=["endless exponent", "endless key", "endless quoted key", "endless comment"],
)
def test_configuration__beyond_any_measure__is_refused_in_little_memory(folder: Path, text: str) -> None:
    read = through_file(folder / "config.toml", lambda path: load(path, environ={}, check_files=False))
    found, peak = peak_of(lambda: read(text.encode()))
    assert isinstance(found, ConfigError)
    assert "config.toml: " in str(found)
    assert peak < 16 << 20


def test_configuration__with_a_byte_order_mark_and_windows_line_ends__is_read(folder: Path) -> None:
    read = through_file(folder / "config.toml", lambda path: load(path, environ={}, check_files=False))
    assert read(b"\xef\xbb\xbf" + TOML[1].replace(b"\n", b"\r\n")).chain.id == 1


@pytest.mark.parametrize("kind", [Secret, SecretUrl])
def test_secret__endless__is_refused_before_patterns_are_made_of_it(kind: type[Secret]) -> None:
    """The patterns that mask a secret take thousands of bytes for each of its characters."""
    found, peak = peak_of(lambda: kind("\u00e4" * (LONGEST + 1)))
    assert isinstance(found, KeyFileError)
    assert peak < 64 * KIB


def test_certificate_request__noise_and_damage__is_signed_within_the_folder_or_refused(folder: Path) -> None:
    """Anyone may send a request to an authority's keeper: its name becomes a file's."""
    from base64 import encodebytes

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from node.keys.authority import Authority

    home = folder / "authority"
    authority = Authority.create(home, "authority")
    key = ec.derive_private_key(7, ec.SECP256R1())

    def request(name: str) -> bytes:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.DER)

    def sign(path: Path) -> Any:
        issued = authority.sign(path, "node")
        assert issued.cert.resolve().parent == home.resolve(), issued.cert
        issued.cert.unlink()
        return issued

    read = through_file(folder / "request.csr", sign)
    head, foot = b"-----BEGIN CERTIFICATE REQUEST-----\n", b"-----END CERTIFICATE REQUEST-----\n"
    corpus = tuple(request(name) for name in ("one", "one two"))
    decoder = Decoder(
        "node.keys.authority.sign", read, KeyFileError, (head + encodebytes(corpus[0]) + foot,), base=1 << 20
    )
    fed_with(decoder)

    @modest(40)
    @given(any_input(corpus) | st.text(max_size=30).filter(str.isprintable).filter(bool).map(request))
    def inside(der: bytes) -> None:
        hold(decoder, head + encodebytes(der) + foot)

    for name in ("../outside", "/etc/outside", "..", ".", "a/b", "ca", "x" * 60):
        hold(decoder, head + encodebytes(request(name)) + foot)
    inside()
