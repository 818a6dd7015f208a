"""`patina edition` on a real chain: a stranger's collection from nothing to revealed, and what stands in the way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_typing import Address
from eth_utils.crypto import keccak

from node.chain.interface import interface
from node.cli import main
from node.content.cid import directory_cid
from node.content.store import BlockStore
from node.devnet.genesis import dev_account
from node.devnet.settings import ChainSettings
from node.keys.secrets import Secret
from node.keys.signing import EthKeystore, LocalSigner
from node.render.recipe import Recipe
from node.staking.outbox import Outbox

PASSWORD = "planted-artist-password-9"
UNIT = 10**18
see_through = Outbox._see_through
OWNER = LocalSigner(bytes(dev_account(ChainSettings().seed, 0).key))


@dataclass
class Artist:
    """Somebody with an account of their own and a network's deployment file, in an empty folder."""

    home: Path
    network: Any
    vault: str
    address: str

    def patina(self, *arguments: object, answers: str | None = None, yes: bool = True) -> Result:
        words = [
            "edition", *map(str, arguments), "--rpc", self.network.url, "--folder", str(self.home / "artist"),
            "--deployment", str(self.home / "deployment.json"), *(["--yes"] if yes else []),
        ]  # fmt: skip
        return CliRunner(env={"PATINA_ARTIST_PASSWORD": PASSWORD}).invoke(main, words, input=answers)

    def json(self, *arguments: object) -> dict[str, Any]:
        done = self.patina(*arguments, "--json")
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def open(self, *arguments: object, supply: int = 3) -> Result:
        return self.patina(
            "open", self.home / "harbour.json", "--vault", self.vault, "--supply", supply, "--price", "0.01",
            "--thresholds=-1%,1%", "--cadence", 10, *arguments,
        )  # fmt: skip

    def allow(self) -> None:
        self.network.call(OWNER, "StrategyOracle", "set_opener", self.address, True)

    def mine(self, blocks: int) -> None:
        for _ in range(blocks):
            self.network.chain.mine()


@pytest.fixture
def artist(network: Any, tmp_path: Path) -> Artist:
    token = network.deploy("TestToken", ["string", "string", "uint8"], "Asset", "AST", 18)
    vault = network.deploy(
        "YieldVault", ["address", "string", "string", "uint8", "address"], token, "Vault", "VLT", 0, OWNER.address
    )
    for to, contract, name, *arguments in (
        (token, "TestToken", "mint", OWNER.address, UNIT),
        (token, "TestToken", "approve", vault, UNIT),
        (vault, "YieldVault", "deposit", UNIT, OWNER.address),
    ):
        network.transact(OWNER, to, interface(contract).encode(name, *arguments))
    key = EthKeystore.create(tmp_path / "artist" / "account.json", Secret(PASSWORD), scrypt_n=2)
    network.chain.fund(Address(bytes.fromhex(key.address[2:])), UNIT)
    document = {
        "format": 2, "complete": True, "protocol_version": 1, "software": {"least_node": "0.1.0"},
        "chain_id": 31337, "network": "test", "genesis_hash": "0x" + "00" * 32, "deployer": OWNER.address,
        "owner": OWNER.address, "config_digest": None,
        "contracts": {
            name: {"contract": source, "address": address, "block": 1, "arguments": {}, "code_hash": "0x" + "00" * 32}
            for name, source, address in (
                ("oracle", "StrategyOracle", network.oracle),
                ("stake_token", "TestToken", network.token),
                ("staking", "NodeStaking", network.staking),
            )
        },
    }  # fmt: skip
    (tmp_path / "deployment.json").write_text(json.dumps(document))
    (tmp_path / "harbour.json").write_bytes(Recipe.for_bands(3, "Harbour").canonical)
    return Artist(tmp_path, network, vault, key.address)


def words(done: Result) -> str:
    return " ".join(done.output.split())


def test_edition__stranger_with_a_collection_of_their_own__from_nothing_to_revealed(artist: Artist) -> None:
    collection = artist.json("collection", "Harbour Lights", "HARB", "--reveal-delay", "2")["collection"]
    artist.allow()
    assert artist.json("show") == {
        "collection": collection, "artist": artist.address, "offered_to": None, "contract_uri": "", "proceeds_wei": "0",
        "editions": [], "transactions": [],
    }  # fmt: skip
    node = artist.home / "node-blocks"
    assert artist.open("--blocks", node).exit_code == 2
    node.mkdir()
    done = artist.open("--royalty", "5%", "--blocks", node)
    assert done.exit_code == 0, done.output
    assert "band 1 collapse below -1.00 %" in words(done)
    assert "Of later sales 5 % is asked for" in words(done)
    recipe = Recipe.for_bands(3, "Harbour")
    for place in (artist.home / "artist" / "blocks", node):
        assert BlockStore(place).get(recipe.digest) == recipe.canonical
    # what the artist's folder holds is enough to publish or export the edition before anybody painted it
    car = ["--rpc", artist.network.url, "--content", artist.home / "artist" / "blocks", "--car", artist.home / "1.car"]
    done = CliRunner().invoke(main, ["export", f"{collection}/1", *map(str, car)])
    assert done.exit_code == 0, done.output
    assert (artist.home / "1.car").stat().st_size > 1_000
    facade = artist.json("aggregator", 1)["aggregator"]
    assert artist.network.chain.code(Address(bytes.fromhex(facade[2:])), artist.network.chain.head)
    assert artist.json("mint", 1, 2)["wei"] == str(2 * UNIT // 100)
    assert artist.json("fund", 1, "0.25")["feed"] == 1
    (shown,) = artist.json("show", 1)["editions"]
    assert (shown["state"], shown["minted"], shown["funds_wei"]) == ("selling", 2, str(UNIT // 4))
    assert (shown["royalty_basis_points"], shown["royalty_receiver"]) == (500, artist.address)
    (secret,) = (artist.home / "artist" / "secrets").iterdir()
    said = words(artist.patina("show"))
    assert f"secret {secret}" in said
    assert "proceeds 0.02 ether: patina edition proceeds ADDRESS" in said
    assert f"shows ipfs://{directory_cid(bytes.fromhex(shown['placeholder'][2:]))}" in said
    assert "announce at most that" in words(artist.patina("defund", 1, "0.3"))
    assert artist.json("defund", 1, "0.1")["wei"] == str(UNIT // 10)
    assert "can be taken out from" in words(artist.patina("take-funds", 1))
    closed = artist.json("close", 1)
    done = artist.patina("reveal", 1, "--no-wait")
    assert f"block {closed['reveal_block'] + 1} has to be there first" in words(done)
    artist.mine(3)
    seed = artist.json("reveal", 1)["seed"]
    assert secret.stat().st_mode & 0o777 == 0o600
    randomness = artist.network.chain.block(closed["reveal_block"]).header.mix_hash
    assert seed == "0x" + keccak(bytes.fromhex(secret.read_text().strip()) + randomness).hex()
    (shown,) = artist.json("show", 1)["editions"]
    assert shown["state"] == "revealed"
    other = dev_account(b"proceeds", 1).address
    assert artist.json("proceeds", other)["wei"] == str(2 * UNIT // 100)
    chain = artist.network.chain
    assert chain.balance(Address(bytes.fromhex(other[2:])), chain.head) == 2 * UNIT // 100
    artist.network.later(3_600)
    owner = LocalSigner(bytes(dev_account(ChainSettings().seed, 0).key))
    artist.network.call(owner, "NodeStaking", "rotate", [])
    assert artist.json("take-funds", 1)["wei"] == str(UNIT // 10)
    assert "nothing was announced" in words(artist.patina("take-funds", 1))
    assert "revealed already" in words(artist.patina("reveal", 1))
    assert "holds nothing" in words(artist.patina("proceeds", other))


def test_edition__every_command_cut_off__goes_on_and_does_nothing_twice(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while each of its transactions is waited for; the chain takes them, and each command is run again."""
    sent = 0

    def cut(*arguments: object) -> None:
        nonlocal sent
        sent += 1
        with monkeypatch.context() as patched:
            patched.setattr(Outbox, "_see_through", interrupted)
            done = artist.patina(*arguments)
        assert "stopped; what was sent goes on" in words(done), done.output

    def again(*arguments: object) -> dict[str, Any]:
        cut(*arguments)
        return artist.json(*arguments)

    collection = again("collection", "Harbour Lights", "HARB", "--reveal-delay", "1")["collection"]
    artist.allow()
    terms = ("open", artist.home / "harbour.json", "--vault", artist.vault, "--supply", 3, "--price", "0.01",
             "--thresholds=-1%,1%", "--cadence", 10)  # fmt: skip
    cut(*terms)
    assert again(*terms)["edition"] == 1
    assert again("mint", 1, 2)["quantity"] == 2
    assert again("fund", 1, "0.25")["feed"] == 1
    assert again("royalty", 1, "5%")["royalty_receiver"] == artist.address
    assert again("contract-uri", "ipfs://somewhere")["contract_uri"] == "ipfs://somewhere"
    again("close", 1)
    artist.mine(3)
    cut("reveal", 1, "--without-secret")
    assert again("reveal", 1)["tokens"] == 2
    assert again("proceeds", OWNER.address)["wei"] is None
    assert again("aggregator", 1)["aggregator"]
    shown = artist.json("show")
    assert shown["collection"] == collection
    (edition,) = shown["editions"]
    assert (edition["state"], edition["minted"], edition["funds_wei"]) == ("revealed", 2, str(UNIT // 4))
    chain = artist.network.chain
    assert chain.nonce(Address(bytes.fromhex(artist.address[2:])), chain.head) == sent


async def interrupted(outbox: Outbox, key: str, known: bytes | None = None, *, quiet: bool = False) -> Any:
    """What waits for a transaction, until it is one that this run has sent."""
    if known is not None:
        raise KeyboardInterrupt
    return await see_through(outbox, key, known, quiet=quiet)


def test_edition__royalty_metadata_and_artist__can_be_changed(artist: Artist) -> None:
    collection = artist.json("collection", "Harbour Lights", "HARB")["collection"]
    artist.allow()
    assert artist.open().exit_code == 0
    other = dev_account(ChainSettings().seed, 1)
    assert "is that already" in words(artist.patina("royalty", 1, "0%"))
    assert "at most two decimals" in words(artist.patina("royalty", 1, "1.234%"))
    done = artist.patina("royalty", 1, "2.5%", "--receiver", other.address)
    assert f"From then on: 2.5 % is asked for {other.address}" in words(done)
    # who is owed it stays, until nobody is
    assert artist.json("royalty", 1, "3%")["royalty_receiver"] == other.address
    assert artist.json("royalty", 1, "0%")["royalty_receiver"] is None
    assert artist.json("show")["editions"][0]["royalty_basis_points"] == 0
    artist.json("contract-uri", "ipfs://bafy/collection.json")
    assert "names that place already" in words(artist.patina("contract-uri", "ipfs://bafy/collection.json"))
    assert "up to 512 bytes" in words(artist.patina("contract-uri", "x" * 513))
    assert "is not offered to" in words(artist.patina("take-over"))
    artist.json("hand-over", other.address)
    assert "offered already" in words(artist.patina("hand-over", other.address))
    assert artist.json("show")["offered_to"] == other.address
    EthKeystore.import_key(artist.home / "other.json", bytes(other.key), Secret(PASSWORD), scrypt_n=2)
    heir = ("--account", artist.home / "other.json")
    assert artist.json("take-over", *heir) | {"transactions": []} == {
        "collection": collection, "artist": other.address, "transactions": [],
    }  # fmt: skip
    assert "only the owner may do that" in words(artist.patina("contract-uri", ""))
    assert artist.json("contract-uri", "", *heir)["contract_uri"] == ""
    artist.json("hand-over", artist.address, *heir)
    artist.json("hand-over", artist.address, "--no-longer", *heir)
    assert artist.json("show")["offered_to"] is None


def test_edition__not_an_opener__is_told_who_lets_them(artist: Artist) -> None:
    artist.json("collection", "Harbour Lights", "HARB")
    done = artist.open()
    assert done.exit_code == 1
    assert "this account may not open feeds on this network what to do: ask whoever owns the oracle" in words(done)
    # an account of the oracle's owner lets them, and nobody else's does
    assert "only the owner may do that" in words(artist.patina("allow", artist.address))


def test_edition__cut_off_after_the_feed__goes_on_with_it(artist: Artist) -> None:
    artist.json("collection", "Harbour Lights", "HARB")
    artist.allow()
    journal = next((artist.home / "artist" / "outbox").rglob("journal.db"))
    assert journal.is_file()
    policy = (10, 3, 0, 0, UNIT // 1000, (-UNIT // 100, UNIT // 100))
    collection = next((artist.home / "artist").glob("*.collection")).read_text().strip()
    key = EthKeystore(artist.home / "artist" / "account.json").unlock(Secret(PASSWORD))
    artist.network.call(key, "StrategyOracle", "open_feed", artist.vault, policy, collection, 1)
    done = artist.open()
    assert done.exit_code == 0, done.output
    assert "Feed 1 was opened for it by an earlier run" in words(done)
    assert artist.json("show", 1)["editions"][0]["feed"] == 1


def test_edition__reveal_block_out_of_reach__asks_for_another(artist: Artist, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days on a real chain: here the command takes a few blocks for that, and the contract knows better."""
    artist.json("collection", "Harbour Lights", "HARB", "--reveal-delay", "1")
    artist.allow()
    assert artist.open().exit_code == 0
    artist.json("mint", 1)
    first = artist.json("close", 1)["reveal_block"]
    artist.mine(10)
    monkeypatch.setattr("node.cli.edition.revealing._REACH", 5)
    done = artist.patina("reveal", 1)
    assert f"Block {first} can no longer be proven" in words(done)
    assert "the reveal block can still be proven" in words(done)
    monkeypatch.undo()
    assert artist.patina("reveal", 1).exit_code == 0


def test_edition__secret_is_lost__says_where_it_has_to_be(artist: Artist) -> None:
    artist.json("collection", "Harbour Lights", "HARB", "--reveal-delay", "1")
    artist.allow()
    assert artist.open(supply=1).exit_code == 0
    artist.json("mint", 1)
    artist.json("close", 1)
    artist.mine(3)
    (secret,) = (artist.home / "artist" / "secrets").iterdir()
    kept = secret.read_text()
    secret.write_text("00" * 32)
    assert "is not the secret of this edition" in words(artist.patina("reveal", 1))
    secret.unlink()
    assert "the edition's secret is not here" in words(artist.patina("reveal", 1))
    secret.write_text(kept)
    secret.chmod(0o600)
    assert artist.patina("reveal", 1).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", 1), "has no edition 1"),
        (("mint", 1, "--collection", "0x" + "11" * 20), "there is no DynamicCollection at"),
        (("mint", 7), "has no edition 7"),
        (("collection", "x" * 26, "HARB"), "NAME: 1 to 25 bytes"),
        (("collection", "Harbour", "HARBOUR"), "SYMBOL: 1 to 5 bytes"),
        (("fund", 1, "none"), "is not an amount"),
        (("allow", "0x" + "ab" * 20), "no checksum"),
        (("subscribe", 9, "0x" + "11" * 20), "there is no such feed"),
    ],
)
def test_edition__what_cannot_be__is_said_in_a_sentence(artist: Artist, arguments: tuple[Any, ...], said: str) -> None:
    if arguments[0] != "collection":
        artist.json("collection", "Harbour Lights", "HARB")
    done = artist.patina(*arguments)
    assert done.exit_code == 1, done.output
    assert said in words(done)
    assert PASSWORD not in done.output


def test_open__recipe_with_too_few_moods__is_refused_before_anything_is_sent(artist: Artist) -> None:
    artist.json("collection", "Harbour Lights", "HARB")
    artist.allow()
    (artist.home / "harbour.json").write_bytes(Recipe.for_bands(4, "Harbour").canonical)
    assert "the recipe has 4 moods, and 2 thresholds make 3 bands" in words(artist.open())
    (artist.home / "harbour.json").write_bytes(Recipe.for_bands(3, "Harbour").canonical)
    assert "an odd number" in words(artist.open("--window", "4"))
    assert "--royalty" in words(artist.open("--royalty", "101%"))
    command = ["open", artist.home / "harbour.json", "--vault", artist.vault, "--supply", 1, "--price", "0"]
    done = artist.patina(*command, "--thresholds=-1%,1%", "--cadence", 10, yes=False, answers="n\n")
    assert "stopped, as you wish" in words(done)
    assert not (artist.home / "artist" / "recipes").exists()
    assert artist.json("show")["editions"] == []


def test_account__imported_from_a_file__is_that_key(artist: Artist) -> None:
    keyfile = artist.home / "key"
    keyfile.write_text(bytes(dev_account(ChainSettings().seed, 0).key).hex())
    keyfile.chmod(0o600)
    folder = artist.home / "owner"
    command = ["edition", "account", "--import", str(keyfile), "--light", "--folder", str(folder)]
    runner = CliRunner(env={"PATINA_ARTIST_PASSWORD": PASSWORD})
    done = runner.invoke(main, command)
    assert done.output.split() == [OWNER.address, str(folder / "account.json")]
    again = runner.invoke(main, command)
    assert "exists already, and is never overwritten" in again.output
