"""Fills the settings that a deployment file decides: chain id, oracle, staking contract, and where content is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from node.config.faults import Faults
from node.deployment.file import load
from node.errors import DeploymentError

_NOBODY = "0x" + "00" * 19 + "01"


def fill_deployed(tables: dict[str, Any], base: Path, faults: Faults) -> None:
    """Put into `tables` what the file that `[chain] deployment` names says; note a fault where they contradict it.

    A relative path starts from `base`. Where the file cannot be used, one fault says so, and placeholders stand in.
    """
    chain = tables.get("chain")
    if not isinstance(chain, dict) or not isinstance(named := chain.get("deployment"), str):
        return
    try:
        found = load(base / Path(named).expanduser())
    except (DeploymentError, RuntimeError, ValueError) as error:
        problem, _, fix = str(error).partition("; ")
        faults.add("chain.deployment", problem, fix or "write the path of the network's deployment file")
        chain.setdefault("id", 1)
        chain.setdefault("oracle", _placeholder())
        return
    _fill(chain, "chain", "id", found.chain_id, faults)
    _fill(chain, "chain", "oracle", found.oracle, faults)
    content = tables.setdefault("content", {})
    if isinstance(content, dict) and found.gateways:
        # Other peers than the network's are no contradiction: whoever names some wants those.
        content.setdefault("peers", list(found.gateways))
    staking = tables.setdefault("staking", {})
    if isinstance(staking, dict) and found.staking is not None:
        _fill(staking, "staking", "contract", found.staking, faults)


def _fill(table: dict[str, Any], section: str, name: str, value: object, faults: Faults) -> None:
    if table.setdefault(name, value) != value:
        where = f"{section}.{name}"
        faults.add(where, f"is not what the deployment file says ({value})", "remove this line, or name the right file")


def _placeholder() -> str:
    from node.keys.address import checksum_address

    return checksum_address(_NOBODY)
