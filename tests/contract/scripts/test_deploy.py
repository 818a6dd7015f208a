"""The contracts as an ape project: what it compiles is what is shipped, and its deployment can be cut off anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak, to_checksum_address

from node.agreement.committee import Committee
from node.deployment.arguments import values
from node.deployment.file import SOURCES, load
from node.deployment.immutables import hold_code

ROOT = Path(__file__).parents[3]
APE = ROOT / ".venv-ape" / "bin"
SIGNERS = [to_checksum_address(keccak(b"signer %d" % i)[:20]) for i in range(4)]
TRANSPORT_KEYS = [keccak(b"transport %d" % i) for i in range(4)]
COMMITTEE = {"signers": SIGNERS, "transport_keys": ["0x" + key.hex() for key in TRANSPORT_KEYS]}
TESTNET = {
    "minimum": 1_000 * 10**18,
    "seats": 31,
    "era": 86_400,
    "delay": 14 * 86_400,
    "reporter_share": 500,
    "observer_fee": 2 * 10**13,
    "signer_fee": 2 * 10**13,
    "price_cap": 5 * 10**10,
    "premium": 1_000,
    "attendance": 2_500,
    "least_reports": 8,
    "strikes": 3,
    "least_seats": 4,
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Project:
    """A copy of the contracts' folder, used with ape's own environment and an empty home."""

    def __init__(self, folder: Path) -> None:
        if not (APE / "ape").is_file():
            pytest.fail(f"{APE / 'ape'} is missing: run `make install-ape` (`make test` does)")
        self.path = folder / "contracts"
        shutil.copytree(ROOT / "contracts", self.path, ignore=shutil.ignore_patterns(".build", "__pycache__"))
        self.committee = folder / "committee.json"
        self.write_committee(COMMITTEE)
        # ape-vyper takes the vyper on the PATH when its version is the wanted one, and downloads one otherwise.
        self.environment = {
            "PATH": f"{APE}:{os.environ['PATH']}",
            "HOME": str(folder),
            "APE_DATA_FOLDER": str(folder / ".ape"),
            "LC_ALL": "C.UTF-8",
        }

    def write_committee(self, document: Any) -> None:
        self.committee.write_text(json.dumps(document), encoding="utf-8")

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def deploy(self, output: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
        network = ("--network", "ethereum:local:test", "--account", "TEST::0")
        return self.run("ape", "run", "deploy", *network, "--output", output, *options)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("ape"))
    done = project.run("ape", "compile")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_compile__with_ape__gives_the_shipped_artifacts(compiled: Project) -> None:
    manifest = json.loads((compiled.path / ".build" / "__local__.json").read_text(encoding="utf-8"))
    built = manifest["contractTypes"]
    shipped = {path.stem: json.loads(path.read_text()) for path in (ROOT / "node/chain/artifacts").glob("*.json")}
    assert set(built) == set(shipped)
    for name, artifact in shipped.items():
        assert built[name]["deploymentBytecode"]["bytecode"] == artifact["bytecode"], name


def test_deploy__local_chain__writes_a_file_that_nodes_take(compiled: Project, tmp_path: Path) -> None:
    output, rules = tmp_path / "deployments" / "local.json", tmp_path / "rules.json"
    rules.write_text('{"seats": 7, "strikes": 2}', encoding="utf-8")
    chosen = ("--parameters", rules, "--set", "seats=9", "--treasury", "5", "--guardian", "none")
    done = compiled.deploy(output, "--name", "Weather", "--symbol", "WTHR", "--reveal-delay", "20", *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 transactions" in done.stdout
    found = load(output)
    assert (found.chain_id, found.network) == (1337, "ethereum:local")
    assert found.config_digest is None
    assert found.least_node == version("patina")
    collection, staking = found.contracts["collection"], found.contracts["staking"]
    told = {"name_": "Weather", "symbol_": "WTHR", "oracle_": found.oracle, "reveal_delay_": "20", "contract_uri_": ""}
    assert collection.arguments == told
    assert staking.arguments is not None
    assert (staking.arguments["oracle"], staking.arguments["token"]) == (found.oracle, found.stake_token)
    assert int(staking.arguments["guardian"], 16) == 0
    params = {name: int(value) for name, value in staking.arguments["params"].items()}
    assert params == {**TESTNET, "seats": 9, "strikes": 2}
    assert [found.contracts[name].block for name in SOURCES] == [1, 2, 3, 6]
    assert not list(output.parent.glob("*.new"))


def test_deploy__committee_with_rules_of_staking__ends_with_a_message_and_no_file(
    compiled: Project, tmp_path: Path
) -> None:
    output = tmp_path / "local.json"
    done = compiled.deploy(output, "--committee", compiled.committee, "--set", "seats=4", "--treasury", "5")
    assert done.returncode == 1
    complaint = "Error: --committee makes a network without staking, which has no use for --set, --treasury"
    assert done.stderr.strip() == complaint
    assert not output.exists()


@pytest.fixture(scope="module")
def outcome(compiled: Project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    driver = Path(__file__).with_name("deploy_scenarios.py")
    done = compiled.run(APE / "python", driver, compiled.committee, tmp_path_factory.mktemp("deployments"))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_deploy__run_again__sends_nothing(outcome: Any) -> None:
    assert outcome["sent"] == {"committee": [3, 0], "staking": [6, 0], "existing": [4, 0]}


def test_deploy__committee__is_what_the_config_digest_says(outcome: Any, tmp_path: Path) -> None:
    file = tmp_path / "committee.json"
    file.write_text(json.dumps(outcome["records"]["committee"]), encoding="utf-8")
    found = load(file)
    assert found.staking is None
    assert found.signers == tuple(SIGNERS)
    assert found.config_digest == Committee(1337, found.oracle, SIGNERS, TRANSPORT_KEYS).config_digest


def test_deploy__staking__is_obeyed_and_funded(outcome: Any) -> None:
    record, found = outcome["records"]["staking"], outcome["staking"]
    assert found["obeyed"] == record["contracts"]["staking"]["address"]
    assert found["treasury"] == int(record["treasury"]["wei"]) == 10**17
    assert found["guardian"] == record["deployer"] == record["owner"]


def test_deploy__staking__leaves_what_its_check_wants(outcome: Any, tmp_path: Path) -> None:
    """What ape compiled and sent, held against what the node ships, with the arguments as the file spells them."""
    file = tmp_path / "staking.json"
    file.write_text(json.dumps(outcome["records"]["staking"]), encoding="utf-8")
    found = load(file)
    for name, contract in found.contracts.items():
        code = bytes.fromhex(outcome["codes"][name])
        assert contract.source is not None
        assert contract.code_hash == keccak(code)
        arguments = values(contract.source, contract.arguments or {})
        held = hold_code(contract.source, code, found.chain_id, contract.address, arguments)
        assert held.fault == ""
        assert [each for each in held.immutables if not each.holds] == []


def test_deploy__existing_token__is_taken_as_it_stands(outcome: Any) -> None:
    token = outcome["records"]["existing"]["contracts"]["stake_token"]
    made = outcome["records"]["staking"]["contracts"]["stake_token"]
    assert token == {**made, "contract": None, "arguments": None, "block": None}
    assert "treasury" not in outcome["records"]["existing"]


@pytest.mark.parametrize(
    ("kind", "transactions", "writes", "blocks"),
    [("committee", 3, 6, [3, 1]), ("staking", 6, 11, [6, 1, 2, 3])],
)
def test_deploy__cut_off_at_every_step__is_finished_by_further_runs(
    outcome: Any, kind: str, transactions: int, writes: int, blocks: list[int]
) -> None:
    # Nothing twice: each contract in its block, one after the other, and no field is left over or lost.
    assert outcome["cuts"][kind] == {
        "deaths": ["after"] * transactions + ["before"] * transactions + ["write"] * writes,
        "transactions": transactions,
        "same fields": True,
        "complete": True,
        "blocks": blocks,
    }


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ("committee", "the oracle has another one"),
        ("arguments", "reveal_delay_ '20', not '21'"),
        ("deployer", "has deployer"),
        ("chain", "has chain_id 1"),
        ("absent", "nothing stands at"),
        ("swapped", "is not this source"),
        ("garbage", "is not a deployment file"),
        ("genesis", "has genesis_hash 0x00"),
        ("staked", "is of a network with a committee"),
        ("unstaked", "is of a network with staking"),
        ("rules", "params seats '31', not '30'"),
        ("guardian", "guardian '0x"),
        ("token", "stake_token: "),
        ("no token", "this run is to make one"),
        ("nothing", "nothing stands at"),
        ("treasury", "send more by yourself"),
        ("obeyed", "the owner's decision"),
    ],
)
def test_deploy__file_that_does_not_fit__is_refused_and_left_alone(outcome: Any, case: str, complaint: str) -> None:
    assert complaint in outcome["refusals"][case]


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ("missing", "cannot read"),
        ("text", "is not a committee"),
        ("keys", "is not a committee"),
        ("address", "is not a committee"),
        ("empty", "0 signers, wanted 1 to 31"),
        ("many", "32 signers, wanted 1 to 31"),
        ("twice", "stands twice"),
        ("short", "has 32 bytes"),
    ],
)
def test_deploy__committee_file_with_a_fault__is_refused(outcome: Any, case: str, complaint: str) -> None:
    assert complaint in outcome["committees"][case]


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("json", "is not JSON"),
        ("list", "is not an object"),
        ("unknown", "there is no seat; there are minimum, seats"),
        ("float", "seats is not a whole number"),
        ("missing", "cannot read"),
        ("single", "seats is not a whole number"),
        ("address", "--guardian: 0x12 is not an address"),
    ],
)
def test_deploy__rules_with_a_fault__are_refused(outcome: Any, case: str, told: str) -> None:
    assert told in outcome["rules"][case]


def test_deploy__rules__come_from_the_options_the_file_and_the_defaults_in_this_order(outcome: Any) -> None:
    chosen = {name: outcome["rules"][name] for name in ("seats", "minimum", "era", "strikes", "order")}
    assert chosen == {"seats": 9, "minimum": 5_000, "era": 3_600, "strikes": 3, "order": True}
