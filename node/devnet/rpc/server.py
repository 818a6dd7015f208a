"""The embedded chain's JSON-RPC 2.0 server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import web

from node.devnet.evm.chain import DevnetChain
from node.devnet.evm.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    DevnetError,
)
from node.devnet.rpc.methods import METHODS
from node.devnet.settings import ChainSettings
from node.errors import ChainError

MAX_BODY = 4 * 1024 * 1024
MAX_BATCH = 1000
_NOTHING = object()
_log = structlog.get_logger(__name__)


class DevnetServer:
    """Serves one :class:`DevnetChain` over HTTP; the chain works on a thread of its own, so that the loop stays free.

    The chain belongs to that thread while the server runs: reach it with :meth:`run`.
    """

    def __init__(self, chain: DevnetChain, host: str = "127.0.0.1", port: int = 0) -> None:
        self.chain = chain
        self._host, self._port = host, port
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="devnet-chain")
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port in use; the settings' port before the start."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Bind and serve; :class:`ChainError` if the port cannot be had."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post("/", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise ChainError(f"the chain cannot listen on {self._host}:{self._port}: {error.strerror}") from error
        self._port = self._runner.addresses[0][1]

    async def aclose(self) -> None:
        """Stop serving; requests under way are answered first."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._worker.shutdown(cancel_futures=True)

    async def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do ``work`` on the chain's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, lambda: work(*arguments))

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _reply(_error(None, INVALID_REQUEST, f"request is larger than {MAX_BODY} bytes"))
        try:
            message = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return _reply(_error(None, PARSE_ERROR, "request is not valid JSON"))
        if not isinstance(message, list):
            answer = await self._answer(message)
            return _reply(answer) if answer is not None else web.Response(status=204)
        if not message or len(message) > MAX_BATCH:
            return _reply(_error(None, INVALID_REQUEST, f"a batch holds 1 to {MAX_BATCH} requests"))
        answers = [answer for item in message if (answer := await self._answer(item)) is not None]
        return _reply(answers) if answers else web.Response(status=204)

    async def _answer(self, message: object) -> dict[str, Any] | None:
        if not isinstance(message, dict):
            return _error(None, INVALID_REQUEST, "a request is an object")
        request_id = message.get("id")
        if not _is_id(request_id):
            return _error(None, INVALID_REQUEST, "a request's id is a string, a number or null")
        method, arguments = message.get("method"), message.get("params", [])
        if not isinstance(method, str):
            return _error(request_id, INVALID_REQUEST, "a request names a method")
        answer = await self._call(request_id, method, [] if arguments is None else arguments)
        return answer if "id" in message else None

    async def _call(self, request_id: object, method: str, arguments: object) -> dict[str, Any]:
        function = METHODS.get(method)
        if function is None:
            return _error(request_id, METHOD_NOT_FOUND, f"the method {method[:80]} does not exist")
        if not isinstance(arguments, list):
            return _error(request_id, INVALID_PARAMS, "params must be a list")
        fewest, most = function.arity
        if not fewest <= len(arguments) <= most:
            return _error(request_id, INVALID_PARAMS, f"{method} takes {fewest} to {most} params")
        try:
            result = await self.run(function.call, self.chain, *arguments)
            if isinstance(result, Iterator):
                result = await self._last(result)
        except DevnetError as error:
            return _error(request_id, error.code, str(error), error.data)
        except Exception as error:  # a fault of the chain's must not end the server; it is told and logged
            _log.exception("devnet.request_failed", method=method)
            return _error(request_id, INTERNAL_ERROR, f"internal error: {type(error).__name__}")
        return {"jsonrpc": "2.0", "id": request_id, "result": result}

    async def _last(self, steps: Iterator[Any]) -> Any:
        """Run a long request step by step, letting others in between."""
        result: Any = None
        while (item := await self.run(next, steps, _NOTHING)) is not _NOTHING:
            result = item
        return result


@asynccontextmanager
async def serve_chain(
    settings: ChainSettings | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[DevnetServer]:
    """An embedded chain behind JSON-RPC for as long as the context lasts; port 0 takes a free one."""
    server = DevnetServer(DevnetChain(settings), host, port)
    try:
        await server.start()
        yield server
    finally:
        await server.aclose()


def _reply(message: object) -> web.Response:
    return web.Response(text=json.dumps(message), content_type="application/json")


def _error(request_id: object, code: int, message: str, data: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
