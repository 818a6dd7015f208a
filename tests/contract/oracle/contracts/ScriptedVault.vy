# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A vault, and its own asset, whose every answer a test sets
@license AGPL-3.0-only
"""


decimals: public(uint8)
totalSupply: public(uint256)
price: public(uint256)
one_share: public(uint256)
asset: public(address)


@deploy
def __init__(decimals: uint8, price: uint256, supply: uint256):
    """
    @param decimals The share's and the asset's decimals.
    @param price What one whole share is worth.
    @param supply How many shares exist.
    """
    self.decimals = decimals
    self.price = price
    self.totalSupply = supply
    self.asset = self


@external
def set_asset(asset: address):
    """
    @param asset Another contract to answer for the asset's decimals.
    """
    self.asset = asset


@external
def set_price(price: uint256):
    """
    @param price What one whole share is worth from now on.
    """
    self.price = price


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    """
    @param shares How many shares; only one whole share is ever asked for.
    @return uint256 What they are worth.
    """
    assert shares == 10 ** convert(self.decimals, uint256), "vault: not one share"
    return self.price
