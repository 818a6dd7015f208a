"""Settings of content: where what is missing comes from, and where this node's artworks are published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from node.config.key import HTTP, Key
from node.keys.secrets import SecretUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishConfig:
    """A place that artworks are published to as they land, so that they can be had without this node. There may be
    several; each is tried again until it took. See docs/content.md."""

    kind: Annotated[
        str,
        Key(
            '"kubo" (the HTTP RPC of an IPFS node, which is sent the blocks) or "pinning" (an IPFS Pinning Service, '
            "which fetches them from the IPFS network: name a node that has them too).",
            example="kubo",
            choices=("kubo", "pinning"),
        ),
    ]
    url: Annotated[
        SecretUrl,
        Key(
            "Where it is reached, up to what comes before /api/v0 or /pins.",
            example="http://127.0.0.1:5001",
            schemes=HTTP,
        ),
    ]
    name: Annotated[
        str | None,
        Key(
            "What it is called in status and logs; by default its URL. What it has taken is remembered by this name.",
            example="attic",
        ),
    ] = None
    token_file: Annotated[
        Path | None,
        Key(
            "File with the token that it asks for, mode 0600; PATINA_PUBLISH_1_TOKEN (2 for the second, and so on) "
            "stands in for it.",
            example="keys/publish-1.token",
            exists="private file",
            remedy="write the token into it, or correct the path",
        ),
    ] = None
    username: Annotated[
        str | None,
        Key("With it the token is this user's password (HTTP Basic); without it, a bearer token.", example="patina"),
    ] = None
    ca: Annotated[
        Path | None,
        Key(
            "CA certificate (PEM) that its certificate must come from; without it, the system's.",
            example="keys/publish-ca.pem",
            exists="file",
        ),
    ] = None
    origins: Annotated[
        tuple[str, ...],
        Key("For a pinning service: multiaddresses of IPFS nodes that have the blocks, to fetch them from."),
    ] = ()
    keep: Annotated[
        int,
        Key(
            "How many of a feed's newest paintings stay pinned there; older ones that this node published are "
            "unpinned. 0 keeps all.",
            low=0,
            high=1_000_000,
        ),
    ] = 0
    silent_ms: Annotated[
        int,
        Key(
            "How long it may give no sign of life, in ms: pinning a large edition takes a while.",
            low=1_000,
            high=3_600_000,
        ),
    ] = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentConfig:
    """Where content that this node lacks is fetched from. All of it is checked against its CID."""

    peers: Annotated[
        tuple[SecretUrl, ...],
        Key(
            "Gateways to ask, the preferred first: other nodes or public ones. Without this line, those that the "
            "network's deployment file names, if any.",
            schemes=HTTP,
        ),
    ] = ()
    max_block_bytes: Annotated[
        int, Key("The largest block that is accepted, in bytes.", low=65_536, high=64 * 2**20)
    ] = 2 * 2**20
    publish: Annotated[
        tuple[PublishConfig, ...],
        Key("Where artworks are published, each place in a [[content.publish]] of its own.", table=PublishConfig),
    ] = ()
