# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What anyone may read of the rules, of work and of what it pays
@license AGPL-3.0-only
@custom:contract-name work_views
@notice Nothing can be read in the middle of a change: views take the one lock of all functions.
"""


from . import attendance
from . import bonds
from . import coin
from . import rules
from . import work


uses: attendance
uses: bonds
uses: coin
uses: rules
uses: work


@external
@view
def oracle() -> address:
    """
    @notice The oracle.
    @return address The contract.
    """
    return rules.ORACLE.address


@external
@view
def token() -> address:
    """
    @notice The ERC-20 that is staked.
    @return address The contract.
    """
    return rules.TOKEN.address


@external
@view
def slash_receiver() -> address:
    """
    @notice Who gets what a slash leaves; 0x...dEaD: it is burnt.
    @return address The account.
    """
    return rules.SLASH_RECEIVER


@external
@view
def params() -> rules.Params:
    """
    @notice The rules.
    @return Params The rules.
    """
    return rules.PARAMS


@external
@view
def era() -> uint256:
    """
    @notice The era that is under way, from 0.
    @return uint256 How many rotations there were.
    """
    return attendance._era


@external
@view
def era_ends() -> uint256:
    """
    @notice When the era may be ended.
    @return uint256 The second.
    """
    return attendance._era_ends


@external
@view
def claimable(id: uint256) -> uint256:
    """
    @notice What a node's payee can be paid now.
    @param id The node.
    @return uint256 Wei.
    """
    return attendance._claimable(id)


@external
@view
def pending(id: uint256) -> uint256:
    """
    @notice What a node has earned in the era that is under way, which the era's end decides on.
    @param id The node.
    @return uint256 Wei.
    """
    node: attendance.Attendance = attendance._read(id)
    return node.pending if node.era == attendance._era else 0


@external
@view
def attendance_of(id: uint256) -> (uint256, uint256):
    """
    @notice A node's attendance in the era that is under way, as far as it is settled.
    @param id The node.
    @return uint256 Reports to which it could have contributed.
    @return uint256 Those to which it did.
    """
    node: attendance.Attendance = attendance._read(id)
    if node.era != attendance._era:
        return 0, 0
    return node.due, node.attended


@external
@view
def settled() -> bytes32:
    """
    @notice The link of the oracle's ledger up to which all records are paid for.
    @return bytes32 The link.
    """
    return work._settled


@external
@view
def cursor() -> bytes32:
    """
    @notice Where the next batch of records has to end.
    @return bytes32 A link of the oracle's ledger: the head, unless a walk is under way.
    """
    if work._cursor != work._settled:
        return work._cursor
    return staticcall rules.ORACLE.ledger()


@external
@view
def settled_until() -> uint256:
    """
    @notice The second up to which all reports are paid for.
    @return uint256 The second; 0 while a walk is under way.
    """
    return work._settled_until()


@external
@view
def funds(feed: uint256) -> uint256:
    """
    @notice What pays for a feed's reports.
    @param feed The feed.
    @return uint256 Wei.
    """
    return coin._funds[feed]


@external
@view
def defunding(feed: uint256) -> (uint256, uint256):
    """
    @notice What of a feed's funds its opener has announced to take out.
    @param feed The feed.
    @return uint256 Wei; they pay for reports until they are taken.
    @return uint256 The second from which it may.
    """
    return coin._announced[feed] & (2**128 - 1), coin._announced[feed] >> 128


@external
@view
def pays(feed: uint256) -> bool:
    """
    @notice Whether a feed's funds, as far as reports are settled, cover the dearest report.
    @param feed The feed.
    @return bool Whether they do.
    """
    return coin._pays(feed)


@external
@view
def treasury() -> uint256:
    """
    @notice What pays for rotations.
    @return uint256 Wei.
    """
    return coin._treasury


@external
@view
def owed(account: address) -> uint256:
    """
    @notice What an account can collect for reports that it brought and rotations.
    @param account The account.
    @return uint256 Wei.
    """
    return coin._owed[account]


@external
@view
def owed_stake(account: address) -> uint256:
    """
    @notice What an account can collect of slashes.
    @param account The account.
    @return uint256 Units of the stake's token.
    """
    return bonds._credits[account]
