"""Why an endpoint could not be asked, as an operator reads it."""

from __future__ import annotations

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from node.chain.endpoints.names import unreachable

SECRET = "planted-unreachable-key"
KEY = ConnectionKey(f"{SECRET}.example", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "?")), "no such host"),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("?")), "its certificate is not"),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "?")), "no TLS is spoken there"),
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, SECRET)), "Connection refused"),
        (ConnectionResetError(104, SECRET), "Connection reset by peer"),
        (aiohttp.ServerDisconnectedError(), "it hangs up"),
        (aiohttp.InvalidURL(SECRET), "InvalidU"),
    ],
)
def test_unreachable__kind_of_error__is_plain_words_without_the_url(error: Exception, said: str) -> None:
    found = unreachable(error)
    assert found.startswith(f"unreachable ({said}")
    assert SECRET not in found
