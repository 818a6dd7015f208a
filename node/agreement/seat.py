"""A node's place in the committee, with the pure functions that the protocol needs from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from node.agreement import signature
from node.agreement.committee import Committee
from node.agreement.effects import Timing
from node.agreement.messages import Message, Opened

Verify: TypeAlias = Callable[[bytes], Opened | None]
"""The message of a raw envelope, or None if it is not a committee member's."""
Seal: TypeAlias = Callable[[Message], bytes]
"""The raw envelope of this node's own message; the same bytes for the same message."""
Recover: TypeAlias = Callable[[bytes, bytes], str]
"""(digest, EIP-2098 signature) to the signer's EIP-55 address; AgreementError if there is none."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Everything about a node that its rounds share: none of it changes while the configuration is in force."""

    committee: Committee
    index: int
    verify: Verify
    seal: Seal
    timing: Timing
    recover: Recover = signature.recover
