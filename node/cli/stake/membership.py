"""`patina stake exit | rejoin | payee | rotate-key | rotate`: who a node is, and whether it sits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.money import alive, own
from node.cli.stake.options import Choice, staking_options
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk


@click.command("exit")
@staking_options
def leave(*, choice: Choice) -> None:
    """Unbond everything and give up the seat.

    The seat is lost at the next rotation; keep the node running until then.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.risks import OVERLAP
        from node.staking.words import moment, rotation, span

        await desk.outbox()
        view = await desk.view()
        account = alive(view)
        delay, ends = view.overview.params.delay, view.overview.era_ends
        if account.node.leaving:
            raise PatinaError("the node is leaving already: patina stake status shows when what can be withdrawn")
        points = [f"All {desk.amount(account.node.bond)} are unbonded; they can be slashed until they are withdrawn."]
        if account.node.seated:
            points += [
                f"The seat is kept until the next rotation, {rotation(ends, view.now)}: let the node run until then, "
                "and an hour longer for reports under way.",
                f"Everything can be withdrawn {span(delay + OVERLAP)} after the seat is lost.",
            ]
        else:
            points.append(
                f"They can be withdrawn from {moment(view.now + delay, view.now)}, or a little later if the "
                "node's last seat was within that time."
            )
        desk.talk.points(points)
        desk.talk.sure("Leave?")
        await desk.send("exit", desk.staking.address, calldata.exit_())
        after = own(await desk.view())
        return {"unbonding": str(after.node.unbonding), "seated": after.node.seated}

    perform(choice, work)


@click.command()
@staking_options
def rejoin(*, choice: Choice) -> None:
    """Be a candidate again, after an exit or a suspension.

    What was unbonded stays on its way out: bond anew where the bond is below the minimum.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata

        await desk.outbox()
        view = await desk.view()
        node, params = alive(view).node, view.overview.params
        if node.candidate:
            raise PatinaError("the node is a candidate already: there is nothing to do")
        desk.talk.sure("Be a candidate again?")
        await desk.send("rejoin", desk.staking.address, calldata.rejoin())
        node = own(await desk.view()).node
        if node.candidate:
            desk.talk.say("The node is a candidate again; patina stake status shows its place.")
        elif node.bond < params.minimum:
            short = desk.amount(params.minimum - node.bond)
            desk.talk.say(f"The bond is {short} below the minimum: patina stake bond {short.split()[0]} comes next.")
        return {"candidate": node.candidate, "bond": str(node.bond)}

    perform(choice, work)


@click.command()
@click.argument("address")
@staking_options
def payee(address: str, *, choice: Choice) -> None:
    """Have ADDRESS paid for the node's work from now on.

    That includes what was earned before and is not claimed yet.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.keys.address import fault_of_address
        from node.staking import calldata

        if fault := fault_of_address(address):
            raise PatinaError(f"ADDRESS: {fault[0]}; {fault[1]}")
        await desk.outbox()
        node = own(await desk.view()).node
        if node.payee == address:
            raise PatinaError(f"{address} is the payee already: there is nothing to do")
        desk.talk.say(f"Until now {node.payee} is paid; from now on {address} is, for all that is not claimed yet too.")
        desk.talk.sure("Change the payee?")
        await desk.send(f"have {address} paid", desk.staking.address, calldata.set_payee(address))
        return {"payee": address}

    perform(choice, work)


@click.command("rotate-key")
@staking_options
def rotate_key(*, choice: Choice) -> None:
    """Register the keys that this configuration names now.

    Make new ones first (other file names in [keys], then patina keys new). They count from the next election on; until
    then the node has to run with its old ones, and what the old ones signed can be slashed as before.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.words import rotation

        await desk.outbox()
        view = await desk.view()
        node = alive(view).node
        signer, transport = local_keys(desk)
        if (signer, transport) == (node.signer, node.transport_key):
            raise PatinaError("these are the keys that the node has already: make new ones, or name them in [keys]")
        points = []
        if signer != node.signer:
            points.append(
                f"signing address: {node.signer} becomes {signer}. The old one stays answerable for what it "
                "signed, and can never be used by another node."
            )
        if transport != node.transport_key:
            points.append(f"transport key: 0x{node.transport_key.hex()} becomes 0x{transport.hex()}.")
        if node.seated:
            points.append(
                f"They count from the next rotation, {rotation(view.overview.era_ends, view.now)}: run the node with "
                "its old keys until then, and never both at once."
            )
        desk.talk.points(points)
        desk.talk.sure("Change the keys?")
        proof = possession(desk, transport)
        await desk.send("change keys", desk.staking.address, calldata.change_keys(signer, transport, proof))
        return {"signer": signer, "transport_key": "0x" + transport.hex()}

    perform(choice, work)


def local_keys(desk: Desk) -> tuple[str, bytes]:
    """Signing address and transport key of this configuration; KeyFileError without them."""
    from node.errors import KeyFileError
    from node.keys.signing import EthKeystore
    from node.keys.transport import TransportKeyFile

    keys = desk.config.keys
    for path in (keys.signing_keystore, keys.transport_key):
        if not path.exists():
            raise KeyFileError(f"{path}: there is no such key; patina keys new makes the keys that [keys] names")
    return EthKeystore(keys.signing_keystore).address, TransportKeyFile(keys.transport_key).public_key


def possession(desk: Desk, transport: bytes) -> bytes:
    """The signing key's word that this operator may register it; KeyFileError."""
    from node.cli.options import asker
    from node.config import unlock_signer
    from node.staking.possession import prove_possession

    signer = desk.operator.unlock() if desk.operator.is_signer else unlock_signer(desk.config, ask=asker())
    return prove_possession(signer, desk.chain_id, desk.staking.address, desk.operator.address, transport)


@click.command()
@staking_options
def rotate(*, choice: Choice) -> None:
    """End the era, if it is over, and elect the next committee.

    Anyone may; the treasury repays the gas as far as it reaches. Nodes do it by themselves.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.cli.stake.settling import end_era
        from node.staking.words import moment

        await desk.outbox()
        view = await desk.view()
        if not view.era_over:
            raise PatinaError(f"era {view.overview.era} goes on until {moment(view.overview.era_ends, view.now)}")
        desk.talk.sure(f"End era {view.overview.era}?")
        await end_era(desk, view.overview.era)
        overview = (await desk.view()).overview
        return {"era": overview.era, "configuration": overview.number, "era_ends": overview.era_ends}

    perform(choice, work)
