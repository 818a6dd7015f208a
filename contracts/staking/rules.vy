# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The rules of staking, which never change, and the two contracts that it stands between
@license AGPL-3.0-only
@custom:contract-name rules
"""


from ethereum.ercs import IERC20
from ..oracle.interfaces import IStakedOracle


struct Params:
    # @dev The least bond of a candidate, units of the stake's token.
    minimum: uint256
    # @dev The most seats, 1 to 31.
    seats: uint256
    # @dev Seconds between rotations.
    era: uint256
    # @dev Seconds for which stake that was unbonded can still be slashed.
    delay: uint256
    # @dev What of a slash its reporter gets, basis points.
    reporter_share: uint256
    # @dev Wei that a report pays each of its observers, and each of its signers.
    observer_fee: uint256
    signer_fee: uint256
    # @dev The most wei that is paid for a unit of gas.
    price_cap: uint256
    # @dev What is paid on top of gas, basis points.
    premium: uint256
    # @dev The least share of an era's reports that a member must have worked on, basis points.
    attendance: uint256
    # @dev In an era with fewer reports nobody is judged.
    least_reports: uint256
    # @dev Failed eras in a row that cost the seat.
    strikes: uint256
    # @dev The least members of a committee that takes over from nobody.
    least_seats: uint256


MAX_SEATS: constant(uint256) = 31
# @dev Quorum of the largest committee.
MAX_QUORUM: constant(uint256) = 21
WHOLE: constant(uint256) = 10_000
# @dev Seconds for which the oracle takes reports of the configuration before the one in force.
OVERLAP: constant(uint256) = 3_600


_YEAR: constant(uint256) = 365 * 86_400
_MOST_FEE: constant(uint256) = 10**20
_MOST_PRICE: constant(uint256) = 10**14


PARAMS: immutable(Params)
ORACLE: immutable(IStakedOracle)
TOKEN: immutable(IERC20)
# @dev Who gets what a slash leaves; an address that nobody has a key to burns it.
SLASH_RECEIVER: immutable(address)


# @dev Where burnt tokens go whose contract refuses the zero address.
_DEAD: constant(address) = 0x000000000000000000000000000000000000dEaD


@deploy
def __init__(oracle: address, token: address, params: Params, slash_receiver: address):
    """
    @dev Checks the rules and keeps them for good.
    @param oracle The oracle.
    @param token The ERC-20 that is staked; one whose balances change by themselves is unsuitable.
    @param params The rules.
    @param slash_receiver Who gets what a slash leaves, or empty: it is burnt.
    """
    assert oracle.is_contract, "staking: oracle has no code"
    assert token.is_contract, "staking: token has no code"
    assert params.minimum != 0 and params.minimum <= convert(max_value(uint128), uint256), "staking: minimum"
    assert params.seats != 0 and params.seats <= MAX_SEATS, "staking: seats"
    # Eras are counted in 24 bits: the shortest ones last for 159 years, after which nobody could be unseated.
    assert params.era >= 300 and params.era <= _YEAR, "staking: era"
    assert params.delay != 0 and params.delay <= _YEAR, "staking: delay"
    # An offender can report itself: at least half is lost.
    assert params.reporter_share <= WHOLE // 2, "staking: reporter share"
    assert params.observer_fee <= _MOST_FEE and params.signer_fee <= _MOST_FEE, "staking: fees"
    assert params.price_cap <= _MOST_PRICE, "staking: price cap"
    assert params.premium <= WHOLE, "staking: premium"
    assert params.attendance <= WHOLE, "staking: attendance"
    assert params.least_reports != 0 and params.least_reports <= 65_535, "staking: least reports"
    assert params.strikes != 0 and params.strikes <= 255, "staking: strikes"
    assert params.least_seats != 0 and params.least_seats <= params.seats, "staking: least seats"
    PARAMS = params
    ORACLE = IStakedOracle(oracle)
    TOKEN = IERC20(token)
    SLASH_RECEIVER = slash_receiver if slash_receiver != empty(address) else _DEAD


@internal
@pure
def _require(holds: bool, reason: String[32]):
    """
    @dev Reverts with a reason unless something holds. One place for all: a revert string inline takes twice the code.
    @param holds Whether it does.
    @param reason The reason, at most one word.
    """
    assert holds, reason


@internal
@view
def _gas_price(price: uint256) -> uint256:
    """
    @dev What is paid for a thousand-thousandth of WHOLE units of gas: the capped price and the premium.
    @param price Wei a unit of gas.
    @return uint256 Wei times WHOLE a unit of gas.
    """
    return min(price, PARAMS.price_cap) * (WHOLE + PARAMS.premium)
