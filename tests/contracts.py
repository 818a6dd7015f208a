"""Contracts compiled once in a test session, whichever worker asks first."""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

Compile = Callable[[Path], Any]
"""A source file to boa's deployer of it."""


def compiler(folder: Path) -> Compile:
    """Return what compiles a source, or takes from `folder` what another worker of this session has compiled.

    The folder belongs to one session, within which sources do not change.
    """

    def compiled(source: Path) -> Any:
        import boa  # two seconds, and not every test needs it
        from boa.contracts.vyper.vyper_contract import VyperContract, VyperDeployer

        VyperContract._deployment_source_map = property(deployment_source_map)  # type: ignore[assignment]
        kept = folder / sha256(bytes(source)).hexdigest()
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                deployer = boa.load_partial(str(source))
                kept.write_bytes(pickle.dumps(deployer.compiler_data))
                return deployer
        return VyperDeployer(pickle.loads(kept.read_bytes()), filename=str(source))

    return compiled


def deployment_source_map(contract: Any) -> Any:
    """Where creation code comes from in its source: found once a source, where boa does it at each deployment."""
    from vyper.compiler.settings import anchor_settings
    from vyper.ir.compile_ir import assembly_to_evm

    data = contract.compiler_data
    if "deployment_source_map" not in vars(data):
        with anchor_settings(data.settings):
            data.deployment_source_map = assembly_to_evm(data.assembly)[1]
    return data.deployment_source_map
