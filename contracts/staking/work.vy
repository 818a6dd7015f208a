# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Work: the oracle's records replayed, paid for and counted
@license AGPL-3.0-only
@custom:contract-name work
@notice The oracle's ledger is the head of a hash chain. A batch of records is believed when it leads from one
        link to another that is known to be genuine: at first the head, then the link at which the
        last batch began. A walk so goes from a marked head backwards, batch by batch, until it meets what
        is settled; new reports do not disturb it.
"""


from . import attendance
from . import coin
from . import rules
from . import seats


uses: attendance
uses: coin
uses: rules
uses: seats


event Marked:
    ledger: indexed(bytes32)


event Settled:
    start: indexed(bytes32)
    end: indexed(bytes32)
    records: uint256
    complete: bool


event Paid:
    feed: indexed(uint256)
    checkpoint: indexed(uint64)
    amount: uint256


event Unpaid:
    feed: indexed(uint256)
    checkpoint: indexed(uint64)
    amount: uint256


# @dev The fields of the oracle's `Worked`, in its order.
struct Record:
    feed: uint256
    checkpoint: uint64
    number: uint256
    observers: uint256
    signers: uint256
    transmitter: address
    gas_used: uint256
    gas_price: uint256


# @dev What a batch did for the members of one configuration.
struct Tally:
    rewards: uint256[rules.MAX_SEATS]
    due: uint256[rules.MAX_SEATS]
    attended: uint256[rules.MAX_SEATS]


MAX_RECORDS: constant(uint256) = 64


# @dev All records up to this link are paid for.
_settled: bytes32
# @dev The head to which the walk under way, or else the last one, settles, and when it was taken.
_target: bytes32
_marked_at: uint256
# @dev Where the next batch has to end; equal to `_settled`: no walk is under way.
_cursor: bytes32


@deploy
def __init__():
    """
    @dev Begins at the oracle's present head: what was done before is not this contract's to pay.
    """
    self._settled = staticcall rules.ORACLE.ledger()
    self._target = self._settled
    self._cursor = self._settled
    self._marked_at = block.timestamp


@internal
def _mark():
    """
    @dev Begins a walk at the oracle's head unless one is under way.
    """
    if self._cursor != self._settled:
        return
    head: bytes32 = staticcall rules.ORACLE.ledger()
    self._target = head
    self._cursor = head
    self._marked_at = block.timestamp
    log Marked(ledger=head)


@internal
def _settle(start: bytes32, records: DynArray[Record, MAX_RECORDS]):
    """
    @dev Pays for a batch of records.
    @param start The link before the batch's first record.
    @param records The records, the oldest first.
    """
    self._mark()
    rules._require(len(records) != 0, "staking: no records")
    link: bytes32 = start
    for record: Record in records:
        link = keccak256(abi_encode(link, record))
        # A batch that reached beyond what is settled would pay for some twice.
        rules._require(link != self._settled, "staking: settled already")
    rules._require(link == self._cursor, "staking: other records")
    complete: bool = start == self._settled
    self._cursor = start
    if complete:
        self._settled = self._target
        self._cursor = self._target
    log Settled(start=start, end=link, records=len(records), complete=complete)

    number: uint256 = 0
    members: DynArray[uint256, rules.MAX_SEATS] = []
    tally: Tally = empty(Tally)
    for record: Record in records:
        if record.number != number:
            self._credit(members, tally)
            tally = empty(Tally)
            number = record.number
            members = seats._ids(number)
        if len(members) == 0:
            # A configuration of another staking contract.
            continue
        paid: bool = self._charge(record)
        # Who worked for an outcome of votes is known, who could have is not: a vote cast after it is refused.
        judged: bool = number >= attendance._era_number
        for i: uint256 in range(len(members), bound=rules.MAX_SEATS):
            observed: uint256 = (record.observers >> i) & 1
            signed: uint256 = (record.signers >> i) & 1
            if paid:
                tally.rewards[i] += (
                    observed * rules.PARAMS.observer_fee + signed * rules.PARAMS.signer_fee
                )
            if judged:
                worked: uint256 = observed | signed
                tally.due[i] += worked if record.transmitter == empty(address) else 1
                tally.attended[i] += worked
    self._credit(members, tally)


@internal
def _credit(members: DynArray[uint256, rules.MAX_SEATS], tally: Tally):
    """
    @dev Writes down what a configuration's members did.
    @param members Their ids.
    @param tally What they did.
    """
    for i: uint256 in range(len(members), bound=rules.MAX_SEATS):
        if tally.due[i] != 0 or tally.rewards[i] != 0:
            attendance._work(members[i], tally.rewards[i], tally.due[i], tally.attended[i])


@internal
def _charge(record: Record) -> bool:
    """
    @dev Takes the price of a report from its feed's funds, all of it or nothing, and owes the transmitter its part.
    @param record The record.
    @return bool Whether the funds sufficed.
    """
    gas: uint256 = record.gas_used * rules._gas_price(record.gas_price) // rules.WHOLE
    price: uint256 = (
        self._count(record.observers) * rules.PARAMS.observer_fee
        + self._count(record.signers) * rules.PARAMS.signer_fee
        + gas
    )
    if price > coin._funds[record.feed]:
        log Unpaid(feed=record.feed, checkpoint=record.checkpoint, amount=price)
        return False
    coin._funds[record.feed] -= price
    coin._owe(record.transmitter, gas)
    log Paid(feed=record.feed, checkpoint=record.checkpoint, amount=price)
    return True


@internal
@pure
def _count(bitmap: uint256) -> uint256:
    """
    @dev How many members a bitmap names.
    @param bitmap At most 31 bits.
    @return uint256 The number of bits set.
    """
    count: uint256 = 0
    rest: uint256 = bitmap
    for _: uint256 in range(rules.MAX_SEATS):
        if rest == 0:
            break
        rest &= unsafe_sub(rest, 1)
        count += 1
    return count


@internal
@view
def _settled_until() -> uint256:
    """
    @dev The second up to which all reports are paid for.
    @return uint256 The second; 0 while a walk is under way.
    """
    if self._cursor != self._settled:
        return 0
    if self._settled == staticcall rules.ORACLE.ledger():
        return block.timestamp
    return self._marked_at
