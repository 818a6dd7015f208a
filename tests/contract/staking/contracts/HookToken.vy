# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A token that does what tokens should not: calls both sides of a transfer, keeps a fee, answers nothing or false
@license AGPL-3.0-only
"""


interface Hooked:
    def on_tokens(sender: address, receiver: address, amount: uint256): nonpayable


balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


# @dev Basis points that a transfer loses.
fee: public(uint256)
# @dev Whether transfers answer false and move nothing.
refuses: public(bool)
# @dev Who is called after a transfer, if it is a side of it.
hooked: public(HashMap[address, bool])


@external
def configure(fee: uint256, refuses: bool):
    """
    @param fee Basis points that a transfer loses.
    @param refuses Whether transfers answer false.
    """
    self.fee = fee
    self.refuses = refuses


@external
def hook(account: address):
    """
    @param account A contract that wants to be called.
    """
    self.hooked[account] = True


@external
def mint(account: address, amount: uint256):
    """
    @param account Who gets it.
    @param amount How much.
    """
    self.balanceOf[account] += amount


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @param spender Who may spend.
    @param amount How much.
    @return bool True.
    """
    self.allowance[msg.sender][spender] = amount
    return True


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @param receiver To whom.
    @param amount How much leaves the sender.
    @return bool Whether it moved.
    """
    return self._move(msg.sender, receiver, amount)


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    """
    @param sender From whom.
    @param receiver To whom.
    @param amount How much leaves the sender.
    @return bool Whether it moved.
    """
    if not self.refuses:
        self.allowance[sender][msg.sender] -= amount
    return self._move(sender, receiver, amount)


@internal
def _move(sender: address, receiver: address, amount: uint256) -> bool:
    """
    @param sender From whom.
    @param receiver To whom.
    @param amount How much leaves the sender.
    @return bool Whether it moved.
    """
    if self.refuses:
        return False
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount - amount * self.fee // 10_000
    if self.hooked[sender]:
        extcall Hooked(sender).on_tokens(sender, receiver, amount)
    if self.hooked[receiver]:
        extcall Hooked(receiver).on_tokens(sender, receiver, amount)
    return True
