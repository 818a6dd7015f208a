"""Looks at the contracts that the node relies on, and at the deployment file where there is one."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from node.chain.calls import Call, aggregate
from node.chain.interface import interface
from node.errors import ChainError, DeploymentError, RevertError
from node.preflight.network import Network, untold
from node.staking.words import times

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

_MOST: Final = 8
"""Findings of a deployment check that are told one by one."""


async def check(facts: Facts, notes: Notes) -> None:
    """Note oracle, configuration, multicall, staking, feeds, collections and the deployment file."""
    network = await facts.network.get()
    with notes.needing("contracts.multicall"):
        await _check_multicall(facts, network, notes)
    with notes.needing("contracts.oracle"):
        if not await _check_oracle(network, notes):
            for code in ("configuration", "staking", "feeds", "collection"):
                notes.skip(f"contracts.{code}", "the oracle does not answer")
            return
    with notes.needing("contracts.configuration"):
        await _check_configuration(network, notes)
    with notes.needing("contracts.staking"):
        await _check_staking(facts, network, notes)
    with notes.needing("contracts.feeds"):
        await _check_feeds(facts, network, notes)
    with notes.needing("contracts.collection"):
        await _check_collections(network, notes)
    await _check_deployment(facts, network, notes)


async def _check_multicall(facts: Facts, network: Network, notes: Notes) -> None:
    multicall, oracle = facts.config.chain.multicall, network.chain.oracle
    call = Call(oracle, interface("StrategyOracle").encode("feed_count"))
    try:
        await network.pool.ask(lambda ask: aggregate(ask, multicall, [call], None))
    except ChainError as error:
        if untold(error):
            raise
        notes.fault("contracts.multicall", str(error))
    else:
        notes.ok("contracts.multicall", f"answers at {multicall}")


async def _check_oracle(network: Network, notes: Notes) -> bool:
    oracle = network.chain.oracle
    try:
        digest = await network.chain.config_digest()
    except RevertError as error:
        # `config_digest` refuses where there is no committee; `configuration` never does.
        try:
            digest = (await network.chain.configuration()).config_digest
        except RevertError:
            return notes.judge("contracts.oracle", False, f"what stands at {oracle} is no oracle: {error}")
    except ChainError as error:
        if untold(error):
            raise
        return notes.judge("contracts.oracle", False, f"{oracle}: {error}")
    notes.ok("contracts.oracle", f"{oracle} answers" if any(digest) else f"{oracle} answers, and has no committee yet")
    return True


async def _check_configuration(network: Network, notes: Notes) -> None:
    code = "contracts.configuration"
    try:
        # Reading it computes the digest of chain id, oracle and committee again, and refuses another one.
        installed = await network.installed.get()
    except ChainError as error:
        if untold(error):
            raise
        notes.fault(code, str(error))
        return
    committee = installed.committee
    if committee is None:
        notes.warn(
            code, "no committee is in force: nobody can report yet",
            remedy="wait for the first rotation, or ask the oracle's owner to install a committee",
        )  # fmt: skip
        return
    number = f", number {installed.configuration.number}" if installed.configuration.number else ""
    told = f"0x{committee.config_digest.hex()}{number}: {times(committee.n, 'node')}, quorum {committee.quorum}"
    notes.ok(code, told)


async def _check_staking(facts: Facts, network: Network, notes: Notes) -> None:
    code, wanted = "contracts.staking", facts.config.staking.contract
    staking = await network.staking.get()
    if staking is None:
        notes.judge(
            code,
            wanted is None,
            "the oracle's owner chooses the committee: there is no staking"
            if wanted is None
            else f"configured is {wanted}, and the oracle obeys no staking contract",
        )
        return
    if wanted not in (None, staking.address):
        notes.fault(code, f"configured is {wanted}, the oracle obeys {staking.address}")
        return
    try:
        oracle = await staking.oracle()
    except RevertError:
        notes.fault(code, f"what the oracle obeys at {staking.address} is no staking contract")
        return
    same = oracle == network.chain.oracle
    told = f"{staking.address}, obeyed by the oracle" if same else f"{staking.address} is that of the oracle {oracle}"
    notes.judge(code, same, told)


async def _check_feeds(facts: Facts, network: Network, notes: Notes) -> None:
    code, serve = "contracts.feeds", facts.config.feeds.serve
    known = {feed.id for feed in await network.all_feeds.get()}
    if serve == "all":
        notes.ok(code, f"serves all {times(len(known), 'feed')}" if known else "the oracle has no feed yet")
        return
    missing = [str(one) for one in serve if one not in known]
    told = f"the oracle has no feed {', '.join(missing)}" if missing else f"serves {len(serve)} of {len(known)} feeds"
    notes.judge(code, not missing, told)


async def _check_collections(network: Network, notes: Notes) -> None:
    code = "contracts.collection"
    found = await network.editions.get()
    faulty = False
    for feed, edition in found:
        where = f"feed {feed.id}"
        if edition is None:
            notes.fault(code, f"{feed.collection} has no edition {feed.edition}", where)
        elif edition.feed != feed.id:
            told = f"edition {edition.id} of {feed.collection} follows feed {edition.feed}"
            notes.warn(code, told, where)
        else:
            continue
        faulty = True
    if not faulty:
        notes.ok(code, f"{times(len(found), 'edition')} behind served feeds" if found else "no served feed paints one")


async def _check_deployment(facts: Facts, network: Network, notes: Notes) -> None:
    from node.deployment.check import check as check_deployment
    from node.deployment.file import load
    from node.deployment.findings import Findings, Verdict

    code, path = "contracts.deployment", facts.config.chain.deployment
    if path is None:
        notes.skip(code, "no chain.deployment is configured")
        return
    try:
        deployment = load(path)
    except DeploymentError as error:
        notes.fault(code, str(error))
        return
    findings = Findings()
    with notes.needing(code):
        await check_deployment(deployment, network.pool, findings, version("patina"))
    wrong = [one for one in findings.found if one.verdict is Verdict.WRONG]
    unknown = [one for one in findings.found if one.verdict is Verdict.UNKNOWN]
    for one in wrong[:_MOST]:
        notes.fault(code, f"{one.what}: {one.detail}", one.subject, one.remedy)
    if len(wrong) > _MOST:
        notes.fault(code, f"and {len(wrong) - _MOST} more are not what {path} says")
    if unknown:
        first = unknown[0]
        told = f"{times(len(unknown), 'thing')} could not be looked at, the first {first.subject}, {first.what}"
        notes.warn(code, f"{told}: {first.detail}", remedy=first.remedy)
    if findings.hold:
        notes.ok(code, f"all {len(findings.found)} things that {path.name} says hold")
