"""What a node has bound itself to in one round, besides its signatures: it must survive the node's process."""

from __future__ import annotations

from dataclasses import dataclass

from node.agreement.messages import NO_DIGEST, NO_LOCK


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything here only ever grows. The driver makes it durable before a message that rests on it leaves.

    `left` is the highest view that the node asked to leave, `prepared_view` and `prepared_digest` its latest
    Prepare, `lock_view` and `lock` the highest lock it holds, as an encoded Lock message; -1 where there is none.
    """

    left: int = NO_LOCK
    prepared_view: int = NO_LOCK
    prepared_digest: bytes = NO_DIGEST
    lock_view: int = NO_LOCK
    lock: bytes = b""
