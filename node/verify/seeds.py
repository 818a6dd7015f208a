"""How an edition's seed came about: the commitment, the block that was named for it, and the proof of that block."""

from __future__ import annotations

from typing import Any, Final

from eth_hash.auto import keccak

from node.chain import logs
from node.chain.client import Chain
from node.chain.interface import interface
from node.chain.types import Edition
from node.errors import AgreementError, ChainError
from node.verify.landing import CHUNK, read_transaction
from node.verify.sheet import UntoldError

MAX_BLOCKS: Final = 200_000
"""Blocks after the reveal block that are searched for the reveal: four weeks of 12-second blocks."""
_PREVRANDAO, _NUMBER = 13, 8
"""Places in a block header's list (Yellow Paper, section 4.4.3; EIP-4399 for the former mixHash)."""


def token_seed(edition_seed: bytes, token: int) -> bytes:
    """The 32-byte seed that a token keeps for life."""
    return keccak(edition_seed + token.to_bytes(32, "big"))


async def check_draw(chain: Chain, edition: Edition, head: int) -> None:
    """The edition's seed is what its commitment and its reveal block's prevrandao make of it.

    Raises AgreementError where it is not, UntoldError where the reveal's transactions do not show it.
    """
    if edition.reveal_block <= edition.closed_at:
        raise AgreementError(f"the reveal block {edition.reveal_block} is no later than the close")
    [secret] = await _arguments(chain, edition, head, "EditionRevealed", "reveal")
    check_seed(edition, secret)
    [header] = await _arguments(chain, edition, head, "RandomnessRecorded", "record_randomness")
    block = await chain.block(edition.reveal_block)
    check_header(edition, header, block.hash)


def check_seed(edition: Edition, secret: bytes) -> None:
    """The secret is the one committed to, and with the randomness makes the seed."""
    if keccak(secret) != edition.commitment:
        raise AgreementError("the secret that was revealed is not the one committed to")
    if keccak(secret + edition.randomness) != edition.seed:
        raise AgreementError("secret and randomness do not make the edition's seed")


def check_header(edition: Edition, header: bytes, block_hash: bytes) -> None:
    """The header is that of the reveal block, and its prevrandao is the edition's randomness."""
    if keccak(header) != block_hash:
        raise AgreementError(f"the recorded header is not that of block {edition.reveal_block}")
    items = rlp_strings(header)
    if len(items) <= _PREVRANDAO or int.from_bytes(items[_NUMBER], "big") != edition.reveal_block:
        raise AgreementError(f"the recorded header is not one of block {edition.reveal_block}")
    if items[_PREVRANDAO] != edition.randomness:
        raise AgreementError("the edition's randomness is not the reveal block's prevrandao")


def rlp_strings(raw: bytes) -> list[bytes]:
    """The strings of an RLP list (Yellow Paper, appendix B); AgreementError for anything else."""
    payload, end = _item(raw, 0, 0xC0)
    if end != len(raw):
        raise AgreementError("RLP: bytes after the list")
    found, at = [], end - payload
    while at < end:
        size, behind = _item(raw, at, 0x80) if raw[at] >= 0x80 else (1, at + 1)
        found.append(raw[behind - size : behind])
        at = behind
    return found


def _item(raw: bytes, at: int, kind: int) -> tuple[int, int]:
    """Bytes of an item's content and where it ends; `kind` is 0x80 for a string, 0xC0 for a list."""
    prefix = raw[at] - kind if at < len(raw) else -1
    if not 0 <= prefix < 64:
        raise AgreementError("RLP: not what was expected")
    content = at + 1
    size = prefix
    if prefix > 55:
        content += prefix - 55
        size = int.from_bytes(raw[at + 1 : content], "big")
    if content + size > len(raw):
        raise AgreementError("RLP: cut short")
    return size, content + size


async def _arguments(chain: Chain, edition: Edition, head: int, event: str, function: str) -> tuple[Any, ...]:
    """What the call that logged an edition's event was given, without the edition's number."""
    abi = interface("DynamicCollection")
    topics = [abi.topic(event), edition.id.to_bytes(32, "big")]
    last = min(head, edition.reveal_block + MAX_BLOCKS)
    blocks = edition.reveal_block, last
    async for some in logs.scan(chain.pool, edition.collection, topics, blocks, CHUNK, lambda log: log, agree=True):
        for log in some:
            transaction = await read_transaction(chain.pool, log.tx_hash, log)
            call = abi.call(transaction.calldata) if transaction.to == edition.collection.lower() else None
            if call is None or call[0] != function or call[1][0] != edition.id:
                raise UntoldError(f"{function} was called through another contract: its calldata does not show it")
            return call[1][1:]
    if last < head:
        raise UntoldError(f"the edition was not revealed within {MAX_BLOCKS} blocks of its reveal block")
    raise ChainError(f"there is no {event} for edition {edition.id}, yet it is revealed")
