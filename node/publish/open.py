"""Makes publishing targets from what the configuration says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.config.credentials import publish_token
from node.publish.kubo import Kubo
from node.publish.link import Link
from node.publish.pinning import PinningService

if TYPE_CHECKING:
    from node.config import Config, PublishConfig
    from node.publish.target import Target


def name_of(settings: PublishConfig) -> str:
    """What a target is called: as configured, or its URL without secrets."""
    return settings.name or str(settings.url)


def open_target(config: Config, settings: PublishConfig) -> Target:
    """One of `config.content.publish`, ready to be asked. Raises KeyFileError where its token cannot be read."""
    link = Link(
        name_of(settings),
        settings.url,
        token=publish_token(config, settings),
        username=settings.username,
        ca=settings.ca,
        silent_s=settings.silent_ms / 1000,
    )
    return Kubo(link) if settings.kind == "kubo" else PinningService(link, settings.origins)
