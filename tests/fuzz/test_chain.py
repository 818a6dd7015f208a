"""What JSON-RPC endpoints answer: to any request, nonsense of every kind, through the same code as the truth."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from node.agreement.committee import Committee
from node.agreement.report import Domain, Report, report_digest
from node.chain import calls, parse
from node.chain.client import Chain
from node.chain.endpoints.answers import parsed
from node.chain.endpoints.pool import PoolSettings, RpcPool
from node.chain.failures import UnavailableError, revert_in
from node.chain.interface import interface
from node.chain.logs import Log, landed
from node.chain.proof import prove
from node.chain.sending.accounts import Accounts
from node.chain.types import Block, Feed, Landed, Policy
from node.errors import AgreementError, ChainError
from node.keys.signing import LocalSigner
from tests.fuzz.hold import KIB, Decoder, assert_clear, hold, modest, peak_of
from tests.fuzz.mutations import any_input, changed, changes, damage, noise, odd_json, spelled, steps

ORACLE, VAULT = (str(to_checksum_address("0x" + byte * 20)) for byte in ("0a", "0b"))
ABI, ART = interface("StrategyOracle"), interface("DynamicCollection")
POLICY = (4, 3, 0, 0, 0, (1,))
FEED = Feed(1, VAULT, VAULT, 1, VAULT, 1, 10**18, 10**6, 10**12, 2, 40, -5, 0, 0, Policy(*POLICY))
EDITION = (6, 6, 0, 1, b"\1" * 32, b"\2" * 32, b"\3" * 32, 5, 9, b"\4" * 32, b"\5" * 32, b"\6" * 32, 3)
KEYS = [LocalSigner(bytes([number]) * 32) for number in (1, 2, 3)]
MEMBERS = [key.address for key in KEYS]
HASH = "0x" + "44" * 32
BLOCK = Block(44, b"\x44" * 32, 1_044, b"\x43" * 32)
COMMITTEE = Committee(0x1, ORACLE, MEMBERS, [b"\5" * 32, b"\6" * 32, b"\7" * 32])
CONFIG = b"\7" * 32
REPORT = Report(1, 40, b"\x40" * 32, 0, 7, (1, 2, 3), (4, 5, 6), b"\x55" * 32)
DIGEST = report_digest(Domain(1, ORACLE, CONFIG), REPORT)
LANDED = Landed(1, 40, CONFIG, DIGEST, 2, 1, 2, b"\x55" * 32, 7, VAULT, 44, b"\x44" * 32, b"\x66" * 32, 0)


def _kinds(contract: Any, function: str, arity: int = 0) -> list[str]:
    return list(contract._functions[function, arity][2])


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=value < 0)


def _view(calldata: bytes) -> bytes:
    """What the contracts answer to one call."""
    name, _ = ABI.call(calldata) or ART.call(calldata) or ("vault", ())
    stored = [getattr(FEED, field.name) for field in dataclasses.fields(Feed)][1:-1]
    answers: dict[str, Callable[[], bytes]] = {
        "feed_count": lambda: _word(1),
        "feed": lambda: encode(_kinds(ABI, "feed", 1), [stored]),
        "policy": lambda: encode(_kinds(ABI, "policy", 1), [POLICY]),
        "committee": lambda: encode(["address[]", "bytes32[]"], [COMMITTEE.signers, COMMITTEE.transport_keys]),
        "config_digest": lambda: COMMITTEE.config_digest,
        "configuration": lambda: COMMITTEE.config_digest + _word(3) + COMMITTEE.config_digest + _word(1_044),
        "edition": lambda: encode(_kinds(ART, "edition", 1), [EDITION]),
        "name": lambda: encode(["string"], ["Tides"]),
        "tokenURI": lambda: encode(["string"], ["ipfs://bafy/1.json"]),
        "ownerOf": lambda: encode(["address"], [VAULT]),
    }
    return answers.get(name, lambda: _word(10**6))()


def _call(request: dict[str, str]) -> bytes:
    raw = bytes.fromhex(request["data"][2:])
    if raw[:4].hex() != "82ad56cb":  # aggregate3
        return _view(raw)
    (inside,) = decode(["(address,bool,bytes)[]"], raw[4:])
    return encode(["(bool,bytes)[]"], [[(True, _view(one)) for _, _, one in inside]])


def _header(number: int = 44) -> dict[str, Any]:
    return {
        "number": hex(number), "hash": HASH, "timestamp": "0x414", "parentHash": "0x" + "43" * 32,
        "baseFeePerGas": "0x7", "transactions": [], "extraData": "0x",
    }  # fmt: skip


def _log() -> dict[str, Any]:
    topics = [ABI.topic("Reported"), _word(1), _word(40)]
    kinds = ["bytes32", "bytes32", "int256", "uint8", "uint8", "bytes32", "uint256", "address"]
    return {
        "address": ORACLE.lower(), "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + encode(kinds, [CONFIG, DIGEST, 2, 1, 2, b"\x55" * 32, 7, VAULT]).hex(),
        "blockNumber": "0x2c", "blockHash": HASH, "transactionHash": "0x" + "66" * 32, "logIndex": "0x0",
        "removed": False,
    }  # fmt: skip


def _transmission() -> bytes:
    fields = dataclasses.astuple(REPORT)
    return ABI.encode("transmit", fields, 7, b"".join(key.sign_digest(DIGEST) for key in KEYS))


TRANSMISSION = _transmission()
RECEIPT = {
    "status": "0x1", "gasUsed": "0x5208", "blockNumber": "0x2c", "blockHash": HASH, "logs": [_log()],
    "transactionHash": "0x" + "66" * 32,
}  # fmt: skip


def _truth(method: str, params: list[Any]) -> Any:
    if method == "eth_call":
        return "0x" + _call(params[0]).hex()
    if method == "eth_getBlockByNumber" and str(params[0]).startswith("0x"):
        return _header(int(params[0], 16))
    transaction = {"to": ORACLE, "from": VAULT, "input": "0x" + TRANSMISSION.hex(), "blockHash": HASH, "hash": HASH}
    return {
        "eth_chainId": "0x1",
        "eth_blockNumber": "0x2d",
        "eth_getBlockByNumber": _header(),
        "eth_getLogs": [_log()],
        "eth_getTransactionByHash": transaction,
        "eth_getTransactionReceipt": RECEIPT,
        "eth_sendRawTransaction": HASH,
        "eth_getBlockReceipts": [RECEIPT],
    }.get(method, "0x5208")


class _Body:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def iter_chunked(self, size: int) -> Any:
        for at in range(0, len(self._raw), size):
            yield self._raw[at : at + size]


@dataclasses.dataclass
class _Response:
    status: int
    headers: dict[str, str]
    raw: bytes

    async def __aenter__(self) -> _Response:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    @property
    def content(self) -> _Body:
        return _Body(self.raw)


class Wire:
    """In the place of an HTTP session: answers truly, but for the request whose turn is `at`."""

    closed = False

    def __init__(self, at: int, spoil: Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]) -> None:
        self.asked = 0
        self._at, self._spoil = at, spoil

    def post(self, _url: str, *, data: str, **_: Any) -> _Response:
        message = json.loads(data)
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": _truth(message["method"], message["params"])}
        self.asked += 1
        if self.asked - 1 == self._at:
            return _Response(*self._spoil(answer))
        return _Response(200, {}, json.dumps(answer).encode())

    async def close(self) -> None:
        pass


QUESTIONS: dict[str, Callable[[Chain], Awaitable[Any]]] = {
    "chain_id": lambda chain: chain.chain_id(),
    "head": lambda chain: chain.head(),
    "finalized": lambda chain: chain.finalized(),
    "block": lambda chain: chain.block(44),
    "committee": lambda chain: chain.committee(BLOCK),
    "installed": lambda chain: chain.installed(BLOCK),
    "feeds": lambda chain: chain.feeds(BLOCK),
    "sample": lambda chain: chain.sample([FEED], BLOCK),
    "landed": lambda chain: chain.landed(40, 44),
    "edition": lambda chain: chain.edition(VAULT, 1),
    "editions": lambda chain: chain.editions([(VAULT, 1), (ORACLE, 2)]),
    "name": lambda chain: chain.name(VAULT),
    "token_uri": lambda chain: chain.token_uri(VAULT, 1_000_001, BLOCK),
    "token_seeds": lambda chain: chain.token_seeds(VAULT, [1_000_001, 1_000_002]),
    "report": lambda chain: chain.report(1, 40),
    "prove": lambda chain: prove(chain.pool, ORACLE, 1, LANDED, 2_000),
    "standing": lambda chain: Accounts(chain.pool).standing(VAULT, BLOCK, [b"\x66" * 32]),
    "balance": lambda chain: Accounts(chain.pool).balance(VAULT),
    "base_fee": lambda chain: Accounts(chain.pool).base_fee(),
    "estimate": lambda chain: Accounts(chain.pool).estimate(VAULT, ORACLE, b""),
    "broadcast": lambda chain: Accounts(chain.pool).broadcast(b"\2"),
}


async def _no_sleep(_: float) -> None:
    pass


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


def ask(runner: asyncio.Runner, question: Callable[[Chain], Awaitable[Any]], wire: Wire) -> tuple[Any, int]:
    """What a question brought over that wire, and the most memory that it took."""

    async def asked() -> Any:
        pool = RpcPool(["http://one.example"], PoolSettings(rounds=1), sleep=_no_sleep, clock=lambda: 0.0)
        pool._session = wire  # type: ignore[assignment]
        return await question(Chain(pool, ORACLE))

    return peak_of(lambda: runner.run(asked()))


errors = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from((3, -32000, -32005, 429, -32602, None, "3", [], 1.5, 10**30)),
        "message": st.sampled_from(
            ("execution reverted: \x1b[2J", "VM Exception", "nonce too low", None, [], "range", "\ud800")
        ),
        "data": st.one_of(
            st.sampled_from((None, "0x", "Reverted 0x08c379a0", {"data": "0x4e487b71" + "ff" * 32}, [], "0x0")),
            st.binary(max_size=100).map(lambda raw: "0x08c379a0" + raw.hex()),
        ),
    },
)


lies = st.lists(
    st.tuples(st.integers(0, 1 << 10), st.sampled_from((0, 1, 31, 32, 33, 64, 2**31, 2**63, 2**255, 2**256 - 1, -1))),
    min_size=1,
    max_size=4,
)


def lied(raw: bytes, some: list[tuple[int, int]]) -> bytes:
    """A call's result with whole words exchanged: lengths and offsets that lie; -1 is the result's own length."""
    told = bytearray(raw)
    for place, lie in some:
        at = 32 * (place % (len(raw) // 32 + 1))
        told[at : at + 32] = _word(len(raw) if lie < 0 else lie)
    return bytes(told)


faults = st.one_of(
    st.tuples(st.just("damage"), steps),
    st.tuples(st.just("odd"), changes),
    st.tuples(st.just("odd result"), changes),
    st.tuples(st.just("odd result"), changes),
    st.tuples(st.just("lie"), lies),
    st.tuples(st.just("lie"), lies),
    st.tuples(st.just("error"), errors),
    st.tuples(st.just("noise"), noise),
)
statuses = st.sampled_from((*(200,) * 12, 204, 302, 413, 429, 500, 503))
headers = st.sampled_from(({}, {}, {"Retry-After": "9" * 400}, {"retry-after": "Mon, 99 Foo"}, {"A": "\udc80"}))


def spoiled(answer: dict[str, Any], fault: tuple[str, Any]) -> bytes:
    """The body of an answer with something wrong with it."""
    what, how = fault
    true, result = json.dumps(answer).encode(), answer["result"]
    if what == "damage":
        return damage((true,), 0, how)
    if what == "noise":
        return bytes(how)
    if what == "odd":
        return spelled(changed(answer, how))
    if what == "error":
        return spelled({"jsonrpc": "2.0", "id": answer["id"], "error": how})
    if what == "lie" and isinstance(result, str) and len(result) % 2 == 0:
        return spelled(answer | {"result": "0x" + lied(bytes.fromhex(result[2:]), how).hex()})
    return spelled(answer | {"result": changed([result], how if what == "odd result" else [(0, "odd", 3)])})


@pytest.mark.parametrize("name", QUESTIONS)
def test_chain__one_answer_is_nonsense__is_refused_or_plausible(runner: asyncio.Runner, name: str) -> None:
    question = QUESTIONS[name]
    ask(runner, question, honest := Wire(-1, lambda _: (200, {}, b"")))
    found, _ = ask(runner, question, honest)
    assert not isinstance(found, Exception), found

    @modest(30)
    @given(st.integers(0, honest.asked // 2 - 1), faults, statuses, headers)
    def fed(at: int, fault: tuple[str, Any], status: int, sent: dict[str, str]) -> None:
        sizes = [0]

        def spoil(answer: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
            body = spoiled(answer, fault)
            sizes.append(len(body))
            return status, sent, body

        wire = Wire(at, spoil)
        found, peak = ask(runner, question, wire)
        assert wire.asked < 300
        assert peak <= (1 << 20) + 256 * max(sizes)
        if isinstance(found, Exception):
            assert isinstance(found, ChainError), repr(found)
            assert_clear(str(found))

    fed()


CALLS = [calls.Call(ORACLE, ABI.encode("feed_count"))] * 3
RESULTS = encode(["(bool,bytes)[]"], [[(True, _word(9)), (False, b""), (True, b"x" * 40)]])


@given(any_input((RESULTS,)) | lies.map(lambda some: lied(RESULTS, some)))
def test_multicall__results_that_lie_about_themselves__are_refused_or_counted(raw: bytes) -> None:
    async def answer(_method: str, _params: list[Any]) -> str:
        return "0x" + raw.hex()

    def read(_: bytes) -> Any:
        try:
            calls.aggregate(answer, VAULT, CALLS, None).send(None)
        except StopIteration as done:
            return done.value

    found = hold(Decoder("node.chain.calls.aggregate", read, ChainError, ()), raw)
    if not isinstance(found, ChainError):
        assert len(found) == len(CALLS)


def test_multicall__every_offset_points_at_one_long_result__is_refused(runner: asyncio.Runner) -> None:
    """A decoder that follows the offsets makes 500 MiB out of this megabyte, and terabytes of a longest answer."""
    one = _word(1) + _word(64) + _word(1 << 20) + bytes(1 << 20)
    raw = "0x" + (_word(32) + _word(500) + _word(500 * 32) * 500 + one).hex()

    async def answer(_method: str, _params: list[Any]) -> str:
        return raw

    found, peak = peak_of(lambda: runner.run(calls.aggregate(answer, VAULT, CALLS[:1] * 500, None)))  # type: ignore[arg-type]
    assert isinstance(found, UnavailableError)
    assert "longer than its whole answer" in str(found)
    assert peak < 16 << 20


def test_feeds__count_that_no_oracle_has__is_refused_before_a_second_request(runner: asyncio.Runner) -> None:
    """2**255 feeds would be asked for one batch after another, for ever."""
    wire = Wire(0, lambda answer: (200, {}, json.dumps(answer | {"result": "0x" + _word(2**200).hex()}).encode()))
    found, _ = ask(runner, QUESTIONS["feeds"], wire)
    assert isinstance(found, ChainError)
    assert wire.asked == 1


def test_proof__calldata_with_a_hundred_thousand_signatures__recovers_none(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recovering an address takes a tenth of a millisecond: the number is looked at first."""
    from node.chain import proof

    recovered: list[bytes] = []
    recover = proof.recover
    monkeypatch.setattr(
        proof, "recover", lambda digest, signature: recovered.append(signature) or recover(digest, signature)
    )
    flood = ABI.encode("transmit", dataclasses.astuple(REPORT), 7, bytes(64 * 100_000))
    true = _truth("eth_getTransactionByHash", [])
    wire = Wire(
        0, lambda answer: (200, {}, json.dumps(answer | {"result": true | {"input": "0x" + flood.hex()}}).encode())
    )
    found, _ = ask(runner, QUESTIONS["prove"], wire)
    assert isinstance(found, ChainError)
    assert recovered == []
    found, _ = ask(runner, QUESTIONS["prove"], Wire(-1, lambda _: (200, {}, b"")))
    assert len(recovered) == 3
    assert found.signers == tuple(MEMBERS)


DOCUMENTS = tuple(
    json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode() for value in (_header(), [_log()], "0x")
)


@given(any_input(DOCUMENTS))
def test_answer__noise_and_damage__is_an_object_or_none(raw: bytes) -> None:
    found = hold(Decoder("node.chain.endpoints.answers.parsed", parsed, (), DOCUMENTS), raw)
    assert found is None or isinstance(found, dict)


@pytest.mark.parametrize("filling", [b'\\"', b'"', b"\\", b'"\\', b'["', b']"\\'], ids=repr)
def test_answer__text_that_never_ends__is_searched_once(filling: bytes) -> None:
    """An unclosed string of escaped quotes took a time that grew with the square: hours for a megabyte."""
    assert parsed(b"[" * 70 + b'"' + filling * (1 << 20)) is None


@given(odd_json(_log()), odd_json(_header()))
def test_log_and_block__odd_values__are_refused_as_the_endpoints_fault(log: Any, header: Any) -> None:
    from node.chain.logs import _log as read_log

    for read, value in ((read_log, log), (parse.block, header)):
        try:
            read(value)
        except UnavailableError as error:
            assert_clear(str(error))


topics = st.lists(st.binary(min_size=32, max_size=32) | st.sampled_from((ABI.topic("Reported"), _word(1))), max_size=5)


@given(topics, any_input((bytes.fromhex(_log()["data"][2:]),)))
def test_event__any_topics_and_payload__is_an_event_or_refused(some: list[bytes], payload: bytes) -> None:
    log = Log(tuple(some), payload, 44, b"\x44" * 32, b"\x66" * 32, 0)
    hold(Decoder("node.chain.logs.landed", lambda _: landed(log), ChainError, (), factor=256), payload)


@given(any_input((TRANSMISSION,)))
def test_calldata__noise_and_damage__is_a_call_or_refused(raw: bytes) -> None:
    found = hold(Decoder("node.chain.interface.Interface.call", ABI.call, ChainError, (TRANSMISSION,), factor=256), raw)
    if isinstance(found, tuple):
        assert found[0] in {name for name, _ in ABI._functions}


@given(errors)
def test_error__any_object__is_a_revert_or_none(error: dict[str, Any]) -> None:
    found, peak = peak_of(lambda: revert_in(error), 256 * KIB)
    assert peak <= 256 * KIB
    assert found is None or assert_clear(str(found)) is None


@given(
    st.one_of(st.text(max_size=70), st.sampled_from(("0x1_0", "0x 1", "0x1 ", "0x\u0661", "0x-1", "0x+1", "0X1", "0x")))
)
def test_quantity__any_text__is_its_hexadecimal_number_or_refused(text: str) -> None:
    try:
        number = parse.quantity(text, "a number")
    except UnavailableError:
        return
    assert text.isascii()
    assert text[2:].lower().lstrip("0") == f"{number:x}".lstrip("0")


@given(st.one_of(st.text(max_size=70), st.binary(max_size=40).map(lambda raw: "0x" + raw.hex(" "))))
def test_octets__any_text__are_its_hexadecimal_bytes_or_refused(text: str) -> None:
    try:
        raw = parse.octets(text, "some bytes")
    except UnavailableError:
        return
    assert text[2:].lower() == raw.hex()


@given(st.binary(min_size=60, max_size=70), st.binary(min_size=32, max_size=32))
def test_signature__any_bytes__recover_an_address_or_are_refused(signature: bytes, digest: bytes) -> None:
    from node.agreement.signature import recover

    def read(raw: bytes) -> str:
        return recover(digest, raw)

    found = hold(Decoder("node.agreement.signature.recover", read, AgreementError, ()), signature)
    assert isinstance(found, AgreementError) or int(found, 16)


def test_name__of_a_contract_that_speaks_to_terminals__is_harmless(runner: asyncio.Runner) -> None:
    text = "Tide\x1b[2K\rPatina\u202egnp".encode()

    def spoil(answer: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        raw = _word(32) + _word(len(text)) + text.ljust(32, b"\0")
        return 200, {}, json.dumps({**answer, "result": "0x" + raw.hex()}).encode()

    assert ask(runner, QUESTIONS["name"], Wire(0, spoil))[0] == "Tide?[2K?Patina?gnp"
