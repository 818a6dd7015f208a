# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The guardian, who can delay withdrawals and nothing else
@license AGPL-3.0-only
@custom:contract-name freezing
@notice Disputes that no contract can decide take time: a bond that is frozen cannot leave meanwhile, and
        can still be slashed.
"""


from . import registry
from . import rules


uses: registry


event Frozen:
    id: indexed(uint256)
    until: uint256


event Thawed:
    id: indexed(uint256)


event GuardianSet:
    guardian: indexed(address)


# @dev Seconds for which the guardian may stop a node's withdrawals, and may not again thereafter.
FREEZE: constant(uint256) = 30 * 86_400


# @dev Who may stop withdrawals.
guardian: public(address)


# @dev The second until which nothing can be withdrawn.
_frozen_until: HashMap[uint256, uint256]
# @dev The second from which on a node may be frozen again.
_next_freeze: HashMap[uint256, uint256]


@deploy
def __init__(guardian: address):
    """
    @dev Names the first guardian.
    @param guardian Who may stop withdrawals for a while, or empty: nobody.
    """
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@external
def freeze(id: uint256):
    """
    @notice Stops a node's withdrawals for 30 days, and not again within the 30 days thereafter. It can be slashed meanwhile.
    @param id The node; the guardian only.
    """
    self._check_guardian()
    registry._exists(id)
    rules._require(block.timestamp >= self._next_freeze[id], "staking: frozen lately")
    until: uint256 = block.timestamp + FREEZE
    self._frozen_until[id] = until
    self._next_freeze[id] = until + FREEZE
    log Frozen(id=id, until=until)


@external
def thaw(id: uint256):
    """
    @notice Lets a frozen node withdraw again.
    @param id The node; the guardian only.
    """
    self._check_guardian()
    rules._require(block.timestamp < self._frozen_until[id], "staking: not frozen")
    self._frozen_until[id] = block.timestamp
    log Thawed(id=id)


@external
def set_guardian(guardian: address):
    """
    @notice Hands the guardian's role on, or ends it for good with the empty address.
    @param guardian The next one; the present one only may say.
    """
    self._check_guardian()
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@internal
@view
def _is_frozen(id: uint256) -> bool:
    """
    @dev Whether a node may withdraw nothing now.
    @param id The node.
    @return bool Whether it is so.
    """
    return block.timestamp < self._frozen_until[id]


@internal
@view
def _check_guardian():
    """
    @dev Reverts unless the sender is the guardian.
    """
    rules._require(msg.sender == self.guardian, "staking: not the guardian")
