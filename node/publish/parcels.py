"""Puts together what is published: the blocks of a content root in the store, and the recipe that it was painted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.content.cid import DAG_PB, RAW, Cid
from node.content.dag import listing, read
from node.content.flow import in_portions
from node.content.metadata import parse_metadata
from node.content.walk import Walk, car_pieces, extent
from node.errors import ContentError
from node.publish.target import Parcel

if TYPE_CHECKING:
    from node.content.store import BlockStore


class IncompleteError(ContentError):
    """Some blocks under a root are not in the store."""


def recipe_of(store: BlockStore, root: Cid) -> Cid | None:
    """The recipe that an edition's artworks name; None for a placeholder, and where their metadata says nothing.

    Raises MissingBlockError or ContentError where the way to the first token's metadata is not whole.
    """
    entries = listing(store, root) or ()
    nested = next((entry for entry in entries if entry.name == "0"), None)
    if nested is not None:
        entries = listing(store, nested.cid) or ()
    document = next((entry for entry in entries if entry.name.endswith(".json")), None)
    if document is None:
        return None
    try:
        source = parse_metadata(read(store, document.cid)).provenance
    except ContentError:
        return None
    return None if source is None else Cid(RAW, source.recipe)


def pack(store: BlockStore, digest: bytes, name: str) -> Parcel:
    """The parcel of a content root's 32-byte digest; its recipe goes along where the store has it.

    Raises IncompleteError, with the CIDs of (some) missing blocks; ContentError for malformed ones. Reads directories.
    """
    root = Cid(DAG_PB, digest)
    whole = extent(store, Walk([root]))
    if whole.missing:
        named = ", ".join(map(str, whole.missing[:3]))
        raise IncompleteError(f"{len(whole.missing)} or more blocks are not here yet: {named}")
    roots: Sequence[Cid] = (root,)
    recipe = recipe_of(store, root)
    if recipe is not None and store.has(recipe.digest):
        roots = (root, recipe)
        whole = extent(store, Walk(roots))
    chosen = tuple(roots)
    return Parcel(
        chosen, whole.blocks, whole.bytes, name, lambda: in_portions(car_pieces(store.get, chosen, Walk(chosen)))
    )
