"""`patina init`, as a newcomer uses it and as a script does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.config import broker_password, load, unlock_signer, unlock_transport
from node.keys.secrets import Secret

ORACLE = "0x1111111111111111111111111111111111111111"
FLAGS = ["--chain-id", "31337", "--oracle", ORACLE, "--rpc", "http://127.0.0.1:8545", "--broker", "mqtt://127.0.0.1",
         "--light", "--offline", "--non-interactive"]  # fmt: skip


def init(*arguments: str | Path, answers: list[str] | None = None) -> Result:
    given = ["init", *map(str, arguments)]
    return CliRunner().invoke(main, given, input="".join(f"{answer}\n" for answer in answers or []))


def test_init__newcomer_answers_the_questions__a_node_that_loads_and_unlocks(tmp_path: Path) -> None:
    answers = [
        "alice", "rpc.example", "https://rpc.example/v2/my-own-endpoint-key-1", "http://127.0.0.1:8545", "",
        "one", "31337", ORACLE[:-1], ORACLE, "mqtts://broker.example:8883", "", "bob", "broker pass",
        "short", "short", "correct horse", "correct horse", "y",
    ]  # fmt: skip
    result = init(tmp_path / "node", "--light", "--offline", answers=answers)
    assert result.exit_code == 0, result.output
    for complaint in ("is no whole number", "is no address (41 characters)", "is not a URL", "too short"):
        assert complaint in result.stderr
    config = load(tmp_path / "node" / "config.toml", environ={})
    assert (config.node.name, config.chain.id, config.chain.oracle) == ("alice", 31337, ORACLE)
    assert len(config.chain.endpoints) == 2
    assert unlock_signer(config, environ={}).address in result.stdout
    assert unlock_transport(config, environ={})
    assert broker_password(config, config.gossip.brokers[0], environ={}) == Secret("broker pass")
    steps = [result.stdout.index(f"patina {word} --config") for word in ("check", "run")]
    assert steps == sorted(steps)
    for explained in ("JSON-RPC endpoints", "oracle contract", "MQTT brokers"):
        assert explained in result.stderr
    for secret in ("correct horse", "broker pass", "my-own-endpoint-key-1"):
        assert secret not in result.stdout


def test_init__password_not_to_be_kept__asked_for_at_start(tmp_path: Path) -> None:
    result = init(tmp_path / "n", *FLAGS[:-1], answers=["correct horse", "correct horse", "n"])
    assert result.exit_code == 0, result.output
    assert "asks for the password" in result.stdout
    assert not (tmp_path / "n" / "keys" / "password").exists()


def test_init__script__json_with_what_others_need(tmp_path: Path) -> None:
    result = init(tmp_path / "n", *FLAGS, "--generate-password", "--json", "--finality", "3", "--port", "0")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    config = load(shown["config"], environ={})
    assert (config.node.name, config.chain.finality, config.web.port) == ("n", 3, 0)
    assert unlock_signer(config, environ={}).address == shown["address"]
    assert len(shown["transport_key"]) == 66


def test_init__secrets_in_files__neither_shown_nor_copied_into_the_configuration(tmp_path: Path) -> None:
    for name, text in {
        "p": "correct horse",
        "k": "0x" + "00" * 31 + "01",
        "r": "# ours\nhttps://a.example/v2/abcd",
    }.items():
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    flags = [*FLAGS[:4], *FLAGS[6:], "--rpc-file", str(tmp_path / "r")]
    result = init(tmp_path / "n", *flags, "--password-file", str(tmp_path / "p"), "--import-key", str(tmp_path / "k"))
    assert result.exit_code == 0, result.output
    config = load(tmp_path / "n" / "config.toml", environ={})
    assert config.keys.signing_password_file == tmp_path / "p"
    assert "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf" in result.stdout
    assert "correct horse" not in result.output + config.path.read_text()


def test_init__nothing_given_and_nobody_to_ask__all_that_is_missing_named_at_once(tmp_path: Path) -> None:
    result = init(tmp_path / "n", "--non-interactive")
    assert result.exit_code == 1
    for flag in ("--chain-id", "--oracle", "--rpc", "--broker"):
        assert flag in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--password-file FILE or --generate-password"),
        (["--generate-password", "--password-file", "x"], "exclude each other"),
        (["--password-file", "none"], "no such file"),
        (["--generate-password", "--import-key", "none"], "no such file"),
        (["--generate-password", "--finality", "0", "--port", "70000"], "--port: 70000 is too large"),
    ],
)
def test_init__bad_options__refused_and_nothing_left(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = init(tmp_path / "n", *FLAGS, *arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_init__faulty_values__all_told_at_once(tmp_path: Path) -> None:
    flags = ["--chain-id", "x", "--oracle", "0x12", "--rpc", "ftp://a", "--broker", "http://b", "--offline"]
    result = init(tmp_path / "n", *flags, "--light", "--non-interactive", "--generate-password")
    assert result.exit_code == 1
    for option in ("--chain-id", "--oracle", "--rpc", "--broker"):
        assert f"  {option}: is " in result.stderr
    assert "Encrypting" not in result.stderr


def test_init__again_in_the_same_folder__refused_before_anything_is_asked(tmp_path: Path) -> None:
    assert init(tmp_path / "n", *FLAGS, "--generate-password").exit_code == 0
    result = init(tmp_path / "n")
    assert result.exit_code == 1
    assert "already" in result.stderr
    assert "Chain id" not in result.output


def test_init__given_up_half_way__nothing_left(tmp_path: Path) -> None:
    result = init(tmp_path / "n", "--offline", answers=["alice", "http://127.0.0.1:8545"])
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_init__no_folder_named__set_up_right_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = init(*FLAGS, "--generate-password")
    assert result.exit_code == 0, result.output
    assert "patina run\n" in result.stdout
    assert load(tmp_path / "config.toml", environ={}).node.name == tmp_path.name


def entry(contract: str, address: str) -> dict[str, object]:
    return {"contract": contract, "address": address, "block": 1, "arguments": {}, "code_hash": "0x" + "1f" * 32}


def deployment(folder: Path) -> Path:
    """A file of a network with staking, as a stranger gets it."""
    document = {
        "format": 2, "complete": True, "protocol_version": 1, "software": {"least_node": "0.1.0"}, "chain_id": 31337,
        "network": "ethereum:local", "genesis_hash": "0x" + "1f" * 32, "deployer": ORACLE, "owner": ORACLE,
        "config_digest": None,
        "contracts": {
            "oracle": entry("StrategyOracle", ORACLE),
            "staking": entry("NodeStaking", "0x2222222222222222222222222222222222222222"),
            "stake_token": entry("TestToken", "0x3333333333333333333333333333333333333333"),
        },
    }  # fmt: skip
    path = folder / "network.json"
    path.write_text(json.dumps(document))
    return path


def test_init__deployment_file__says_the_addresses_and_is_kept_beside(tmp_path: Path) -> None:
    file = deployment(tmp_path)
    result = init(tmp_path / "n", "--deployment", file, *FLAGS[4:], "--generate-password")
    assert result.exit_code == 0, result.output
    assert "patina join --config" in result.stdout
    assert "committee's owner" not in result.stdout
    assert (tmp_path / "n" / "deployment.json").read_bytes() == file.read_bytes()
    file.unlink()
    config = load(tmp_path / "n" / "config.toml", environ={})
    assert (config.chain.id, config.chain.oracle) == (31337, ORACLE)
    assert config.staking.contract == "0x2222222222222222222222222222222222222222"
    written = (tmp_path / "n" / "config.toml").read_text()
    assert '\ndeployment = "deployment.json"\n' in written
    assert "\n# oracle = " in written


def test_init__deployment_file__is_not_asked_about(tmp_path: Path) -> None:
    answers = ["alice", "http://127.0.0.1:8545", "", "mqtt://127.0.0.1", "", "", "correct horse", "correct horse", "y"]
    result = init(tmp_path / "n", "--light", "--offline", "--deployment", deployment(tmp_path), answers=answers)
    assert result.exit_code == 0, result.output
    assert load(tmp_path / "n" / "config.toml", environ={}).node.name == "alice"


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--oracle", ORACLE], "--deployment and --oracle exclude each other"),
        (["--chain-id", "5"], "--deployment and --chain-id exclude each other"),
    ],
)
def test_init__deployment_file_and_an_address__is_refused(tmp_path: Path, more: list[str], complaint: str) -> None:
    given = ["--deployment", str(deployment(tmp_path)), *FLAGS[4:], *more, "--generate-password"]
    result = init(tmp_path / "n", *given)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert not (tmp_path / "n").exists()


def test_init__bad_deployment_file__is_refused_before_anything_is_made(tmp_path: Path) -> None:
    file = deployment(tmp_path)
    file.write_text(file.read_text().replace("NodeStaking", "NodeStalking"))
    result = init(tmp_path / "n", "--deployment", file, *FLAGS[4:], "--generate-password")
    assert result.exit_code == 1
    assert "contracts.staking.contract is not NodeStaking" in result.stderr
    assert not (tmp_path / "n").exists()


def test_init__deployment_json_in_the_way__is_left_as_it_is(tmp_path: Path) -> None:
    file = deployment(tmp_path)
    folder = tmp_path / "n"
    folder.mkdir()
    (folder / "deployment.json").write_text("mine")
    result = init(folder, "--deployment", file, *FLAGS[4:], "--generate-password")
    assert result.exit_code == 1
    assert "is in the way" in result.stderr
    assert (folder / "deployment.json").read_text() == "mine"


def test_init__in_the_folder_of_the_very_file__keeps_it(tmp_path: Path) -> None:
    file = deployment(tmp_path).rename(tmp_path / "deployment.json")
    before = file.read_bytes()
    result = init(tmp_path, "--deployment", file, *FLAGS[4:], "--generate-password")
    assert result.exit_code == 0, result.output
    assert file.read_bytes() == before
    assert load(tmp_path / "config.toml", environ={}).chain.oracle == ORACLE


@pytest.mark.parametrize(
    ("option", "url", "secret"),
    [
        ("--rpc", "https://rpc.example/v2/planted-url-key-12345", "planted-url-key-12345"),
        ("--broker", "mqtts://bob:planted-broker-pass@broker.example", "planted-broker-pass"),
    ],
)
def test_init__secret_in_an_argument__warned_of_and_not_repeated(
    tmp_path: Path, option: str, url: str, secret: str
) -> None:
    result = init(tmp_path / "n", *FLAGS, option, url, "--generate-password")
    assert result.exit_code == 0, result.output
    assert f"Attention: {option}" in result.stderr
    assert secret not in result.output
    assert secret not in (tmp_path / "n" / "config.toml").read_text()


def test_init__broker_user_without_password__taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATINA_BROKER_1_PASSWORD", "planted broker %word")
    flags = [*FLAGS[:6], "--broker", "mqtts://bob@broker.example", *FLAGS[8:], "--generate-password"]
    result = init(tmp_path / "n", *flags)
    assert result.exit_code == 0, result.output
    assert "Attention" not in result.stderr
    config = load(tmp_path / "n" / "config.toml", environ={})
    assert config.gossip.brokers[0].username == "bob"
    assert broker_password(config, config.gossip.brokers[0], environ={}) == Secret("planted broker %word")
    assert "planted broker" not in result.output
