# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Attendance: how much of an era's work a node did, and what its rewards become
@license AGPL-3.0-only
@custom:contract-name attendance
@notice One word a node, from the lowest bit: rewards of the era 96, claimable 96, reports due 16,
        attended 16, era 24, strikes 8. An era is judged when its word is next written, or seen by a rotation.
        96 bits hold more wei than there are; see `coin`.
"""


from . import coin
from . import rules
from . import seats
from . import standing as standings


uses: coin
uses: rules
uses: seats
uses: standings


event Judged:
    id: indexed(uint256)
    era: indexed(uint256)
    due: uint256
    attended: uint256
    kept: uint256
    lost: uint256
    strikes: uint256


event Suspended:
    id: indexed(uint256)
    era: uint256


event Claimed:
    id: indexed(uint256)
    payee: indexed(address)
    amount: uint256


struct Attendance:
    # @dev Wei that its era's end decides on.
    pending: uint256
    claimable: uint256
    due: uint256
    attended: uint256
    era: uint256
    strikes: uint256


MAX_ERA: constant(uint256) = 2**24 - 1
_MAX_DUE: constant(uint256) = 2**16 - 1
_MASK_96: constant(uint256) = 2**96 - 1


# @dev The era that is under way, from 0, and the second at which it may end.
_era: uint256
_era_ends: uint256
# @dev The first configuration whose reports count in it.
_era_number: uint256
_words: HashMap[uint256, uint256]


@deploy
def __init__():
    """
    @dev Begins with an era that may end at once.
    """
    pass


@internal
def _work(id: uint256, reward: uint256, due: uint256, attended: uint256):
    """
    @dev Counts a node's work in the era that is under way.
    @param id The node.
    @param reward Wei.
    @param due Reports to which it could have contributed.
    @param attended Those to which it did.
    """
    node: Attendance = self._judge(id)
    node.pending += reward
    # Who reaches what sixteen bits hold has been judged by 65,535 reports, and may well be.
    if node.due + due <= _MAX_DUE:
        node.due += due
        node.attended += attended
    self._write(id, node)


@internal
def _judge(id: uint256) -> Attendance:
    """
    @dev Closes a node's last era if that is over, and begins the one that is under way.
    @param id The node.
    @return Attendance Its attendance, to be written by the caller.
    """
    node: Attendance = self._read(id)
    if node.era == self._era:
        return node
    lost: uint256 = 0
    if self._failed(node):
        lost = node.pending
        node.strikes = min(node.strikes + 1, 255)
        coin._take_in(lost)
        if node.strikes >= rules.PARAMS.strikes:
            self._suspend(id)
    elif node.due >= rules.PARAMS.least_reports:
        node.strikes = 0
    kept: uint256 = node.pending - lost
    if node.due != 0 or node.pending != 0:
        log Judged(
            id=id, era=node.era, due=node.due, attended=node.attended, kept=kept, lost=lost, strikes=node.strikes
        )
    return Attendance(
        pending=0, claimable=node.claimable + kept, due=0, attended=0, era=self._era, strikes=node.strikes
    )


@internal
def _suspend(id: uint256):
    """
    @dev Takes a node's candidacy until its operator says that it is back.
    @param id The node.
    """
    standing: standings.Standing = standings._read(id)
    if standing.suspended or standing.slashed:
        return
    standing.suspended = True
    standing.suspended_in = self._era
    standings._write(id, standing)
    seats._leave(id)
    log Suspended(id=id, era=self._era)


@internal
def _judge_candidates():
    """
    @dev Judges every candidate whose last era was a failure, so that the election knows of it.
    """
    candidates: DynArray[uint256, seats.MAX_CANDIDATES] = seats._candidates
    for id: uint256 in candidates:
        node: Attendance = self._read(id)
        if node.era != self._era and self._failed(node):
            self._write(id, self._judge(id))


@internal
def _pardon(id: uint256):
    """
    @dev Ends a suspension.
    @param id The node.
    """
    node: Attendance = self._judge(id)
    node.strikes = 0
    self._write(id, node)


@internal
def _claim(id: uint256) -> uint256:
    """
    @dev Takes out what a node can claim; the caller pays it.
    @param id The node.
    @return uint256 Wei.
    """
    node: Attendance = self._judge(id)
    amount: uint256 = node.claimable
    node.claimable = 0
    self._write(id, node)
    return amount


@internal
@view
def _claimable(id: uint256) -> uint256:
    """
    @dev What a node can claim.
    @param id The node.
    @return uint256 Wei.
    """
    node: Attendance = self._read(id)
    if node.era != self._era and not self._failed(node):
        return node.claimable + node.pending
    return node.claimable


@internal
@view
def _strikes(id: uint256) -> uint256:
    """
    @dev How many judged eras in a row a node has failed.
    @param id The node.
    @return uint256 The number.
    """
    node: Attendance = self._read(id)
    if node.era == self._era or node.due < rules.PARAMS.least_reports:
        return node.strikes
    return node.strikes + 1 if self._failed(node) else 0


@internal
@view
def _failed(node: Attendance) -> bool:
    """
    @dev Whether a node was absent too often.
    @param node Its attendance.
    @return bool Whether it was.
    """
    return (
        node.due >= rules.PARAMS.least_reports
        and node.attended * rules.WHOLE < rules.PARAMS.attendance * node.due
    )


@internal
@view
def _read(id: uint256) -> Attendance:
    """
    @dev Reads a node's attendance.
    @param id The node.
    @return Attendance As it was last written, whatever era is under way.
    """
    word: uint256 = self._words[id]
    return Attendance(
        pending=word & _MASK_96,
        claimable=(word >> 96) & _MASK_96,
        due=(word >> 192) & _MAX_DUE,
        attended=(word >> 208) & _MAX_DUE,
        era=(word >> 224) & MAX_ERA,
        strikes=word >> 248,
    )


@internal
def _write(id: uint256, node: Attendance):
    """
    @dev Stores a node's attendance.
    @param id The node.
    @param node Its attendance; no field exceeds its bits.
    """
    self._words[id] = (
        node.pending
        | (node.claimable << 96)
        | (node.due << 192)
        | (node.attended << 208)
        | (node.era << 224)
        | (node.strikes << 248)
    )
