"""Which content an edition is: its roots from its name on chain, and its recipe; or one root that is given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.chain.types import TOKENS_PER_EDITION
from node.content.cid import DAG_PB, RAW, Cid, parse
from node.content.edition import SHARD
from node.content.metadata import parse_metadata
from node.content.unixfs import decode
from node.errors import ContentError

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.export.gather import Sources

_NAMED: Final = re.compile(r"(0x[0-9a-fA-F]{40})[/:]([1-9][0-9]{0,17})")
_DIGEST: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_ZERO: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Named:
    """An edition by its collection's address and its number."""

    collection: str
    number: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported: `roots`, the one that is shown now first; each has a label. `recipe` where it is known."""

    roots: tuple[tuple[str, Cid], ...]
    recipe: Cid | None = None


def read_name(text: str) -> Named | Cid:
    """An edition as a person names it: COLLECTION/NUMBER, or a content root as CID, ipfs:// URL or digest in hex.

    Raises ContentError for any other text.
    """
    if found := _NAMED.fullmatch(text):
        return Named(found[1], int(found[2]))
    if _DIGEST.fullmatch(text):
        return Cid(DAG_PB, bytes.fromhex(text[2:]))
    try:
        cid = parse(text.removeprefix("ipfs://").removeprefix("/ipfs/").partition("/")[0])
    except ContentError:
        raise ContentError(
            f"{text[:100]!r} is no edition: write COLLECTION/NUMBER (0x.../1), or its content root (bafybei...)"
        ) from None
    if cid.codec != DAG_PB:
        raise ContentError(f"{cid} is a file, not an edition's directory; a content root begins with bafybei")
    return cid


async def on_chain(chain: Chain, named: Named, *, history: bool) -> Wanted:
    """What the chain says of an edition: the root that its tokens show now, and with `history` all there were.

    Raises ChainError.
    """
    from node.verify.facts import read_feed

    edition = await chain.edition(named.collection, named.number)
    shown = edition.content_root if edition.content_root != _ZERO else edition.placeholder
    label = "shown now" if edition.content_root != _ZERO else "placeholder"
    roots = {shown: label}
    if history:
        final = await chain.finalized()
        feed = await read_feed(chain, edition.feed, final)
        landed = await chain.landed(feed.opened_at, (await chain.head()).number)
        past = [one for one in landed if one.feed == feed.id and one.content_root != _ZERO]
        for report in reversed(past):
            roots.setdefault(report.content_root, f"checkpoint {report.checkpoint}")
        roots.setdefault(edition.placeholder, "placeholder")
    return Wanted(tuple((label, Cid(DAG_PB, root)) for root, label in roots.items()), Cid(RAW, edition.recipe))


async def recipe_of(sources: Sources, root: Cid, token: int | None = None) -> Cid | None:
    """The recipe that `token`, or an edition's first, names; None for a placeholder, or metadata of another kind.

    Raises ContentError where the way there is not whole.
    """
    if token is not None:
        cid: Cid | None = (await token_of(sources, root, token)).files[0][1]
    else:
        entries = await _entries(sources, root)
        if "0" in entries:
            entries = await _entries(sources, entries["0"])
        cid = next((cid for name, cid in entries.items() if name.endswith(".json")), None)
    if cid is None or cid.codec != RAW:
        return None
    block = await sources.block(cid)
    try:
        source = parse_metadata(block).provenance
    except ContentError:
        return None
    return None if source is None else Cid(RAW, source.recipe)


@dataclass(frozen=True, slots=True)
class TokenPath:
    """A token's own part of an edition: the directories from the root down, and its files."""

    directories: tuple[Cid, ...]
    files: tuple[tuple[str, Cid], ...]


async def token_of(sources: Sources, root: Cid, token: int) -> TokenPath:
    """Where a token lies under a root: its metadata and its picture.

    Raises ContentError where it is not there.
    """
    index = token % TOKENS_PER_EDITION
    directories, entries = [root], await _entries(sources, root)
    shard = str((index - 1) // SHARD)
    if f"{token}.json" not in entries and shard in entries:
        directories.append(entries[shard])
        entries = {**entries, **await _entries(sources, entries[shard])}
    found = [(name, entries[name]) for name in (f"{token}.json", f"{token}.png") if name in entries]
    if not found or not found[0][0].endswith(".json"):
        raise ContentError(f"token {token} is not under {root}: is it of another edition?")
    if len(found) == 1 and "placeholder.svg" in entries:
        found.append(("placeholder.svg", entries["placeholder.svg"]))
    return TokenPath(tuple(directories), tuple(found))


async def _entries(sources: Sources, cid: Cid) -> dict[str, Cid]:
    node = decode(await sources.block(cid)) if cid.codec == DAG_PB else None
    if node is None or node.kind != "directory":
        raise ContentError(f"{cid} is a file, not an edition's directory")
    return {link.name: link.cid for link in node.links}
