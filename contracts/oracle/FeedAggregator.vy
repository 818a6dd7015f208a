# pragma version 0.4.3
# pragma evm-version prague
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title One feed behind the AggregatorV3Interface, for contracts that know only that
@license AGPL-3.0-only
@custom:contract-name FeedAggregator
@notice The answer is the vault's growth, a signed wad: 0.05e18 means 5 % above the basis, and
        a negative answer is a loss, no fault. A round is a checkpoint: its id is the
        checkpoint's block number. The oracle keeps the latest round only; earlier ones are in
        its `Reported` events.
"""


from interfaces import IAggregatorV3
from interfaces import IStrategyOracle


implements: IAggregatorV3


# @dev The oracle and the feed that this contract shows.
ORACLE: public(immutable(address))
FEED: public(immutable(uint256))


@deploy
def __init__(oracle: address, feed_id: uint256):
    """
    @param oracle The oracle.
    @param feed_id The feed, which must be open.
    """
    # Reverts for a feed that does not exist.
    _: uint8 = staticcall IStrategyOracle(oracle).band(feed_id)
    ORACLE = oracle
    FEED = feed_id


@external
@view
def decimals() -> uint8:
    """
    @notice The decimals of an answer.
    @return uint8 18.
    """
    return 18


@external
@view
def description() -> String[128]:
    """
    @notice What the feed measures, in words.
    @return String The description.
    """
    return concat("Patina feed ", uint2str(FEED), ": growth of share price")


@external
@view
def version() -> uint256:
    """
    @notice The version of this type of feed.
    @return uint256 1.
    """
    return 1


@external
@view
def band() -> uint8:
    """
    @notice The band in which the feed stands.
    @return uint8 How many of its thresholds are passed.
    """
    return staticcall IStrategyOracle(ORACLE).band(FEED)


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    """
    @notice The latest report; reverts before the first.
    @return uint80 The checkpoint.
    @return int256 The answer, a signed wad.
    @return uint256 When the report landed, in seconds.
    @return uint256 The same.
    @return uint80 The checkpoint.
    """
    return self._latest()


@external
@view
def getRoundData(round_id: uint80) -> (uint80, int256, uint256, uint256, uint80):
    """
    @notice The latest report under its own id; reverts for every other.
    @param round_id The checkpoint.
    @return uint80 The checkpoint.
    @return int256 The answer, a signed wad.
    @return uint256 When the report landed, in seconds.
    @return uint256 The same.
    @return uint80 The checkpoint.
    """
    data: (uint80, int256, uint256, uint256, uint80) = self._latest()
    assert data[0] == round_id, "aggregator: no data present"
    return data


@internal
@view
def _latest() -> (uint80, int256, uint256, uint256, uint80):
    """
    @dev The oracle's hot state as a round.
    @return The five values of `latestRoundData`.
    """
    latest: IStrategyOracle.Latest = staticcall IStrategyOracle(ORACLE).latest(FEED)
    assert latest.checkpoint != 0, "aggregator: no data present"
    round_id: uint80 = convert(latest.checkpoint, uint80)
    updated_at: uint256 = convert(latest.updated_at, uint256)
    return round_id, latest.answer, updated_at, updated_at, round_id
