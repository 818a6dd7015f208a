"""TLS: the broker proves its name, the node its certificate."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from node.devnet.broker import serve_broker
from node.gossip.settings import BrokerSettings
from node.keys.authority import Authority
from tests.integration.gossip.ways import gossip_over, refused, running


def issue(authority: Authority, name: str, *addresses: str) -> tuple[Path, Path]:
    made = authority.issue(name, "broker" if addresses else "node", addresses)
    assert made.key is not None
    return made.cert, made.key


@asynccontextmanager
async def tls_broker(authority: Authority, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """An embedded broker behind a TLS endpoint that asks for a client certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.cert)
    context.load_cert_chain(*issue(authority, "broker", address))
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


async def test_connect__mutual_certificates__messages_flow(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "authority", "authority")
    cert, key = issue(authority, "node")
    async with tls_broker(authority) as url:
        gossip = gossip_over(BrokerSettings(url, ca=authority.cert, cert=cert, key=key))
        async with running(gossip), asyncio.timeout(20):
            await gossip.wait_connected()
            await gossip.publish("observation", b"x" * 60_000)
            assert await gossip.incoming.get() == b"x" * 60_000


async def test_connect__no_client_certificate__refused(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "authority", "authority")
    async with tls_broker(authority) as url:
        await refused(gossip_over(BrokerSettings(url, ca=authority.cert)))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
async def test_connect__broker_of_another_authority_or_name__refused(tmp_path: Path, address: str) -> None:
    authority = Authority.create(tmp_path / "authority", "authority")
    stranger = Authority.create(tmp_path / "stranger", "stranger")
    trusted = stranger if address == "127.0.0.1" else authority
    cert, key = issue(authority, "node")
    async with tls_broker(authority, address) as url:
        await refused(gossip_over(BrokerSettings(url, ca=trusted.cert, cert=cert, key=key)))
