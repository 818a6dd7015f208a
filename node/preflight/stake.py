"""Looks at what this node has on chain: a seat, a bond, and coin for its reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.chain.sending.funds import ETHER
from node.errors import ChainError
from node.preflight.finding import UnknownError
from node.staking import plan
from node.staking.amounts import show_amount
from node.staking.token import read_token
from node.staking.words import times

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes
    from node.preflight.network import Network

GAS: Final = 600_000
"""Gas of a report where none has landed yet: a committee of ten, a collection and a subscriber."""
REPORTS: Final = 20
"""Reports that a comfortable balance pays for."""


async def check(facts: Facts, notes: Notes) -> None:
    """Note seat, bond and balance of the signing address."""
    network = await facts.network.get()
    with notes.needing("stake.seat"):
        await _check_seat(facts, network, notes)
    with notes.needing("stake.bond"):
        await _check_bond(facts, network, notes)
    with notes.needing("stake.balance"):
        await _check_balance(facts, network, notes)


async def _check_seat(facts: Facts, network: Network, notes: Notes) -> None:
    code, address = "stake.seat", facts.address
    committee = (await network.installed.get()).committee
    view = await network.view.get()
    node = None if view is None or view.account is None else view.account.node
    if node is not None and node.slashed:
        notes.fault(code, f"node {node.id} was slashed: it is finished, and so are its keys", remedy=_SLASHED)
    elif committee is not None and address in committee.signers:
        notes.ok(code, f"seat {committee.signers.index(address) + 1} of {committee.n}")
    elif node is not None and node.suspended:
        notes.fault(
            code, f"node {node.id} is suspended for being absent", remedy="patina stake rejoin, in the next era"
        )
    elif node is not None and node.leaving:
        notes.warn(code, f"node {node.id} has left", remedy="patina stake rejoin makes it a candidate again")
    elif node is not None and node.candidate:
        notes.warn(code, f"node {node.id} waits for a seat: the node runs in standby", remedy=_WAIT)
    else:
        notes.warn(code, f"{address} has no seat: the node would run in standby, and sign nothing")


_SLASHED: Final = "find out what signed twice (docs/signing.md); a new node needs new keys and a new folder"
_WAIT: Final = "wait for the next rotation (patina stake status says when), or bond more"


async def _check_bond(facts: Facts, network: Network, notes: Notes) -> None:
    code = "stake.bond"
    view = await network.view.get()
    if view is None:
        notes.skip(code, "this network has no staking")
        return
    if view.account is None:
        notes.skip(code, "this signing address is no node of the staking contract yet")
        return
    node, params = view.account.node, view.overview.params
    if node.slashed:
        notes.skip(code, "slashed")
        return
    least = plan.least_winning_bond(view.nodes, params, node.id)
    token = await read_token(network.pool, facts.config.chain.multicall, view.overview.token)

    def shown(units: int) -> str:
        return show_amount(units, token.decimals, token.symbol)

    told = f"{shown(node.bond)}, the minimum is {shown(params.minimum)}"
    if node.bond < params.minimum:
        notes.fault(code, told)
    elif node.bond < least:
        notes.warn(code, f"{told}; at the next rotation a seat takes {shown(least)}")
    else:
        notes.ok(code, f"{told}; enough for a seat at the next rotation")


async def _check_balance(facts: Facts, network: Network, notes: Notes) -> None:
    code, chosen = "stake.balance", facts.config.transmit
    address = facts.address
    try:
        balance, base_fee = await network.accounts.balance(address), await network.accounts.base_fee()
    except ChainError as error:
        raise UnknownError(f"the chain does not answer: {error}") from None
    price = base_fee + chosen.priority_fee
    gas = await _gas(network)
    cost = gas * price
    held = f"{address} has {_ether(balance)} ether"
    told = f"{held}: {times(balance // cost if cost else 0, 'report')} of {gas:,} gas at {price / 1e9:.3g} gwei"
    if not chosen.enabled:
        notes.ok(code, f"{held}, and transmit.enabled is off: others send its reports")
        return
    if balance < cost:
        notes.fault(
            code, told, remedy=f"send at least {_ether(max(chosen.low_balance, REPORTS * cost))} ether to {address}"
        )
    elif balance < max(chosen.low_balance, REPORTS * cost):
        notes.warn(
            code, f"{told}; low-balance is told below {chosen.low_balance_ether}", remedy=f"send more to {address}"
        )
    else:
        notes.ok(code, told)
    fee = f"gas costs {price / 1e9:.3g} gwei, at most {chosen.max_fee_gwei} are paid"
    (notes.ok if price <= chosen.max_fee else notes.warn)("stake.fees", fee)


async def _gas(network: Network) -> int:
    """Gas of the dearest among the feeds' newest reports, half as much again for their callbacks and a margin."""
    try:
        landed = await network.newest.get()
        blocks = [one.block_number for one in landed[:4]]
        worked = [one for block in blocks for one in await network.chain.worked(block, block)]
    except ChainError:
        return GAS
    # `gas_used` ends where the record is written: callbacks come on top (docs/architecture.md, Ledger).
    return max([one.gas_used * 3 // 2 for one in worked], default=GAS) or GAS


def _ether(wei: int) -> str:
    """Whole millionths of an ether, no more than there are; as short as it goes."""
    return f"{wei // ETHER}.{wei % ETHER // 10**12:06d}".rstrip("0").rstrip(".")
