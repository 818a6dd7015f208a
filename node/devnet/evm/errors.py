"""What the embedded chain refuses, in the words and codes that Ethereum clients know."""

from __future__ import annotations

from node.errors import ChainError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
REVERTED = 3
"""The code that geth gives a reverted eth_call or eth_estimateGas; its data is the revert data."""


class DevnetError(ChainError):
    """A request that the embedded chain refuses: a JSON-RPC error code, a message and, for reverts, the data."""

    def __init__(self, message: str, code: int = SERVER_ERROR, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
