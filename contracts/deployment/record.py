# SPDX-License-Identifier: AGPL-3.0-only
"""The deployment file: read, held against this run, and written whole after every step."""

import json
import os
from pathlib import Path
from typing import Any

from ape.api import AccountAPI
from ape.utils import ManagerAccessMixin
from eth_utils import encode_hex

from deployment.committee import PROTOCOL_VERSION
from deployment.errors import DeploymentError

FORMAT = 2
#: The oldest version of the node that can take part in what these sources deploy.
LEAST_NODE = "0.1.0"


class Record(ManagerAccessMixin):
    """One deployment file (docs/deployment.md), and the account that deploys."""

    def __init__(self, path: Path, account: AccountAPI) -> None:
        self.path = path
        self.account = account
        self.fields: dict[str, Any] = {}

    @property
    def contracts(self) -> dict[str, Any]:
        """The contracts' entries by name."""
        found: dict[str, Any] = self.fields["contracts"]
        return found

    def open(self) -> None:
        """Reads the file if there is one. Raises DeploymentError if it belongs to another chain or deployer."""
        network = self.provider.network
        genesis = self.provider.get_block(0).hash
        fresh = {
            "format": FORMAT,
            "complete": False,
            "protocol_version": PROTOCOL_VERSION,
            "software": {"least_node": LEAST_NODE},
            "chain_id": self.provider.chain_id,
            "network": f"{network.ecosystem.name}:{network.name}",
            "genesis_hash": encode_hex(genesis) if genesis is not None else None,
            "deployer": str(self.account.address),
            "owner": str(self.account.address),
            "config_digest": None,
            "contracts": {},
        }
        if not self.path.exists():
            self.fields = fresh
            return
        try:
            self.fields = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DeploymentError(f"deployment: {self.path} is not a deployment file: {error}") from error
        if not isinstance(self.fields, dict):
            raise DeploymentError(f"deployment: {self.path} is not a deployment file")
        for key in ("format", "chain_id", "genesis_hash", "deployer"):
            if self.fields.get(key) != fresh[key]:
                raise DeploymentError(
                    f"deployment: {self.path} has {key} {self.fields.get(key)}, this run has {fresh[key]}"
                )

    def save(self) -> None:
        """Writes the file whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".new")
        with draft.open("w", encoding="utf-8") as file:
            file.write(json.dumps(self.fields, indent=2, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
