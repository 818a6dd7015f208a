"""Contract calls, their results and events as bytes and back, by a compiled ABI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from node.errors import ChainError


@cache
def artifact(contract: str) -> dict[str, Any]:
    """The compiled contract `{"abi": [...], "bytecode": "0x..."}`; ChainError when the package lacks it."""
    try:
        text = (files("node.chain") / "artifacts" / f"{contract}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ChainError(
            f"the compiled contract {contract} is missing from the installation: run make artifacts"
        ) from None
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def interface(contract: str) -> Interface:
    """The interface of one of Patina's own contracts, by its name."""
    return Interface(artifact(contract)["abi"])


class Interface:
    """A contract's functions and events, by name; of functions with default arguments the one that fits is taken.

    Structs are tuples in declaration order. Foreign bytes that do not decode raise ChainError.
    """

    def __init__(self, abi: Sequence[Mapping[str, Any]]) -> None:
        from eth_utils.crypto import keccak

        self._functions: dict[tuple[str, int], tuple[bytes, list[str], list[str]]] = {}
        self._by_selector: dict[bytes, tuple[str, list[str]]] = {}
        self._events: dict[str, tuple[bytes, list[tuple[str, str, bool]]]] = {}
        for entry in abi:
            types = [canonical_type(item) for item in entry.get("inputs", ())]
            name = entry.get("name", "")
            hashed = keccak(text=f"{name}({','.join(types)})")
            if entry["type"] == "function":
                outputs = [canonical_type(item) for item in entry.get("outputs", ())]
                self._functions[name, len(types)] = hashed[:4], types, outputs
                self._by_selector[hashed[:4]] = name, types
            elif entry["type"] == "event":
                names = [item["name"] for item in entry["inputs"]]
                indexed = [bool(item["indexed"]) for item in entry["inputs"]]
                self._events[name] = hashed, list(zip(names, types, indexed, strict=True))

    def encode(self, function: str, *arguments: Any) -> bytes:
        """Calldata of a call; ChainError for an argument that does not fit its type."""
        from eth_abi.abi import encode
        from eth_abi.exceptions import EncodingError

        selector, types, _ = self._functions[function, len(arguments)]
        try:
            return selector + encode(types, arguments)
        except EncodingError as error:
            raise ChainError(f"{function}: {error}") from None

    def result(self, function: str, returned: bytes, arity: int = 0) -> Any:
        """What a call returned: the value itself, or a tuple when the function returns several."""
        _, _, types = self._functions[function, arity]
        values = _decode(function, types, returned)
        return values[0] if len(values) == 1 else values

    def call(self, calldata: bytes) -> tuple[str, tuple[Any, ...]] | None:
        """Name and arguments of calldata, or None when it calls none of this contract's functions."""
        known = self._by_selector.get(calldata[:4])
        if known is None:
            return None
        name, types = known
        return name, _decode(name, types, calldata[4:])

    def topic(self, event: str) -> bytes:
        """The first topic of an event's logs, 32 bytes."""
        return self._events[event][0]

    def event(self, event: str, topics: Sequence[bytes], logged: bytes) -> dict[str, Any]:
        """A log's arguments by name."""
        topic, inputs = self._events[event]
        indexed = [(name, kind) for name, kind, is_indexed in inputs if is_indexed]
        plain = [(name, kind) for name, kind, is_indexed in inputs if not is_indexed]
        if len(topics) != len(indexed) + 1 or topics[0] != topic:
            raise ChainError(f"a log is not the event {event} that was asked for")
        found = {
            name: _decode(event, [kind], value)[0] for (name, kind), value in zip(indexed, topics[1:], strict=True)
        }
        values = _decode(event, [kind for _, kind in plain], logged)
        return found | {name: value for (name, _), value in zip(plain, values, strict=True)}


def canonical_type(item: Mapping[str, Any]) -> str:
    """The type as it stands in a signature: `tuple[]` becomes `(uint256,bytes32)[]`."""
    kind = str(item["type"])
    if kind.startswith("tuple"):
        return f"({','.join(canonical_type(part) for part in item['components'])}){kind[5:]}"
    return kind


def _decode(what: str, types: list[str], raw: bytes) -> tuple[Any, ...]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        return decode(types, raw)
    except (DecodingError, UnicodeDecodeError, OverflowError) as error:
        raise ChainError(f"{what}: {len(raw)} bytes that do not decode ({type(error).__name__})") from None
