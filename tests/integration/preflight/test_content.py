"""Content peers and publishing targets: gateways that answer, and what is no gateway."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from node.config.directory import create_node_folder
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT
from node.preflight import content
from node.preflight.facts import Facts
from node.preflight.finding import Notes


async def test_check__peers_and_targets__each_told_by_its_name(tmp_path: Path) -> None:
    async def gateway(request: web.Request) -> web.Response:
        return web.Response(status=404)

    async def stranger(request: web.Request) -> web.Response:
        return web.Response(status=403)

    async def kubo(request: web.Request) -> web.Response:
        if request.path.endswith("/version"):
            return web.json_response({"Version": "0.39.0"})
        return web.json_response({"Keys": {}})

    app = web.Application()
    app.router.add_get("/good/ipfs/{cid}", gateway)
    app.router.add_get("/other/ipfs/{cid}", stranger)
    app.router.add_post("/node/api/v0/{rest:.*}", kubo)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    dead = "http://127.0.0.1:1"
    settings = {
        "chain": {"id": 1, "oracle": "0x" + "11" * 20, "endpoints": [dead]},
        "gossip": {"brokers": [{"url": "mqtt://127.0.0.1:1"}]},
        "content": {"peers": [f"{url}/good", f"{url}/other", dead]},
    }
    made = create_node_folder(
        tmp_path / "node", settings, Secret("a-password"), keep_password=True, scrypt_n=SCRYPT_N_LIGHT
    )
    with made.config.open("a") as file:
        for name, where in (("attic", f"{url}/node"), ("cellar", dead)):
            file.write(f'\n[[content.publish]]\nkind = "kubo"\nname = "{name}"\nurl = "{where}"\n')
    facts, notes = Facts(made.config, environ={}), Notes("content")
    try:
        await content.check(facts, notes)
    finally:
        await facts.aclose()
        await runner.cleanup()
    peers = sorted(one.verdict for one in notes.found if one.code == "content.peers")
    assert peers == ["ok", "warning", "warning"]
    targets = {one.about: one for one in notes.found if one.code == "content.publishing"}
    assert targets["attic"].verdict == "ok", targets
    assert "0.39.0" in targets["attic"].detail
    assert targets["cellar"].verdict == "warning"
