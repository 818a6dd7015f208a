# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Edition royalties
@license AGPL-3.0-only
@notice What a resale of an edition's tokens owes, and to whom (ERC-2981).
@dev snekmate's erc2981 keeps a royalty per token or one for all; an edition of a million tokens needs one of its own.
"""


event RoyaltySet:
    edition: indexed(uint256)
    receiver: indexed(address)
    basis_points: uint96


struct Royalty:
    receiver: address
    basis_points: uint96


_WHOLE: constant(uint256) = 10_000


_royalties: HashMap[uint256, Royalty]


@internal
def _set(edition: uint256, receiver: address, basis_points: uint96):
    """
    @notice Sets an edition's royalty.
    @param edition The edition.
    @param receiver Who is owed; the zero address exactly if nothing is.
    @param basis_points Hundredths of a percent of the sale price, at most all of it.
    """
    assert convert(basis_points, uint256) <= _WHOLE, "royalties: more than the price"
    assert (receiver == empty(address)) == (basis_points == 0), "royalties: receiver and share do not fit"
    self._royalties[edition] = Royalty(receiver=receiver, basis_points=basis_points)
    log RoyaltySet(edition=edition, receiver=receiver, basis_points=basis_points)


@internal
@view
def _owed(edition: uint256, sale_price: uint256) -> (address, uint256):
    """
    @notice Computes the royalty of a resale, rounded down.
    @param edition The edition.
    @param sale_price The price, in whatever unit it is paid.
    @return address Who is owed.
    @return uint256 How much, in the unit of the price.
    """
    royalty: Royalty = self._royalties[edition]
    return (royalty.receiver, sale_price * convert(royalty.basis_points, uint256) // _WHOLE)
