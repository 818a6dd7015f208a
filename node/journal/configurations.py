"""Which configurations the oracle had, from which block on, and who sat in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from node.agreement.committee import Committee
from node.journal.store import Store

VACANT: Final = bytes(32)
"""Stands for a configuration's digest while the oracle has no committee."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `first_block` on, until the next span's, the configuration `config` was in force."""

    first_block: int
    config: bytes


class Configurations:
    """Final history alone, so nothing in it is ever taken back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, span: Span) -> None:
        """Note that a configuration is in force from a block on; one of the same block is replaced."""
        sql = "INSERT INTO spans VALUES (?, ?) ON CONFLICT (first_block) DO UPDATE SET config = excluded.config"
        self._store.execute(sql, (span.first_block, span.config))

    def last(self) -> Span | None:
        """The newest span; None before the first look at the chain."""
        row = self._store.row("SELECT * FROM spans ORDER BY first_block DESC LIMIT 1")
        return None if row is None else Span(**row)

    def history(self) -> list[Span]:
        """Every span, oldest first."""
        return [Span(**row) for row in self._store.rows("SELECT * FROM spans ORDER BY first_block")]

    def at(self, block: int) -> bytes:
        """The digest of the configuration in force at a block; VACANT where none was, or none is known."""
        sql = "SELECT config FROM spans WHERE first_block <= ? ORDER BY first_block DESC LIMIT 1"
        row = self._store.row(sql, (block,))
        return VACANT if row is None else bytes(row["config"])

    def know(self, committee: Committee) -> None:
        """Keep a committee: it is needed for as long as its reports may land, and its state may be pruned by then."""
        self._store.execute(
            "INSERT INTO committees VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (committee.config_digest, json.dumps(committee.signers), b"".join(committee.transport_keys)),
        )

    def knows(self, config: bytes) -> bool:
        """Whether a configuration's committee is known."""
        return self._store.row("SELECT 1 FROM committees WHERE config = ?", (config,)) is not None

    def committee(self, config: bytes, chain_id: int, oracle: str) -> Committee | None:
        """The committee of a configuration, where it is known."""
        row = self._store.row("SELECT * FROM committees WHERE config = ?", (config,))
        if row is None:
            return None
        keys = row["transport_keys"]
        split = [keys[start : start + 32] for start in range(0, len(keys), 32)]
        return Committee(chain_id, oracle, json.loads(row["signers"]), split)

    def seat(self, config: bytes, signer: str) -> int | None:
        """The index of a signer (EIP-55) in a configuration's committee; None: no seat, or it is not known."""
        row = self._store.row("SELECT signers FROM committees WHERE config = ?", (config,))
        signers = [] if row is None else json.loads(row["signers"])
        return signers.index(signer) if signer in signers else None
