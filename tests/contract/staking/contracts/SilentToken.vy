# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A token whose transfers return nothing, as some of the oldest do
@license AGPL-3.0-only
"""


balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@external
def mint(account: address, amount: uint256):
    """
    @param account Who gets it.
    @param amount How much.
    """
    self.balanceOf[account] += amount


@external
def approve(spender: address, amount: uint256):
    """
    @param spender Who may spend.
    @param amount How much.
    """
    self.allowance[msg.sender][spender] = amount


@external
def transfer(receiver: address, amount: uint256):
    """
    @param receiver To whom.
    @param amount How much.
    """
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount


@external
def transferFrom(sender: address, receiver: address, amount: uint256):
    """
    @param sender From whom.
    @param receiver To whom.
    @param amount How much.
    """
    self.allowance[sender][msg.sender] -= amount
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount
