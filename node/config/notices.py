"""The settings of what a node tells its operator unasked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from node.config.key import Key

_HOUR = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesConfig:
    """What this node tells its operator, and where: by mail, chat or push, through apprise. See docs/notices.md."""

    targets_file: Annotated[
        Path | None,
        Key(
            "File with the targets, one apprise URL a line, mode 0600; before a URL may stand a name for it and the "
            "least level that it takes. PATINA_NOTICE_TARGETS stands in for the file.",
            example="keys/notices",
            exists="private file",
        ),
    ] = None
    level: Annotated[
        str,
        Key(
            '"info" (also what needs no hand, such as a crossing that landed), "warning" or "critical": the least that '
            "is told to targets which name no level of their own.",
            choices=("info", "warning", "critical"),
        ),
    ] = "info"
    mute: Annotated[
        tuple[str, ...],
        Key(
            'Codes that are never told, such as "crossing-landed"; they are still kept for patina notices list.',
        ),
    ] = ()
    quiet_hours: Annotated[
        str | None,
        Key(
            "Hours, in UTC, in which only what is critical is told; the rest waits for their end.",
            example="22:00-07:00",
        ),
    ] = None
    after_ms: Annotated[
        int,
        Key(
            "How long a trouble must last before it is told, and be gone before it is told to be over, in ms.",
            low=0,
            high=24 * _HOUR,
        ),
    ] = 300_000
    group_ms: Annotated[
        int, Key("How long a notice waits for others that go into the same message, in ms.", low=0, high=_HOUR)
    ] = 10_000
    per_hour: Annotated[
        int,
        Key("The most messages an hour to one target; beyond it, notices wait and go together.", low=1, high=3_600),
    ] = 12
    timeout_ms: Annotated[int, Key("How long a target may take for one message, in ms.", low=1_000, high=600_000)] = (
        30_000
    )
