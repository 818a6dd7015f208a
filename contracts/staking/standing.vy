# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Standing: one word of a node that an election reads
@license AGPL-3.0-only
@custom:contract-name standing
@notice Its fields from the lowest bit: bond 128, place among the candidates 8, seated 1, leaving 1,
        suspended 1, slashed 1, four unused, version of the keys 16, end of the last seat 40,
        era of the suspension 24. A node that was never registered has version 0.
"""


struct Standing:
    bond: uint256
    # @dev From 1; 0: no candidate.
    place: uint256
    # @dev Whether it sits in the committee in force.
    seated: bool
    # @dev Whether it wants no seat.
    leaving: bool
    # @dev Whether it was absent too often.
    suspended: bool
    slashed: bool
    # @dev How many pairs of keys it has had.
    version: uint256
    # @dev The second at which it last lost a seat; 0: it never did.
    seat_end: uint256
    # @dev The era in which it was suspended.
    suspended_in: uint256


MAX_BOND: constant(uint256) = 2**128 - 1
MAX_VERSION: constant(uint256) = 2**16 - 1


_words: HashMap[uint256, uint256]


@deploy
def __init__():
    """
    @dev Begins without nodes.
    """
    pass


@internal
@view
def _read(id: uint256) -> Standing:
    """
    @dev Reads a node's standing.
    @param id The node.
    @return Standing Its standing; all zero for an unknown one.
    """
    word: uint256 = self._words[id]
    return Standing(
        bond=word & MAX_BOND,
        place=(word >> 128) & 255,
        seated=(word >> 136) & 1 != 0,
        leaving=(word >> 137) & 1 != 0,
        suspended=(word >> 138) & 1 != 0,
        slashed=(word >> 139) & 1 != 0,
        version=(word >> 144) & MAX_VERSION,
        seat_end=(word >> 160) & (2**40 - 1),
        suspended_in=(word >> 200) & (2**24 - 1),
    )


@internal
def _write(id: uint256, node: Standing):
    """
    @dev Stores a node's standing.
    @param id The node.
    @param node Its standing; no field exceeds its bits.
    """
    self._words[id] = (
        node.bond
        | (node.place << 128)
        | (convert(node.seated, uint256) << 136)
        | (convert(node.leaving, uint256) << 137)
        | (convert(node.suspended, uint256) << 138)
        | (convert(node.slashed, uint256) << 139)
        | (node.version << 144)
        | (node.seat_end << 160)
        | (node.suspended_in << 200)
    )
