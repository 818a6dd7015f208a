# SPDX-License-Identifier: AGPL-3.0-only
"""The committee of a network without staking, as its owner wrote it into a file."""

import json
from dataclasses import dataclass
from pathlib import Path

from eth_abi import encode
from eth_utils import keccak, to_bytes, to_canonical_address, to_checksum_address

from deployment.errors import DeploymentError

PROTOCOL_VERSION = 1
MAX_NODES = 31


@dataclass(frozen=True)
class Committee:
    """The signers' addresses and their Ed25519 public keys, in committee order."""

    signers: tuple[str, ...]
    transport_keys: tuple[bytes, ...]

    @classmethod
    def load(cls, path: Path) -> "Committee":
        """Reads a committee's file. Raises DeploymentError naming what is wrong with it."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            signers = tuple(to_checksum_address(signer) for signer in document["signers"])
            keys = tuple(to_bytes(hexstr=key) for key in document["transport_keys"])
        except OSError as error:
            raise DeploymentError(f"committee: cannot read {path}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise DeploymentError(f"committee: {path} is not a committee: {error}") from error
        if not 1 <= len(signers) <= MAX_NODES:
            raise DeploymentError(f"committee: {len(signers)} signers, wanted 1 to {MAX_NODES}")
        if len(signers) != len(keys):
            raise DeploymentError(f"committee: {len(signers)} signers but {len(keys)} transport keys")
        if len(set(signers)) != len(signers) or len(set(keys)) != len(keys):
            raise DeploymentError("committee: a signer or a transport key stands twice")
        if any(len(key) != 32 for key in keys):
            raise DeploymentError("committee: a transport key has 32 bytes")
        return cls(signers, keys)

    def config_digest(self, chain_id: int, oracle: str) -> bytes:
        """What the oracle must answer as its config digest (docs/architecture.md)."""
        n = len(self.signers)
        f = (n - 1) // 3
        members = keccak(b"".join(map(to_canonical_address, self.signers)) + b"".join(self.transport_keys))
        types = ["uint256", "address", "bytes32", "uint256", "uint256", "uint256"]
        return keccak(encode(types, [chain_id, oracle, members, f, (n + f) // 2 + 1, PROTOCOL_VERSION]))
