"""An edition's directory: metadata and image of every token under one content root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from node.chain.types import TOKENS_PER_EDITION
from node.content import placeholder as art
from node.content.cid import Cid
from node.content.metadata import Metadata, Provenance, token_metadata
from node.content.store import BlockStore
from node.content.unixfs import Target, directory, file
from node.errors import ContentError

SHARD: Final = 1_000
"""Tokens per nested directory, once the supply is above this."""


@dataclass(frozen=True, slots=True)
class EditionSpec:
    """All that a content root depends on besides the images: equal specs and images, equal roots.

    `seeds` holds the token seeds (32 bytes) of indices 1..n in order; `signals` are (name, signed wad)
    in the agreed order; `bands` counts the feed's bands; `collection` is the EIP-55 address.
    """

    chain_id: int
    collection: str
    title: str
    description: str
    edition: int
    feed: int
    checkpoint: int
    block_hash: bytes
    band: int
    bands: int
    mood: str
    signals: tuple[tuple[str, int], ...]
    recipe: bytes
    model: bytes
    seeds: tuple[bytes, ...]


def token_id(edition: int, index: int) -> int:
    """The id of token `index` (from 1). Raises ContentError outside 1..999,999."""
    if not 1 <= index < TOKENS_PER_EDITION or edition < 1:
        raise ContentError(f"no token {index} in edition {edition}: both count from 1, tokens to 999,999")
    return edition * TOKENS_PER_EDITION + index


def token_path(edition: int, index: int, supply: int, suffix: str = "json") -> str:
    """Where a token lies under the content root: `<tokenId>.json`, in a numbered folder above 1,000."""
    name = f"{token_id(edition, index)}.{suffix}"
    return f"{(index - 1) // SHARD}/{name}" if supply > SHARD else name


def build(store: BlockStore, spec: EditionSpec, images: Sequence[bytes]) -> bytes:
    """Store an edition of PNG images, one per seed and in that order, and return its content root.

    The root is the 32-byte digest of its directory's block. Raises ContentError when the counts
    differ or a block cannot be stored.
    """
    if not images or len(images) != len(spec.seeds):
        raise ContentError(f"{len(images)} images for {len(spec.seeds)} token seeds")

    def entries() -> Iterator[tuple[int, Mapping[str, Target]]]:
        for index, (seed, image) in enumerate(zip(spec.seeds, images, strict=True), 1):
            token = token_id(spec.edition, index)
            picture = _file(store, image)
            document = token_metadata(_painted(spec, token, index, seed, picture.cid))
            yield index, {f"{token}.json": _file(store, document), f"{token}.png": picture}

    return _tree(store, entries(), len(images))


def build_placeholder(
    store: BlockStore, title: str, description: str, edition: int, supply: int, picture: bytes = b""
) -> bytes:
    """Store what an edition shows before its first painting, and return the root's 32-byte digest.

    Every token of the supply has metadata; all share one picture (an SVG; by default a blank canvas
    drawn for the title), which stands in the root as `placeholder.svg`, so that pinning the root pins it.
    """
    image = _file(store, picture or art.svg(title, edition))

    def entries() -> Iterator[tuple[int, Mapping[str, Target]]]:
        for index in range(1, supply + 1):
            document = token_metadata(Metadata(f"{title} #{index}", description, image.cid))
            token = token_id(edition, index)
            yield index, {f"{token}.json": _file(store, document)}

    return _tree(store, entries(), supply, {"placeholder.svg": image})


def _painted(spec: EditionSpec, token: int, index: int, seed: bytes, image: Cid) -> Metadata:
    source = Provenance(
        chain_id=spec.chain_id,
        collection=spec.collection,
        edition=spec.edition,
        token_id=token,
        feed=spec.feed,
        checkpoint=spec.checkpoint,
        block_hash=spec.block_hash,
        band=spec.band,
        signals=spec.signals,
        recipe=spec.recipe,
        model=spec.model,
        seed=seed,
    )
    return Metadata(f"{spec.title} #{index}", spec.description, image, spec.mood, spec.bands, source)


def _tree(
    store: BlockStore,
    entries: Iterator[tuple[int, Mapping[str, Target]]],
    supply: int,
    beside: Mapping[str, Target] = MappingProxyType({}),
) -> bytes:
    if not 1 <= supply < TOKENS_PER_EDITION:
        raise ContentError(f"an edition of {supply} tokens; 1 to {TOKENS_PER_EDITION - 1} are possible")
    shards: dict[str, dict[str, Target]] = {}
    for index, files in entries:
        shards.setdefault(str((index - 1) // SHARD), {}).update(files)
    if supply <= SHARD:
        return _directory(store, {**shards["0"], **beside}).cid.digest
    nested = {name: _directory(store, files) for name, files in shards.items()}
    return _directory(store, {**nested, **beside}).cid.digest


def _file(store: BlockStore, content: bytes) -> Target:
    target, blocks = file(content)
    store.put_all(blocks)
    return target


def _directory(store: BlockStore, entries: Mapping[str, Target]) -> Target:
    target, blocks = directory(entries)
    store.put_all(blocks)
    return target
