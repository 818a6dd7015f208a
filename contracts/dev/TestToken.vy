# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Test token
@license AGPL-3.0-only
@notice An ERC-20 with free decimals that its owner mints at will, and anyone a little a day: the vaults'
        asset and the nodes' stake on devnets and testnets.
@dev Worth nothing by design. Everything but the constructor's choice of decimals and the faucet is snekmate's erc20.
"""


from snekmate.auth import ownable
from snekmate.tokens import erc20


initializes: ownable
initializes: erc20[ownable := ownable]


exports: (
    erc20.IERC20,
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.mint,
    erc20.burn,
    erc20.set_minter,
    erc20.is_minter,
    erc20.owner,
    erc20.transfer_ownership,
)


# @dev Whole units that a drip mints.
_DRIP: constant(uint256) = 1_000
_DAY: constant(uint256) = 86_400


# @dev The second from which on an account may have its next drip.
next_drip: public(HashMap[address, uint256])


@deploy
def __init__(name_: String[25], symbol_: String[5], decimals_: uint8):
    """
    @notice Creates the token without any supply; the deployer is its owner and first minter.
    @param name_ The token's name.
    @param symbol_ The token's symbol.
    @param decimals_ How many decimals a unit of account has.
    """
    ownable.__init__()
    erc20.__init__(name_, symbol_, decimals_, name_, "1")


@external
def drip():
    """
    @notice Mints 1,000 whole units to whoever calls, once a day and account: a faucet for testnets.
    """
    assert block.timestamp >= self.next_drip[msg.sender], "token: one drip a day"
    self.next_drip[msg.sender] = block.timestamp + _DAY
    erc20._mint(msg.sender, _DRIP * 10 ** convert(erc20.decimals, uint256))
