"""The ways in which endpoints go wrong: refusing, stalling, lagging, lying, closing the door."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from eth_abi.abi import encode
from eth_hash.auto import keccak

from node.chain.interface import interface
from tests.integration.chaos.faults.endpoint import Endpoint, Message

WAD = 10**18
HEADS = ("latest", "pending")
FINAL = ("finalized", "safe")
BLOCK_PARAM = {"eth_call": 1, "eth_getBalance": 1, "eth_getTransactionCount": 1, "eth_getCode": 1, "eth_estimateGas": 1}


@dataclass(frozen=True)
class Refuse:
    """429 with Retry-After (seconds), as providers do when a quota is used up."""

    retry_after: int = 1

    async def answer(self, endpoint: Endpoint, request: web.Request, messages: list[Message]) -> Any:
        endpoint.harm["refused with 429"] += 1
        return web.Response(status=429, headers={"Retry-After": str(self.retry_after)}, text="Too Many Requests")


@dataclass(frozen=True)
class Stall:
    """Takes the request and never answers."""

    async def answer(self, endpoint: Endpoint, request: web.Request, messages: list[Message]) -> Any:
        endpoint.harm["left without an answer"] += 1
        await asyncio.sleep(60)
        return web.Response(status=504)


@dataclass(frozen=True)
class Hangup:
    """Closes the connection in the middle of the answer."""

    async def answer(self, endpoint: Endpoint, request: web.Request, messages: list[Message]) -> Any:
        endpoint.harm["cut off"] += 1
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)


@dataclass(frozen=True)
class Lag:
    """Knows the chain only up to so many blocks before its head."""

    blocks: int = 20

    async def answer(self, endpoint: Endpoint, request: web.Request, messages: list[Message]) -> Any:
        head = max(0, int(await endpoint.ask("eth_blockNumber"), 16) - self.blocks)
        return [await self._one(endpoint, message, head) for message in messages]

    async def _one(self, endpoint: Endpoint, message: Message, head: int) -> Message:
        method, params = message["method"], list(message.get("params") or [])
        if method == "eth_blockNumber":
            return self._told(endpoint, message, hex(head))
        if method == "eth_getBlockByNumber":
            number = await self._height(endpoint, params[0])
            if params[0] in FINAL:
                return await self._past(endpoint, message, [hex(max(0, number - self.blocks)), *params[1:]])
            if number > head:
                if params[0] in HEADS:
                    return await self._past(endpoint, message, [hex(head), *params[1:]])
                return self._told(endpoint, message, None)
            return (await endpoint.forward([message]))[0]
        if method == "eth_getLogs":
            query = dict(params[0])
            last = min(head, await self._height(endpoint, query.get("toBlock", "latest")))
            if await self._height(endpoint, query.get("fromBlock", "latest")) > last:
                return self._told(endpoint, message, [])
            return await self._past(endpoint, message, [{**query, "toBlock": hex(last)}])
        if method in BLOCK_PARAM and len(params) > BLOCK_PARAM[method]:
            at = BLOCK_PARAM[method]
            if await self._height(endpoint, params[at]) > head:
                if params[at] not in HEADS:
                    endpoint.harm[f"answered {self.blocks} blocks late"] += 1
                    error = {"code": -32000, "message": "header not found"}
                    return {"jsonrpc": "2.0", "id": message.get("id"), "error": error}
                params[at] = hex(head)
                return await self._past(endpoint, message, params)
        [answer] = await endpoint.forward([message])
        if method in ("eth_getTransactionReceipt", "eth_getTransactionByHash") and answer.get("result"):
            mined = answer["result"].get("blockNumber")
            if mined is not None and int(mined, 16) > head:
                return self._told(endpoint, message, None)
        return answer

    async def _height(self, endpoint: Endpoint, block: Any) -> int:
        if isinstance(block, dict) and "blockNumber" in block:
            block = block["blockNumber"]
        if isinstance(block, dict):
            found = await endpoint.ask("eth_getBlockByHash", block["blockHash"], False)
        elif block in HEADS or block in FINAL:
            found = await endpoint.ask("eth_getBlockByNumber", block, False)
        elif block == "earliest":
            return 0
        else:
            return int(block, 16)
        return 1 << 62 if found is None else int(found["number"], 16)

    async def _past(self, endpoint: Endpoint, message: Message, params: list[Any]) -> Message:
        endpoint.harm[f"answered {self.blocks} blocks late"] += 1
        return (await endpoint.forward([{**message, "params": params}]))[0]

    def _told(self, endpoint: Endpoint, message: Message, result: Any) -> Message:
        endpoint.harm[f"answered {self.blocks} blocks late"] += 1
        return {"jsonrpc": "2.0", "id": message.get("id"), "result": result}


class Lie:
    """Passes requests on and falsifies answers: `told` counts those that were."""

    told = "lied"

    async def answer(self, endpoint: Endpoint, request: web.Request, messages: list[Message]) -> Any:
        answers = await endpoint.forward(messages)
        return [self._falsified(endpoint, *pair) for pair in zip(messages, answers, strict=True)]

    def _falsified(self, endpoint: Endpoint, message: Message, answer: Message) -> Message:
        result = answer.get("result")
        false = result if result is None else self.falsify(message, result)
        if false == result:
            return answer
        endpoint.harm[self.told] += 1
        return {**answer, "result": false}

    def falsify(self, message: Message, result: Any) -> Any:
        """Return the false result, or the true one where there is nothing to lie about."""
        raise TypeError("a lie says what is false")


class FalsePrices(Lie):
    """Adds a tenth to whatever looks like a share price other than the basis of 1, in any call's answer."""

    told = "gave a false share price"

    def falsify(self, message: Message, result: Any) -> Any:
        if message["method"] != "eth_call" or not isinstance(result, str):
            return result
        words = [result[at : at + 64] for at in range(2, len(result), 64)]
        return "0x" + "".join(self._word(word) for word in words)

    def _word(self, word: str) -> str:
        value = int(word, 16) if len(word) == 64 else 0
        priced = WAD * 9 // 10 < value < WAD * 12 // 10 and value != WAD
        return f"{value * 11 // 10:064x}" if priced else word


class FalseHashes(Lie):
    """Gives every block another hash."""

    told = "gave a false block hash"

    def falsify(self, message: Message, result: Any) -> Any:
        if message["method"] != "eth_getBlockByNumber":
            return result
        return {**result, "hash": "0x" + keccak(bytes.fromhex(result["hash"][2:])).hex()}


class FalseFinality(Lie):
    """Calls the newest block final long before it is."""

    told = "called a block final too early"

    async def answer(self, endpoint: Endpoint, request: web.Request, messages: list[Message]) -> Any:
        asked = [self._early(endpoint, message) for message in messages]
        return await endpoint.forward(asked)

    def _early(self, endpoint: Endpoint, message: Message) -> Message:
        params = list(message.get("params") or [])
        if message["method"] != "eth_getBlockByNumber" or params[0] not in FINAL:
            return message
        endpoint.harm[self.told] += 1
        return {**message, "params": ["latest", *params[1:]]}


class FalseLogs(Lie):
    """Tells of reports that never landed and of votes that nobody cast, for the newest checkpoints of a feed."""

    told = "invented reports and votes"

    def __init__(self, feed: int, members: Sequence[str], cadence: int) -> None:
        self._feed = feed
        self._members = members
        self._cadence = cadence

    def falsify(self, message: Message, result: Any) -> Any:
        if message["method"] != "eth_getLogs":
            return result
        [query] = message["params"]
        [event, *_] = query["topics"]
        block = int(query["toBlock"], 16)
        oracle = interface("StrategyOracle")
        checkpoints = [block // self._cadence * self._cadence - back * self._cadence for back in range(2)]
        if event == "0x" + oracle.topic("Reported").hex():
            plain = ["bytes32", "bytes32", "int256", "uint8", "uint8", "bytes32", "uint256", "address"]
            values = [b"c" * 32, b"d" * 32, WAD // 40, 0, 2, bytes(32), 7, self._members[0]]
            found = [([checkpoint], encode(plain, values)) for checkpoint in checkpoints]
        elif event == "0x" + oracle.topic("Voted").hex():
            vote = encode(["bytes32", "int256"], [b"v" * 32, WAD // 40])
            found = [([number, int(who, 16)], vote) for number in checkpoints for who in self._members]
        else:
            return result
        return result + [self._log(query, block, at, *each) for at, each in enumerate(found)]

    def _log(self, query: Message, block: int, at: int, indexed: Sequence[int], payload: bytes) -> Message:
        words = [f"0x{number:064x}" for number in (self._feed, *indexed)]
        return {
            "address": query["address"],
            "topics": [query["topics"][0], *words],
            "data": "0x" + payload.hex(),
            "blockNumber": hex(block),
            "blockHash": "0x" + keccak(block.to_bytes(8, "big")).hex(),
            "transactionHash": "0x" + keccak(bytes([at])).hex(),
            "logIndex": hex(90_000 + at),
            "removed": False,
        }


class NoLogs(Lie):
    """Knows of no report and no vote."""

    told = "hid reports and votes"

    def falsify(self, message: Message, result: Any) -> Any:
        return [] if message["method"] == "eth_getLogs" else result
