"""A token's files under a content root, and the metadata that chain and recipe dictate for it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from node.artworks.studio import describe
from node.content.cid import DAG_PB, Cid
from node.content.edition import token_path
from node.content.metadata import MAX_METADATA, Metadata, Provenance, parse_metadata, token_metadata
from node.errors import ContentError
from node.verify.seeds import token_seed

if TYPE_CHECKING:
    from node.chain.types import Landed
    from node.render.reading import AnyRecipe
    from node.verify.blocks import Blocks
    from node.verify.facts import Facts
    from node.verify.judge import Agreed


@dataclass(frozen=True, slots=True)
class Files:
    """Where a token's metadata and picture are, as the directory says; `picture` is None where it lists none."""

    metadata: Cid
    picture: Cid | None
    directories: int


async def walk(blocks: Blocks, root: bytes, path: str) -> Files:
    """Follow a path from a content root to a token's metadata, and look for its picture beside it.

    Raises ContentError where a block is nowhere to be had or malformed, or where there is no such entry.
    """
    *folders, name = path.split("/")
    here = Cid(DAG_PB, root)
    entries = await blocks.entries(here)
    for folder in folders:
        if folder not in entries:
            raise ContentError(f"no entry {folder!r} in {here}")
        here = entries[folder]
        entries = await blocks.entries(here)
    if name not in entries:
        raise ContentError(f"no entry {name!r} in {here}")
    return Files(entries[name], entries.get(name.removesuffix("json") + "png"), 1 + len(folders))


async def read_metadata(blocks: Blocks, cid: Cid) -> Metadata:
    """A metadata document; ContentError unless it is one in canonical form."""
    return parse_metadata(await blocks.file(cid, MAX_METADATA))


def dictated(
    facts: Facts, landed: Landed, agreed: Agreed, names: tuple[str, ...], recipe: AnyRecipe, picture: Cid
) -> Metadata:
    """The metadata that a token must have: nothing in it is anybody's choice.

    Raises ContentError for a band or a number of signals that the recipe does not have.
    """
    if landed.band >= len(recipe.classes) or len(names) != len(agreed.signals):
        raise ContentError(
            f"the report has band {landed.band} and {len(agreed.signals)} signals, which the recipe does not"
        )
    source = Provenance(
        chain_id=facts.chain_id,
        collection=facts.collection,
        edition=facts.edition.id,
        token_id=facts.token,
        feed=facts.feed.id,
        checkpoint=landed.checkpoint,
        block_hash=agreed.block_hash,
        band=landed.band,
        signals=tuple(zip(names, agreed.signals, strict=True)),
        recipe=facts.edition.recipe,
        model=recipe.model,
        seed=token_seed(facts.edition.seed, facts.token),
    )
    title = f"{recipe.name} #{facts.index}"
    bands = len(facts.feed.policy.thresholds) + 1
    return Metadata(title, describe(recipe), picture, recipe.classes[landed.band], bands, source)


def check_metadata(found: Metadata, wanted: Metadata) -> None:
    """The same document, or ContentError with every field that differs."""
    if token_metadata(found) == token_metadata(wanted):
        return
    wrong = [field.name for field in fields(Metadata) if getattr(found, field.name) != getattr(wanted, field.name)]
    if "provenance" in wrong and found.provenance is not None and wanted.provenance is not None:
        inside = (found.provenance, wanted.provenance)
        wrong.remove("provenance")
        wrong += [
            one.name for one in fields(Provenance) if getattr(inside[0], one.name) != getattr(inside[1], one.name)
        ]
    raise ContentError(f"it says something else than the chain dictates about: {', '.join(wrong) or 'attributes'}")


def placeholder_root(uri: str, placeholder: bytes, edition: int, index: int) -> str:
    """The path in a tokenURI that shows an edition's placeholder; ContentError for any other URI.

    The size of the edition when its placeholder was made decides whether the path has a folder in it.
    """
    root = f"ipfs://{Cid(DAG_PB, placeholder)}/"
    paths = [token_path(edition, index, supply) for supply in (1, 1_001)]
    for path in paths:
        if uri == root + path:
            return path
    raise ContentError(f"tokenURI is {uri[:200]}, not one of {root} for the edition's placeholder")
