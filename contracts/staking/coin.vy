# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Coin: the book of the chain's own coin
@license AGPL-3.0-only
@custom:contract-name coin
@notice What feeds have, what the treasury has, what is owed for gas, and the nodes' rewards sum up to
        what came in, less what was paid out.
"""


from . import rules


uses: rules


event Funded:
    feed: indexed(uint256)
    payer: indexed(address)
    amount: uint256


event DefundAnnounced:
    feed: indexed(uint256)
    amount: uint256
    ready_at: uint256


event Defunded:
    feed: indexed(uint256)
    receiver: indexed(address)
    amount: uint256


event TreasuryFunded:
    payer: indexed(address)
    amount: uint256


event TreasuryTook:
    amount: uint256


event Owed:
    account: indexed(address)
    amount: uint256


event Collected:
    account: indexed(address)
    amount: uint256


# @dev Seconds for which funds that are to be taken out still pay: who works on a report that the
# feed's funds cover is paid for it.
NOTICE: constant(uint256) = 3_600


# @dev What the dearest report may use, for `pays`.
_DEAREST_GAS: constant(uint256) = 2_000_000
# @dev No sum of coins in here outgrows the 96 bits in which rewards are kept.
_MOST: constant(uint256) = 2**96 - 1


_funds: HashMap[uint256, uint256]
# @dev What a feed's opener has announced to take out: amount 128, second from which it may 64.
_announced: HashMap[uint256, uint256]
_treasury: uint256
_owed: HashMap[address, uint256]


@deploy
def __init__():
    """
    @dev Begins with nothing.
    """
    pass


@internal
@payable
def _fund(feed: uint256):
    """
    @dev Adds what was sent to a feed's funds.
    @param feed The feed.
    """
    self._check_sum()
    self._funds[feed] += msg.value
    log Funded(feed=feed, payer=msg.sender, amount=msg.value)


@internal
@payable
def _fund_treasury():
    """
    @dev Adds what was sent to the treasury.
    """
    self._check_sum()
    self._treasury += msg.value
    log TreasuryFunded(payer=msg.sender, amount=msg.value)


@internal
@payable
def _check_sum():
    """
    @dev Reverts if nothing was sent, or if all that is held would outgrow its words.
    """
    rules._require(msg.value != 0, "staking: nothing sent")
    rules._require(self.balance <= _MOST, "staking: too much coin")


@internal
def _announce(feed: uint256, amount: uint256):
    """
    @dev Lets a feed's opener say what it will take out; what was announced before no longer counts.
    @param feed The feed.
    @param amount How much, or 0 to let all stay.
    """
    rules._require(amount <= self._funds[feed], "staking: more than the funds")
    ready_at: uint256 = block.timestamp + NOTICE
    self._announced[feed] = amount | (ready_at << 128)
    log DefundAnnounced(feed=feed, amount=amount, ready_at=ready_at)


@internal
def _take_out(feed: uint256, receiver: address, settled_until: uint256) -> uint256:
    """
    @dev Takes out what was announced and is left; the caller pays it.
    @param feed The feed.
    @param receiver Who will be paid.
    @param settled_until The second up to which all reports are paid for.
    @return uint256 Wei.
    """
    announced: uint256 = self._announced[feed]
    amount: uint256 = min(announced & _MOST, self._funds[feed])
    rules._require(amount != 0, "staking: nothing announced")
    rules._require(block.timestamp >= announced >> 128, "staking: too early")
    rules._require(settled_until >= announced >> 128, "staking: not settled")
    self._announced[feed] = 0
    self._funds[feed] -= amount
    log Defunded(feed=feed, receiver=receiver, amount=amount)
    return amount


@internal
def _take_in(amount: uint256):
    """
    @dev Gives the treasury rewards that a node lost.
    @param amount Wei, held already.
    """
    if amount != 0:
        self._treasury += amount
        log TreasuryTook(amount=amount)


@internal
def _owe(account: address, amount: uint256):
    """
    @dev Owes an account coin that is held already.
    @param account The account.
    @param amount Wei.
    """
    if amount != 0:
        self._owed[account] += amount
        log Owed(account=account, amount=amount)


@internal
def _refund(account: address, amount: uint256) -> uint256:
    """
    @dev Owes an account something of the treasury's, as far as that reaches.
    @param account The account.
    @param amount Wei that it should get.
    @return uint256 Wei that it gets.
    """
    given: uint256 = min(amount, self._treasury)
    self._treasury -= given
    self._owe(account, given)
    return given


@internal
def _collect(account: address) -> uint256:
    """
    @dev Takes out what is owed to an account; the caller pays it.
    @param account The account.
    @return uint256 Wei.
    """
    amount: uint256 = self._owed[account]
    self._owed[account] = 0
    log Collected(account=account, amount=amount)
    return amount


@internal
@view
def _pays(feed: uint256) -> bool:
    """
    @dev Whether a feed's funds cover the dearest report. What is announced to leave does not count.
    @param feed The feed.
    @return bool Whether they do.
    """
    dearest: uint256 = (
        rules.MAX_SEATS * rules.PARAMS.observer_fee
        + rules.MAX_QUORUM * rules.PARAMS.signer_fee
        + _DEAREST_GAS * rules._gas_price(rules.PARAMS.price_cap) // rules.WHOLE
    )
    funds: uint256 = self._funds[feed]
    leaving: uint256 = min(self._announced[feed] & _MOST, funds)
    return funds - leaving >= dearest
