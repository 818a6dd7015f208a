"""Verifying in a real browser: what is right is shown as checked, and each planted lie turns its own step red."""

import json
import os
import random

import coincurve
import pytest
import pytest_asyncio
from aiohttp import web
from eth_hash.auto import keccak
from playwright.async_api import expect

from node.agreement.signature import pack
from node.chain.interface import interface
from node.content.cid import RAW, Cid, raw_cid, sha256
from node.content.unixfs import Target, decode, directory
from node.errors import ContentError

from .conftest import hung
from .exhibition import COLLECTION, ORACLE

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKED = ["digest", "committee", "signatures", "answer", "root", "path", "metadata", "recipe", "picture"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gallery(request, tmp_path_factory):
    """One gallery for all tests here, which change answers on their way and nothing in it; visitors may name endpoints
    where the parameter says so."""
    async with hung(tmp_path_factory.mktemp("verify"), visitor_rpc=getattr(request, "param", False)) as found:
        yield found


async def states(page):
    """Every step's state, once there is a verdict."""
    await expect(page.locator(".verdict")).not_to_have_text("")
    found = await page.locator(".steps > li").evaluate_all(
        "all => all.map(one => [one.dataset.step, one.dataset.state])"
    )
    return dict(found)


async def test_verify__honest_node__each_step_by_whom_and_the_checked_bytes_drawn(page, gallery):
    await page.goto(gallery.verify)
    found = await states(page)
    assert found == {"chain": "word", "report": "word"} | dict.fromkeys(CHECKED, "ok") | {"render": "elsewhere"}
    await expect(page.locator("[data-step=signatures] .by")).to_have_text("checked by this browser")
    await expect(page.locator("[data-step=chain] .by")).to_have_text("this node's word, checked by nobody here")
    await expect(page.locator(".trust")).to_contain_text("a node that lies could make up all of it")
    await expect(
        page.get_by_role("img", name="Slow Weather #1, drawn from the bytes that were checked")
    ).to_be_visible()
    assert await page.locator("canvas").evaluate("seen => [seen.width, seen.height]") == [192, 192]
    await expect(page.locator(".again .command")).to_have_text(
        f"patina verify {COLLECTION} 1000001 --rpc YOUR_ENDPOINT --content {gallery.url}"
    )
    await expect(page.get_by_label("Ask the chain at an endpoint of your own")).to_have_count(0)


async def test_verify__earlier_moment__its_own_report_and_content(page, gallery):
    first = gallery.slow.history[0]
    await page.goto(f"{gallery.verify}?checkpoint={first.checkpoint}")
    assert set((await states(page)).values()) == {"word", "ok", "elsewhere"}
    await expect(page.locator("[data-step=chain] .says")).to_contain_text("it names newer content now")


async def lie(page, pattern, change):
    """Answer requests like the node, but for what `change` makes of the body."""

    async def answer(route):
        true = await route.fetch()
        await route.fulfill(status=200, headers=true.headers, body=change(await true.body()))

    await page.route(pattern, answer)


def flipped(body):
    return body[:-1] + bytes([body[-1] ^ 1])


def told(**changes):
    def change(body):
        proof = json.loads(body)
        return json.dumps(proof | {name: make(proof[name]) for name, make in changes.items()})

    return change


def forged(signatures):
    """One of a quorum signs for another: a signature that is good, and not the member's in its place."""
    key = coincurve.PrivateKey(b"\x66" * 32)
    return [*signatures[:2], "0x" + pack(key.sign_recoverable(b"\x01" * 32, hasher=None)).hex()]


REPORT = "**/reports/*"
LIES = {
    "directory": ("path", lambda show: f"**/ipfs/{show.history[-1].root}?format=raw", flipped),
    "metadata": ("metadata", lambda show: f"**/ipfs/{content(show, 'json')}?format=raw", flipped),
    "picture": ("picture", lambda show: f"**/ipfs/{content(show, 'png')}?format=raw", flipped),
    "signature": ("signatures", lambda _: REPORT, told(signatures=forged)),
    "too few signatures": ("signatures", lambda _: REPORT, told(signatures=lambda all_: all_[:2])),
    "one signature twice": ("signatures", lambda _: REPORT, told(signatures=lambda all_: [all_[0], all_[0], all_[2]])),
    "member": ("committee", lambda _: REPORT, told(members=lambda all_: ["0x" + "66" * 20, *all_[1:]])),
    "signed field": ("digest", lambda _: REPORT, told(message=lambda fields: fields | {"view": "1"})),
    "answer": ("answer", lambda _: REPORT, told(answer=lambda wad: str(int(wad) + 1))),
    "band": ("answer", lambda _: REPORT, told(band=lambda band: band + 1)),
    "root": ("root", lambda _: REPORT, told(content_root=lambda _: "0x" + "11" * 32)),
}


def content(show, suffix):
    """The CID of the first token's file, which is one raw block."""
    [document] = [body for name, body in files(show).items() if name.endswith(suffix)]
    return raw_cid(sha256(document))


def files(show):
    from node.content.cid import parse
    from node.content.dag import read, resolve

    root = parse(show.history[-1].root)
    names = ("1000001.json", "1000001.png")
    return {name: read(show.store, resolve(show.store, root, [name])) for name in names}


async def proven(page):
    """What the page's own steps say of the token now, as `states` reads them from the page."""
    return await page.evaluate(
        """async ([collection, token]) => {
        const [{ prove }, { read }] = await Promise.all(["proof", "live"].map(name => import(`/static/${name}.js`)));
        const block = async cid => { const answer = await fetch(`/ipfs/${cid}?format=raw`, {cache: "no-store"});
            return new Uint8Array(await answer.arrayBuffer()) };
        const said = {};
        const found = await prove({json: read, block, endpoint: null}, {collection, token, checkpoint: null},
            (key, {state}) => { said[key] = state });
        return {...said, shown: Boolean(found.picture) && said.picture === "ok"} }""",
        [COLLECTION, "1000001"],
    )


async def test_verify__planted_lies__each_turns_its_own_step_red(page, gallery):
    await page.goto(gallery.url + "/verify")
    for what, (step, pattern, change) in LIES.items():
        url = pattern(gallery.slow)
        await lie(page, url, change)
        found = await proven(page)
        await page.unroute(url)
        assert found[step] == "wrong", (what, found)
        if what in ("directory", "metadata", "picture"):
            assert found["picture"] in ("wrong", "untold"), what
            assert not found["shown"], what
    assert "wrong" not in (await proven(page)).values()


async def test_verify__picture_that_was_changed__is_red_and_not_drawn(page, gallery):
    step, pattern, change = LIES["picture"]
    await lie(page, pattern(gallery.slow), change)
    await page.goto(gallery.verify)
    assert (await states(page))[step] == "wrong"
    await expect(page.locator(".verdict")).to_contain_text("do not believe this picture")
    await expect(page.locator("canvas")).to_be_hidden()


async def test_verify__block_that_does_not_come__cannot_be_told_and_is_no_lie(page, gallery):
    await page.route("**/ipfs/*", lambda route: route.fulfill(status=404, body="absent"))
    await page.goto(gallery.verify)
    found = await states(page)
    assert (found["path"], found["picture"], found["signatures"]) == ("untold", "untold", "ok")
    await expect(page.locator(".verdict")).to_contain_text("could not be told")
    page.expected.add("404")


async def test_verify__landed_by_votes__signatures_are_the_commands_matter(page, gallery):
    await lie(page, REPORT, told(road=lambda _: "votes", message=lambda _: None, signatures=lambda _: []))
    await page.goto(gallery.verify)
    found = await states(page)
    assert (found["digest"], found["signatures"], found["answer"], found["root"]) == ("untold",) * 3 + ("ok",)


async def test_verify__no_token_named__offers_some(page, gallery):
    await page.goto(gallery.url + "/verify")
    await expect(page.locator(".shelf a")).to_have_text(["Slow Weather #1", "Night Watch #1"])
    await page.get_by_label("Collection").fill(COLLECTION)
    await page.get_by_role("textbox", name="Token").fill("1000002")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.locator(".verdict")).to_have_attribute("data-state", "ok")


class Endpoint:
    """A chain's JSON-RPC interface as far as a visitor's browser asks it; `said` is what it answers."""

    def __init__(self, show):
        proof = show.proofs[show.history[-1].checkpoint]
        oracle = bytes.fromhex(ORACLE[2:]).rjust(32, b"\0")
        uri = show.view().token_uri_prefix.encode() + b"1000001.json"
        text = (32).to_bytes(32) + len(uri).to_bytes(32) + uri.ljust(-(-len(uri) // 32) * 32, b"\0")
        words = [proof.config_digest, proof.report_digest, int(proof.answer), proof.previous_band, proof.band]
        words += [proof.content_root, int(proof.signers), int(proof.transmitter, 16)]
        log = {
            "address": ORACLE,
            "topics": [
                "0x" + interface("StrategyOracle").topic("Reported").hex(),
                word(proof.feed),
                word(proof.checkpoint),
            ],
            "data": "0x" + "".join(word(one)[2:] for one in words),
        }
        self.said = {
            "eth_chainId": "0x7a69",
            "eth_getTransactionReceipt": {"blockNumber": hex(proof.block), "logs": [log]},
            "0x" + interface("DynamicCollection").encode("ORACLE").hex(): "0x" + oracle.hex(),
            "0x" + interface("DynamicCollection").encode("tokenURI", 1000001).hex(): "0x" + text.hex(),
        }

    async def answer(self, request):
        allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type"}
        if request.method == "OPTIONS":
            return web.Response(headers=allowed)
        asked = await request.json()
        key = asked["params"][0]["data"] if asked["method"] == "eth_call" else asked["method"]
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": self.said[key]}, headers=allowed)


def word(value):
    return value if isinstance(value, str) else "0x" + (value % 2**256).to_bytes(32).hex()


async def verify_at(page, gallery, endpoint):
    app = web.Application()
    app.router.add_route("*", "/", endpoint.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        await page.goto(gallery.verify)
        await states(page)
        await page.get_by_label("Ask the chain at an endpoint of your own").fill(
            f"http://127.0.0.1:{runner.addresses[0][1]}/"
        )
        await page.get_by_role("button", name="Verify with it").click()
        await expect(page.locator(".trust")).to_contain_text("was asked of 127.0.0.1")
        return await states(page)
    finally:
        await runner.cleanup()
        page.hosts.clear()  # the endpoint is another host, and was named by the visitor


@pytest.mark.parametrize("gallery", [True], indirect=True, scope="module")
async def test_verify__endpoint_of_the_visitor__the_chain_says_so_too(page, gallery):
    found = await verify_at(page, gallery, Endpoint(gallery.slow))
    assert set(found.values()) == {"ok", "elsewhere"}
    await expect(page.locator("[data-step=report] .by")).to_have_text("as your endpoint says")


@pytest.mark.parametrize("gallery", [True], indirect=True, scope="module")
async def test_verify__endpoint_says_otherwise__the_nodes_word_is_red(page, gallery):
    endpoint = Endpoint(gallery.slow)
    key = next(key for key in endpoint.said if key.startswith("0xc87b56dd"))
    endpoint.said[key] = endpoint.said[key].replace(b"bafy".hex(), b"bafz".hex())
    endpoint.said["eth_getTransactionReceipt"]["logs"][0]["data"] = "0x" + "00" * 256
    found = await verify_at(page, gallery, endpoint)
    assert (found["chain"], found["report"]) == ("wrong", "wrong")


async def test_verify__endpoints_not_allowed__no_page_can_reach_another_host(page, gallery):
    await page.goto(gallery.verify)
    reached = await page.evaluate(
        "fetch('http://localhost:1/', {mode: 'no-cors'}).then(() => 'yes', error => error.name)"
    )
    assert reached == "TypeError"
    assert any("Content Security Policy" in fault for fault in page.faults)
    page.expected.update(("Content Security Policy", "Refused to connect"))


async def test_scripts__hashes_and_recovered_signers__as_other_implementations_have_them(page, gallery):
    await page.goto(gallery.url + "/verify")
    messages = [os.urandom(length) for length in (0, 1, 55, 56, 64, 135, 136, 137, 300)]
    hashes = """async messages => { const [{ keccak256 }, { sha256, plainSha256 }, { toHex, fromHex }] =
        await Promise.all(["keccak", "sha256", "bytes"].map(name => import(`/static/${name}.js`)));
        return Promise.all(messages.map(one => fromHex(one)).map(async one =>
            [toHex(keccak256(one)), toHex(await sha256(one)), toHex(plainSha256(one))])) }"""
    found = await page.evaluate(hashes, ["0x" + message.hex() for message in messages])
    assert found == [["0x" + digest.hex() for digest in (keccak(one), sha256(one), sha256(one))] for one in messages]
    keys = [coincurve.PrivateKey() for _ in range(6)] + [coincurve.PrivateKey((1).to_bytes(32))]
    digests = [os.urandom(32) for _ in keys]
    signed = [pack(key.sign_recoverable(digest, hasher=None)) for key, digest in zip(keys, digests, strict=True)]
    recover = """async pairs => { const [{ recover }, { fromHex }] =
        await Promise.all(["secp256k1", "bytes"].map(name => import(`/static/${name}.js`)));
        return pairs.map(([digest, signature]) => { try { return recover(fromHex(digest), fromHex(signature)) }
            catch (error) { return "refused" } }) }"""
    pairs = [["0x" + digest.hex(), "0x" + one.hex()] for digest, one in zip(digests, signed, strict=True)]
    wanted = ["0x" + keccak(key.public_key.format(compressed=False)[1:])[12:].hex() for key in keys]
    assert await page.evaluate(recover, pairs) == wanted
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    bad = [bytes(64), b"\0" * 32 + signed[0][32:], signed[0][:32] + bytes(32), order.to_bytes(32) + signed[0][32:]]
    high = signed[0][:32] + (order // 2 + 1).to_bytes(32)
    wrong = [
        ["0x" + digests[0].hex(), "0x" + one.hex()] for one in (*bad, high, (5).to_bytes(32) + signed[0][32:], b"")
    ]
    assert await page.evaluate(recover, wrong) == ["refused"] * len(wrong)


async def test_scripts__blocks_of_any_bytes__read_alike_or_refused_in_words(page, gallery):
    target = Target(Cid(RAW, sha256(b"a picture")), 9)
    _, [honest] = directory({f"100000{number}.png": target for number in range(1, 6)})
    chance = random.Random(11)
    blocks = [honest, b"", *(mutated(honest, chance) for _ in range(400))]
    read = """async blocks => { const [{ decode, ContentError }, { fromHex }] =
        await Promise.all(["ipfs", "bytes"].map(name => import(`/static/${name}.js`)));
        return blocks.map(block => { try { return decode(fromHex(block)).links.map(one => [one.name, one.cid.text]) }
            catch (error) { return error instanceof ContentError ? "refused" : String(error) } }) }"""
    await page.goto(gallery.url + "/verify")
    found = await page.evaluate(read, ["0x" + block.hex() for block in blocks])
    assert found[:2] == [[[link.name, str(link.cid)] for link in decode(honest).links], "refused"]
    assert {answer for answer in found if isinstance(answer, str)} == {"refused"}
    for block, answer in zip(blocks, found, strict=True):
        try:
            links = decode(block).links
        except ContentError:
            continue
        assert answer == [[link.name, str(link.cid)] for link in links]


def mutated(block, chance):
    out = bytearray(block)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(out))
        match chance.randrange(3):
            case 0:
                out[at] = chance.randrange(256)
            case 1:
                del out[at : at + chance.randint(1, 9)]
            case _:
                out[at:at] = chance.randbytes(chance.randint(1, 4))
        out = out or bytearray(b"\0")
    return bytes(out)
