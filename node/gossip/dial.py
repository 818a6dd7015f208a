"""Opens a TCP or TLS connection on the event loop: a server that hangs holds up nobody, and cancelling is prompt."""

from __future__ import annotations

import asyncio
import socket
import ssl


async def dial(host: str, port: int, tls: ssl.SSLContext | None) -> socket.socket:
    """A connected non-blocking socket; with `tls`, one whose handshake is done and whose server proved its name.

    The name's addresses are tried in turn. Raises OSError (ssl.SSLError is one), and leaves nothing open then.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        plain = socket.socket(family, kind, protocol)
        try:
            plain.setblocking(False)
            await loop.sock_connect(plain, address)
            if plain.getsockname() == plain.getpeername():
                # TCP's simultaneous open: on this machine a free port may answer itself, and then stays taken.
                raise OSError("nothing listens there")
            # Envelopes are small, and each is awaited by somebody.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain if tls is None else await _secure(plain, host, tls)
        except OSError as error:
            plain.close()
            failure = error
        except BaseException:
            plain.close()
            raise
    raise failure or OSError("the name has no address")


async def _secure(plain: socket.socket, host: str, tls: ssl.SSLContext) -> ssl.SSLSocket:
    secured = tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    try:
        while True:
            try:
                secured.do_handshake()
                return secured
            except ssl.SSLWantReadError:
                await _ready(secured.fileno(), write=False)
            except ssl.SSLWantWriteError:
                await _ready(secured.fileno(), write=True)
    except BaseException:
        secured.close()
        raise


async def _ready(descriptor: int, *, write: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    (loop.add_writer if write else loop.add_reader)(descriptor, wake)
    try:
        await ready
    finally:
        (loop.remove_writer if write else loop.remove_reader)(descriptor)
