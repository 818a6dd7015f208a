"""Our CARs read by an independent implementation, its CARs read by ours: the same blocks, the same files.

The other side is JavaScript: @ipld/car, @ipld/dag-pb, multiformats and ipfs-unixfs-exporter, at the versions of the
package-lock.json beside this file.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from node.cli import main
from node.content.car import CarReader
from node.content.cid import DAG_PB, Cid, directory_cid, raw_cid, sha256
from node.content.dag import listing, read
from node.content.edition import build_placeholder
from node.content.gateway import add_gateway
from node.content.store import BlockStore
from node.keys.secrets import SecretUrl
from node.publish.kubo import Kubo
from node.publish.link import Link
from node.publish.parcels import pack
from tests.integration.publish import kubo as paper
from tests.integration.publish.conftest import paint

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules").is_dir(),
    reason="needs node, and: npm ci --prefix tests/integration/interop",
)


class Exchange:
    """Files that both sides have read: `told` is what the other side found in each of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = BlockStore(folder / "blocks")
        # Above 1 MiB a picture stands in two pieces; above a thousand tokens an edition stands in folders.
        self.painted = paint(self.store, size=1_200_000, tokens=2)
        self.sharded = build_placeholder(self.store, "Tide", "", 1, 1_001)
        self.told: dict[str, Any] = {}

    def file(self, name: str) -> Path:
        return self.folder / name

    def of(self, name: str) -> Any:
        return self.told[str(self.file(name))]

    def export(self, root: bytes, name: str, *options: str) -> None:
        arguments = ["export", directory_cid(root), "--content", str(self.store.path), "--car", str(self.file(name))]
        done = CliRunner().invoke(main, [*arguments, *options])
        assert done.exit_code == 0, done.output

    async def send(self) -> None:
        """Let the gateway give a CAR, and publishing send one."""
        app, node = web.Application(), paper.Kubo()
        add_gateway(app, self.store)
        async with TestClient(TestServer(app)) as client:
            async with client.get(f"/ipfs/{directory_cid(self.painted)}?format=car") as response:
                self.file("gateway").write_bytes(await response.read())
            async with client.get(f"/ipfs/{directory_cid(self.painted)}/1000002.json?format=car") as response:
                self.file("path").write_bytes(await response.read())
        async with TestServer(node.app()) as server:
            link = Link("attic", SecretUrl(str(server.make_url("/")).rstrip("/")))
            assert await Kubo(link).publish(pack(self.store, self.painted, "Tide"))
        self.file("published").write_bytes(node.imports[0])


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        made = Exchange(tmp_path_factory.mktemp("interop"))
    made.export(made.painted, "exported")
    made.export(made.painted, "token", "--token", "1000002", "--without-recipe")
    made.export(made.sharded, "sharded")
    asyncio.run(made.send())
    names = ("exported", "token", "sharded", "gateway", "path", "published")
    wanted = {
        "read": [str(made.file(name)) for name in names],
        "follow": [
            [str(made.file("token")), "1000002.json"],
            [str(made.file("token")), "1000002.png"],
            [str(made.file("path")), "1000002.json"],
        ],
        "write": {"from": str(made.file("exported")), "to": str(made.file("theirs"))},
    }
    done = subprocess.run(
        ["node", "examine.mjs"], cwd=HERE, input=json.dumps(wanted).encode(), capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    made.told = json.loads(done.stdout)
    return made


def tree(store: BlockStore, cid: Cid, path: str = "") -> dict[str, str]:
    """The files under a CID by path, with their digests, as our own reader has them."""
    entries = listing(store, cid)
    if entries is None:
        return {path: hashlib.sha256(read(store, cid)).hexdigest()}
    found: dict[str, str] = {}
    for entry in entries:
        found |= tree(store, entry.cid, f"{path}/{entry.name}" if path else entry.name)
    return found


@pytest.mark.parametrize("name", ["exported", "published", "gateway", "sharded"])
def test_car__read_by_the_other_side__same_roots_blocks_and_files(exchange: Exchange, name: str) -> None:
    told, ours = exchange.of(name), CarReader(io.BytesIO(exchange.file(name).read_bytes()))
    assert told["version"] == 1
    assert told["roots"] == [str(root) for root in ours.roots]
    assert told["blocks"] == [str(cid) for cid, _ in ours]
    root = Cid(DAG_PB, exchange.sharded if name == "sharded" else exchange.painted)
    files = tree(exchange.store, root)
    assert told["trees"] == {str(root): files}
    assert len(files) == (1_002 if name == "sharded" else 4)


def test_car__of_an_edition__its_recipe_is_the_second_root(exchange: Exchange) -> None:
    assert exchange.of("exported")["roots"] == [directory_cid(exchange.painted), raw_cid(sha256(b'{"a":"recipe"}'))]
    assert exchange.file("published").read_bytes() == exchange.file("exported").read_bytes()


@pytest.mark.parametrize(("name", "count"), [("token", 5), ("path", 2)])
def test_car__of_a_part__the_way_from_the_root_and_no_more(exchange: Exchange, name: str, count: int) -> None:
    told = exchange.of(name)
    assert told["blocks"][0] == directory_cid(exchange.painted)
    assert len(told["blocks"]) == count
    files = tree(exchange.store, Cid(DAG_PB, exchange.painted))
    assert told["followed"] == {path: files[path] for path in told["followed"]}
    assert len(told["followed"]) == (2 if name == "token" else 1)


def test_car__written_by_the_other_side__read_by_ours_and_exported_the_same(exchange: Exchange) -> None:
    theirs = CarReader(io.BytesIO(exchange.file("theirs").read_bytes()))
    found = dict(theirs)
    ours = CarReader(io.BytesIO(exchange.file("exported").read_bytes()))
    assert (theirs.roots, found) == (ours.roots, dict(ours))
    assert exchange.file("theirs").read_bytes() != exchange.file("exported").read_bytes(), "in another order"
    again = exchange.file("again")
    arguments = ["export", directory_cid(exchange.painted), "--content", str(exchange.file("theirs"))]
    done = CliRunner().invoke(main, [*arguments, "--car", str(again)])
    assert done.exit_code == 0, done.output
    assert again.read_bytes() == exchange.file("exported").read_bytes()
