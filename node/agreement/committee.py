"""The committee of one configuration: who signs, how many must, and the digest that names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from eth_hash.auto import keccak

from node.agreement.report import Domain, address_bytes
from node.errors import AgreementError

PROTOCOL_VERSION: Final = 1
MAX_MEMBERS: Final = 31


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


@dataclass(frozen=True)
class Committee:
    """`signers` are addresses (EIP-55 once held here), `transport_keys` the 32-byte Ed25519 keys, same order.

    Raises AgreementError if there are none or more than 31, or one is malformed, zero or listed twice.
    """

    chain_id: int
    oracle: str
    signers: tuple[str, ...]
    transport_keys: tuple[bytes, ...]
    config_digest: bytes = field(init=False)
    """keccak256(abi.encode(chain id, oracle, keccak256(signers ++ keys), f, quorum, protocol version))."""

    def __init__(self, chain_id: int, oracle: str, signers: Sequence[str], transport_keys: Sequence[bytes]) -> None:
        from eth_utils.address import to_checksum_address

        if not 1 <= len(signers) <= MAX_MEMBERS or len(signers) != len(transport_keys):
            raise AgreementError(
                f"committee: {len(signers)} signers and {len(transport_keys)} transport keys; "
                f"there must be as many of each, from 1 to {MAX_MEMBERS}"
            )
        raw = [address_bytes(signer) for signer in signers]
        keys = [bytes(key) for key in transport_keys]
        if any(len(key) != 32 for key in keys):
            raise AgreementError("committee: a transport key is not 32 bytes long")
        if not all(map(any, raw + keys)) or len(set(raw)) != len(raw) or len(set(keys)) != len(keys):
            raise AgreementError("committee: a signer or a transport key is zero or listed twice")
        if not 0 < chain_id < 1 << 256:
            raise AgreementError(f"committee: chain id {chain_id} is not a positive uint256")
        put = object.__setattr__
        put(self, "chain_id", chain_id)
        put(self, "oracle", to_checksum_address(address_bytes(oracle)))
        put(self, "signers", tuple(to_checksum_address(signer) for signer in raw))
        put(self, "transport_keys", tuple(keys))
        members = keccak(b"".join(raw) + b"".join(keys))
        put(
            self,
            "config_digest",
            keccak(
                _word(chain_id)
                + address_bytes(oracle).rjust(32, b"\0")
                + members
                + _word(self.f)
                + _word(self.quorum)
                + _word(PROTOCOL_VERSION)
            ),
        )

    @property
    def n(self) -> int:
        """How many members there are."""
        return len(self.signers)

    @property
    def f(self) -> int:
        """How many arbitrary (Byzantine) members are tolerated."""
        return (self.n - 1) // 3

    @property
    def quorum(self) -> int:
        """How many make a decision: ceil((n+f+1)/2), the least of which any two sets share an honest member.

        Two sets of q members share 2q - n of them at least, and f may be liars. For n = 3f+1 this is 2f+1; for
        3f+2 and 3f+3 it is 2f+2. It is never more than the n - f members that answer.
        """
        return (self.n + self.f) // 2 + 1

    @property
    def domain(self) -> Domain:
        """The EIP-712 domain of this configuration's reports."""
        return Domain(self.chain_id, self.oracle, self.config_digest)

    def leader(self, feed: int, checkpoint: int, view: int) -> int:
        """The committee index that proposes in a view: a start that no one chooses, then everyone in turn."""
        start = keccak(self.config_digest + _word(feed) + _word(checkpoint))
        return (int.from_bytes(start, "big") + view) % self.n

    def members(self, bitmap: int) -> list[int]:
        """The committee indices of a bitmap, ascending; AgreementError if it names someone outside."""
        if not 0 <= bitmap < 1 << self.n:
            raise AgreementError(f"bitmap {bitmap:#x} names members outside a committee of {self.n}")
        return [index for index in range(self.n) if bitmap >> index & 1]
