"""Writes the deployment file of a testnet in a box: the same as a public testnet's, over none but a devnet's own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eth_hash.auto import keccak

from node.bounded import read_at_most
from node.chain.interface import artifact
from node.deployment.file import (
    COLLECTION,
    FORMAT,
    MAX_BYTES,
    ORACLE,
    PROTOCOL_VERSION,
    STAKE_TOKEN,
    STAKING,
    Deployment,
    load,
)
from node.errors import DeploymentError

if TYPE_CHECKING:
    from node.devnet.account import Contract
    from node.devnet.testnet.contracts import Ground

NETWORK: Final = "patina:devnet"


def refuse_what_is_there(path: Path) -> None:
    """Raise DeploymentError where something stands at `path` that no devnet wrote, before anything is started."""
    if not path.exists() and not path.is_symlink():
        return
    try:
        # Whatever version wrote it: what counts is that a devnet did.
        found = json.loads(read_at_most(path, MAX_BYTES))
        ours = not path.is_symlink() and found["network"] == NETWORK and found["contracts"] is not None
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        ours = False
    if not ours:
        raise DeploymentError(f"{path}: is in the way, and no devnet wrote it; name another file with --output")


async def record(ground: Ground, path: Path, gateways: Sequence[str] = ()) -> Deployment:
    """Write what stands on the chain to `path`, whole or not at all, and return it as whoever takes the file reads it.

    Raises:
        DeploymentError: the file cannot be written.
        ChainError: the chain cannot be read.
    """
    owner = ground.owner
    genesis = await owner.rpc("eth_getBlockByNumber", "0x0", False)
    digest = bytes((await owner.read(ground.oracle, "configuration"))[0])
    places = {
        ORACLE: ground.oracle,
        STAKE_TOKEN: ground.stake.token,
        STAKING: ground.stake.staking,
        COLLECTION: ground.collection,
    }
    document = {
        "format": FORMAT,
        "complete": True,
        "chain_id": await owner.web3.eth.chain_id,
        "network": NETWORK,
        "genesis_hash": genesis["hash"],
        "deployer": owner.address,
        "owner": owner.address,
        "protocol_version": PROTOCOL_VERSION,
        "software": {"least_node": version("patina")},
        "config_digest": "0x" + digest.hex() if any(digest) else None,
        "gateways": list(gateways),
        "contracts": {name: await _entry(ground, contract) for name, contract in places.items()},
    }
    _write(path, json.dumps(document, indent=2) + "\n")
    return load(path)


async def _entry(ground: Ground, contract: Contract) -> dict[str, Any]:
    code = bytes.fromhex((await ground.owner.rpc("eth_getCode", contract.address, "latest"))[2:])
    given = next(arguments for known, arguments in ground.owner.deployed if known.address == contract.address)
    inputs = next(entry["inputs"] for entry in artifact(contract.name)["abi"] if entry["type"] == "constructor")
    return {
        "contract": contract.name,
        "address": contract.address,
        "block": contract.block,
        "arguments": _named(inputs, given),
        "code_hash": "0x" + keccak(code).hex(),
    }


def _named(inputs: Sequence[Mapping[str, Any]], values: Sequence[Any]) -> dict[str, Any]:
    """Constructor arguments by name: numbers as texts in decimal, structs as objects."""
    return {
        str(entry["name"]): _named(entry["components"], value)
        if "components" in entry
        else str(value)
        if isinstance(value, int)
        else value
        for entry, value in zip(inputs, values, strict=True)
    }


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DeploymentError(f"{path}: cannot be written ({error.strerror}); name another with --output") from None
