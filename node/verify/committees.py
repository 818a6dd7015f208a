"""Finds the committee under which a report landed, in force still or retired long since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.verify.judge import NotProvenError, check_committee

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.chain.client import Chain
    from node.chain.configurations import Installed
    from node.chain.types import Block, Landed


async def committee_of(chain: Chain, now: Block, landed: Landed) -> Committee:
    """The committee that the report's config digest names, read from the oracle's state.

    Raises NotProvenError where no configuration under which the report could land has that digest, ChainError where
    the state of then cannot be had.
    """
    installed = await chain.installed(now)
    found = installed.of(landed.config_digest)
    if found is None:
        # It has changed since: what was in force then, or overlapped then, needs the state of then.
        then = await chain.block(landed.block_number)
        installed = await chain.installed(then)
        found = installed.of(landed.config_digest) or await _before(chain, then, landed)
    return _checked(installed, landed) if found is None else found


async def _before(chain: Chain, then: Block, landed: Landed) -> Committee | None:
    """The committee in the state that the report's block began with: it may have changed within, after the report."""
    return (await chain.installed(await chain.block(then.number - 1))).of(landed.config_digest)


def _checked(installed: Installed, landed: Landed) -> Committee:
    if installed.committee is None:
        raise NotProvenError(f"the report names configuration 0x{landed.config_digest.hex()}, there was none then")
    check_committee(installed.committee, landed)
    return installed.committee
