"""What changes slowly and is read now and then: this node's stake, its certificates, the deployment file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from node.errors import PatinaError
from node.notices.troubles import Found

if TYPE_CHECKING:
    from node.config import Config
    from node.staking.locator import Locator
    from node.staking.own import OwnStake
    from node.staking.types import Node, Overview

EVERY_S: Final = 300.0
SETTLED_S: Final = 30.0
"""So long after its start a node has read what the first look missed."""

log = structlog.get_logger("notices")


class Looks:
    """The last of each reading. One that fails leaves what was known, and nothing at all before the first."""

    def __init__(self, config: Config, locator: Locator, own: OwnStake) -> None:
        """`own` reads what the staking contract holds of this node; its rivals are asked for here."""
        self._config = config
        self._locator = locator
        self._own = own
        self._found: dict[str, list[Found]] = {}

    def found(self) -> list[Found]:
        """Return everything that was the case at the last reading."""
        return [each for part in self._found.values() for each in part]

    def knows(self, found: Found) -> bool:
        """Whether a trouble's absence from `found()` means that it is gone."""
        part = {"low-stake": "stake", "slashed": "stake", "certificate-ends": "certificates"}.get(found.code)
        part = part or ("software" if found.code in ("update-available", "too-old") else None)
        return part is None or part in self._found

    async def run(self) -> None:
        """Read until cancelled."""
        for wait in chain((SETTLED_S,), repeat(EVERY_S)):
            await self.read()
            await asyncio.sleep(wait)

    async def read(self) -> None:
        """Read everything once."""
        try:
            if self._own.age is not None:
                self._found["stake"] = await self._stake()
        except PatinaError as error:
            log.debug("stake not read for notices", error=str(error))
        for part, read in (("certificates", self._certificates), ("software", self._software)):
            try:
                self._found[part] = await asyncio.to_thread(read)
            except PatinaError as error:
                log.debug(f"{part} not read for notices", error=str(error))

    async def _stake(self) -> list[Found]:
        staking, held = await self._locator.find(), self._own.found
        if staking is None or held is None or held.account is None or not held.overview.obeyed:
            return []
        return judge_stake(held.account.node, held.overview, await staking.nodes(held.overview.candidates))

    def _certificates(self) -> list[Found]:
        brokers = self._config.gossip.brokers
        return list(ending({path for each in brokers for path in (each.ca, each.cert) if path}, datetime.now(UTC)))

    def _software(self) -> list[Found]:
        path = self._config.chain.deployment
        return [] if path is None else list(newer(path, version("patina")))


def judge_stake(node: Node, overview: Overview, candidates: Iterable[Node]) -> list[Found]:
    """Return what an operator has to know about a registered node's stake."""
    if node.slashed:
        return [Found("slashed", f"It is node {node.id} of the staking contract.")]
    least = overview.params.minimum
    if node.leaving or node.suspended or not node.candidate:
        return []
    if node.bond < least:
        return [Found("low-stake", f"The bond is {node.bond} of the token's units, and {least} is the least.")]
    rivals = [each for each in candidates if not (each.slashed or each.suspended or each.leaving)]
    ahead = sum((-each.bond, each.id) < (-node.bond, node.id) for each in rivals if each.id != node.id)
    if node.seated and ahead >= overview.params.seats:
        return [
            Found(
                "low-stake",
                f"{ahead} candidates have a higher bond or came first, and there are {overview.params.seats} seats.",
            )
        ]
    return []


def ending(paths: Iterable[Path], now: datetime) -> Iterable[Found]:
    """Return the certificates that end soon, or have ended; one that cannot be read is passed over."""
    from node.keys.certificates import EXPIRY_WARNING_DAYS, facts_of, load_certificate

    for path in sorted(paths):
        try:
            facts = facts_of(load_certificate(path))
        except PatinaError:
            continue  # what uses it says so
        left = facts.days_left(now)
        if left < EXPIRY_WARNING_DAYS:
            when = f"ended on {facts.ends:%Y-%m-%d}" if left < 0 else f"ends on {facts.ends:%Y-%m-%d}, in {left} days"
            yield Found("certificate-ends", f"{path.name} {when}.", path.name)


def newer(path: Path, running: str) -> Iterable[Found]:
    """Return what the deployment file says of newer versions. Raises DeploymentError."""
    from node.deployment.file import load
    from node.deployment.software import is_older

    deployment = load(path)
    latest = deployment.latest_node
    if is_older(running, deployment.least_node):
        yield Found("too-old", f"It asks for {deployment.least_node}, and this is {running}.", deployment.least_node)
    elif latest is not None and is_older(running, latest):
        yield Found("update-available", f"It names {latest}, and this is {running}.", latest)
