"""A deployment file in the place of single addresses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from node.config import Config, FaultyConfigError, load

ORACLE, STAKING, TOKEN = (
    "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
    "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF",
    "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69",
)
HASH = "0x" + "1f" * 32


def entry(contract: str, address: str) -> dict[str, Any]:
    return {"contract": contract, "address": address, "block": 1, "arguments": {}, "code_hash": HASH}


DEPLOYMENT: dict[str, Any] = {
    "format": 2,
    "complete": True,
    "protocol_version": 1,
    "software": {"least_node": "0.1.0"},
    "chain_id": 31337,
    "network": "ethereum:local",
    "genesis_hash": HASH,
    "deployer": ORACLE,
    "owner": ORACLE,
    "config_digest": None,
    "contracts": {
        "oracle": entry("StrategyOracle", ORACLE),
        "staking": entry("NodeStaking", STAKING),
        "stake_token": entry("TestToken", TOKEN),
    },
}
REST = """
endpoints = ["http://127.0.0.1:8545"]
[[gossip.brokers]]
url = "mqtt://127.0.0.1:1883"
"""


def read(folder: Path, chain: str = "", rest: str = "", document: Any = DEPLOYMENT) -> Config:
    (folder / "deployment.json").write_text(json.dumps(document), encoding="utf-8")
    path = folder / "config.toml"
    path.write_text(f'[chain]\ndeployment = "deployment.json"\n{chain}{REST}{rest}', encoding="utf-8")
    return load(path, environ={}, check_files=False)


def faults(folder: Path, *arguments: Any, **more: Any) -> dict[str, str]:
    with pytest.raises(FaultyConfigError) as caught:
        read(folder, *arguments, **more)
    return {fault.key: f"{fault.problem}; {fault.fix}" for fault in caught.value.faults}


def test_load__deployment__says_chain_oracle_and_staking(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert (config.chain.id, config.chain.oracle, config.staking.contract) == (31337, ORACLE, STAKING)
    assert config.chain.deployment == tmp_path / "deployment.json"


def test_load__deployment_without_staking__leaves_it_to_the_oracle(tmp_path: Path) -> None:
    document = {
        **DEPLOYMENT,
        "committee": {"signers": [ORACLE], "transport_keys": [HASH]},
        "contracts": {"oracle": DEPLOYMENT["contracts"]["oracle"]},
    }
    assert read(tmp_path, document=document).staking.contract is None


def test_load__deployment_and_what_it_says__are_no_contradiction(tmp_path: Path) -> None:
    config = read(tmp_path, f'id = 31337\noracle = "{ORACLE}"\n', f'[staking]\ncontract = "{STAKING}"\nclaim = true\n')
    assert config.staking.claim


def test_load__what_contradicts_the_deployment__is_named_all_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, f'id = 5\noracle = "{TOKEN}"\n', f'[staking]\ncontract = "{TOKEN}"\n')
    assert set(found) == {"chain.id", "chain.oracle", "staking.contract"}
    assert found["chain.id"].startswith("is not what the deployment file says (31337); remove this line")


@pytest.mark.parametrize(
    ("document", "told"), [({}, "format is missing"), ({**DEPLOYMENT, "complete": False}, "run the deployment again")]
)
def test_load__deployment_that_cannot_be_used__is_one_fault(tmp_path: Path, document: Any, told: str) -> None:
    found = faults(tmp_path, document=document)
    assert set(found) == {"chain.deployment"}
    assert told in found["chain.deployment"]


@pytest.mark.parametrize(("line", "told"), [('"none.json"', "there is no such file"), ("7", "is a whole number"),
                                            ('"~nobody-here/x"', "")])  # fmt: skip
def test_load__deployment_that_is_no_path_to_one__is_a_fault(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[chain]\ndeployment = {line}{REST}", encoding="utf-8")
    with pytest.raises(FaultyConfigError) as caught:
        load(path, environ={}, check_files=False)
    assert told in next(fault.problem for fault in caught.value.faults if fault.key == "chain.deployment")


def test_load__file_that_names_gateways__they_are_the_content_peers_where_none_are_named(tmp_path: Path) -> None:
    gateways = ["http://127.0.0.1:8080", "https://node.example.org/art"]
    named = {**DEPLOYMENT, "gateways": gateways}
    assert [peer.reveal() for peer in read(tmp_path, document=named).content.peers] == gateways
    for own in ([], ["http://10.0.0.1"]):
        rest = f"[content]\npeers = {json.dumps(own)}\n"
        assert [peer.reveal() for peer in read(tmp_path, rest=rest, document=named).content.peers] == own
    assert read(tmp_path).content.peers == ()
    rest = "[content]\nmax_block_bytes = 65536\n"
    assert len(read(tmp_path, rest=rest, document=named).content.peers) == 2
