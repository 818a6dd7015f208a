"""Which files a devnet's deployment file may replace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from node.devnet.testnet.record import NETWORK, refuse_what_is_there
from node.errors import DeploymentError

OURS = json.dumps({"network": NETWORK, "contracts": {}})


def test_refuse__nothing_or_a_devnets_own__passes(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    refuse_what_is_there(path)
    path.write_text(OURS)
    refuse_what_is_there(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '"patina:devnet"',
        "[" * 100_000,
        json.dumps({"network": "ethereum:sepolia", "contracts": {}}),
        json.dumps({"network": NETWORK}),
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_refuse__anything_else__is_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(content)
    with pytest.raises(DeploymentError, match="is in the way"):
        refuse_what_is_there(path)
    assert path.read_text() == content


def test_refuse__folder_link_or_dangling_link__is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(OURS)
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in (".", "link", "dangling"):
        with pytest.raises(DeploymentError, match="is in the way"):
            refuse_what_is_there(tmp_path / name)
