"""The JSON-RPC server as clients meet it: web3's own client, and bytes of every kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from eth_hash.auto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3RPCError

from node.chain.interface import artifact
from node.devnet.evm.chain import DevnetChain
from node.devnet.genesis import dev_account
from node.devnet.rpc.methods import METHODS
from node.devnet.rpc.server import MAX_BODY, DevnetServer, serve_chain
from node.errors import ChainError

GWEI = 10**9
SOMEONE = "0x1111111111111111111111111111111111111111"


@pytest.fixture
async def server() -> AsyncIterator[DevnetServer]:
    async with serve_chain() as running:
        yield running


@pytest.fixture
async def web3(server: DevnetServer) -> AsyncIterator[AsyncWeb3[Any]]:
    client = AsyncWeb3(AsyncHTTPProvider(server.url))
    yield client
    await client.provider.disconnect()


async def ask(server: DevnetServer, body: bytes | object) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with aiohttp.ClientSession() as session, session.post(server.url, data=BytesIO(raw)) as response:
        text = await response.text()
        return json.loads(text) if text else response.status


def request(method: str, *arguments: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(arguments)}


async def transact(web3: AsyncWeb3[Any], **fields: Any) -> Any:
    key = dev_account(b"patina devnet", 0)
    filled = {
        "type": 2,
        "chainId": await web3.eth.chain_id,
        "nonce": await web3.eth.get_transaction_count(key.address, "pending"),
        "gas": 3_000_000,
        "maxFeePerGas": 10 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "value": 0,
    }
    wanted = {name: value for name, value in (filled | fields).items() if value is not None}
    sent = await web3.eth.send_raw_transaction(key.sign_transaction(wanted).raw_transaction)
    return await web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)


async def test_web3__blocks_and_accounts__read_as_any_node_would_answer(web3: AsyncWeb3[Any]) -> None:
    assert await web3.eth.chain_id == 31337
    assert (await web3.client_version).startswith("patina-devnet/")
    assert await web3.eth.syncing is False
    await web3.provider.make_request("evm_mine", [5])
    assert await web3.eth.block_number == 5
    numbers = {tag: (await web3.eth.get_block(tag))["number"] for tag in ("latest", "finalized", "safe", "earliest")}
    assert numbers == {"latest": 5, "finalized": 3, "safe": 3, "earliest": 0}
    block = await web3.eth.get_block(4)
    assert (await web3.eth.get_block(block["hash"]))["number"] == 4
    assert (await web3.eth.get_block(5))["parentHash"] == block["hash"]
    for missing in (6, b"\x01" * 32):
        with pytest.raises(BlockNotFound):
            await web3.eth.get_block(missing)
    with pytest.raises(TransactionNotFound):
        await web3.eth.get_transaction_receipt(b"\x01" * 32)
    key = dev_account(b"patina devnet", 0).address
    assert await web3.eth.accounts == [dev_account(b"patina devnet", index).address for index in range(10)]
    assert await web3.eth.get_balance(key) == 10**24
    assert await web3.eth.gas_price == GWEI + 7
    assert await web3.eth.max_priority_fee == GWEI


async def test_web3__transaction__is_mined_at_once_with_an_exact_receipt(web3: AsyncWeb3[Any]) -> None:
    receipt = await transact(web3, to=SOMEONE, value=5, gas=21_000)
    assert (receipt["status"], receipt["gasUsed"], receipt["effectiveGasPrice"]) == (1, 21_000, GWEI + 7)
    transaction = await web3.eth.get_transaction(receipt["transactionHash"])
    assert (transaction["value"], transaction["blockNumber"], transaction["type"]) == (5, 1, 2)
    block = await web3.eth.get_block(1, full_transactions=True)
    assert block["transactions"] == [transaction]
    assert await web3.eth.get_balance(SOMEONE) == 5
    assert await web3.eth.get_balance(SOMEONE, 0) == 0
    raw = await web3.eth.get_raw_transaction(receipt["transactionHash"])
    assert keccak(bytes(raw)) == receipt["transactionHash"]
    history = await web3.eth.fee_history(2, "latest", [50])
    assert history["baseFeePerGas"] == [7, 7, 7]
    assert history["reward"] == [[0], [GWEI]]


async def test_web3__contract__deploys_emits_filters_and_reverts_with_its_reason(web3: AsyncWeb3[Any]) -> None:
    compiled = artifact("TestToken")
    factory = web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    owner = dev_account(b"patina devnet", 0).address
    created = await transact(web3, data=factory.constructor("T", "T", 6).data_in_transaction)
    token = web3.eth.contract(address=created["contractAddress"], abi=compiled["abi"])
    for amount in (5, 6):
        await transact(web3, to=token.address, data=token.encode_abi("mint", [SOMEONE, amount]))
    assert await token.functions.balanceOf(SOMEONE).call() == 11
    assert await token.functions.balanceOf(SOMEONE).call(block_identifier=2) == 5
    at = (await web3.eth.get_block(2))["hash"]
    assert await token.functions.balanceOf(SOMEONE).call(block_identifier=at) == 5
    events = await token.events.Transfer.get_logs(from_block=0, argument_filters={"receiver": SOMEONE})
    assert [event["args"]["value"] for event in events] == [5, 6]
    assert [event["args"]["value"] for event in await token.events.Transfer.get_logs(block_hash=at)] == [5]
    assert await token.events.Transfer.get_logs(from_block=0, argument_filters={"receiver": owner}) == []
    with pytest.raises(ContractLogicError, match="erc20: transfer amount exceeds balance") as caught:
        await token.functions.transfer(owner, 1).call({"from": "0x" + "22" * 20})
    assert str(caught.value.data).startswith("0x08c379a0")
    estimate = await token.functions.mint(SOMEONE, 1).estimate_gas({"from": owner})
    assert (await transact(web3, to=token.address, data=token.encode_abi("mint", [SOMEONE, 1]), gas=estimate))["status"]
    failed = await transact(web3, to=token.address, data=token.encode_abi("transfer", [SOMEONE, 10**30]))
    assert failed["status"] == 0
    assert failed["logs"] == []


async def test_get_logs__topics_with_alternatives_and_gaps__match_as_specified(
    server: DevnetServer, web3: AsyncWeb3[Any]
) -> None:
    compiled = artifact("TestToken")
    factory = web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    created = await transact(web3, data=factory.constructor("T", "T", 6).data_in_transaction)
    address = created["contractAddress"]
    receivers = ["0x" + f"{n:02x}" * 20 for n in (1, 2, 3)]
    for receiver in receivers:
        await transact(web3, to=address, data=factory.encode_abi("mint", [receiver, 1]))
    transfer = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
    words = ["0x" + "00" * 12 + receiver[2:] for receiver in receivers]

    async def found(**query: Any) -> list[int]:
        answer = await ask(server, request("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"} | query))
        return [int(log["blockNumber"], 16) for log in answer["result"]]

    assert await found(address=address, topics=[transfer]) == [2, 3, 4]
    assert await found(address=[address, SOMEONE], topics=[transfer, None, [words[0], words[2]]]) == [2, 4]
    assert await found(topics=[None, None, words[1]]) == [3]
    assert await found(topics=[[], None, words[1]]) == [3]
    assert await found(address=SOMEONE) == []
    assert await found(address=address, topics=[transfer], fromBlock="0x3", toBlock="0x3") == [3]
    assert await found(topics=[transfer, None, None, words[0]]) == []
    assert await found(fromBlock="0x64", toBlock="0x65") == []
    everything = await found(address=address)
    assert sorted(everything) == everything


async def test_raw_header__by_number_tag_hash_and_object__is_the_blocks(
    server: DevnetServer, web3: AsyncWeb3[Any]
) -> None:
    await web3.provider.make_request("anvil_mine", ["0x3"])
    block = await web3.eth.get_block(2)
    for name in ("0x2", "0x" + block["hash"].hex(), {"blockHash": "0x" + block["hash"].hex()}, {"blockNumber": "0x2"}):
        header = (await ask(server, request("debug_getRawHeader", name)))["result"]
        assert keccak(bytes.fromhex(header[2:])) == block["hash"]


async def test_eip1898__unknown_or_ambiguous_blocks__are_refused(server: DevnetServer) -> None:
    unknown = {"blockHash": "0x" + "01" * 32}
    answer = await ask(server, request("eth_getBalance", SOMEONE, unknown))
    assert answer["error"]["message"] == "header not found"
    for block in (
        {},
        {"blockHash": "0x" + "01" * 32, "blockNumber": "0x0"},
        {"number": 1},
        "newest",
        1.5,
        True,
        [],
        "0x",
    ):
        answer = await ask(server, request("eth_getBalance", SOMEONE, block))
        assert answer["error"]["code"] == -32602


async def test_batch__good_bad_and_notifications__answers_each_that_asked(server: DevnetServer) -> None:
    notification = {"jsonrpc": "2.0", "method": "evm_mine", "params": []}
    batch = [request("eth_chainId") | {"id": "a"}, notification, 7, request("nope") | {"id": 2}]
    answers = await ask(server, batch)
    assert answers[0] == {"jsonrpc": "2.0", "id": "a", "result": "0x7a69"}
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32600, -32601]
    assert (await ask(server, request("eth_blockNumber")))["result"] == "0x1"
    assert await ask(server, [notification]) == 204
    assert (await ask(server, []))["error"]["code"] == -32600
    assert (await ask(server, [request("eth_chainId")] * 1001))["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"\xff\xfe", -32700),
        (b"{", -32700),
        (b"NaN", -32700),
        (b"[" * 100_000, -32700),
        (b"1" * 10_000, -32700),
        (b"null", -32600),
        (b'"eth_chainId"', -32600),
        (b"{}", -32600),
        (b'{"method": 1, "id": 1}', -32600),
        (b'{"method": "eth_chainId", "id": {}}', -32600),
        (b'{"method": "eth_chainId", "id": 1e999}', -32600),
        (b'{"method": "eth_chainId", "id": 1, "params": {"a": 1}}', -32602),
        (b'{"method": "eth_chainId", "id": 1, "params": [1]}', -32602),
        (b'{"method": "eth_getBalance", "id": 1, "params": []}', -32602),
        (b'{"method": "__init__", "id": 1}', -32601),
        (b" " * (MAX_BODY + 1), -32600),
    ],
)
async def test_server__bytes_that_are_no_request__get_a_json_rpc_error(
    server: DevnetServer, body: bytes, code: int
) -> None:
    assert (await ask(server, body))["error"]["code"] == code


KEYS = ["from", "to", "data", "blockHash", "topics", "address", "blocks", "gas"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**300), 2**300) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["latest", "0x0", "0x" + "00" * 20, "0x" + "00" * 32, SOMEONE, "0xzz", "0x1", "pending"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(sorted(set(METHODS) - {"evm_mine", "anvil_mine", "hardhat_mine"})),
    params=st.lists(JSON, max_size=3),
)
def test_methods__any_params__answer_or_refuse_but_never_fail_inside(method: str, params: list[Any]) -> None:
    try:
        body = json.dumps(request(method, *params), allow_nan=False).encode()
    except ValueError:
        return

    async def asked() -> Any:
        return await FUZZED.answer(json.loads(body))

    answer = asyncio.run(asked())
    assert ("result" in answer) != ("error" in answer)
    if "error" in answer:
        assert answer["error"]["code"] != -32603, answer


class _Fuzzed(DevnetServer):
    """The server's dispatch on one chain, without a socket."""

    async def answer(self, message: object) -> Any:
        return await self._answer(message)


FUZZED = _Fuzzed(DevnetChain())


async def test_mine__thousands_of_blocks__leaves_room_for_other_requests(server: DevnetServer) -> None:
    mining = asyncio.create_task(ask(server, request("evm_mine", 300)))
    seen: list[int] = []
    while not mining.done():
        seen.append(int((await ask(server, request("eth_blockNumber")))["result"], 16))
    assert (await mining)["result"] == "0x0"
    assert seen == sorted(seen)
    assert len([number for number in seen if number < 300]) > 3
    assert (await ask(server, request("evm_mine", {"blocks": 2, "timestamp": 2_000_000_000})))["result"] == "0x0"
    block = (await ask(server, request("eth_getBlockByNumber", "0x12d", False)))["result"]
    assert int(block["timestamp"], 16) == 2_000_000_000
    assert (await ask(server, request("evm_mine", 100_001)))["error"]["code"] == -32602


async def test_control__automine_off__transactions_wait_for_mine(server: DevnetServer) -> None:
    await ask(server, request("evm_setAutomine", False))
    sent = (await ask(server, request("patina_fund", SOMEONE, "0x5")))["result"]
    waiting = (await ask(server, request("eth_getTransactionByHash", sent)))["result"]
    assert waiting["blockHash"] is None
    assert (await ask(server, request("eth_getTransactionReceipt", sent)))["result"] is None
    await ask(server, request("evm_mine"))
    assert (await ask(server, request("eth_getTransactionReceipt", sent)))["result"]["status"] == "0x1"
    assert (await ask(server, request("eth_getBlockReceipts", "0x1")))["result"][0]["transactionHash"] == sent


async def test_send__refused_transaction__is_told_as_a_server_error(web3: AsyncWeb3[Any]) -> None:
    await transact(web3, to=SOMEONE, value=1)
    with pytest.raises(Web3RPCError, match="nonce too low"):
        await transact(web3, to=SOMEONE, value=1, nonce=0)


async def test_serve_chain__port_taken__is_refused(server: DevnetServer) -> None:
    with pytest.raises(ChainError, match="cannot listen"):
        async with serve_chain(port=server.port):
            pass


async def test_transaction_types__legacy_access_list_and_set_code__are_mined_and_told_in_full(
    web3: AsyncWeb3[Any],
) -> None:
    key = dev_account(b"patina devnet", 0)
    legacy = await transact(web3, to=SOMEONE, type=None, gasPrice=GWEI, maxFeePerGas=None, maxPriorityFeePerGas=None)
    slots = [{"address": SOMEONE, "storageKeys": ["0x" + "00" * 31 + "07"]}]
    listed = await transact(
        web3, to=SOMEONE, type=1, gasPrice=GWEI, maxFeePerGas=None, maxPriorityFeePerGas=None, accessList=slots
    )
    assert listed["gasUsed"] == 21_000 + 2_400 + 1_900  # EIP-2930
    delegate = dev_account(b"patina devnet", 1)
    permission = delegate.sign_authorization({"chainId": 31337, "address": SOMEONE, "nonce": 0})
    coded = await transact(web3, to=delegate.address, type=4, authorizationList=[permission])
    told = [await web3.eth.get_transaction(receipt["transactionHash"]) for receipt in (legacy, listed, coded)]
    assert [transaction["type"] for transaction in told] == [0, 1, 4]
    assert [transaction["from"] for transaction in told] == [key.address] * 3
    assert told[1]["accessList"][0]["storageKeys"] == slots[0]["storageKeys"]
    assert told[2]["authorizationList"][0]["address"] == SOMEONE
    assert await web3.eth.get_code(delegate.address) == bytes.fromhex("ef0100" + SOMEONE[2:])
