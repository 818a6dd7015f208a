"""Step three of joining: what the accounts hold, what the bond is to be, and what is missing for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.plan import View

_GAS: Final = 700_000
"""What registering, approving and bonding use together, and a little more; a rotation is repaid."""

_DEVNETS: Final = (1_337, 31_337)


class Means:
    """Looks at coin and tokens, asks for the bond, and takes tokens from a faucet where there is one."""

    def __init__(self, desk: Desk, *, bond: str | None, drip: bool) -> None:
        self._desk = desk
        self._talk = desk.talk
        self._bond = bond
        self._drip = drip
        self._warned = False

    async def check(self) -> int:
        """The bond that is wanted in all, in the token's units, once everything for it is there; PatinaError."""
        from node.staking.amounts import show_ether
        from node.staking.plan import least_winning_bond

        desk, talk = self._desk, self._talk
        view = await desk.view()
        params, node = view.overview.params, view.account.node if view.account else None
        operator, signer = desk.operator.address, desk.operator.signer_address
        purse = await desk.purse(operator)
        rows = [("operator", f"{operator}\n{show_ether(purse.coin)}, {desk.amount(purse.token)}")]
        if signer is not None and signer != operator:
            rows.append(("signing key", f"{signer}\n{show_ether((await desk.purse(signer)).coin)}, for reports' gas"))
        if node is not None:
            rows.append(("bonded", desk.amount(node.bond)))
        talk.rows(rows)
        have = 0 if node is None else node.bond
        if have < params.minimum:
            await self._coin()
        least = least_winning_bond(view.nodes, params, node.id if node else None)
        talk.say()
        talk.say(
            f"The minimum bond is {desk.amount(params.minimum)}. The least that would win a seat now is "
            f"{desk.amount(least)}."
        )
        target = self._target(view, least)
        if target < least:
            talk.say(f"With {desk.amount(target)} the node waits in the queue until a seat is free for it.")
        if have < target:
            await self._coin()
        await self._tokens(target - have)
        return target

    def _target(self, view: View, least: int) -> int:
        from node.staking.amounts import round_up, show_amount

        desk, params = self._desk, view.overview.params
        have = view.account.node.bond if view.account else 0

        def checked(text: str) -> int:
            units = desk.units(text)
            if units < params.minimum:
                raise PatinaError(
                    f"{text} is below the minimum of {desk.amount(params.minimum)}: no candidate has less"
                )
            return units

        if self._bond is not None:
            return max(have, checked(self._bond))
        if have >= params.minimum:
            return have
        proposed = show_amount(round_up(least, desk.token.decimals), desk.token.decimals)
        if self._talk.yes:
            raise PatinaError(
                f"how much to bond is not given, and not to be asked for: give --bond, as --bond {proposed}"
            )
        question = f"What is the bond to be, in {desk.token.symbol}?"
        return max(have, self._talk.ask(question, checked, proposed, "--bond AMOUNT"))

    async def _coin(self) -> None:
        """Wait for, or ask for, the coin that all steps together may take; PatinaError where nobody can be asked."""
        from node.staking.amounts import show_ether

        operator, signer = self._desk.operator.address, self._desk.operator.signer_address
        needed = _GAS * await self._price()
        while (held := (await self._desk.purse(operator)).coin) < needed:
            missing = (
                f"the operator account {operator} has {show_ether(held)}, and all steps together may take up to "
                f"{show_ether(needed)} for gas: send it {show_ether(needed - held)} or more{self._faucet(operator)}"
            )
            if self._talk.yes:
                raise PatinaError(f"{missing}, then run patina join again")
            self._talk.say()
            self._talk.say(missing[0].upper() + missing[1:] + ".")
            self._talk.sure("Done, look again?")
        low = self._desk.config.transmit.low_balance
        if not self._warned and signer is not None and signer != operator:
            self._warned = True
            held = (await self._desk.purse(signer)).coin
            if held < low:
                self._talk.say(
                    f"The signing key's account has {show_ether(held)}; it pays for the reports that this node sends. "
                    f"Send it some before the node sits, {show_ether(low)} or more to {signer}{self._faucet(signer)}."
                )

    def _faucet(self, address: str) -> str:
        if self._desk.chain_id in _DEVNETS:
            return f" (on a devnet: patina faucet {address} --rpc {self._desk.config.chain.endpoints[0].masked})"
        return " (a testnet has a faucet for its coin)"

    async def _price(self) -> int:
        from node.chain.sending.accounts import Accounts
        from node.settings import fees

        return fees(self._desk.config).first(await Accounts(self._desk.chain.pool).base_fee()).max_fee

    async def _tokens(self, missing: int) -> None:
        """Take tokens from the faucet, a drip a day, where some are missing; PatinaError where they stay missing."""
        from node.staking.token import drip
        from node.staking.words import moment

        desk, talk = self._desk, self._talk
        operator = desk.operator.address
        purse = await desk.purse(operator)
        if purse.token >= missing:
            return
        short = desk.amount(missing - purse.token)
        talk.say(f"{short} are missing for that bond.")
        now = (await desk.chain.head()).timestamp
        if purse.next_drip is not None and purse.next_drip <= now and self._drip:
            talk.say("This token is a test token: its faucet gives an account 1,000 whole units a day, for nothing.")
            if talk.agrees("Take them?"):
                await desk.send("take tokens from the faucet", desk.token.address, drip())
                purse = await desk.purse(operator)
                talk.say(f"The operator account has {desk.amount(purse.token)} now.")
        if purse.token >= missing:
            return
        short = desk.amount(missing - purse.token)
        faucet = ""
        if purse.next_drip is not None:
            faucet = f" The faucet gives the next 1,000 {moment(purse.next_drip, now)}."
        raise PatinaError(
            f"{short} are still missing: send them to {operator}, or choose a smaller bond, then run patina join "
            f"again.{faucet}"
        )
