"""A token's ERC-721 metadata as canonical JSON (RFC 8785), with all that is needed to render it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import rfc8785

from node.content.cid import RAW, Cid, parse, raw_cid
from node.errors import ContentError, printable

MAX_METADATA: Final = 64 << 10
"""Bytes of a metadata document that are read or written."""
VERSION: Final = 1
"""Version of the `patina` object."""

_WAD: Final = 10**18
_UINT256: Final = 1 << 256


@dataclass(frozen=True, slots=True)
class Provenance:
    """The inputs of one rendering. `signals` are (name, signed wad) in the order that nodes agree on.

    Neither the answer nor the view is among them: votes on chain may agree in everything but the
    answer, and the same artwork may land in any view.
    """

    chain_id: int
    collection: str
    edition: int
    token_id: int
    feed: int
    checkpoint: int
    block_hash: bytes
    band: int
    signals: tuple[tuple[str, int], ...]
    recipe: bytes
    model: bytes
    seed: bytes


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a metadata document says; `provenance` is None for a placeholder. `bands` counts the bands."""

    name: str
    description: str
    image: Cid
    mood: str = ""
    bands: int = 0
    provenance: Provenance | None = None


def token_metadata(metadata: Metadata) -> bytes:
    """The document's canonical bytes. Raises ContentError for what the format cannot carry."""
    document: dict[str, Any] = {
        "name": metadata.name,
        "description": metadata.description,
        "image": f"ipfs://{metadata.image}",
        "attributes": _attributes(metadata),
    }
    if metadata.provenance is not None:
        document["patina"] = _patina(metadata.provenance)
    try:
        raw = rfc8785.dumps(document)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ContentError(f"metadata that JSON cannot carry: {error}") from None
    if len(raw) > MAX_METADATA:
        raise ContentError(f"metadata of {len(raw)} bytes; at most {MAX_METADATA} are written")
    return raw


def percent(wad: int) -> str:
    """A signed wad as per cent with two decimals, rounded towards zero: 12345678900000000 -> '1.23 %'."""
    hundredths = abs(wad) * 10_000 // _WAD
    sign = "-" if wad < 0 and hundredths else ""
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d} %"


def _attributes(metadata: Metadata) -> list[dict[str, Any]]:
    if metadata.provenance is None:
        return [{"trait_type": "State", "value": "Unrevealed"}]
    band: dict[str, Any] = {
        "trait_type": "Band",
        "display_type": "number",
        "value": metadata.provenance.band,
        "max_value": metadata.bands - 1,
    }
    signals = [
        {"trait_type": name.capitalize(), "value": percent(value)} for name, value in metadata.provenance.signals
    ]
    return [band, {"trait_type": "Mood", "value": metadata.mood}, *signals]


def _patina(source: Provenance) -> dict[str, Any]:
    # Integers that may pass 2**53 travel as decimal strings: RFC 8785 numbers are IEEE 754 doubles.
    return {
        "version": VERSION,
        "chain_id": str(source.chain_id),
        "collection": source.collection,
        "edition": str(source.edition),
        "token_id": str(source.token_id),
        "feed": str(source.feed),
        "checkpoint": str(source.checkpoint),
        "block_hash": "0x" + source.block_hash.hex(),
        "band": source.band,
        "signals": [{"name": name, "value": str(value)} for name, value in source.signals],
        "recipe": raw_cid(source.recipe),
        "model": "0x" + source.model.hex(),
        "seed": "0x" + source.seed.hex(),
    }


class _Attribute(msgspec.Struct, forbid_unknown_fields=True):
    trait_type: str
    value: str | int
    display_type: str = ""
    max_value: int = 0


class _Signal(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    value: str


class _Patina(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    chain_id: str
    collection: str
    edition: str
    token_id: str
    feed: str
    checkpoint: str
    block_hash: str
    band: int
    signals: list[_Signal]
    recipe: str
    model: str
    seed: str


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str
    image: str
    attributes: list[_Attribute]
    patina: _Patina | None = None


_decode: Final[Callable[[bytes], _Document]] = msgspec.json.Decoder(_Document).decode


def parse_metadata(raw: bytes) -> Metadata:
    """What a document says. Raises ContentError unless writing it again gives exactly `raw`."""
    if len(raw) > MAX_METADATA:
        raise ContentError(f"metadata of {len(raw)} bytes; at most {MAX_METADATA} are read")
    try:
        document = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContentError(f"not a metadata document: {printable(str(error))}") from None
    metadata = _metadata(document)
    if token_metadata(metadata) != raw:
        raise ContentError("a metadata document not in canonical form")
    return metadata


def _metadata(document: _Document) -> Metadata:
    scheme, separator, cid = document.image.partition("ipfs://")
    if scheme or not separator:
        raise ContentError("a metadata document whose image is no ipfs:// address")
    image = parse(cid)
    if document.patina is None:
        return Metadata(document.name, document.description, image)
    if len(document.attributes) < 2:
        raise ContentError("a metadata document without band and mood")
    band, mood = document.attributes[:2]
    return Metadata(
        name=document.name,
        description=document.description,
        image=image,
        mood=str(mood.value),
        bands=band.max_value + 1,
        provenance=_provenance(document.patina),
    )


def _provenance(patina: _Patina) -> Provenance:
    recipe = parse(patina.recipe)
    if recipe.codec != RAW:
        raise ContentError("a recipe is a raw block")
    return Provenance(
        chain_id=_integer(patina.chain_id),
        collection=patina.collection,
        edition=_integer(patina.edition),
        token_id=_integer(patina.token_id),
        feed=_integer(patina.feed),
        checkpoint=_integer(patina.checkpoint),
        block_hash=_bytes32(patina.block_hash),
        band=patina.band,
        signals=tuple((signal.name, _integer(signal.value)) for signal in patina.signals),
        recipe=recipe.digest,
        model=_bytes32(patina.model),
        seed=_bytes32(patina.seed),
    )


def _integer(text: str) -> int:
    # At most 78 digits and a sign: int() of foreign text of any length would be quadratic work.
    if len(text) > 79 or not text.isascii() or not text.removeprefix("-").isdigit():
        raise ContentError(f"not a decimal integer: {text[:80]!r}")
    number = int(text)
    if abs(number) >= _UINT256:
        raise ContentError("an integer beyond 256 bits")
    return number


def _bytes32(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 32:
        raise ContentError(f"not 32 bytes in hexadecimal: {text[:80]!r}")
    return found
