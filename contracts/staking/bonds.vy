# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Bonds: the book of the stake's token
@license AGPL-3.0-only
@custom:contract-name bonds
@notice What was bonded, what waits to be withdrawn and what slashes left sums up to what this contract
        was sent through `bond`, less what it has paid out. An entry of the queue is one word: amount 128,
        second from which it may be withdrawn 64.
"""


from . import rules
from . import standing as standings


uses: rules
uses: standings


event Bonded:
    id: indexed(uint256)
    amount: uint256
    bond: uint256


event Unbonded:
    id: indexed(uint256)
    amount: uint256
    ready_at: uint256


event Withdrawn:
    id: indexed(uint256)
    receiver: indexed(address)
    amount: uint256


event StakeCredited:
    account: indexed(address)
    amount: uint256


event StakeCollected:
    account: indexed(address)
    amount: uint256


struct Unbonding:
    amount: uint256
    # @dev The second from which it may be withdrawn, as far as the entry is concerned.
    ready_at: uint256


MAX_QUEUE: constant(uint256) = 8


_queues: HashMap[uint256, DynArray[uint256, MAX_QUEUE]]
# @dev What slashes left, to be collected: a slash calls no token, so that no token can stop it.
_credits: HashMap[address, uint256]


@deploy
def __init__():
    """
    @dev Begins with nothing.
    """
    pass


@internal
def _bond(id: uint256, amount: uint256):
    """
    @dev Adds to a node's bond what really arrives from the sender.
    @param id The node.
    @param amount What is asked of the token.
    """
    before: uint256 = staticcall rules.TOKEN.balanceOf(self)
    moved: bool = extcall rules.TOKEN.transferFrom(msg.sender, self, amount, default_return_value=True)
    rules._require(moved, "staking: token refused")
    arrived: uint256 = staticcall rules.TOKEN.balanceOf(self) - before
    rules._require(arrived != 0, "staking: nothing arrived")
    node: standings.Standing = standings._read(id)
    node.bond += arrived
    rules._require(node.bond <= standings.MAX_BOND, "staking: bond too high")
    standings._write(id, node)
    log Bonded(id=id, amount=arrived, bond=node.bond)


@internal
def _unbond(id: uint256, amount: uint256, merge: bool):
    """
    @dev Moves a part of a node's bond to the queue, where it can still be slashed.
    @param id The node.
    @param amount How much, not 0.
    @param merge Whether a full queue takes it into its newest entry, whose delay begins anew.
    """
    node: standings.Standing = standings._read(id)
    rules._require(amount != 0, "staking: nothing to unbond")
    rules._require(amount <= node.bond, "staking: more than the bond")
    node.bond -= amount
    standings._write(id, node)
    ready_at: uint256 = block.timestamp + rules.PARAMS.delay
    entry: uint256 = amount
    if len(self._queues[id]) == MAX_QUEUE:
        rules._require(merge, "staking: queue is full")
        entry += self._queues[id].pop() & standings.MAX_BOND
        rules._require(entry <= standings.MAX_BOND, "staking: entry too high")
    self._queues[id].append(entry | (ready_at << 128))
    log Unbonded(id=id, amount=amount, ready_at=ready_at)


@internal
def _withdraw(id: uint256) -> uint256:
    """
    @dev Pays the sender what of its node's queue is ready.
    @param id The node.
    @return uint256 How much.
    """
    rules._require(block.timestamp >= self._seat_lock(id), "staking: seat held too lately")
    amount: uint256 = 0
    left: DynArray[uint256, MAX_QUEUE] = []
    for entry: uint256 in self._queues[id]:
        if entry >> 128 <= block.timestamp:
            amount += entry & standings.MAX_BOND
        else:
            left.append(entry)
    rules._require(amount != 0, "staking: nothing to withdraw")
    self._queues[id] = left
    log Withdrawn(id=id, receiver=msg.sender, amount=amount)
    self._pay(msg.sender, amount)
    return amount


@internal
def _seize(id: uint256) -> uint256:
    """
    @dev Takes a node's bond and queue.
    @param id The node.
    @return uint256 How much it was.
    """
    node: standings.Standing = standings._read(id)
    amount: uint256 = node.bond + self._queued(id)
    node.bond = 0
    standings._write(id, node)
    self._queues[id] = []
    return amount


@internal
def _credit(account: address, amount: uint256):
    """
    @dev Owes a part of a slash to an account.
    @param account The account.
    @param amount How much.
    """
    if amount != 0:
        self._credits[account] += amount
        log StakeCredited(account=account, amount=amount)


@internal
def _collect(account: address) -> uint256:
    """
    @dev Pays an account what slashes left for it.
    @param account The account.
    @return uint256 How much.
    """
    amount: uint256 = self._credits[account]
    rules._require(amount != 0, "staking: nothing to collect")
    self._credits[account] = 0
    log StakeCollected(account=account, amount=amount)
    self._pay(account, amount)
    return amount


@internal
def _pay(account: address, amount: uint256):
    """
    @dev Sends stake.
    @param account To whom.
    @param amount How much.
    """
    moved: bool = extcall rules.TOKEN.transfer(account, amount, default_return_value=True)
    rules._require(moved, "staking: token refused")


@internal
@view
def _seat_lock(id: uint256) -> uint256:
    """
    @dev The second from which a node's seat no longer keeps it from withdrawing. A bond of the minimum
         answers for it; with less it has to wait until all that it could sign as a member can be slashed no more.
    @param id The node.
    @return uint256 The second; the greatest number while it has a seat.
    """
    node: standings.Standing = standings._read(id)
    if node.bond >= rules.PARAMS.minimum:
        return 0
    if node.seated:
        return max_value(uint256)
    if node.seat_end == 0:
        return 0
    return node.seat_end + rules.OVERLAP + rules.PARAMS.delay


@internal
@view
def _queued(id: uint256) -> uint256:
    """
    @dev What a node has waiting to be withdrawn.
    @param id The node.
    @return uint256 How much.
    """
    amount: uint256 = 0
    for entry: uint256 in self._queues[id]:
        amount += entry & standings.MAX_BOND
    return amount


@internal
@view
def _unbondings(id: uint256) -> DynArray[Unbonding, MAX_QUEUE]:
    """
    @dev What a node has waiting to be withdrawn, the oldest first.
    @param id The node.
    @return DynArray The entries.
    """
    found: DynArray[Unbonding, MAX_QUEUE] = []
    for entry: uint256 in self._queues[id]:
        found.append(Unbonding(amount=entry & standings.MAX_BOND, ready_at=entry >> 128))
    return found
