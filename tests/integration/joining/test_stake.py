"""`patina stake` against real contracts: money out and in, keys, exits, slashes, and each refusal in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_typing import Address

from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest, statement_of
from node.chain.interface import interface
from node.devnet.genesis import dev_account
from node.devnet.settings import ChainSettings
from node.journal import Journal
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT, EthKeystore, LocalSigner
from node.staking.evidence import Evidence, Signed, write_evidence
from node.staking.outbox import Outbox, Told

UNIT = 10**18
DAY = 86_400


def words(done: Any) -> str:
    return " ".join(done.output.split())


def account(stranger: Any, index: int) -> LocalSigner:
    return LocalSigner(bytes(dev_account(stranger.network.chain.settings.seed, index).key))


def as_operator(stranger: Any, key: LocalSigner, name: str = "other.json") -> list[str]:
    """Options that make a known account the operator."""
    path = stranger.folder / "keys" / name
    if not path.exists():
        secret = bytes(dev_account(stranger.network.chain.settings.seed, _index(stranger, key)).key)
        EthKeystore.import_key(path, secret, Secret("planted-operator-password-7"), scrypt_n=SCRYPT_N_LIGHT)
    return ["--operator", str(path)]


def _index(stranger: Any, key: LocalSigner) -> int:
    return next(index for index in range(8) if account(stranger, index).address == key.address)


def test_bond_unbond_withdraw__through_the_delay__moves_exact_amounts(seated: Any) -> None:
    done = seated.patina("stake", "bond", "50.25", "--yes")
    assert done.exit_code == 0, done.output
    assert "The bond is 200.25 STK now." in done.output
    assert "All of it (200.25 STK) is lost" in words(done)
    done = seated.patina("stake", "unbond", "100.25", "--yes")
    assert "can be withdrawn from" in done.output
    assert "(in 14 days)" in words(done)
    assert "below the minimum" not in done.output
    done = seated.patina("stake", "withdraw", "--yes")
    assert done.exit_code == 1
    assert "nothing is ready: 100.25 STK can be withdrawn from" in words(done)
    seated.network.later(14 * DAY)
    found = seated.json("stake", "withdraw")
    assert (found["withdrawn"], found["to"]) == (str(10_025 * UNIT // 100), seated.operator)
    assert len(found["transactions"]) == 1
    done = seated.patina("stake", "withdraw", "--yes")
    assert "patina stake unbond AMOUNT comes first" in words(done)
    for arguments, said in (
        (["bond", "5000"], "send it"),
        (["bond", "-1"], "No such option"),
        (["bond", "0"], "is nothing"),
        (["unbond", "101"], "unbond at most that"),
        (["unbond", "1.0000000000000000001"], "more decimals than the token"),
    ):
        done = seated.patina("stake", *arguments, "--yes")
        assert done.exit_code != 0
        assert said in words(done)


def test_exit_rejoin__with_a_seat__says_when_the_money_is_back(seated: Any) -> None:
    done = seated.patina("stake", "exit", "--yes")
    assert done.exit_code == 0, done.output
    assert "let the node run until then" in words(done)
    assert "leaving" in seated.patina("stake", "status").output
    assert "leaving already" in seated.patina("stake", "exit", "--yes").output
    seated.network.later(15 * DAY)
    done = seated.patina("stake", "withdraw", "--yes")
    assert "its last seat can still be answered for" in words(done)
    assert "not before its seat is lost" in words(done)
    done = seated.patina("stake", "rotate", "--yes")
    assert done.exit_code == 0, done.output
    done = seated.patina("stake", "rotate", "--yes")
    assert "goes on until" in words(done)
    done = seated.patina("stake", "rejoin", "--yes")
    assert done.exit_code == 0, done.output
    assert "below the minimum: patina stake bond 100 comes next" in words(done)
    # join mends it in one go, bonding what is missing.
    done = seated.join("--yes", "--bond", "120", "--no-wait")
    assert done.exit_code == 0, done.output
    assert seated.json("stake", "status")["node"]["state"] == "candidate"
    assert "a candidate already" in words(seated.patina("stake", "rejoin", "--yes"))
    assert seated.json("stake", "withdraw")["withdrawn"] == str(150 * UNIT)


def test_payee_rotate_key__change_what_they_say(seated: Any) -> None:
    other = account(seated, 5).address
    assert seated.json("stake", "payee", other)["payee"] == other
    assert "is the payee already" in words(seated.patina("stake", "payee", other, "--yes"))
    assert "no checksum" in words(seated.patina("stake", "payee", other.lower(), "--yes"))
    assert "the keys that the node has already" in words(seated.patina("stake", "rotate-key", "--yes"))
    old = seated.folder / "keys" / "signing.json"
    old.rename(old.with_name("signing-1.json"))
    done = seated.patina("stake", "rotate-key", "--yes")
    assert "there is no such key; patina keys new makes" in words(done)
    fresh = EthKeystore.create(old, Secret((seated.folder / "keys" / "password").read_text().strip()), scrypt_n=1024)
    done = seated.patina("stake", "rotate-key", "--yes")
    assert done.exit_code == 0, done.output
    assert "never both at once" in words(done)
    found = seated.json("stake", "status")["node"]
    assert (found["signer"], found["sitting_signer"]) == (fresh.address, seated.signer)
    assert f"{seated.signer} sits until the next rotation: run the node with it until then" in words(
        seated.patina("stake", "status")
    )
    seated.network.later(7 * 3_600)
    seated.network.call(account(seated, 3), "NodeStaking", "rotate", [])
    assert seated.json("stake", "status")["node"]["sitting_signer"] == fresh.address
    assert "sits until the next rotation" not in words(seated.patina("stake", "status"))


def test_status__of_everybody__needs_no_password(seated: Any) -> None:
    seated.environ.pop("PATINA_OPERATOR_PASSWORD")
    done = seated.patina("stake", "status")
    assert done.exit_code == 0, done.output
    for part in (
        "1: in seat 1 of 1, and keeps it",
        "150 STK",
        "no report of this era is settled yet",
        "0 of 2",
    ):
        assert part in done.output
    found = seated.json("stake", "status")
    assert (found["node"]["seat"], found["node"]["place"], found["least_winning_bond"]) == (0, 1, str(100 * UNIT))
    # Without the operator's keystore the signing address says which node it is.
    (seated.folder / "keys" / "operator.json").unlink()
    assert seated.json("stake", "status")["node"]["id"] == 1
    assert "there is no such node" in words(seated.patina("stake", "status", "--node", "7"))
    done = seated.patina("stake", "claim", "--yes")
    assert done.exit_code == 1
    assert "make one with patina join" in words(done)


def test_fund_claim_collect__only_what_is_there(seated: Any) -> None:
    done = seated.patina("stake", "claim", "--yes")
    assert "there is nothing to claim" in words(done)
    done = seated.patina("stake", "collect", "--yes")
    assert "nothing is owed to" in words(done)
    # The account pays a rotation, and the treasury repays it.
    owner = account(seated, 0)
    seated.network.call(owner, "NodeStaking", "fund_treasury", value=UNIT)
    seated.network.later(7 * 3_600)
    done = seated.patina("stake", "rotate", "--yes")
    assert done.exit_code == 0, done.output
    assert "for gas, to" in words(seated.patina("stake", "status"))
    done = seated.patina("stake", "collect", "--yes")
    assert done.exit_code == 0, done.output
    assert f"{seated.operator} is owed 0." in words(done)
    done = seated.patina("stake", "fund", "9", "0.5", "--yes")
    assert done.exit_code == 1
    assert "there is no feed 9: the oracle has none" in words(done)


def test_freeze_thaw_fund_treasury__guardian_and_anyone(seated: Any, tmp_path: Path) -> None:
    keystore = tmp_path / "guardian.json"
    key = bytes(dev_account(ChainSettings().seed, 1).key)
    guardian = EthKeystore.import_key(keystore, key, Secret(seated.environ["PATINA_OPERATOR_PASSWORD"]), scrypt_n=2)
    assert guardian.address == account(seated, 1).address
    done = seated.patina("stake", "freeze", "1", "--yes")
    assert "only the guardian may do that" in words(done)
    assert seated.json("stake", "freeze", "1", "--operator", keystore)["frozen"] is True
    assert seated.patina("stake", "unbond", "1", "--yes").exit_code == 0
    done = seated.patina("stake", "withdraw", "--yes")
    assert "the guardian froze it" in words(done)
    assert seated.json("stake", "thaw", "1", "--operator", keystore)["frozen"] is False
    assert "the node is not frozen" in words(seated.patina("stake", "thaw", "1", "--operator", keystore, "--yes"))
    before = int(seated.json("stake", "fund-treasury", "0.5")["treasury_wei"])
    assert int(seated.json("stake", "fund-treasury", "0.25")["treasury_wei"]) == before + UNIT // 4


@pytest.fixture
def evidence(seated: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes evidence that the node of OTHERS[0], a member, signed two reports."""
    network = seated.network
    key = network.sit(0, 200)
    network.later(7 * 3_600)
    network.call(account(seated, 2), "NodeStaking", "rotate", [])
    from node.config import load
    from node.keys.transport import TransportKeyFile

    transport = TransportKeyFile(load(seated.folder / "config.toml", check_files=False).keys.transport_key).public_key
    committee = Committee(31337, network.oracle, [seated.signer, key.address], [transport, bytes([1]) * 32])

    def write(signer: LocalSigner = key, roots: tuple[int, int] = (7, 8), **changes: Any) -> Path:
        signed = []
        for root in roots:
            report = Report(1, 40, b"\x0b" * 32, 0, 0b11, (5, 6), (1, -2), bytes([root]) * 32)
            signed.append(Signed(statement_of(report), signer.sign_digest(report_digest(committee.domain, report))))
        fields = {
            "chain_id": 31337, "oracle": network.oracle, "config_digest": committee.config_digest,
            "signer": signer.address, "first": signed[0], "second": signed[1], "staking": network.staking,
        }  # fmt: skip
        return write_evidence(tmp_path, Evidence(**{**fields, **changes}))

    return write


def test_slash__good_evidence__takes_everything_and_pays_the_reporter(
    seated: Any, evidence: Callable[..., Path]
) -> None:
    file = evidence()
    done = seated.patina("stake", "slash", "--evidence", file, "--check-only")
    assert done.exit_code == 0, done.output
    assert "Node 2 has 200 STK at stake: 20 STK will be credited" in words(done)
    assert "180 STK are burnt" in words(done)
    assert seated.json("stake", "status", "--node", "2")["node"]["state"] == "seated"
    found = seated.json("stake", "slash", "--evidence", file)
    assert (found["node"], found["reward"], found["sent"]) == (2, str(20 * UNIT), True)
    assert seated.json("stake", "status", "--node", "2")["node"]["state"] == "slashed"
    done = seated.patina("stake", "slash", "--evidence", file, "--yes")
    assert done.exit_code == 1
    assert "was slashed already" in words(done)
    assert "20 STK of slashes" in words(seated.patina("stake", "status"))
    done = seated.patina("stake", "collect", "--yes")
    assert "is owed 20 STK" in words(done)
    # Whoever was slashed is told so, whatever it tries.
    other = as_operator(seated, account(seated, 2))
    for command in (["bond", "1"], ["withdraw"], ["exit"], ["rejoin"], ["rotate-key"], None):
        words_ = ["join"] if command is None else ["stake", *command]
        done = seated.patina(*words_, "--yes", *other)
        assert done.exit_code == 1
        assert "this node was slashed" in words(done)


def test_slash__evidence_that_proves_nothing_here__is_refused_before_anything_is_sent(
    seated: Any, evidence: Callable[..., Path], tmp_path: Path
) -> None:
    stranger_key = LocalSigner(b"\x33" * 32)
    before = seated.network.sent(seated.operator)
    cases: tuple[tuple[Callable[[], Path], str], ...] = (
        (lambda: tmp_path / "none.json", "No such file"),
        (lambda: evidence(stranger_key), "is no node of this staking contract"),
        (lambda: evidence(roots=(7, 7)), "signing one twice is no offence"),
        (lambda: evidence(chain_id=1), "a signature is"),
        (lambda: evidence(config_digest=b"\x05" * 32), "a signature is"),
    )
    for make, said in cases:
        done = seated.patina("stake", "slash", "--yes", "--evidence", make())
        assert done.exit_code == 1
        assert said in words(done)
    assert seated.network.sent(seated.operator) == before


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Told], None]], None]:
    """Has somebody hear what is told of transactions, between two requests."""
    original = Outbox.__init__

    def listen(listener: Callable[[Told], None]) -> None:
        def listening(self: Any, chain: Any, key: Any, journal: Any, fees: Any, tell: Any, **others: Any) -> None:
            def heard(news: Told) -> None:
                tell(news)
                listener(news)

            original(self, chain, key, journal, fees, heard, **others)

        monkeypatch.setattr(Outbox, "__init__", listening)

    return listen


def test_send__stuck_transaction__is_replaced_and_both_hashes_are_told(seated: Any, hears: Any) -> None:
    """Incident: a transaction sent too cheaply blocked every later one."""
    config = seated.folder / "config.toml"
    text = config.read_text()
    assert "# resend_after_ms = 60000" in text
    config.write_text(text.replace("# resend_after_ms = 60000", "resend_after_ms = 100"))
    chain = seated.network.chain
    chain.automine = False
    hears(lambda news: chain.mine() if news.state == "replaced" else None)
    done = seated.patina("stake", "unbond", "10", "--yes")
    chain.automine = True
    assert done.exit_code == 0, done.output
    assert done.output.count("transaction 0x") == 2
    assert "it waited too long, and offers more now" in done.output
    assert seated.json("stake", "status")["node"]["bond"] == str(140 * UNIT)


def test_rotate__somebody_else_is_first_in_the_block__is_told_and_no_failure(seated: Any, hears: Any) -> None:
    network = seated.network
    network.later(7 * 3_600)
    network.chain.automine = False

    def overtake(news: Told) -> None:
        if news.state == "sent":
            call = interface("NodeStaking").encode("rotate", [])
            network.transact(account(seated, 3), network.staking, call, tip=5 * 10**9)

    hears(overtake)
    done = seated.patina("stake", "rotate", "--yes")
    network.chain.automine = True
    assert done.exit_code == 0, done.output
    assert "Somebody else was first" in done.output


def test_outbox__another_command_under_way__says_so(seated: Any) -> None:
    with Journal(seated.folder / "state" / "operators" / seated.operator.lower()):
        done = seated.patina("stake", "unbond", "10", "--yes")
    assert done.exit_code == 1
    assert "is another patina join or stake command under way?" in words(done)


def test_send__account_without_coin__says_how_much_and_sends_nothing_later(seated: Any) -> None:
    poor = seated.folder / "keys" / "poor.json"
    address = EthKeystore.create(poor, Secret("planted-operator-password-7"), scrypt_n=SCRYPT_N_LIGHT).address
    done = seated.patina("stake", "fund", "1", "5", "--yes", "--operator", poor)
    assert done.exit_code == 1
    options = ["--operator", str(poor), "--yes"]
    seated.network.call(account(seated, 0), "NodeStaking", "fund_treasury", value=UNIT)
    seated.network.later(7 * 3_600)
    done = seated.patina("stake", "rotate", *options)
    assert done.exit_code == 1
    assert f"{address} holds 0 ether, and this may take" in words(done)
    seated.network.chain.fund(Address(bytes.fromhex(address[2:])), UNIT)
    assert seated.patina("stake", "claim", *options).exit_code == 1
    assert seated.network.sent(address) == 0
