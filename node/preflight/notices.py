"""Looks at the targets of notices, as far as can be told without sending anything."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from node.errors import PatinaError
from node.preflight.once import in_thread
from node.staking.words import times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.notices.targets import Target
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

_CODE: Final = "notices.targets"


async def check(facts: Facts, notes: Notes) -> None:
    """Note whether somebody would hear of trouble."""
    from node.notices.targets import read_targets

    config = facts.config
    try:
        targets = read_targets(config, facts.environ)
    except PatinaError as error:
        notes.fault(_CODE, str(error))
        return
    if not targets:
        notes.warn(
            _CODE,
            "nobody is told when something goes wrong",
            remedy="write an apprise URL into a file and name it in notices.targets_file (docs/notices.md)",
        )
        return
    unknown = await in_thread(lambda: strangers(targets))
    for target in unknown:
        notes.fault(_CODE, f"apprise cannot use its URL ({target.url})", target.name)
    if not unknown:
        notes.ok(_CODE, f"{times(len(targets), 'target')}: {', '.join(one.name for one in targets)}")


def strangers(targets: Sequence[Target]) -> list[Target]:
    """The targets whose URLs name no service that apprise knows, or not in its form; nothing is sent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that apprise still imports for old Pythons
        from apprise import Apprise

        return [one for one in targets if Apprise.instantiate(one.url.reveal(), suppress_exceptions=True) is None]
