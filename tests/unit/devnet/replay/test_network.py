"""A replay's nodes: folders that stand on their own, and when all of them are done with a checkpoint."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from node.config import load, unlock_signer, unlock_transport
from node.devnet.replay import network
from node.devnet.replay.network import Member, Network, create_members, done
from node.errors import ReplayError
from node.keys.transport import public_bytes

ORACLE = "0xdD870fA1b7C4700F2BD7f44238821C26f7392148"


@dataclass
class PaperProcess:
    """Says one thing after another; None while it does not answer. The last one stays."""

    folder: Path
    says: list[dict[str, Any] | Exception | None]
    wanted: bool = True
    asked: list[str] = field(default_factory=list)

    @property
    def log_path(self) -> Path:
        return self.folder / "node.log"

    async def get(self, _: Any, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, Exception):
            raise said
        return said


def status(*cursors: int, rounds: int = 0, missing: int = 0) -> dict[str, Any]:
    return {
        "cursors": {f"feed {number}": value for number, value in enumerate(cursors, 1)} | {"landed": 99},
        "rounds": [{}] * rounds,
        "artworks_missing": missing,
    }


def make(tmp_path: Path, *says: list[Any]) -> tuple[Network, list[PaperProcess]]:
    processes = [PaperProcess(tmp_path / f"node-{number}", list(one)) for number, one in enumerate(says, 1)]
    members = [Member(cast(Any, one), "0x", b"") for one in processes]
    return Network(members, cast(Any, None)), processes


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "LOOK_SECONDS", 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (status(20, 20), True),
        (status(30, 20), True),
        (status(20, 10), False),
        (status(20), False),
        (status(20, 20, rounds=1), False),
        (status(20, 20, missing=1), False),
        (status(), False),
    ],
)
def test_done__every_feed_handled_no_round_open_and_nothing_missing(found: dict[str, Any], expected: bool) -> None:
    assert done(found, [1, 2], 20) is expected


async def test_settled__waits__for_the_slowest_and_for_those_that_do_not_answer(tmp_path: Path) -> None:
    last = status(20)
    net, processes = make(tmp_path, [last], [None, None, last], [status(10), status(20, rounds=1), last])
    assert await net.settled([1], 20) == [last] * 3
    assert len(processes[0].asked) == 3


async def test_settled__node_that_was_killed__is_not_waited_for(tmp_path: Path) -> None:
    net, processes = make(tmp_path, [status(20)], [None])
    processes[1].wanted = False
    assert await net.settled([1], 20) == [status(20)]
    assert processes[1].asked == []


async def test_settled__node_that_ended_by_itself__is_told_at_once(tmp_path: Path) -> None:
    net, _ = make(tmp_path, [status(20)], [ReplayError("node-2 ended with status 1")])
    with pytest.raises(ReplayError, match="status 1"):
        await net.settled([1], 20)


async def test_settled__never_done__says_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "CHECKPOINT_SECONDS", -1)
    net, _ = make(tmp_path, [status(10)])
    with pytest.raises(ReplayError, match=r"checkpoint 20 .*node\.log"):
        await net.settled([1], 20)


async def test_wait_ready__not_yet__is_asked_again(tmp_path: Path) -> None:
    net, processes = make(tmp_path, [None, {"ready": False, "reasons": ["no-broker"]}, {"ready": True}])
    await net.wait_ready(cast(Any, processes[0]))
    assert processes[0].asked == ["/readyz"] * 3


async def test_wait_ready__never__names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "START_SECONDS", 0)
    net, processes = make(tmp_path, [{"ready": False}])
    with pytest.raises(ReplayError, match=r"node-1 was not ready .*node\.log"):
        await net.wait_ready(cast(Any, processes[0]))


def test_create_members__three_nodes__have_keys_of_their_own_and_know_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter((5001, 5002, 5003))
    monkeypatch.setattr(network, "free_port", lambda: next(ports))
    members = create_members(
        3, tmp_path, chain_id=31337, oracle=ORACLE, rpc="http://127.0.0.1:8545", broker="mqtt://127.0.0.1:1883"
    )
    assert len({member.address for member in members}) == len({member.transport_key for member in members}) == 3
    for number, member in enumerate(members, 1):
        config = load(tmp_path / f"node-{number}" / "config.toml", environ={})
        assert (config.web.port, member.process.port, config.chain.id) == (5000 + number, 5000 + number, 31337)
        peers = [peer.reveal() for peer in config.content.peers]
        assert peers == [f"http://127.0.0.1:{port}" for port in (5001, 5002, 5003) if port != config.web.port]
        assert unlock_signer(config, environ={}).address == member.address
        assert public_bytes(unlock_transport(config, environ={})) == member.transport_key


class Stubborn:
    """A process that may not start, or not stop."""

    def __init__(self, *, starts: bool = True, stops: bool = True) -> None:
        self.starts, self.stops, self.running = starts, stops, False

    async def start(self) -> None:
        await asyncio.sleep(0)
        if not self.starts:
            raise OSError("no more processes")
        self.running = True

    async def stop(self) -> None:
        await asyncio.sleep(0)
        if not self.stops:
            raise OSError("it is gone")
        self.running = False


async def test_start_stop__one_that_fails__leaves_no_other_running() -> None:
    processes = [Stubborn(), Stubborn(starts=False), Stubborn()]
    members = [Member(cast(Any, one), "0x", b"") for one in processes]
    with pytest.raises(OSError, match="no more"):
        await Network(members, cast(Any, None)).start()
    assert [one.running for one in processes] == [True, False, False]
    processes[1].stops = False
    with pytest.raises(OSError, match="gone"):
        await Network(members, cast(Any, None)).stop()
    assert not any(one.running for one in processes)
