"""`patina stake slash`: check evidence of equivocation here, say what it proves, and take it to the contract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.options import Choice, staking_options
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.evidence import Evidence
    from node.staking.types import Node


@click.command()
@click.option(
    "--evidence",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The evidence, as a node writes it into its folder evidence/.",
)
@click.option("--check-only", is_flag=True, help="Say what the file proves, and send nothing.")
@staking_options
def slash(file: Path, *, check_only: bool, choice: Choice) -> None:
    """Take all stake of a node that signed two reports for one view.

    Anyone may bring evidence; the account that sends it is credited a part, which patina stake collect pays out.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        return await bring(desk, file, check_only=check_only)

    perform(choice, work)


async def bring(desk: Desk, file: Path, *, check_only: bool) -> dict[str, Any]:
    """Check a file, and submit what it proves after a yes; PatinaError where nobody can be slashed for it."""
    from node.staking import calldata
    from node.staking.evidence import read_evidence
    from node.staking.plan import slashed_shares
    from node.staking.risks import BURNT, slash_receiver

    evidence = read_evidence(file)
    feed, checkpoint, view = evidence.place
    talk = desk.talk
    talk.say(
        f"The file proves that {evidence.signer} signed two different reports for feed {feed}, checkpoint "
        f"{checkpoint}, view {view}, under configuration 0x{evidence.config_digest.hex()}. No honest node does that."
    )
    node = await offender(desk, evidence)
    params, receiver = await desk.staking.params(), await slash_receiver(desk.staking)
    stake = node.bond + node.unbonding
    reward, rest = slashed_shares(stake, params)
    talk.say(
        f"Node {node.id} has {desk.amount(stake)} at stake: {desk.amount(reward)} will be credited to whoever brings "
        f"the evidence, and {desk.amount(rest)} {'are burnt' if receiver == BURNT else f'go to {receiver}'}."
    )
    own = desk.operator.exists and node.operator == desk.operator.address
    if own or evidence.signer == desk.operator.signer_address:
        talk.say("That is YOUR node: another program signs with its key. Stop both, and find out, before you go on.")
    document = {
        "node": node.id, "signer": evidence.signer, "stake": str(stake), "reward": str(reward), "sent": False,
        "evidence": {"feed": feed, "checkpoint": checkpoint, "view": view},
    }  # fmt: skip
    if check_only:
        return document
    talk.sure(f"Slash node {node.id}?")
    await desk.send(f"slash node {node.id}", desk.staking.address, calldata.slash_equivocation(evidence))
    talk.say(f"Node {node.id} has lost everything. Your part waits for: patina stake collect")
    return document | {"sent": True}


async def offender(desk: Desk, evidence: Evidence) -> Node:
    """The node that can be slashed for it; PatinaError says why nobody can."""
    if evidence.chain_id != desk.chain_id or evidence.oracle != desk.chain.oracle:
        raise PatinaError(
            f"it is about the oracle {evidence.oracle} on chain {evidence.chain_id}, and this configuration is for "
            f"{desk.chain.oracle} on chain {desk.chain_id}: use the configuration of that network"
        )
    if await desk.staking.config_number(evidence.config_digest) == 0:
        raise PatinaError(
            "it proves an equivocation, but under a configuration that this staking contract never installed: nobody "
            "can be slashed for it here"
        )
    number = await desk.staking.node_of_signer(evidence.signer)
    if number == 0:
        raise PatinaError(f"{evidence.signer} is no node of this staking contract: nobody can be slashed for it here")
    node = await desk.staking.node(number)
    if node.slashed:
        raise PatinaError(f"node {number} was slashed already: nothing is left to take")
    return node
