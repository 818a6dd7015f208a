"""Checks one contract of a deployment: its code, its immutables, and the transaction that created it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from node.deployment.arguments import ArgumentError, creation_code, values
from node.deployment.immutables import Immutable, Value, hold_code

if TYPE_CHECKING:
    from node.deployment.file import Contract, Deployment
    from node.deployment.findings import Findings
    from node.deployment.reading import Reading

_NOT_OURS: Final = "do not use it: ask whoever deployed it, or compare the addresses with where you have them from"
_FILE: Final = "fetch the deployment file again from where the network publishes it"
_SOURCE: Final = f"{_NOT_OURS}; an older or newer version of this software may know it"


async def check_contract(
    deployment: Deployment, name: str, contract: Contract, reading: Reading, findings: Findings
) -> bool:
    """Note whether a contract is made of this package's source as the file says. Returns whether its code is."""
    from eth_utils.crypto import keccak

    code = None
    with findings.asking(name, "code", _NOT_OURS):
        code = await reading.code(contract.address)
    if code is None:
        return False
    hashed = keccak(code)
    same = hashed == contract.code_hash
    told = "" if same else f", the file says 0x{contract.code_hash.hex()}"
    if contract.source is None:
        there = f"{len(code):,} bytes that are not of this package" if code else "nothing stands there"
        findings.judge(name, "code", bool(code), f"{contract.address}: {there}", _NOT_OURS)
        return findings.judge(name, "code hash", same and bool(code), f"0x{hashed.hex()}{told}", _NOT_OURS)
    try:
        arguments = values(contract.source, contract.arguments or {})
        carried = creation_code(contract.source, arguments)
    except ArgumentError as error:
        findings.judge(name, "arguments", False, str(error), _FILE)
        return False
    held = hold_code(contract.source, code, deployment.chain_id, contract.address, arguments)
    good = f"{held.length:,} bytes of {contract.source}"
    findings.judge(name, "code", not held.fault, f"{contract.address}: {held.fault or good}", _SOURCE)
    for each in held.immutables:
        findings.judge(name, f"immutable {each.name}", each.holds, _told(each), _NOT_OURS)
    findings.judge(name, "code hash", same, f"0x{hashed.hex()}{told}", _FILE if not held.fault else _NOT_OURS)
    await _check_creation(deployment, name, contract, carried, reading, findings)
    return not held.fault and all(each.holds for each in held.immutables)


async def _check_creation(
    deployment: Deployment, name: str, contract: Contract, carried: bytes, reading: Reading, findings: Findings
) -> None:
    with findings.asking(name, "creation", _FILE):
        found = await reading.creation(contract.address, contract.block or 0)
        if found is None:
            wrong = f"no transaction of block {contract.block:,} created it"
            findings.judge(name, "creation", False, wrong, _FILE)
            return
        where = f"block {contract.block:,}, transaction 0x{found.tx_hash.hex()}"
        findings.judge(name, "creation", True, where, "")
        findings.judge(name, "arguments", found.carried == carried, _carried(found.carried, carried, contract), _FILE)
        same = found.sender == deployment.deployer
        told = found.sender if same else f"{found.sender}, the file says {deployment.deployer}"
        findings.judge(name, "deployer", same, told, _FILE)


def _carried(found: bytes, wanted: bytes, contract: Contract) -> str:
    if found == wanted:
        told = ", ".join(f"{key}: {_short(value)}" for key, value in (contract.arguments or {}).items())
        return f"as the creating transaction carried them: {told}" if told else "none, as in the creating transaction"
    if len(found) == len(wanted) and found[:-32] != wanted[:-32]:
        at = next(at for at, (one, other) in enumerate(zip(found, wanted, strict=True)) if one != other)
        return f"the creating transaction carried others than the file's, from byte {at} on"
    return "the creating transaction carried others than the file's"


def _short(value: Any) -> str:
    return f"{len(value)} numbers" if isinstance(value, Mapping) else str(value) or '""'


def _told(each: Immutable) -> str:
    if isinstance(each.wanted, Mapping):
        found = each.found if isinstance(each.found, Mapping) else {}
        unlike = {key: value for key, value in each.wanted.items() if found.get(key) != value}
        if unlike:
            return "; ".join(f"{key} is {found.get(key)}, the file says {value}" for key, value in unlike.items())
        return ", ".join(f"{key} {value}" for key, value in each.wanted.items())
    if each.holds:
        return _spelled(each.wanted)
    return f"is {'garbage' if each.found is None else _spelled(each.found)}, has to be {_spelled(each.wanted)}"


def _spelled(value: Value) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value) if value != "" else '""'
