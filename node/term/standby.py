"""Says in words why a node has no seat, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.journal.configurations import VACANT

if TYPE_CHECKING:
    from node.journal import Journal


def why_no_seat(journal: Journal, config: bytes, signer: str, oracle: str) -> str:
    """Return why a signer (EIP-55) has no seat in the configuration in force, as far as the journal knows."""
    if config == VACANT:
        return f"oracle {oracle} has no committee at present: the node waits until one is installed"
    block = seat_lost_at(journal, signer)
    lost = "has no seat in the committee" if block is None else f"lost its seat in block {block}, in the committee"
    return f"{signer} {lost} of oracle {oracle}: the node follows the chain and waits for a seat"


def seat_lost_at(journal: Journal, signer: str) -> int | None:
    """Return the block from which on a signer had a seat no more; None where it is not known to have had one."""
    after = None
    for span in reversed(journal.configurations.history()):
        if journal.configurations.seat(span.config, signer) is not None:
            return after
        after = span.first_block
    return None
