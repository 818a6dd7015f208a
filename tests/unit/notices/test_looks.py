"""What is read now and then: stake, certificates, the deployment file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from node.errors import ChainError, DeploymentError
from node.keys.authority import Authority
from node.keys.certificates import facts_of, load_certificate
from node.notices.looks import Looks, ending, judge_stake, newer
from node.notices.troubles import Found
from node.staking.types import Node
from tests.unit.deployment.test_file import STAKED

OVERVIEW: Any = SimpleNamespace(params=SimpleNamespace(minimum=100, seats=2), candidates=(1, 2, 3), obeyed=True)
NODE = Node(
    id=3, operator="0x1", payee="0x1", signer="0x2", transport_key=b"k" * 32, bond=150, unbonding=0, candidate=True,
    seated=True, leaving=False, suspended=False, slashed=False, strikes=0, seat_end=0, suspended_in=0, frozen_until=0,
)  # fmt: skip
RICHER = [replace(NODE, id=1, bond=200), replace(NODE, id=2, bond=150)]


@pytest.mark.parametrize(
    ("node", "others", "codes"),
    [
        (NODE, [], []),
        (NODE, RICHER[:1], []),
        (NODE, RICHER, ["low-stake"]),
        (replace(NODE, seated=False), RICHER, []),
        (NODE, [RICHER[0], replace(RICHER[1], suspended=True)], []),
        (replace(NODE, bond=99), [], ["low-stake"]),
        (replace(NODE, bond=0, leaving=True), [], []),
        (replace(NODE, bond=0, slashed=True, candidate=False), RICHER, ["slashed"]),
    ],
)
def test_judge_stake__node_and_its_rivals__told_what_its_operator_has_to_know(
    node: Node, others: list[Node], codes: list[str]
) -> None:
    assert [each.code for each in judge_stake(node, OVERVIEW, [*others, node])] == codes


def write(folder: Path, **software: str) -> Path:
    path = folder / "deployment.json"
    path.write_text(json.dumps({**STAKED, "software": {"least_node": "0.1.0", **software}}))
    return path


def test_newer__deployment_file__says_what_this_version_is_behind(tmp_path: Path) -> None:
    assert list(newer(write(tmp_path), "0.1.0")) == []
    assert list(newer(write(tmp_path, latest_node="0.1.0"), "0.1.0")) == []
    (update,) = newer(write(tmp_path, latest_node="0.2.0"), "0.1.0")
    assert (update.code, update.detail) == ("update-available", "It names 0.2.0, and this is 0.1.0.")
    (old,) = newer(write(tmp_path, least_node="0.2.0", latest_node="0.3.0"), "0.1.0")
    assert (old.code, old.subject) == ("too-old", "0.2.0")
    with pytest.raises(DeploymentError, match=r"software\.latest_node"):
        list(newer(write(tmp_path, latest_node="soon"), "0.1.0"))


def test_ending__certificates__told_from_thirty_days_before_their_end(tmp_path: Path) -> None:
    path = Authority.create(tmp_path / "ca", "Test committee").cert
    ends = facts_of(load_certificate(path)).ends
    paths = [path, tmp_path / "absent.pem"]
    assert list(ending(paths, ends - timedelta(days=31))) == []
    assert list(ending(paths, ends - timedelta(days=30))) == []
    (soon,) = ending(paths, ends - timedelta(days=29, hours=1))
    assert soon == Found("certificate-ends", f"{path.name} ends on {ends:%Y-%m-%d}, in 29 days.", path.name)
    (late,) = ending(paths, ends + timedelta(days=2))
    assert late.detail == f"{path.name} ended on {ends:%Y-%m-%d}."


async def test_read__what_cannot_be_read__leaves_what_was_known(tmp_path: Path) -> None:
    class Locator:
        down = True

        async def find(self) -> Any:
            if self.down:
                raise ChainError("no endpoint answers")
            return self

        async def nodes(self, numbers: Any) -> list[Node]:
            return []

    own: Any = SimpleNamespace(age=None, found=None)
    locator: Any = Locator()
    path = write(tmp_path, latest_node="99.0")
    config: Any = SimpleNamespace(gossip=SimpleNamespace(brokers=()), chain=SimpleNamespace(deployment=path))
    looks = Looks(config, locator, own)
    slashed = Found("slashed", "It is node 3 of the staking contract.")
    update = Found("update-available", f"It names 99.0, and this is {version('patina')}.", "99.0")
    assert not looks.knows(slashed)
    assert not looks.knows(update)
    assert looks.knows(Found("no-broker"))
    await looks.read()
    assert looks.found() == [update]
    assert looks.knows(update)
    assert not looks.knows(slashed)
    locator.down = False
    await looks.read()
    assert not looks.knows(slashed)  # nothing of this node's stake was read yet
    account = SimpleNamespace(node=replace(NODE, slashed=True))
    own.age, own.found = 1.0, SimpleNamespace(overview=OVERVIEW, account=account)
    path.write_text("{")
    await looks.read()
    assert {*looks.found()} == {slashed, update}
    locator.down = True
    await looks.read()
    assert {*looks.found()} == {slashed, update}
