"""The deployment file: what is read, and every way in which it is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from node.deployment.file import MAX_BYTES, load, read
from node.errors import DeploymentError

ONE, TWO = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"
HASH = "0x" + "1f" * 32


def entry(contract: str | None, address: str = ONE, **changes: Any) -> dict[str, Any]:
    known = {"block": 3, "arguments": {}} if contract else {"block": None, "arguments": None}
    return {"contract": contract, "address": address, "code_hash": HASH, **known, **changes}


STAKED: dict[str, Any] = {
    "format": 2,
    "complete": True,
    "protocol_version": 1,
    "software": {"least_node": "0.1.0"},
    "chain_id": 31337,
    "network": "ethereum:local",
    "genesis_hash": HASH,
    "deployer": ONE,
    "owner": TWO,
    "config_digest": None,
    "contracts": {
        "oracle": entry("StrategyOracle"),
        "stake_token": entry("TestToken", TWO),
        "staking": entry("NodeStaking", arguments={"params": {"seats": "31"}}),
        "collection": entry("DynamicCollection"),
    },
}
OWNED = {
    **STAKED,
    "config_digest": HASH,
    "committee": {"signers": [ONE, TWO], "transport_keys": ["0x" + "11" * 32, "0x" + "22" * 32]},
    "contracts": {"oracle": entry("StrategyOracle")},
}


def refusal(folder: Path, document: object) -> str:
    path = folder / "deployment.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    with pytest.raises(DeploymentError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "; " in text
    return text.removeprefix(f"{path}: ")


def test_load__network_with_staking__says_where_everything_stands(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(STAKED), encoding="utf-8")
    found, raw = read(path)
    assert raw == path.read_bytes()
    assert load(path) == found
    assert (found.chain_id, found.network, found.least_node) == (31337, "ethereum:local", "0.1.0")
    assert (found.oracle, found.staking, found.stake_token, found.collection) == (ONE, ONE, TWO, ONE)
    assert found.config_digest is None
    assert found.genesis_hash == bytes.fromhex(HASH[2:])
    assert (found.deployer, found.owner) == (ONE, TWO)
    assert found.contracts["staking"].arguments == {"params": {"seats": "31"}}


def test_load__network_without_staking__has_a_committee(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    path.write_text("\ufeff" + json.dumps(OWNED), encoding="utf-8")
    found = load(str(path))
    assert (found.staking, found.stake_token, found.collection) == (None, None, None)
    assert found.signers == (ONE, TWO)
    assert found.transport_keys == (b"\x11" * 32, b"\x22" * 32)
    assert found.config_digest == b"\x1f" * 32


def test_load__existing_token__needs_neither_block_nor_arguments(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    document = {**STAKED, "contracts": {**STAKED["contracts"], "stake_token": entry(None, TWO)}}
    path.write_text(json.dumps(document), encoding="utf-8")
    token = load(path).contracts["stake_token"]
    assert (token.source, token.block, token.arguments) == (None, None, None)


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        ("format", 1, "format is 1, this version reads 2"),
        ("format", True, "format is no whole number"),
        ("complete", False, "complete is not true: the deployment was cut off; run the deployment again"),
        ("complete", None, "complete is not true"),
        ("chain_id", 0, "chain_id is no whole number from 1 to"),
        ("chain_id", "31337", "chain_id is no whole number"),
        ("network", "", "network is no text"),
        ("network", "a\x1b[2Jb", "network is no text"),
        ("genesis_hash", "0x12", "genesis_hash is not 0x and 64 hex digits"),
        ("genesis_hash", None, "genesis_hash is not 0x"),
        ("deployer", ONE.lower(), "deployer has no checksum"),
        ("owner", 7, "owner is no address"),
        ("gateways", "http://a", "gateways is not a list"),
        ("gateways", ["http://a", "http://a"], "gateways names something twice"),
        ("gateways", [f"http://a{n}" for n in range(32)], "gateways names 32"),
        ("gateways", ["ftp://a"], "gateways[1] is no URL"),
        ("gateways", ["http://a", "http://me:pw@b"], "gateways[2] is no URL"),
        ("gateways", ["http://[::1"], "gateways[1] is no URL"),
        ("gateways", ["http://a:0"], "gateways[1] is no URL"),
        ("gateways", ["http://a\n"], "gateways[1] is no URL"),
        ("gateways", [7], "gateways[1] is no URL"),
        ("software", [], "software is not an object"),
        ("software.least_node", "new", "software.least_node is no version"),
        ("software.least_node", "1.2\n", "software.least_node is no version"),
        ("config_digest", "0x", "config_digest is not 0x"),
        ("contracts", "none", "contracts is not an object"),
        ("contracts.spare", {}, "contracts.spare is an unknown contract"),
        ("contracts.oracle.contract", "TestToken", "contracts.oracle.contract is not StrategyOracle"),
        ("contracts.oracle.contract", None, "contracts.oracle.contract is not StrategyOracle"),
        ("contracts.oracle.block", -1, "contracts.oracle.block is no whole number"),
        ("contracts.oracle.block", None, "contracts.oracle.block is no whole number"),
        ("contracts.oracle.arguments", [], "contracts.oracle.arguments is not an object"),
        ("contracts.staking.address", "0x" + "00" * 20, "contracts.staking.address is the zero address"),
        ("contracts.staking.code_hash", "0x" + "1F" * 31, "contracts.staking.code_hash is not 0x"),
    ],
)
def test_load__field_that_cannot_be__is_named(tmp_path: Path, where: str, value: object, told: str) -> None:
    document = copy.deepcopy(STAKED)
    *path, name = where.split(".")
    table: Any = document
    for part in path:
        table = table[part]
    table[name] = value
    assert refusal(tmp_path, document).startswith(told)


@pytest.mark.parametrize("name", sorted(set(STAKED)))
def test_load__field_that_is_missing__is_named(tmp_path: Path, name: str) -> None:
    document = {key: value for key, value in STAKED.items() if key != name}
    assert refusal(tmp_path, document).startswith(f"{name} is missing; ")


@pytest.mark.parametrize(
    ("committee", "told"),
    [
        ({"signers": [ONE, ONE], "transport_keys": []}, "committee.signers names something twice"),
        ({"signers": [ONE], "transport_keys": []}, "committee has no signers and as many keys"),
        ({"signers": [], "transport_keys": []}, "committee has no signers and as many keys"),
        ({"signers": ["0x1"], "transport_keys": []}, "committee.signers[1] is no address"),
        ({"signers": ONE, "transport_keys": []}, "committee.signers is not a list"),
    ],
)
def test_load__committee_that_cannot_be__is_named(tmp_path: Path, committee: object, told: str) -> None:
    assert refusal(tmp_path, {**OWNED, "committee": committee}).startswith(told)


def test_load__neither_or_both_of_committee_and_staking__is_refused(tmp_path: Path) -> None:
    both = {**STAKED, "committee": OWNED["committee"]}
    neither = {key: value for key, value in OWNED.items() if key != "committee"}
    for document in (both, neither):
        assert refusal(tmp_path, document).startswith("committee has to be there if and only if")


@pytest.mark.parametrize("name", ["oracle", "stake_token", "staking"])
def test_load__contract_that_others_need__is_missed(tmp_path: Path, name: str) -> None:
    contracts = {key: value for key, value in STAKED["contracts"].items() if key != name}
    assert refusal(tmp_path, {**STAKED, "contracts": contracts}).startswith("contracts.")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON (nested too deeply)"),
        ("[1]", "is not a deployment file"),
        (" " * (MAX_BYTES + 1), f"is longer than {MAX_BYTES} bytes"),
    ],
)
def test_load__no_deployment_file__is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert refusal(tmp_path, text).startswith(told)


def test_load__nothing_there__says_what_to_name(tmp_path: Path) -> None:
    for path, told in ((tmp_path / "none.json", "there is no such file"), (tmp_path, "cannot be read")):
        with pytest.raises(DeploymentError, match=told):
            load(path)
