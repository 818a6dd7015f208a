"""What a node does for its network as long as it runs: watches, accuses, looks who pays, and whether it is too old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from node.deployment.age import Age
from node.staking.accuser import Accuser
from node.staking.own import OwnStake
from node.staking.paying import Paying
from node.staking.watch import Watch

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.sending.sender import Sender
    from node.chain.types import Landed
    from node.config import Config
    from node.journal import Journal
    from node.staking.locator import Locator


@dataclass(frozen=True)
class Duty:
    """The parts of staking, which last through all terms and work in standby too."""

    locator: Locator
    watch: Watch
    accuser: Accuser
    paying: Paying
    own: OwnStake
    age: Age

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.watch.run())
            group.create_task(self.accuser.run())
            group.create_task(self.own.run())
            group.create_task(self.age.run())

    def settled(self, report: Landed) -> None:
        """Let go of what was signed in rounds that a final report has ended."""
        self.watch.forget(report.feed, report.block_number)

    def reasons(self) -> list[str]:
        """Return a short code for what an operator has to know at once."""
        told = {"too-old": self.age.needed is not None, "own-key-signed-twice": self.watch.alarmed}
        return [code for code, standing in told.items() if standing]

    def status(self) -> dict[str, object]:
        """Figures for status pages."""
        return {
            "contract": self.locator.known,
            "own": self.own.status(),
            **self.watch.status(),
            "accuser": dict(self.accuser.counters),
        }


def open_duty(
    config: Config,
    chain: Chain,
    journal: Journal,
    sender: Sender,
    locator: Locator,
    open_rounds: Callable[[], Collection[tuple[int, int]]],
) -> Duty:
    """Put the parts together; `open_rounds` as for `Watch`."""
    watch = Watch(
        journal,
        config.node.directory,
        sender.address,
        open_rounds=open_rounds,
        staking=lambda: locator.known,
    )
    accuser = Accuser(
        chain,
        journal,
        watch,
        locator,
        sender,
        submit=config.staking.submit_evidence and config.transmit.enabled,
        stage=config.transmit.stage_ms / 1000,
    )
    own = OwnStake(chain, locator, sender.address, config.chain.multicall)
    paying = Paying(locator, serve_unpaid=config.staking.serve_unpaid)
    return Duty(locator, watch, accuser, paying, own, Age(config.chain.deployment, version("patina")))
