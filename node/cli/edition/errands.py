"""What an artist's account has done on chain: asked for, sent, waited for, and never done twice for one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.errors import ChainError

if TYPE_CHECKING:
    from node.cli.stake.talk import Talk
    from node.journal import Journal
    from node.staking.outbox import Mined, Outbox

_RECENT = 100
"""Transactions among which one that has just been mined is looked for."""


class Errands:
    """One account's transactions.

    A command that is cut off is run again, and then asks for what may have landed meanwhile. What an earlier run began
    and nobody has been told the end of is therefore taken for what this run asks, where it is the very same.
    """

    def __init__(self, outbox: Outbox, journal: Journal, talk: Talk) -> None:
        """`journal` is the outbox's own; `begin` comes before anything else."""
        self._outbox = outbox
        self._journal = journal
        self._talk = talk
        self._landed: dict[tuple[str, bytes, int], Mined] = {}

    async def begin(self) -> None:
        """See through what earlier runs have left; ChainError, as `Outbox.resume`."""
        begun = [row for row in self._journal.transactions.unfinished(self._outbox.address) if row.state != "mined"]
        done = {one.tx_hash: one for one in await self._outbox.resume()}
        for row in begun:
            after = self._journal.transactions.get(row.key)
            if after is not None and after.tx_hash in done:
                self._landed[_same(row.recipient, row.calldata, row.value)] = done[after.tx_hash]

    async def send(self, what: str, to: str, calldata: bytes, *, value: int = 0, ask: str | None = None) -> Mined:
        """Ask, send one transaction and wait for it. As `Outbox.send`; `to` "" creates."""
        earlier = self._landed.pop(_same(to, calldata, value), None)
        if earlier is not None:
            return earlier
        if ask is not None:
            self._talk.sure(ask)
        return await self._outbox.send(what, to, calldata, value=value)

    def landed(self, to: str, calldata: bytes, *, value: int = 0) -> bool:
        """Whether this very transaction was begun by an earlier run and landed after it; `send` takes it then."""
        return _same(to, calldata, value) in self._landed

    def landed_at(self, to: str) -> list[bytes]:
        """Calldata of all such transactions to one contract."""
        return [calldata for receiver, calldata, _ in self._landed if receiver == to.lower()]

    def created(self, done: Mined) -> str:
        """Address of the contract that a transaction created, from account and nonce: no endpoint is asked.

        ChainError for a transaction that is not among this folder's latest.
        """
        import rlp  # type: ignore[import-untyped]
        from eth_utils.crypto import keccak

        from node.keys.address import checksum_address

        for row in self._journal.transactions.last(_RECENT):
            if row.tx_hash == done.tx_hash and row.nonce is not None:
                created = keccak(rlp.encode([bytes.fromhex(self._outbox.address[2:]), row.nonce]))[12:]
                return checksum_address("0x" + created.hex())
        raise ChainError(f"transaction 0x{done.tx_hash.hex()} has created the contract: its receipt says where")


def _same(to: str, calldata: bytes, value: int) -> tuple[str, bytes, int]:
    return to.lower(), calldata, value
