"""The pool as a web3 provider, for whoever wants web3's contract objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.chain.failures import RpcError

if TYPE_CHECKING:
    from web3 import AsyncWeb3

    from node.chain.endpoints.pool import RpcPool


def web3_over(pool: RpcPool) -> AsyncWeb3[Any]:
    """Return an AsyncWeb3 whose every request goes through `pool`.

    CCIP read (EIP-3668) is off: a contract that could name URLs for this node to fetch could reach into its
    network (CVE-2026-40072). A revert, its OffchainLookup included, is a RevertError.
    """
    from web3 import AsyncWeb3
    from web3.providers.async_base import AsyncBaseProvider
    from web3.types import RPCEndpoint, RPCResponse

    class PoolProvider(AsyncBaseProvider):
        global_ccip_read_enabled = False

        async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
            try:
                return {"jsonrpc": "2.0", "id": 0, "result": await pool.request(method, list(params))}
            except RpcError as error:
                return {"jsonrpc": "2.0", "id": 0, "error": {"code": error.code, "message": error.message}}

        async def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002
            await pool.request("eth_chainId")
            return True

    return AsyncWeb3(PoolProvider())
