# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Edition sales
@license AGPL-3.0-only
@notice Counts what an edition offers and has sold, and takes exactly the price for it.
@dev Token id = edition * 1,000,000 + index, both counted from 1.
"""


event EditionSold:
    edition: indexed(uint256)
    receiver: indexed(address)
    first_token: uint256
    quantity: uint256


# `offered` is the supply at the opening; `supply` becomes what was sold when the sale ends.
struct Sale:
    offered: uint256
    supply: uint256
    minted: uint256
    price: uint256
    closed_at: uint256


# Token ids of one edition are this far apart from those of the next.
EDITION_SPAN: public(constant(uint256)) = 1_000_000
MAX_SUPPLY: public(constant(uint256)) = 999_999
# Tokens of one purchase.
MAX_QUANTITY: public(constant(uint256)) = 100


_sales: HashMap[uint256, Sale]


@internal
def _open(edition: uint256, supply: uint256, price: uint256):
    """
    @notice Begins a sale.
    @param edition The edition.
    @param supply The most tokens that can be sold.
    @param price Wei per token.
    """
    assert 1 <= supply and supply <= MAX_SUPPLY, "sales: supply out of range"
    self._sales[edition] = Sale(offered=supply, supply=supply, minted=0, price=price, closed_at=0)


@internal
@payable
def _sell(edition: uint256, to: address, quantity: uint256) -> uint256:
    """
    @notice Takes the payment for the next tokens.
    @param edition The edition.
    @param to Who gets the tokens.
    @param quantity How many.
    @return uint256 The first token's id; the others follow.
    """
    sale: Sale = self._selling(edition)
    assert 1 <= quantity and quantity <= MAX_QUANTITY, "sales: quantity out of range"
    assert sale.minted + quantity <= sale.supply, "sales: sold out"
    assert msg.value == sale.price * quantity, "sales: wrong payment"
    self._sales[edition].minted = sale.minted + quantity
    first: uint256 = edition * EDITION_SPAN + sale.minted + 1
    log EditionSold(edition=edition, receiver=to, first_token=first, quantity=quantity)
    return first


@internal
def _close(edition: uint256) -> uint256:
    """
    @notice Ends a sale: what was not sold never will be.
    @param edition The edition.
    @return uint256 How many tokens the edition has for good.
    """
    sale: Sale = self._selling(edition)
    self._sales[edition].supply = sale.minted
    self._sales[edition].closed_at = block.number
    return sale.minted


@internal
@view
def _known(edition: uint256) -> Sale:
    """
    @notice Reads a sale.
    @param edition The edition; one that was never opened is refused.
    @return Sale Its sale.
    """
    sale: Sale = self._sales[edition]
    assert sale.offered != 0, "sales: unknown edition"
    return sale


@internal
@view
def _selling(edition: uint256) -> Sale:
    """
    @notice Reads a sale that goes on.
    @param edition The edition; one whose sale has ended is refused.
    @return Sale Its sale.
    """
    sale: Sale = self._known(edition)
    assert sale.closed_at == 0, "sales: edition is closed"
    return sale


@internal
@view
def _closed(edition: uint256) -> Sale:
    """
    @notice Reads a sale that has ended.
    @param edition The edition; one that still sells, or ended without a token, is refused.
    @return Sale Its sale.
    """
    sale: Sale = self._known(edition)
    assert sale.closed_at != 0, "sales: edition is not closed"
    assert sale.minted != 0, "sales: edition is empty"
    return sale
