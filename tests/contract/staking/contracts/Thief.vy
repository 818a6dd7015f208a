# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Operates a node, and calls back into staking whenever it is paid
@license AGPL-3.0-only
"""


target: address
attack: Bytes[2048]
# @dev Whether what it called back succeeded, and how often it tried.
succeeded: public(bool)
tried: public(uint256)
# @dev Whether it refuses to be paid.
refuses: public(bool)


@external
def arm(target: address, attack: Bytes[2048]):
    """
    @param target Whom to call when paid.
    @param attack With what.
    """
    self.target = target
    self.attack = attack
    self.succeeded = False
    self.tried = 0


@external
def refuse(refuses: bool):
    """
    @param refuses Whether to refuse coins from now on.
    """
    self.refuses = refuses


@external
def act(target: address, call: Bytes[2048]):
    """
    @param target Whom to call.
    @param call With what.
    """
    raw_call(target, call)


@external
def on_tokens(sender: address, receiver: address, amount: uint256):
    """
    @param sender From whom tokens went.
    @param receiver To whom.
    @param amount How many.
    """
    self._attack()


@external
@payable
def __default__():
    assert not self.refuses, "thief: refused"
    self._attack()


@internal
def _attack():
    if self.target == empty(address):
        return
    self.tried += 1
    if raw_call(self.target, self.attack, revert_on_failure=False):
        self.succeeded = True
