"""A server that speaks as much of Kubo's HTTP RPC as publishing asks for, and is as strict about it.

After Kubo's documentation and sources (core/commands/dag/import.go, core/commands/pin/pin.go and
core/corehttp/commands.go): POST alone, a token as API.Authorizations asks for it, no browsers, CARs in a form, blocks
of at most 1 MiB, roots pinned offline after all blocks are stored, lines of JSON, errors of the kind {"Message",
"Code", "Type"}.
"""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from node.content.car import CarReader
from node.content.cid import DAG_PB, parse
from node.content.unixfs import links
from node.errors import ContentError

MAX_BLOCK = 1 << 20


@dataclass
class Kubo:
    """Its state, and how it misbehaves: `hang` holds imports back, `fail` answers each with an error."""

    token: str = ""
    blocks: dict[bytes, bytes] = field(default_factory=dict)
    pins: set[str] = field(default_factory=set)
    imports: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    hang: asyncio.Event | None = None
    fail: str = ""
    forget_pins: bool = False
    lose: int = 0
    base58: bool = False
    """Name roots as js-ipfs 0.18 does, unless it is told how."""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/api/v0/{command:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        command = request.match_info["command"]
        self.asked.append(command)
        if request.method != "POST":
            return web.Response(status=405, text="405 - Method Not Allowed\n")
        if request.headers.get("User-Agent", "").startswith("Mozilla") and not request.headers.get("Origin"):
            return web.Response(status=403, text="403 - Forbidden\n")
        if self.token and request.headers.get("Authorization") != self.token:
            return web.Response(
                status=403, text="Kubo RPC Access Denied: Please provide a valid authorization token.\n"
            )
        if command == "dag/import":
            return await self._import(request)
        if command == "version":
            return web.json_response({"Version": "0.40.1", "Commit": "", "Repo": "18", "System": "amd64/linux"})
        if command in ("pin/ls", "pin/rm"):
            return self._pin(command, request.query.get("arg", ""), request.query.get("cid-base", ""))
        return web.Response(status=404, text="404 page not found\n")

    def _pin(self, command: str, arg: str, base: str) -> web.Response:
        try:
            parse(arg)
        except ContentError:
            return error(f'invalid path "{arg}": invalid cid')
        if arg not in self.pins:
            said = f"path '{arg}' is not pinned" if command == "pin/ls" else "not pinned or pinned indirectly"
            return error(said)
        if command == "pin/rm":
            self.pins.discard(arg)
            return web.json_response({"Pins": [arg]})
        named = "zdj7WXFEoCXtf3imMqGpp2Dcu71Mp6r2E6X3ntU4P6BDbS6ht" if self.base58 and base != "base32" else arg
        return web.json_response({"Keys": {named: {"Type": "recursive", "Name": ""}}})

    async def _import(self, request: web.Request) -> web.StreamResponse:
        if not request.content_type.startswith("multipart/form-data"):
            return error("file argument 'path' is required")
        body = await self._file(request)
        if self.hang is not None:
            await self.hang.wait()
        if self.fail:
            return error(self.fail)
        self.imports.append(body)
        try:
            car = CarReader(io.BytesIO(body))
            found = list(car)
        except ContentError as wrong:
            return error(f"import failed: {wrong}")
        for cid, block in found:
            if len(block) > MAX_BLOCK and request.query.get("allow-big-block") != "true":
                return error(f'import failed at block "{cid}": produced block is over 1MiB')
        for _, block in found[self.lose :]:
            self.blocks[parse_digest(block)] = block
        response = web.StreamResponse(headers={"Content-Type": "application/json", "X-Chunked-Output": "1"})
        await response.prepare(request)
        if request.query.get("pin-roots", "true") == "true":
            for root in car.roots:
                wrong_ = self._whole(root.digest, root.codec)
                if not wrong_ and not self.forget_pins:
                    self.pins.add(str(root))
                await response.write(line({"Root": {"Cid": {"/": str(root)}, "PinErrorMsg": wrong_}}))
        if request.query.get("stats") == "true":
            size = sum(len(block) for _, block in found)
            await response.write(line({"Stats": {"BlockCount": len(found), "BlockBytesCount": size}}))
        await response.write_eof()
        return response

    async def _file(self, request: web.Request) -> bytes:
        part = await (await request.multipart()).next()
        assert isinstance(part, BodyPartReader)
        assert part.filename
        return bytes(await part.read())

    def _whole(self, digest: bytes, codec: int) -> str:
        if digest not in self.blocks:
            return "block was not found locally (offline): ipld: could not find the block"
        if codec != DAG_PB:
            return ""
        wrong = (self._whole(each.cid.digest, each.cid.codec) for each in links(self.blocks[digest]))
        return next((one for one in wrong if one), "")


def parse_digest(block: bytes) -> bytes:
    from node.content.cid import sha256

    return sha256(block)


def error(said: str) -> web.Response:
    return web.json_response({"Message": said, "Code": 0, "Type": "error"}, status=500)


def line(document: object) -> bytes:
    return json.dumps(document).encode() + b"\n"
