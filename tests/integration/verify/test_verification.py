"""A landed crossing verifies; every lie is caught by its own step, with real contracts and the real renderer."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from eth_account import Account as EthAccount
from PIL import Image

from node.chain.interface import interface
from node.content.cid import raw_cid
from node.content.edition import EditionSpec
from node.content.store import BlockStore
from node.devnet.account import Account
from node.render.png import encode
from node.verify.sheet import Status
from tests.integration.verify.exhibit import (
    KEYS,
    MEMBERS,
    PERCENT,
    TRANSPORT,
    WADS,
    Exhibit,
    Work,
    open_exhibit,
    transmit_of,
)  # fmt: skip

pytestmark = pytest.mark.asyncio(loop_scope="module")
STEPS = ["chain", "token", "report", "committee", "signatures", "answer", "checkpoint", "root", "seed", "draw", "path",
         "recipe", "model", "metadata", "picture", "render"]  # fmt: skip
Steps = dict[str, tuple[Status, str]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exhibit(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exhibit]:
    async with open_exhibit(tmp_path_factory.mktemp("content") / "blocks") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def work(exhibit: Exhibit) -> Work:
    return await exhibit.open()


def failed(steps: Steps) -> list[str]:
    return [name for name, (status, _) in steps.items() if status is Status.FAILED]


async def test_verify__landed_crossing__every_step_is_ok(work: Work) -> None:
    root = await work.hang()
    for token in work.tokens:
        steps = await work.verify(token=token)
        assert list(steps) == STEPS
        assert {status for status, _ in steps.values()} == {Status.OK}, steps
    assert "seats 1, 2, 4" in steps["signatures"][1]
    assert "band 1" not in steps["answer"][1]
    assert root.hex() not in steps["root"][1]  # it is shown as the CID of the tokenURI
    assert steps["root"][1].startswith("ipfs://bafybei")


async def test_verify__two_endpoints_that_agree__are_compared(exhibit: Exhibit, work: Work) -> None:
    await work.hang()
    steps = await work.verify(exhibit.url, await exhibit.liar(lambda _, __, result: result))
    assert failed(steps) == []
    assert "2 endpoints compared" in steps["chain"][1]


async def test_verify__report_without_artworks_after_it__still_finds_the_one_that_painted(work: Work) -> None:
    await work.hang()
    for _ in range(2):
        checkpoint, block_hash = await work.checkpoint()
        await work.land(await work.report(checkpoint, block_hash, bytes(32)))
    steps = await work.verify()
    assert {status for status, _ in steps.values()} == {Status.OK}, steps


async def test_verify__first_and_never_repainted_edition__shows_its_placeholder(exhibit: Exhibit) -> None:
    for reveal in (False, True):
        fresh = await exhibit.open(reveal=reveal)
        steps = await fresh.verify()
        assert {status for status, _ in steps.values()} == {Status.OK}, steps
        assert list(steps) == ["chain", "token", "root", "path", "metadata", "picture"]
        assert ("not revealed yet" in steps["root"][1]) is not reveal


# Lies that a dishonest quorum signed: everything hashes and every signature holds.


async def test_verify__changed_pixel__render_fails(work: Work) -> None:
    def change(spec: EditionSpec, images: list[bytes]) -> tuple[EditionSpec, list[bytes]]:
        with Image.open(io.BytesIO(images[0])) as opened:
            pixels = np.array(opened)
        pixels[100, 100, 1] ^= 1
        return spec, [encode(pixels), *images[1:]]

    await work.hang(change)
    steps = await work.verify()
    assert failed(steps) == ["render"]
    assert "1 of " in steps["render"][1]
    assert failed(await work.verify(token=work.tokens[1])) == []


async def test_verify__another_tokens_image_under_this_token__render_fails(work: Work) -> None:
    await work.hang(lambda spec, images: (spec, images[::-1]))
    assert failed(await work.verify()) == ["render"]


async def test_verify__picture_of_another_band__render_fails(work: Work) -> None:
    await work.hang(lambda spec, _: (spec, work.images(1)))
    assert failed(await work.verify()) == ["render"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"title": "Tidal"}, "name"),
        ({"description": "Rare."}, "description"),
        ({"mood": "golden"}, "mood"),
        ({"band": 1}, "band"),
        ({"checkpoint": 10}, "checkpoint"),
        ({"signals": (("volatility", 1), ("drawdown", 0), ("flow", 0))}, "signals"),
        ({"feed": 99}, "feed"),
        ({"model": b"m" * 32}, "model"),
        ({"recipe": b"r" * 32}, "recipe"),
        ({"seeds": (b"s" * 32, b"t" * 32)}, "seed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_verify__changed_metadata__metadata_fails_and_names_the_field(
    work: Work, changes: dict[str, Any], named: str
) -> None:
    await work.hang(lambda spec, images: (replace(spec, **changes), images))
    steps = await work.verify()
    assert failed(steps) == ["metadata"]
    assert named in steps["metadata"][1].rpartition(": ")[2].split(", ")


async def test_verify__recipe_that_is_not_the_one_on_chain__recipe_fails(exhibit: Exhibit, tmp_path: Path) -> None:
    """The artist named another recipe on chain than the one that everyone painted by."""
    other = replace(exhibit.recipe, name="Other tide", steps=3)
    work = await exhibit.open(other.digest)
    await work.hang()
    steps = await work.verify()
    assert failed(steps) == ["recipe"]  # nobody has it
    assert steps["render"][0] is Status.UNCHECKED
    exhibit.store.put(other.canonical)
    assert failed(await work.verify()) == ["metadata", "render"]


async def test_verify__model_of_another_build__model_fails(exhibit: Exhibit) -> None:
    other = replace(exhibit.recipe, model=b"another build's model digest ..."[:32])
    exhibit.store.put(other.canonical)
    work = await exhibit.open(other.digest)
    await work.hang(lambda spec, images: (replace(spec, recipe=other.digest, model=other.model), images))
    steps = await work.verify()
    assert failed(steps) == ["model"]
    assert other.model.hex() in steps["model"][1]
    assert steps["render"][0] is Status.UNCHECKED


# Lies of whoever serves content.


async def test_verify__missing_block__its_step_fails_and_names_it(exhibit: Exhibit, work: Work, tmp_path: Path) -> None:
    root = await work.hang()
    image = BlockStore(exhibit.folder).put(work.images()[0])
    for digest, step in [(root, "path"), (image, "picture"), (exhibit.recipe.digest, "recipe")]:
        folder = tmp_path / step
        shutil.copytree(exhibit.folder, folder)
        [file] = folder.rglob(raw_cid(digest))
        file.unlink()
        steps = await work.verify(content=[folder])
        assert failed(steps)[0] == step
        assert raw_cid(digest) in steps[step][1]
        assert failed(await work.verify(content=[folder, exhibit.folder])) == []


async def test_verify__block_with_one_other_byte__is_refused(exhibit: Exhibit, work: Work, tmp_path: Path) -> None:
    await work.hang()
    folder = tmp_path / "blocks"
    shutil.copytree(exhibit.folder, folder)
    [file] = folder.rglob(raw_cid(BlockStore(folder).put(work.images()[0])))
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    steps = await work.verify(content=[folder])
    assert failed(steps) == ["picture"]
    assert "other bytes under its name" in steps["picture"][1]


# Lies of an endpoint.


async def test_verify__forged_signature_in_the_calldata__signatures_fail(exhibit: Exhibit, work: Work) -> None:
    await work.hang()

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_getTransactionByHash" and (arguments := transmit_of(result)):
            report, signers, signatures = arguments
            # A true signature of a member over something else: it recovers to a stranger.
            forged = MEMBERS[0].sign_digest(bytes(32)) + signatures[64:]
            calldata = interface("StrategyOracle").encode("transmit", report, signers, forged)
            return {**result, "input": "0x" + calldata.hex()}
        return result

    steps = await work.verify(await exhibit.liar(lie))
    assert failed(steps) == ["signatures"]
    assert MEMBERS[0].address in steps["signatures"][1]


async def test_verify__fewer_signatures_than_a_quorum__signatures_fail(exhibit: Exhibit, work: Work) -> None:
    await work.hang()

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_getTransactionByHash" and (arguments := transmit_of(result)):
            report, _, signatures = arguments
            calldata = interface("StrategyOracle").encode("transmit", report, 0b0011, signatures[:128])
            return {**result, "input": "0x" + calldata.hex()}
        return result

    assert failed(await work.verify(await exhibit.liar(lie))) == ["signatures"]


async def test_verify__other_signals_in_the_calldata__report_fails(exhibit: Exhibit, work: Work) -> None:
    await work.hang()

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_getTransactionByHash" and (arguments := transmit_of(result)):
            report, signers, signatures = arguments
            report = (*report[:6], tuple(wad + 1 for wad in WADS), report[7])
            calldata = interface("StrategyOracle").encode("transmit", report, signers, signatures)
            return {**result, "input": "0x" + calldata.hex()}
        return result

    steps = await work.verify(await exhibit.liar(lie))
    assert failed(steps) == ["report"]
    assert "another digest" in steps["report"][1]


async def test_verify__root_of_an_older_report__root_fails(exhibit: Exhibit, work: Work) -> None:
    older = await work.hang(answer=0, band=1)
    newest = await work.hang()
    assert older != newest

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_call" and isinstance(result, str):
            return result.replace(newest.hex(), older.hex())
        return result

    steps = await work.verify(await exhibit.liar(lie))
    assert "root" in failed(steps)
    assert older.hex() in steps["root"][1]


async def test_verify__committee_that_is_not_the_reports__committee_fails(exhibit: Exhibit, work: Work) -> None:
    """An endpoint that names other members is caught by their digest."""
    await work.hang()
    stranger = "aa" * 20

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_call" and isinstance(result, str):
            return result.replace(MEMBERS[2].address[2:].lower(), stranger)
        return result

    assert "committee" in failed(await work.verify(await exhibit.liar(lie)))


async def test_verify__one_of_two_endpoints_lies__nothing_is_verified(exhibit: Exhibit, work: Work) -> None:
    older = await work.hang(answer=0, band=1)
    newest = await work.hang()

    def lie(method: str, _: list[Any], result: Any) -> Any:
        return result.replace(newest.hex(), older.hex()) if isinstance(result, str) else result

    steps = await work.verify(exhibit.url, await exhibit.liar(lie))
    assert failed(steps) == ["token"]
    assert "disagree" in steps["token"][1]


async def test_verify__pruned_endpoint_after_a_change_of_committee__says_what_is_needed(tmp_path: Path) -> None:
    async with open_exhibit(tmp_path / "blocks") as exhibit:
        work = await exhibit.open()
        await work.hang()
        members = [member.address for member in MEMBERS]
        # The oracle still knows the committee before the one in force, so the change after that is what loses it.
        for successors in (members[::-1], members[1:] + members[:1]):
            await exhibit.account.send(exhibit.oracle, "set_committee", successors, TRANSPORT)
            assert failed(await work.verify()) == []
        head = hex(int(await exhibit.account.web3.eth.block_number))
        block = await exhibit.account.rpc("eth_getBlockByNumber", head, False)

        def lie(method: str, parameters: list[Any], result: Any) -> Any:
            if method == "eth_call" and parameters[1] not in ("latest", head):
                at = parameters[1]
                if not isinstance(at, dict) or at.get("blockHash") != block["hash"]:
                    return RuntimeError("missing trie node 0123 (path )")
            return result

        steps = await work.verify(await exhibit.liar(lie))
        assert failed(steps) == []
        assert steps["committee"][0] is Status.UNCHECKED
        assert "archive" in steps["committee"][1]
        assert steps["signatures"][0] is Status.UNCHECKED


async def test_verify__report_landed_under_the_previous_configuration__every_step_is_ok(tmp_path: Path) -> None:
    """Its calldata has the bit that says so, and the committee in force when it landed is not the one that signed."""
    async with open_exhibit(tmp_path / "blocks") as exhibit:
        work = await exhibit.open()
        checkpoint, block_hash = await work.checkpoint()
        spec = work.spec(checkpoint, block_hash)
        report = await work.report(checkpoint, block_hash, work.publish(spec, work.images()))
        members = [member.address for member in MEMBERS]
        await exhibit.account.send(exhibit.oracle, "set_committee", members[::-1], TRANSPORT)
        await work.land(report, previous=True)
        # First it is the one before the one in force; then it takes the state of when it landed.
        for successors in (members[1:] + members[:1], members[2:] + members[:2]):
            steps = await work.verify()
            assert {status for status, _ in steps.values()} == {Status.OK}, steps
            assert steps["committee"][1].endswith(f"0x{(await exhibit.committee()).config_digest.hex()[:16]}...")
            await exhibit.account.send(exhibit.oracle, "set_committee", successors, TRANSPORT)
        assert failed(await work.verify()) == []


async def test_verify__root_that_came_by_votes__is_verified_by_its_ballots(exhibit: Exhibit) -> None:
    work = await exhibit.open()
    checkpoint, block_hash = await work.checkpoint()
    root = work.publish(work.spec(checkpoint, block_hash), work.images())
    for index, answer in ((0, 2 * PERCENT), (2, 3 * PERCENT), (3, 4 * PERCENT)):
        voter = Account(exhibit.account.web3, EthAccount.from_key(KEYS[index]))
        await voter.send(exhibit.oracle, "vote", work.feed, checkpoint, block_hash, answer, list(WADS), root)
    steps = await work.verify()
    assert {status for status, _ in steps.values()} == {Status.OK}, steps
    assert "votes of 3 of 4" in steps["signatures"][1]

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_getTransactionByHash" and result["from"].lower() == MEMBERS[2].address.lower():
            return {**result, "from": MEMBERS[1].address}
        return result

    assert failed(await work.verify(await exhibit.liar(lie))) == ["report"]


async def test_verify__report_relayed_through_a_contract__is_found_in_its_calldata(
    exhibit: Exhibit, work: Work
) -> None:
    # CALLDATACOPY all of it, CALL the oracle with it, STOP.
    runtime = bytes.fromhex("365f5f375f5f365f5f73" + exhibit.oracle.address[2:] + "5af100")
    init = bytes([0x60, len(runtime), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3])
    receipt = await exhibit.account._transact("the relay", None, init + runtime, 0)
    checkpoint, block_hash = await work.checkpoint()
    root = work.publish(work.spec(checkpoint, block_hash), work.images())
    calldata = await work.calldata(await work.report(checkpoint, block_hash, root))
    await exhibit.account._transact("relaying", receipt["contractAddress"], calldata, 0)
    steps = await work.verify()
    assert {status for status, _ in steps.values()} == {Status.OK}, steps

    other = calldata[:-1] + bytes([calldata[-1] ^ 1])

    def lie(method: str, _: list[Any], result: Any) -> Any:
        return {**result, "input": "0x" + other.hex()} if method == "eth_getTransactionByHash" else result

    steps = await work.verify(await exhibit.liar(lie))
    assert failed(steps) == ["signatures"]

    def silence(method: str, _: list[Any], result: Any) -> Any:
        return {**result, "input": "0x12345678"} if method == "eth_getTransactionByHash" else result

    steps = await work.verify(await exhibit.liar(silence))
    assert failed(steps) == []
    assert {name for name, (status, _) in steps.items() if status is Status.UNCHECKED} == {
        "report", "signatures", "answer", "checkpoint", "draw", "metadata", "render",
    }  # fmt: skip


async def test_verify__no_such_token_or_collection__fails_at_once(exhibit: Exhibit, work: Work) -> None:
    for token in (work.tokens[1] + 1, 5, 77_000_001):
        steps = await work.verify(token=token)
        assert failed(steps) == ["token"]
        assert list(steps) == ["chain", "token"]


async def test_verify__endpoint_that_is_not_there__is_not_verified(work: Work) -> None:
    steps = await work.verify("http://127.0.0.1:1")
    assert {name: status for name, (status, _) in steps.items()} == {"chain": Status.UNCHECKED}
