# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What anyone may read of feeds
@license AGPL-3.0-only
@custom:contract-name feed_views
@notice Every view reverts for a feed that was never opened. During a callback they tell the
        state after the report, which is settled by then.
"""


from interfaces import IStrategyOracle
from . import feeds
from . import terms


uses: feeds


@external
@view
def feed_count() -> uint256:
    """
    @notice How many feeds were opened; their ids are 1 to this number.
    @return uint256 The number.
    """
    return feeds._count


@external
@view
def feed(feed_id: uint256) -> feeds.Feed:
    """
    @notice Everything about a feed but its policy.
    @param feed_id The feed's id.
    @return Feed The feed.
    """
    feeds._exists(feed_id)
    return feeds._feed(feed_id)


@external
@view
def opener(feed_id: uint256) -> address:
    """
    @notice Who opened a feed.
    @param feed_id The feed's id.
    @return address The account.
    """
    feeds._exists(feed_id)
    return terms._opener(feed_id)


@external
@view
def policy(feed_id: uint256) -> terms.Policy:
    """
    @notice A feed's policy.
    @param feed_id The feed's id.
    @return Policy The policy.
    """
    feeds._exists(feed_id)
    return terms._policy(feed_id)


@external
@view
def subscribers(feed_id: uint256) -> DynArray[address, feeds.MAX_SUBSCRIBERS]:
    """
    @notice Who is called after the collection, in this order.
    @param feed_id The feed's id.
    @return DynArray The subscribers.
    """
    feeds._exists(feed_id)
    found: DynArray[address, feeds.MAX_SUBSCRIBERS] = []
    for i: uint256 in range(feeds._subscribers_of(feeds._hot[feed_id]), bound=feeds.MAX_SUBSCRIBERS):
        found.append(feeds._subscribers[feed_id][i])
    return found


@external
@view
def band(feed_id: uint256) -> uint8:
    """
    @notice The band in which a feed stands.
    @param feed_id The feed's id.
    @return uint8 How many of its thresholds are passed.
    """
    feeds._exists(feed_id)
    return convert(feeds._band_of(feeds._hot[feed_id]), uint8)


@external
@view
def latest(feed_id: uint256) -> IStrategyOracle.Latest:
    """
    @notice A feed's hot state: one storage read.
    @param feed_id The feed's id.
    @return Latest Answer, checkpoint (0: never reported), time, block, band.
    """
    feeds._exists(feed_id)
    hot: uint256 = feeds._hot[feed_id]
    return IStrategyOracle.Latest(
        answer=feeds._answer_of(hot),
        checkpoint=convert(feeds._checkpoint_of(hot), uint64),
        updated_at=convert((hot >> feeds.UPDATED_AT) & feeds.MASK_40, uint64),
        updated_block=convert((hot >> feeds.UPDATED_BLOCK) & feeds.MASK_40, uint64),
        band=convert(feeds._band_of(hot), uint8),
    )
