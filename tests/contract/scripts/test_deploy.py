"""The contracts as an ape project: what it compiles is what is shipped, and its deployment can be cut off anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak, to_canonical_address, to_checksum_address

ROOT = Path(__file__).parents[3]
APE = ROOT / ".venv-ape" / "bin"
SIGNERS = [to_checksum_address(keccak(b"signer %d" % i)[:20]) for i in range(4)]
TRANSPORT_KEYS = [keccak(b"transport %d" % i) for i in range(4)]
COMMITTEE = {"signers": SIGNERS, "transport_keys": ["0x" + key.hex() for key in TRANSPORT_KEYS]}

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

    def deploy(self, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
        network = ("--network", "ethereum:local:test", "--account", "TEST::0")
        files = ("--committee", str(self.committee), "--output", str(output))
        return self.run("ape", "run", "deploy", *network, *files, *options)


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


def test_deploy__local_chain__writes_the_deployment_file(compiled: Project, tmp_path: Path) -> None:
    output = tmp_path / "deployments" / "local.json"
    done = compiled.deploy(output, "--name", "Weather", "--symbol", "WTHR", "--reveal-delay", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(output.read_text(encoding="utf-8"))
    oracle = record["oracle"]["address"]
    members = keccak(b"".join(map(to_canonical_address, SIGNERS)) + b"".join(TRANSPORT_KEYS))
    words = (record["chain_id"], int(oracle, 16), int.from_bytes(members), 1, 3, 1)
    assert record["config_digest"] == "0x" + keccak(b"".join(word.to_bytes(32) for word in words)).hex()
    assert record["network"] == "ethereum:local"
    assert record["committee"]["signers"] == SIGNERS
    assert record["collection"]["arguments"] == ["Weather", "WTHR", oracle, "20", ""]
    assert record["oracle"]["block"] < record["collection"]["block"]
    assert not list(output.parent.glob("*.new"))


def test_deploy__bad_committee__ends_with_a_message_and_no_file(compiled: Project, tmp_path: Path) -> None:
    output = tmp_path / "local.json"
    compiled.write_committee({"signers": SIGNERS, "transport_keys": ["0x" + "11" * 32]})
    try:
        done = compiled.deploy(output)
    finally:
        compiled.write_committee(COMMITTEE)
    assert done.returncode == 1
    assert done.stderr.strip() == "Error: committee: 4 signers but 1 transport keys"
    assert not output.exists()


@pytest.fixture(scope="module")
def outcome(compiled: Project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    driver = Path(__file__).with_name("deploy_scenarios.py")
    done = compiled.run(APE / "python", driver, compiled.committee, tmp_path_factory.mktemp("deployments"))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_deploy__run_again__sends_nothing(outcome: Any) -> None:
    assert outcome["sent"] == [3, 0]


@pytest.mark.parametrize("cut", range(1, 6))
def test_deploy__cut_off_at_any_write__is_finished_by_the_next_run(outcome: Any, cut: int) -> None:
    result = outcome["cuts"][str(cut)]
    assert result["died"]
    assert result["complete"]
    # Nothing twice: an oracle, its committee, a collection, each in the block after the other.
    assert result["transactions"] == 3
    assert result["blocks"] == [1, 3]


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ("committee", "the oracle has another one"),
        ("arguments", "not ['Weather', 'WTHR'"),
        ("deployer", "has deployer"),
        ("chain", "has chain_id 1"),
        ("absent", "nothing stands at"),
        ("swapped", "is not this source"),
        ("garbage", "is not a deployment file"),
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
