"""The walk of `patina join`: network, operator, balances, registration, bond, seat; each read from the chain anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.errors import ConfigError, PatinaError

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.plan import View

_SCREENS: Final = 6


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was said on the command line."""

    deployment: Path | None = None
    bond: str | None = None
    payee: str | None = None
    drip: bool = True
    wait: bool = True
    light: bool = False


class Joining:
    """One operator's way to a seat. Nothing is remembered but what the chain and the outbox's journal say."""

    def __init__(self, desk: Desk, wishes: Wishes) -> None:
        self._desk = desk
        self._wishes = wishes
        self._talk = desk.talk

    async def walk(self) -> dict[str, Any]:
        """Every step that is not done yet; the JSON of where it ended. PatinaError with what to do."""
        from node.cli.stake.seating import Seating
        from node.cli.stake.status import describe, owed_to, state

        await self._network()
        await self._operator()
        target = await self._balances()
        await self._register()
        await self._bond(target)
        self._talk.screen(6, _SCREENS, "The seat")
        view = await Seating(self._desk, wait=self._wishes.wait).sit()
        return {"state": state(view), **describe(self._desk, view, await owed_to(self._desk))}

    # -- 1: the network --------------------------------------------------------------------------------------------

    async def _network(self) -> None:
        from node.cli.stake.status import warn_of_clock
        from node.staking.amounts import show_amount
        from node.staking.risks import attendance_rule, earnings
        from node.staking.words import span, times

        desk, talk = self._desk, self._talk
        view = await desk.view(0)
        overview, params = view.overview, view.overview.params
        talk.screen(1, _SCREENS, "The network")
        talk.say("These are the contracts that you are about to trust with a bond:")
        talk.rows(
            [
                ("chain", str(desk.chain_id)),
                ("oracle", desk.chain.oracle),
                ("staking", desk.staking.address),
                ("token", f"{desk.token.address} ({desk.token.symbol})"),
            ]
        )
        deployment = self._wishes.deployment or desk.config.chain.deployment
        if deployment is None:
            talk.say(
                "The oracle is the one that your configuration names, and the rest is what the chain says belongs to "
                "it. Compare them with what the network publishes; --deployment FILE does it for you."
            )
        else:
            compare(desk, deployment)
            talk.say(f"They are those of {deployment}: have it from where the network's makers publish it.")
        if not overview.obeyed:
            raise ConfigError(
                f"the oracle does not obey the staking contract {desk.staking.address}: a bond there earns no seat. "
                "Ask for the network's present deployment file"
            )
        minimum = show_amount(params.minimum, desk.token.decimals, desk.token.symbol)
        talk.say()
        talk.say("Its rules, which nobody can change:")
        talk.points(
            [
                f"The {times(params.seats, 'highest bond')} get a seat, from {minimum} up; candidates now: "
                f"{len(view.nodes)}, seated: {len(view.members)}.",
                f"Seats are given anew when an era is over, at the earliest every {span(params.era)}.",
                earnings(params),
                attendance_rule(params),
                f"A bond that is taken back can be withdrawn {span(params.delay)} after that was announced.",
            ]
        )
        warn_of_clock(desk, view)
        talk.sure("Is this the network that you want to join?")

    # -- 2: the operator account -----------------------------------------------------------------------------------

    async def _operator(self) -> None:
        desk, talk, operator = self._desk, self._talk, self._desk.operator
        talk.screen(2, _SCREENS, "The operator account")
        if operator.is_signer:
            talk.say(
                "You chose the node's own signing key as the operator. It stands unlocked in a machine that is on the "
                "network all day: whoever breaks in can take the bond. An account of its own is safer."
            )
            talk.sure("Use the signing key all the same?")
        elif not operator.exists:
            talk.say(
                "The bond belongs to an account of its own. The node never needs its key: a node that is broken into "
                "can sign reports and spend its gas money, but cannot take the bond."
            )
            talk.say(f"There is none yet at {operator.path}.")
            talk.sure("Make a new one?")
            address = operator.make(light=self._wishes.light, asking=not talk.yes)
            talk.say(f"Made: {address}")
            talk.say(
                f"Copy {operator.path} and its password to a safe place now: nobody can restore them. Once the bond "
                "stands you may take the file away from this machine, and bring it back to unbond."
            )
        talk.say(f"The operator account is {operator.address}.")
        # Unlocked here: what an earlier run has sent is seen through before the chain is asked what there is.
        await desk.outbox()
        found = (await desk.view()).account
        if found is not None and found.node.slashed:
            from node.staking.refusals import REFUSALS

            raise PatinaError("; ".join(REFUSALS["staking: slashed"]))

    # -- 3: what the accounts hold ---------------------------------------------------------------------------------

    async def _balances(self) -> int:
        """Say what is there and what is missing; the bond that is wanted, in the token's units."""
        from node.cli.stake.means import Means

        self._talk.screen(3, _SCREENS, "What the accounts hold")
        return await Means(self._desk, bond=self._wishes.bond, drip=self._wishes.drip).check()

    # -- 4: registration -------------------------------------------------------------------------------------------

    async def _register(self) -> None:
        from node.cli.stake.membership import local_keys, possession
        from node.keys.address import fault_of_address
        from node.staking import calldata

        desk, talk = self._desk, self._talk
        talk.screen(4, _SCREENS, "Registering the node")
        view = await desk.view()
        signer, transport = local_keys(desk)
        if view.account is not None:
            self._check_registered(view, signer, transport)
            talk.say(f"Done already: it is node {view.account.node.id}.")
            return
        taken = await desk.staking.node_of_signer(signer)
        if taken:
            other = await desk.staking.node(taken)
            raise PatinaError(
                f"the signing address {signer} is node {taken}'s, whose operator is {other.operator}: name that "
                "operator's keystore with --operator, or make a new signing key (patina keys new)"
            )

        def checked(text: str) -> str:
            if fault := fault_of_address(text.strip()):
                raise PatinaError(f"that {fault[0]}; {fault[1]}")
            return text.strip()

        operator = desk.operator.address
        talk.rows([("signing address", signer), ("transport key", "0x" + transport.hex()), ("operator", operator)])
        talk.say("These keys then belong to this node for ever: nobody else can register them, now or later.")
        wished = self._wishes.payee
        who = checked(wished) if wished else talk.ask("Who is paid for its work?", checked, operator, "--payee ADDRESS")
        talk.sure("Register the node?")
        proof = possession(desk, transport)
        await desk.send("register the node", desk.staking.address, calldata.register(signer, transport, who, proof))
        account = (await desk.view()).account
        if account is None:
            raise PatinaError("the node is not registered, though the transaction is mined: run it again")
        talk.say(f"It is node {account.node.id} now.")

    def _check_registered(self, view: View, signer: str, transport: bytes) -> None:
        assert view.account is not None  # noqa: S101 - asked by the caller
        node = view.account.node
        if (node.signer, node.transport_key) != (signer, transport):
            self._talk.say(
                "The keys of this configuration are not those that the node is registered with: until patina stake "
                "rotate-key has changed that, this node could not take its seat."
            )
            self._talk.sure("Go on all the same?")

    # -- 5: the bond -----------------------------------------------------------------------------------------------

    async def _bond(self, target: int) -> None:
        from node.cli.stake.money import add_bond
        from node.staking import calldata
        from node.staking.plan import Step, next_step

        desk, talk = self._desk, self._talk
        talk.screen(5, _SCREENS, "The bond")
        view = await desk.view()
        step = next_step(view, target)
        if step is Step.PAUSE:
            raise PatinaError("the node is suspended for this era for being absent: run patina join again in the next")
        if step is Step.REJOIN:
            talk.say("The node left, was suspended, or was crowded out: it becomes a candidate again.")
            talk.sure("Rejoin?")
            await desk.send("rejoin", desk.staking.address, calldata.rejoin())
            view = await desk.view()
        assert view.account is not None  # noqa: S101 - registered above
        bond = view.account.node.bond
        if bond < target:
            await add_bond(desk, view.account, target - bond)
        else:
            talk.say(f"Done already: {desk.amount(bond)} are bonded.")


def compare(desk: Desk, path: Path) -> None:
    """Refuse what is not what the deployment file says, or a node that is too old for it; ConfigError names both."""
    from importlib.metadata import version

    from node.deployment.file import load
    from node.deployment.software import is_older

    known = load(path)
    if is_older(version("patina"), known.least_node):
        raise ConfigError(
            f"{path}: this network asks for version {known.least_node} of this software or a newer one, and this is "
            f"{version('patina')}: update it before you bond anything"
        )
    pairs = (
        ("chain id", str(known.chain_id), str(desk.chain_id)),
        ("oracle", known.oracle, desk.chain.oracle),
        ("staking contract", known.staking, desk.staking.address),
        ("token", known.stake_token, desk.token.address),
    )
    for what, said, found in pairs:
        if said != found:
            raise ConfigError(
                f"{path}: the {what} is {said}, and here it is {found}: one of the two is another network"
            )
