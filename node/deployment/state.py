"""Checks what the contracts of a deployment say now: owners, who obeys whom, rules, and the configuration in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.chain.types import NOBODY
from node.deployment.file import COLLECTION, ORACLE, SOURCES, STAKE_TOKEN, STAKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from node.deployment.file import Deployment
    from node.deployment.findings import Findings
    from node.deployment.reading import Reading

_OWNER: Final = "ask the network's people who owns it now; if it was handed on, take the file that says so"
_POINTS: Final = "do not join: these contracts are not one network; ask whoever deployed them"
_ATTACH: Final = (
    "the oracle's owner has to call set_staking, or has chosen another contract: take the file that says so"
)


async def check_state(deployment: Deployment, reading: Reading, findings: Findings, sound: AbstractSet[str]) -> None:
    """Note what the contracts answer; only those in `sound` are asked, another code's answers would prove nothing."""
    unsound = [name for name in deployment.contracts if name not in sound]
    for name in unsound:
        findings.unknown(name, "state", "not asked: its code is not what it has to be", "see above")
    for name in (ORACLE, COLLECTION, STAKE_TOKEN):
        if name in sound and deployment.contracts[name].source is not None:
            await _check_owner(deployment, name, reading, findings)
    if ORACLE in sound:
        await _check_obeyed(deployment, reading, findings)
        await _check_configuration(deployment, reading, findings, sound)
    if STAKING in sound:
        await _check_staking(deployment, reading, findings)
    if COLLECTION in sound:
        found = deployment.contracts[COLLECTION]
        await _check_pointer(found.address, COLLECTION, "ORACLE", deployment.oracle, reading, findings)


async def _check_owner(deployment: Deployment, name: str, reading: Reading, findings: Findings) -> None:
    source, address = SOURCES[name], deployment.contracts[name].address
    with findings.asking(name, "owner", _OWNER):
        owner = await reading.account(source, address, "owner")
        next_one = await reading.account(source, address, "pending_owner") if name != STAKE_TOKEN else NOBODY
        told = owner if owner == deployment.owner else f"{owner}, the file says {deployment.owner}"
        if next_one != NOBODY:
            told += f"; {next_one} may take over at any time"
        findings.judge(name, "owner", owner == deployment.owner, told, _OWNER)


async def _check_obeyed(deployment: Deployment, reading: Reading, findings: Findings) -> None:
    wanted = deployment.staking or NOBODY
    with findings.asking(ORACLE, "staking()", _ATTACH):
        found = await reading.account("StrategyOracle", deployment.oracle, "staking")
        names = {NOBODY: "nobody", deployment.staking: "the staking contract"}
        told = f"obeys {names.get(found, found)}"
        if found != wanted:
            told += f", the file says {names.get(wanted, wanted)}"
        findings.judge(ORACLE, "staking()", found == wanted, told, _ATTACH)


async def _check_pointer(
    address: str, name: str, function: str, wanted: str, reading: Reading, findings: Findings
) -> None:
    what = f"{function}()"
    with findings.asking(name, what, _POINTS):
        found = await reading.account(SOURCES[name], address, function)
        told = found if found == wanted else f"{found}, the file says {wanted}"
        findings.judge(name, what, found == wanted, told, _POINTS)


async def _check_staking(deployment: Deployment, reading: Reading, findings: Findings) -> None:
    contract = deployment.contracts[STAKING]
    told = contract.arguments or {}
    await _check_pointer(contract.address, STAKING, "oracle", deployment.oracle, reading, findings)
    await _check_pointer(contract.address, STAKING, "token", deployment.stake_token or NOBODY, reading, findings)
    with findings.asking(STAKING, "rules", _POINTS):
        found = await reading.view("NodeStaking", contract.address, "params")
        names = list(_ordered_rules())
        rules = dict(zip(names, found, strict=True))
        unlike = [
            f"{name} is {rules[name]}, the file says {told['params'][name]}"
            for name in names
            if str(rules[name]) != told["params"][name]
        ]
        findings.judge(STAKING, "rules", not unlike, "; ".join(unlike) or "as in the file", _POINTS)
    with findings.asking(STAKING, "guardian", _OWNER):
        guardian = await reading.account("NodeStaking", contract.address, "guardian")
        first = told["guardian"]
        words = "nobody" if guardian == NOBODY else guardian
        # Handing this role on, or ending it, changes nothing that anybody has to agree to.
        findings.judge(STAKING, "guardian", True, words if guardian == first else f"{words}, at first {first}", "")


async def _check_configuration(
    deployment: Deployment, reading: Reading, findings: Findings, sound: AbstractSet[str]
) -> None:
    """The config digest: the file's stands or stood, and the oracle's is the staking contract's."""
    wanted, staking = deployment.config_digest, deployment.staking
    remedy = "fetch the deployment file again; if it is the newest, ask the network's people who installed another one"
    with findings.asking(ORACLE, "config digest", remedy):
        digest, number, _, _ = await reading.view("StrategyOracle", deployment.oracle, "configuration")
        now = f"0x{digest.hex()}, number {number}" if any(digest) else "none: no committee was installed yet"
        holds = wanted in (None, digest)
        if not holds and staking is not None and STAKING in sound:
            holds = bool(await reading.view("NodeStaking", staking, "config_number", wanted))
        told = now if wanted is None or holds else f"{now}, the file says 0x{wanted.hex()}"
        if wanted is None and staking is None:
            holds, told = False, f"{now}, the file says none though it has a committee"
        findings.judge(ORACLE, "config digest", holds, told, remedy)
        if staking is not None and STAKING in sound:
            own_number, own = await reading.view("NodeStaking", staking, "current")
            told = now if (own_number, own) == (number, digest) else f"number {own_number}, the oracle has {now}"
            findings.judge(STAKING, "current()", (own_number, own) == (number, digest), told, _ATTACH)


def _ordered_rules() -> tuple[str, ...]:
    from dataclasses import fields

    from node.staking.types import Params

    return tuple(one.name for one in fields(Params))
