"""A feed's owner: what it pays, how long the money lasts, and taking the rest back; a guardian's role handed on."""

from __future__ import annotations

from typing import Any

import pytest

from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest
from node.chain.interface import interface
from node.chain.types import NOBODY
from node.config import load, unlock_signer
from node.devnet.genesis import dev_account
from node.devnet.settings import ChainSettings
from node.keys.secrets import Secret
from node.keys.signing import EthKeystore, LocalSigner
from node.keys.transport import TransportKeyFile

UNIT = 10**18
HOUR = 3_600
ACCOUNTS = [bytes(dev_account(ChainSettings().seed, index).key) for index in range(3)]
OWNER, SENDER = LocalSigner(ACCOUNTS[0]), LocalSigner(ACCOUNTS[2])
DEAREST = 31 * 10**12 + 21 * 3 * 10**12 + 2_000_000 * 50 * 10**9 * 11 // 10
"""Of the network's rules: all fees of the largest committee, and two million gas at the cap with the premium."""


def words(done: Any) -> str:
    return " ".join(done.output.split())


@pytest.fixture
def opener(seated: Any) -> list[str]:
    """Options that make the owner of the network's oracle, who opened feed 1, the account that pays."""
    network = seated.network
    asset = network.deploy("TestToken", ["string", "string", "uint8"], "Asset", "AST", 18)
    vault = network.deploy(
        "YieldVault", ["address", "string", "string", "uint8", "address"], asset, "Vault", "VLT", 0, OWNER.address
    )
    for to, contract, name, *arguments in (
        (asset, "TestToken", "mint", OWNER.address, UNIT),
        (asset, "TestToken", "approve", vault, UNIT),
        (vault, "YieldVault", "deposit", UNIT, OWNER.address),
    ):
        network.transact(OWNER, to, interface(contract).encode(name, *arguments))
    network.call(OWNER, "StrategyOracle", "open_feed", vault, (10, 3, 0, 0, 10**15, [10**16]), NOBODY, 0)
    return keystore(seated, 0)


def keystore(seated: Any, index: int) -> list[str]:
    path = seated.folder / "keys" / f"account-{index}.json"
    password = Secret(seated.environ["PATINA_OPERATOR_PASSWORD"])
    EthKeystore.import_key(path, ACCOUNTS[index], password, scrypt_n=2)
    return ["--operator", str(path)]


def land(seated: Any, times: int = 1) -> None:
    """Reports of feed 1, by the stranger's node alone."""
    network, config = seated.network, load(seated.folder / "config.toml", check_files=False)
    transport, signer = TransportKeyFile(config.keys.transport_key).public_key, unlock_signer(config)
    committee = Committee(31337, network.oracle, [seated.signer], [transport])
    for _ in range(times):
        for _ in range(10):
            network.chain.mine()
        checkpoint = network.chain.head.number // 10 * 10
        if checkpoint == network.chain.head.number:
            network.chain.mine()
        block = network.chain.block(checkpoint)
        report = Report(1, checkpoint, block.hash, 0, 1, (0,), (), bytes(32))
        signature = signer.sign_digest(report_digest(committee.domain, report))
        network.call(SENDER, "StrategyOracle", "transmit", tuple(_plain(report)), 1, signature)


def _plain(report: Report) -> list[Any]:
    return [
        report.feed, report.checkpoint, report.block_hash, report.view, report.observers,
        list(report.observations), list(report.signals), report.content_root,
    ]  # fmt: skip


def test_funds__of_a_feed__say_what_a_report_costs_as_the_contract_takes_it(seated: Any, opener: list[str]) -> None:
    done = seated.patina("stake", "funds", "1")
    assert done.exit_code == 0, done.output
    assert f"1, opened by {OWNER.address}" in done.output
    assert "none landed lately; it may take up to 0.110094 ether" in words(done)
    assert "not covered: nodes that work for pay alone leave it; 0.110094 ether more are needed" in words(done)
    land(seated)  # it finds nothing to be paid with
    seated.network.later(7 * HOUR)
    assert seated.patina("stake", "rotate", "--yes").exit_code == 0
    found = seated.json("stake", "fund", "1", "0.5")
    assert (found["pays"], found["funds_wei"]) == (True, str(UNIT // 2))
    land(seated, 2)
    shown = seated.json("stake", "funds", "1")
    assert (shown["dearest_wei"], shown["unpaid"], shown["reports_looked_at"]) == (str(DEAREST), 1, 3)
    assert (shown["settled_until"] is not None, shown["funds_wei"]) == (True, str(UNIT // 2))
    assert "not all reports: those after" in words(seated.patina("stake", "funds", "1"))
    seated.network.later(7 * HOUR)
    assert seated.patina("stake", "rotate", "--yes").exit_code == 0
    after = seated.json("stake", "funds", "1")
    assert after["settled_until"] is None
    # The contract took what two of the three were reckoned to cost; the first one cost a little more, its slots new.
    taken, mean = UNIT // 2 - int(after["funds_wei"]), int(shown["report_wei"])
    assert abs(taken - 2 * mean) < mean // 10
    assert after["reports_left"] == int(after["funds_wei"]) // int(after["report_wei"])
    assert after["seconds_left"] == pytest.approx(after["reports_left"] * after["seconds_between"], rel=0.01)
    said = words(seated.patina("stake", "funds", "1"))
    assert "the mean of the latest 3" in said
    assert "at the pace of the latest ones" in said
    assert "1 report lately: the funds did not suffice" in said


def test_defund_take_funds__by_the_opener__an_hour_later_with_what_reports_left(seated: Any, opener: list[str]) -> None:
    before = seated.network.sent(seated.operator)
    for arguments, said in (
        (["funds", "2"], "there is no feed 2: the oracle has 1"),
        (["fund", "2", "1"], "there is no feed 2: the oracle has 1"),
        (["defund", "1", "0.1"], f"was opened by {OWNER.address}, who alone may take out its funds"),
        (["take-funds", "1"], "name the opener's keystore with --operator"),
        (["defund", "1", "0.1", *opener], "feed 1 has 0 ether: announce at most that"),
        (["defund", "1", "0", *opener], "everything stays anyway"),
        (["take-funds", "1", *opener], "patina stake defund 1 ETHER comes first"),
    ):
        done = seated.patina("stake", *arguments, "--yes")
        assert done.exit_code == 1
        assert said in words(done)
    assert seated.network.sent(seated.operator) == before
    seated.json("stake", "fund", "1", "0.5")
    done = seated.patina("stake", "defund", "1", "0.45", *opener, "--yes")
    assert done.exit_code == 0, done.output
    assert "0.45 ether can be taken out from" in words(done)
    assert "0.05 ether stay" in words(done)
    assert "nodes that work for pay alone begin no more rounds" in words(done)
    assert "0.45 ether of them can be taken out" in words(seated.patina("stake", "funds", "1"))
    done = seated.patina("stake", "defund", "1", "0", *opener, "--yes")
    assert "All of the feed's 0.5 ether stay" in words(done)
    done = seated.patina("stake", "defund", "1", "0.5", *opener, "--yes")
    assert done.exit_code == 0, done.output
    done = seated.patina("stake", "take-funds", "1", *opener, "--yes")
    assert "0.5 ether of feed 1 can be taken out from" in words(done)
    land(seated, 2)
    seated.network.later(HOUR)
    # What landed in that hour is settled first, and paid out of what leaves.
    done = seated.patina("stake", "take-funds", "1", *opener, answers="y\nn\n")
    assert done.exit_code == 1
    assert "Settle 2 reports?" in done.output
    left = int(seated.json("stake", "funds", "1")["funds_wei"])
    assert 0 < left < UNIT // 2
    found = seated.json("stake", "take-funds", "1", *opener)
    assert (found["wei"], found["to"]) == (str(left), OWNER.address)
    assert seated.json("stake", "funds", "1")["funds_wei"] == "0"


def test_guardian__hands_the_role_on_and_ends_it(seated: Any) -> None:
    guardian, other = keystore(seated, 1), keystore(seated, 2)
    done = seated.patina("stake", "guardian", SENDER.address, *other, "--yes")
    assert done.exit_code == 1
    assert f"and this account is {SENDER.address}" in words(done)
    assert seated.json("stake", "guardian", SENDER.address, *guardian)["guardian"] == SENDER.address
    done = seated.patina("stake", "freeze", "1", *guardian, "--yes")
    assert "only the guardian may do that, which is" in words(done)
    done = seated.patina("stake", "freeze", "1", *other, "--yes")
    assert f"Node 1 of the operator {seated.operator} has 150 STK bonded" in words(done)
    assert "no checksum" in words(seated.patina("stake", "guardian", SENDER.address.lower(), *other, "--yes"))
    done = seated.patina("stake", "guardian", "none", *other, answers="n\n")
    assert (done.exit_code, "End the role for good?" in done.output) == (1, True)
    assert seated.json("stake", "guardian", "none", *other)["guardian"] is None
    assert "this contract has none" in words(seated.patina("stake", "thaw", "1", *other, "--yes"))
