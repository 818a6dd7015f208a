"""TLS: the broker proves its name, the node its certificate."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.devnet.broker import serve_broker
from node.gossip.link import Backoff
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip, topic_prefix

PREFIX = topic_prefix(bytes(32))
QUICK = Backoff(first=0.02, cap=0.1)


class Authority:
    """A certificate authority whose files lie in a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name = directory, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.path = directory / f"{name}.pem"
        self._certificate = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject: x509.Name, key, *extensions: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(authority, critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, name: str, *addresses: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses] or [x509.DNSName(name)]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key, x509.SubjectAlternativeName(names))
        cert, secret = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return cert, secret


@asynccontextmanager
async def tls_broker(authority: Authority, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """An embedded broker behind a TLS endpoint that asks for a client certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.path)
    context.load_cert_chain(*authority.issue("broker", address))
    context.verify_mode = ssl.CERT_REQUIRED

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(4096):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async with serve_broker() as broker:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner_reader, inner_writer = await asyncio.open_connection(broker.host, broker.port)
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)
            writer.close()
            inner_writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        try:
            yield f"mqtts://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


@asynccontextmanager
async def running(gossip: Gossip) -> AsyncIterator[Gossip]:
    task = asyncio.create_task(gossip.run())
    try:
        yield gossip
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def gossip_with(settings: BrokerSettings) -> Gossip:
    return Gossip([settings], PREFIX, backoff=QUICK)


async def refused(gossip: Gossip) -> None:
    async with running(gossip), asyncio.timeout(20):
        while not gossip.counters["reconnects"]:
            await asyncio.sleep(0.01)
        assert gossip.connected == 0


async def test_connect__mutual_certificates__messages_flow(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    cert, key = authority.issue("node")
    async with tls_broker(authority) as url:
        gossip = gossip_with(BrokerSettings(url, ca=authority.path, cert=cert, key=key))
        async with running(gossip), asyncio.timeout(20):
            await gossip.wait_connected()
            await gossip.publish("observation", b"x" * 60_000)
            assert await gossip.incoming.get() == b"x" * 60_000


async def test_connect__no_client_certificate__refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    async with tls_broker(authority) as url:
        await refused(gossip_with(BrokerSettings(url, ca=authority.path)))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
async def test_connect__broker_of_another_authority_or_name__refused(tmp_path: Path, address: str) -> None:
    authority, stranger = Authority(tmp_path, "authority"), Authority(tmp_path, "stranger")
    trusted = stranger if address == "127.0.0.1" else authority
    cert, key = authority.issue("node")
    async with tls_broker(authority, address) as url:
        await refused(gossip_with(BrokerSettings(url, ca=trusted.path, cert=cert, key=key)))
