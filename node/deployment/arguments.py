"""A constructor's arguments as a deployment file spells them: their values, and the bytes behind the creation code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from node.chain.interface import artifact
from node.keys.address import fault_of_address

_ZERO = "0x" + "00" * 20


class ArgumentError(ValueError):
    """Arguments that are not those of a constructor; the text says which, and why."""


def values(source: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name in the constructor's order, numbers as int, structs as dicts. Raises ArgumentError."""
    return _named(_inputs(source), told, "")


def creation_code(source: str, found: Mapping[str, Any]) -> bytes:
    """What the transaction carried that created the contract, given what `values` returned. Raises ArgumentError."""
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError

    inputs = _inputs(source)
    types = [_type(item) for item in inputs]
    plain = [tuple(one.values()) if isinstance(one, dict) else one for one in found.values()]
    try:
        return bytes.fromhex(artifact(source)["bytecode"][2:]) + encode(types, plain)
    except EncodingError as error:
        raise ArgumentError(str(error)) from None


def _inputs(source: str) -> list[dict[str, Any]]:
    made = (entry["inputs"] for entry in artifact(source)["abi"] if entry["type"] == "constructor")
    return next(made, [])


def _named(inputs: list[dict[str, Any]], told: object, where: str) -> dict[str, Any]:
    if not isinstance(told, Mapping):
        raise ArgumentError(f"{where.rstrip('.') or 'arguments'} is not an object")
    names = [item["name"] for item in inputs]
    for name in names:
        if name not in told:
            raise ArgumentError(f"{where}{name} is missing")
    if spare := sorted(set(told) - set(names)):
        raise ArgumentError(f"{where}{spare[0][:40]} is no argument of this constructor")
    return {item["name"]: _value(item, told[item["name"]], where) for item in inputs}


def _value(item: Mapping[str, Any], told: object, where: str) -> Any:
    at, kind = where + item["name"], item["type"]
    if kind == "tuple":
        return _named(item["components"], told, f"{at}.")
    if not isinstance(told, str):
        raise ArgumentError(f"{at} is not a text")
    if kind == "string":
        return told
    if kind == "address":
        if told != _ZERO and (fault := fault_of_address(told)):
            raise ArgumentError(f"{at} {fault[0]}")
        return told
    if not (told.isascii() and told.isdigit() and len(told) < 79):
        raise ArgumentError(f"{at} is not a whole number in decimal")
    return int(told)


def _type(item: Mapping[str, Any]) -> str:
    if item["type"] == "tuple":
        return f"({','.join(_type(part) for part in item['components'])})"
    return str(item["type"])
