"""Holds a whole deployment against the chain: chain and software, then each contract, then what they say now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.deployment.code import check_contract
from node.deployment.file import PROTOCOL_VERSION
from node.deployment.reading import Reading
from node.deployment.software import is_older
from node.deployment.state import check_state

if TYPE_CHECKING:
    from node.chain.endpoints.pool import RpcPool
    from node.deployment.file import Deployment
    from node.deployment.findings import Findings

_OTHER_CHAIN: Final = "name an endpoint of the right network with --rpc, or take the deployment file of this one"


async def check(deployment: Deployment, pool: RpcPool, findings: Findings, version: str) -> None:
    """Look at everything that the file claims, and note it in `findings`; `version` is this software's own.

    Nothing that the chain answers, or refuses to, is raised: it becomes a finding.
    """
    reading = Reading(pool)
    _check_software(deployment, findings, version)
    if not await _check_chain(deployment, reading, findings):
        for name in deployment.contracts:
            findings.unknown(name, "everything", "not looked for where it cannot be", _OTHER_CHAIN)
        return
    sound = set()
    for name, contract in deployment.contracts.items():
        if await check_contract(deployment, name, contract, reading, findings):
            sound.add(name)
    await check_state(deployment, reading, findings, sound)


def _check_software(deployment: Deployment, findings: Findings, version: str) -> None:
    least = deployment.least_node
    findings.judge(
        "software",
        "version",
        not is_older(version, least),
        f"this is {version}, at least {least} is needed",
        "update this software",
    )
    told = deployment.protocol_version
    findings.judge(
        "software",
        "protocol",
        told == PROTOCOL_VERSION,
        f"the network speaks version {told}, this software {PROTOCOL_VERSION}",
        "take the software that was made for this network",
    )


async def _check_chain(deployment: Deployment, reading: Reading, findings: Findings) -> bool:
    """Whether the endpoints serve the file's chain."""
    right = False
    with findings.asking("chain", "id", _OTHER_CHAIN):
        found = await reading.chain_id()
        right = findings.judge(
            "chain",
            "id",
            found == deployment.chain_id,
            f"{found}" if found == deployment.chain_id else f"{found}, the file says {deployment.chain_id}",
            _OTHER_CHAIN,
        )
    if not right:
        return False
    with findings.asking("chain", "genesis", _OTHER_CHAIN):
        block = await reading.genesis()
        same = block == deployment.genesis_hash
        told = f"0x{block.hex()}" if same else f"0x{block.hex()}, the file says 0x{deployment.genesis_hash.hex()}"
        return findings.judge("chain", "genesis", same, told, _OTHER_CHAIN)
    # An endpoint that does not keep its first block may serve the right chain all the same.
    return True
