"""`patina join` against real contracts: from an empty folder to a seat, cut off anywhere, refused for any reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli import main
from node.staking.outbox import Outbox, Told

OPERATOR_PASSWORD = "planted-operator-password-7"
UNIT = 10**18
NEEDED = 4
"""Transactions from nothing to a seat: register, approve, bond, rotate."""


def events(network: Any, name: str) -> int:
    """How often the staking contract has logged an event."""
    from node.chain.interface import interface

    address = bytes.fromhex(network.staking[2:])
    topic = interface("NodeStaking").topic(name)
    found = network.chain.logs(0, network.chain.head.number, [address])
    return sum(log.topics[0] == topic for log in found)


def test_join__stranger_with_a_funded_account__sits_after_one_run(stranger: Any) -> None:
    operator = stranger.make_operator()
    done = stranger.join("--yes", "--bond", "150")
    assert done.exit_code == 0, done.output
    for part in ("6 of 6", "It is node 1 now.", "This node SITS: seat 1 of 1", "15 STK go to whoever proves it"):
        assert part in done.output
    assert stranger.network.sent(operator) == NEEDED
    assert OPERATOR_PASSWORD not in done.output
    again = stranger.join("--yes")
    assert again.exit_code == 0, again.output
    assert again.output.count("Done already") == 2
    assert stranger.network.sent(operator) == NEEDED
    # Another amount is what the bond is to be in all.
    assert stranger.join("--yes", "--bond", "160").exit_code == 0
    assert stranger.json("stake", "status")["node"]["bond"] == str(160 * UNIT)


def test_join__json__holds_seat_and_transactions_and_nothing_else(stranger: Any) -> None:
    stranger.make_operator()
    done = stranger.patina("join", "--light", "--yes", "--json", "--bond", "100")
    found = json.loads(done.stdout)
    assert "1 of 6" in done.stderr
    assert (found["state"], found["node"]["seat"], found["next_committee"]) == ("seated", 0, [1])
    assert [each["what"] for each in found["transactions"]] == [
        "register the node", "let the staking contract take 100 STK", "bond 100 STK", "end the era",
    ]  # fmt: skip


def test_join__answers_at_the_terminal__ask_only_what_nobody_can_know(stranger: Any) -> None:
    stranger.make_operator()
    # network, bond (the proposal), payee (the proposal), register, bond, end the era
    done = stranger.join(answers="y\n\n\ny\ny\ny\n")
    assert done.exit_code == 0, done.output
    assert "What is the bond to be, in STK? [100]" in done.output
    assert "This node SITS" in done.output


@pytest.mark.parametrize("answers", ["n\n", "y\n\n\nn\n", "y\n\n\ny\nn\n", "y\n"])
def test_join__a_no_or_silence__stops_before_what_was_asked(stranger: Any, answers: str) -> None:
    operator = stranger.make_operator()
    done = stranger.join(answers=answers)
    assert done.exit_code == 1
    assert "nothing more was sent" in done.output
    assert stranger.network.sent(operator) == (1 if answers.count("y") == 2 else 0)


def test_join__operator_account_missing__is_made_and_then_money_is_asked_for(stranger: Any) -> None:
    done = stranger.join("--yes", "--bond", "100")
    assert done.exit_code == 1
    assert "Made: 0x" in done.output
    assert f"the operator account {stranger.operator} has 0 ether" in " ".join(done.output.split())
    assert stranger.operator != stranger.signer
    keystore = stranger.folder / "keys" / "operator.json"
    assert keystore.stat().st_mode & 0o777 == 0o600
    stranger.network.chain.fund(bytes.fromhex(stranger.operator[2:]), 10**18)
    # No tokens yet: the faucet has some, a thousand a day.
    done = stranger.join("--yes", "--bond", "1,500")
    assert done.exit_code == 1
    assert "500 STK are still missing" in " ".join(done.output.split())
    assert "UTC (in 1 day)" in " ".join(done.output.split())
    stranger.network.later(86_400)
    assert stranger.join("--yes", "--bond", "1,500").exit_code == 0
    assert stranger.json("stake", "status")["node"]["bond"] == str(1_500 * UNIT)


def test_join__no_drip__takes_nothing(stranger: Any) -> None:
    operator = stranger.make_operator(units=0)
    done = stranger.join("--yes", "--bond", "100", "--no-drip")
    assert done.exit_code == 1
    assert "100 STK are still missing" in " ".join(done.output.split())
    assert stranger.network.sent(operator) == 0


class CutError(BaseException):
    """The process died."""


@pytest.mark.parametrize("waiting", [(True, False, True, False), (False, True, False, True)])
def test_join__cut_off_after_every_transaction__goes_on_and_pays_nothing_twice(
    stranger: Any, monkeypatch: pytest.MonkeyPatch, waiting: tuple[bool, ...]
) -> None:
    """Killed once it has told each transaction's hash, while that waits in the mempool or was mined unseen."""
    operator, chain = stranger.make_operator(), stranger.network.chain
    original = Outbox.__init__

    def mortal(self: Any, chain_: Any, account: Any, journal: Any, fees: Any, tell: Any, **others: Any) -> None:
        def heard(news: Told) -> None:
            tell(news)
            if news.state == "sent":
                raise CutError

        original(self, chain_, account, journal, fees, heard, **others)

    for waits in waiting:
        chain.automine = not waits
        with monkeypatch.context() as patched:
            patched.setattr(Outbox, "__init__", mortal)
            words = ["join", "--yes", "--bond", "150", "--config", str(stranger.folder)]
            with pytest.raises(CutError):
                CliRunner(env=stranger.environ).invoke(main, words, catch_exceptions=False)
        chain.automine = True
        if waits:
            chain.mine()
    done = stranger.join("--yes", "--bond", "150")
    assert done.exit_code == 0, done.output
    assert "This node SITS" in done.output
    assert stranger.network.sent(operator) == NEEDED
    assert [events(stranger.network, name) for name in ("Registered", "Bonded", "Rotated")] == [1, 1, 1]


def test_join__folder_lost_while_a_bond_waits__waits_for_it_and_does_not_bond_twice(
    seated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = seated
    chain = stranger.network.chain
    chain.automine = False
    looks: list[float] = []
    from node.chain.interface import interface
    from node.keys.secrets import Secret
    from node.keys.signing import EthKeystore

    key = EthKeystore(stranger.folder / "keys" / "operator.json").unlock(Secret(OPERATOR_PASSWORD))
    for to, calldata in (
        (stranger.network.token, interface("TestToken").encode("approve", stranger.network.staking, 50 * UNIT)),
        (stranger.network.staking, interface("NodeStaking").encode("bond", 50 * UNIT)),
    ):
        fields = {
            "type": 2, "chainId": 31337, "nonce": stranger.network.sent(stranger.operator), "to": to, "value": 0,
            "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "gas": 500_000, "data": calldata,
        }  # fmt: skip
        chain.send(key.sign_transaction(fields).raw)
    original = Outbox._strangers

    async def impatient(self: Any) -> None:
        async def sleep(seconds: float) -> None:
            looks.append(seconds)
            chain.mine()

        self._sleep = sleep
        await original(self)

    monkeypatch.setattr(Outbox, "_strangers", impatient)
    done = stranger.join("--yes", "--bond", "200", "--no-wait")
    chain.automine = True
    assert done.exit_code == 0, done.output
    assert "not sent from this folder" in done.output
    assert looks
    assert stranger.json("stake", "status")["node"]["bond"] == str(200 * UNIT)


def test_join__seats_taken__says_what_would_win_one_and_outbids(stranger: Any) -> None:
    stranger.make_operator()
    stranger.network.sit(0, 200)
    stranger.network.sit(1, 300)
    done = stranger.join("--yes", "--bond", "150")
    said = " ".join(done.output.split())
    assert done.exit_code == 0, done.output
    assert "The least that would win a seat now is 200.000000000000000001 STK" in said
    assert "in the queue: 3. of 3 candidates" in said
    assert "With 50.000000000000000001 STK more it would win one" in said
    done = stranger.join("--yes", "--bond", "201")
    assert "This node SITS: seat 2 of 2" in done.output


def test_join__era_goes_on__says_when_it_ends_and_ends_without_waiting(stranger: Any) -> None:
    stranger.make_operator()
    stranger.network.sit(0, 200)
    from node.chain.interface import interface

    stranger.network.transact(
        *(_other(stranger), stranger.network.staking, interface("NodeStaking").encode("rotate", []))
    )
    done = stranger.join("--yes", "--bond", "150", "--no-wait")
    said = " ".join(done.output.split())
    assert done.exit_code == 0, done.output
    assert "gets a seat at the next rotation: seat 2 of 2 (nodes 1, 2)" in said
    assert "Era 1 ends" in said
    assert "UTC (in 5 hours 5" in said
    assert "all times here are the chain's" in said
    assert "on your clock" not in said
    stranger.network.later(6 * 3_600)
    done = stranger.join("--yes", "--no-wait")
    assert "This node SITS: seat 2 of 2" in done.output


def _other(stranger: Any) -> Any:
    from node.devnet.genesis import dev_account
    from node.keys.signing import LocalSigner

    return LocalSigner(bytes(dev_account(stranger.network.chain.settings.seed, 2).key))


def test_join__empty_folder__offers_init_and_goes_on(stranger: Any, tmp_path: Path) -> None:
    network, folder = stranger.network, tmp_path / "fresh"  # not even the folder is there
    answers = "\n".join(
        [
            "y",
            "",
            network.url,
            "",
            "",
            network.oracle,
            "mqtt://127.0.0.1:1",
            "y",
            "",
            "",
            "a long password",
            "a long password",
            "y",
        ]
    )
    runner = CliRunner(env={"PATINA_OPERATOR_PASSWORD": OPERATOR_PASSWORD})
    done = runner.invoke(
        main, ["join", "--light", "--config", str(folder), "--bond", "100"], input=answers + "\ny\ny\n"
    )
    assert "Your node stands in" in done.output
    assert "1 of 6  The network" in done.output
    assert "Made: 0x" in done.output
    assert "send it" in done.output
    assert (folder / "keys" / "operator.json").exists()
    quiet = runner.invoke(main, ["join", "--yes", "--config", str(tmp_path / "none")])
    assert quiet.exit_code == 1
    assert "patina init" in quiet.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bond", "99.5"], "below the minimum of 100 STK"),
        (["--bond", "1,5"], "a comma separates thousands"),
        (["--bond", "150", "--payee", "0x12"], "is no address"),
        (["--bond", "150", "--operator", "SIGNING"], "that is the node's own signing key"),
        (["--bond", "150", "--staking", "0x12"], "--staking: is no address"),
        (["--bond", "150", "--staking", "ORACLE"], "is no staking contract"),
        ([], "give --bond, as --bond 100"),
        (["--bond", "2000"], "0.5 STK are still missing"),
    ],
)
def test_join__impossible_wishes__told_with_a_remedy_and_nothing_is_sent(
    stranger: Any, arguments: list[str], said: str
) -> None:
    operator = stranger.make_operator(units=0)
    stranger.network.mint(operator, 999)
    stranger.network.call(_owner(stranger), "TestToken", "mint", operator, UNIT // 2)
    words = {"SIGNING": str(stranger.folder / "keys" / "signing.json"), "ORACLE": stranger.network.oracle}
    done = stranger.join("--yes", *(words.get(each, each) for each in arguments))
    assert done.exit_code == 1, done.output
    assert said in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert stranger.network.sent(operator) == (1 if "still missing" in said else 0)


def _owner(stranger: Any) -> Any:
    from node.devnet.genesis import dev_account
    from node.keys.signing import LocalSigner

    return LocalSigner(bytes(dev_account(stranger.network.chain.settings.seed, 0).key))


def test_join__oracle_obeys_nobody__says_who_chooses(stranger: Any) -> None:
    stranger.network.call(_owner(stranger), "StrategyOracle", "set_staking", "0x" + "00" * 20)
    done = stranger.join("--yes", "--bond", "100")
    assert done.exit_code == 1
    assert "its owner chooses the committee" in done.output
    done = stranger.join("--yes", "--bond", "100", "--staking", stranger.network.staking)
    assert "a bond there earns no seat" in " ".join(done.output.split())


def test_join__wrong_password__says_so_and_shows_none(stranger: Any) -> None:
    stranger.make_operator()
    stranger.environ["PATINA_OPERATOR_PASSWORD"] = "planted-wrong-password-9"
    done = stranger.join("--yes", "--bond", "100")
    assert done.exit_code == 1
    assert "the password is wrong" in done.output
    assert "planted" not in done.output


def test_join__signing_key_as_operator__only_when_asked_for(stranger: Any) -> None:
    stranger.network.chain.fund(bytes.fromhex(stranger.signer[2:]), 10**18)
    stranger.network.mint(stranger.signer, 100)
    # the network, this key all the same, the payee, register, and no bond
    done = stranger.join("--bond", "100", "--use-signing-key", answers="y\ny\n\ny\nn\n")
    assert "stopped, as you wish" in done.output
    assert "whoever breaks in can take the bond" in " ".join(done.output.split())
    found = stranger.json("stake", "status", "--use-signing-key")["node"]
    assert found["operator"] == found["signer"] == stranger.signer


def test_join__signing_address_taken__names_whose_it_is(seated: Any) -> None:
    stranger, first = seated, seated.operator
    (stranger.folder / "keys" / "operator.json").rename(stranger.folder / "keys" / "old.json")
    second = stranger.make_operator()
    done = stranger.join("--yes", "--bond", "100")
    assert done.exit_code == 1
    assert f"is node 1's, whose operator is {first}" in " ".join(done.output.split())
    assert stranger.network.sent(second) == 0


def test_join__deployment_file__must_agree(stranger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import dataclass

    @dataclass
    class Known:
        chain_id: int
        oracle: str
        staking: str
        stake_token: str
        least_node: str = "0.0.1"

    network = stranger.network
    known = Known(31337, network.oracle, network.staking, network.token)
    monkeypatch.setattr("node.deployment.file.load", lambda path: known)
    stranger.make_operator()
    done = stranger.join("--yes", "--bond", "1", "--deployment", tmp_path / "net.json")
    assert "They are those of" in done.output
    assert "below the minimum" in done.output
    known.staking = network.oracle
    done = stranger.join("--yes", "--bond", "100", "--deployment", tmp_path / "net.json")
    assert done.exit_code == 1
    assert "the staking contract is" in done.output
    known.least_node = "99.0"
    done = stranger.join("--yes", "--bond", "100", "--deployment", tmp_path / "net.json")
    assert done.exit_code == 1
    assert "this network asks for version 99.0 of this software or a newer one" in " ".join(done.output.split())
    assert stranger.network.sent(stranger.operator) == 0
