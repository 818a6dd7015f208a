"""The settings of what a node serves over HTTP, and of who may read what is the operator's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from node.config.key import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """This node's pages: gallery, network, operator, content gateway, health.

    What is the operator's is shown to this machine alone, or to whoever sends the operator's token.
    """

    enabled: Annotated[bool, Key("Whether the pages are served.")] = True
    host: Annotated[str, Key("Address to listen on; 127.0.0.1 is this machine alone, 0.0.0.0 everyone.")] = "127.0.0.1"
    port: Annotated[int, Key("TCP port to listen on; 0 takes any free one.", low=0, high=65_535)] = 8_080
    operator_token_file: Annotated[
        Path | None,
        Key(
            "File with the token that opens the operator's page from other machines, mode 0600, at least 32 "
            "characters (openssl rand -hex 32 makes one); without it no other machine sees that page.",
            example="keys/operator.token",
            exists="private file",
            remedy="make one with: (umask 077; openssl rand -hex 32 > keys/operator.token)",
        ),
    ] = None
    operator_local: Annotated[
        bool,
        Key(
            "Whether this machine needs no token. Write false where a proxy on this machine hands on requests of "
            "others, or in a container whose requests all seem to come from itself; with public_url it is false."
        ),
    ] = True
    public_url: Annotated[
        str | None,
        Key(
            "Address under which visitors reach these pages, named in the previews of links to them; without it, the "
            "one that they asked for. Whoever sets it gives the operator's page a token: see operator_local.",
            example="https://art.example.org",
        ),
    ] = None
    visitor_rpc: Annotated[
        bool,
        Key(
            "Whether visitors may have the page that verifies ask the chain at an endpoint that they name. It widens "
            "what that page may connect to, and nothing else."
        ),
    ] = False
    metrics: Annotated[
        bool,
        Key(
            "Whether /metrics tells Prometheus how this node does. On the port of the pages it is the operator's, as "
            "their page is: for this machine, or with the operator's token."
        ),
    ] = True
    metrics_port: Annotated[
        int | None,
        Key(
            "TCP port that /metrics is served on by itself, to whoever reaches it, in the place of the pages' port; 0 "
            "takes any free one.",
            example=9464,
            low=0,
            high=65_535,
        ),
    ] = None
    metrics_host: Annotated[
        str,
        Key("Address that metrics_port is opened on; 0.0.0.0 only in a network that visitors have no way into."),
    ] = "127.0.0.1"
