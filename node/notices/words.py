"""Notices in words: one or two plain sentences of what happened, what it means and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from node.notices.courier import Message
from node.notices.kinds import LEVELS, kind

if TYPE_CHECKING:
    from node.journal.notices import NoticeRow

MAX_TOGETHER: Final = 20
"""Notices that one message tells in words; of more it gives the number."""
RUNBOOK: Final = "docs/"


def title_of(notice: NoticeRow) -> str:
    """Return a few words, such as `low balance (over)`."""
    words = notice.code.replace("-", " ")
    return f"{words} (over)" if notice.phase == "over" else words


def text_of(notice: NoticeRow) -> str:
    """Return what a notice says, as one paragraph."""
    what = kind(notice.code)
    if notice.phase == "over":
        begun = f" When it was told: {notice.detail}" if notice.detail else ""
        return f"Over: {notice.code.replace('-', ' ')}.{begun}"
    said = [what.meaning, notice.detail, what.remedy]
    return " ".join(filter(None, [*said, f"See {RUNBOOK}{what.runbook}."]))


def message_of(node: str, notices: Sequence[NoticeRow]) -> Message:
    """Return the message that tells these notices, oldest first, in the name of a node."""
    level = max((notice.level for notice in notices if notice.phase != "over"), key=_place, default="info")
    titles = list(dict.fromkeys(map(title_of, notices)))
    title = ", ".join(titles[:3]) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")
    left = len(notices) - MAX_TOGETHER
    told = [f"{_time(notice)} {text_of(notice)}" for notice in notices[max(left, 0) :]]
    if left > 0:
        told.insert(0, f"{left} older notices came with these: patina notices list shows them.")
    return Message(f"Patina {node}: {title}", "\n\n".join(told), level)


def _place(level: str) -> int:
    return LEVELS.index(level)


def _time(notice: NoticeRow) -> str:
    return f"{datetime.fromtimestamp(notice.at / 1000, UTC):%Y-%m-%d %H:%M} UTC:"
