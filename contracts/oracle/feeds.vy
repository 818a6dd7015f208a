# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Feeds: what was last agreed on each, and who wants to hear of it
@license AGPL-3.0-only
@custom:contract-name feeds
@notice What changes about a feed is one word, all that a report writes. Its fields from the lowest
        bit: answer int128, checkpoint 40, time 40, block 40, band 4, subscribers 3, open 1.
        Forty bits hold a block every tenth of a second for 3,000 years, and seconds for 34,000.
"""


from interfaces import IVault
from . import terms


uses: terms


struct Feed:
    vault: address
    collection: address
    edition: uint256
    opener: address
    opened_at: uint64
    basis: uint256
    one_share: uint256
    scale: uint256
    band: uint8
    checkpoint: uint64
    answer: int128
    updated_at: uint64
    updated_block: uint64


MAX_SUBSCRIBERS: constant(uint256) = 4
MAX_SHARE_DECIMALS: constant(uint8) = 36
MAX_ASSET_DECIMALS: constant(uint8) = 18


# @dev Field masks and places of the hot word.
MASK_40: constant(uint256) = 2**40 - 1
_MASK_128: constant(uint256) = 2**128 - 1
CHECKPOINT: constant(uint256) = 128
UPDATED_AT: constant(uint256) = 168
UPDATED_BLOCK: constant(uint256) = 208
BAND: constant(uint256) = 248
SUBSCRIBERS: constant(uint256) = 252
_OPEN: constant(uint256) = 1 << 255


_hot: HashMap[uint256, uint256]
_subscribers: HashMap[uint256, address[MAX_SUBSCRIBERS]]
_count: uint256


@deploy
def __init__():
    """
    @dev Begins without feeds; ids count from 1.
    """
    pass


@internal
def _open(vault: address, policy: terms.Policy, collection: address, edition: uint256, opener: address) -> (uint256, uint256):
    """
    @dev Stores a new feed with the vault's present share price as its basis.
    @param vault The ERC-4626 vault; it must have shares in circulation.
    @param policy The policy.
    @param collection The collection whose edition the feed paints; empty: a feed without artworks.
    @param edition The collection's edition.
    @param opener Who opens it, and may choose its subscribers.
    @return uint256 The feed's id.
    @return uint256 The basis, a wad.
    """
    assert vault.is_contract, "feeds: vault has no code"
    assert collection == empty(address) or collection.is_contract, "feeds: collection has no code"

    share_decimals: uint8 = staticcall IVault(vault).decimals()
    asset_decimals: uint8 = staticcall IVault(staticcall IVault(vault).asset()).decimals()
    assert share_decimals <= MAX_SHARE_DECIMALS, "feeds: too many share decimals"
    assert asset_decimals <= MAX_ASSET_DECIMALS, "feeds: too many asset decimals"
    # An empty vault's price belongs to its first depositor, who could set it by a donation.
    assert staticcall IVault(vault).totalSupply() != 0, "feeds: empty vault"
    price: uint256 = staticcall IVault(vault).convertToAssets(10 ** convert(share_decimals, uint256))
    assert price != 0, "feeds: worthless shares"
    basis: uint256 = price * 10 ** convert(MAX_ASSET_DECIMALS - asset_decimals, uint256)

    feed_id: uint256 = self._count + 1
    self._count = feed_id
    terms._create(feed_id, vault, policy, collection, edition, basis, opener, share_decimals, asset_decimals)
    # The band of no growth at all.
    band: uint256 = 0
    for threshold: int128 in policy.thresholds:
        if threshold <= 0:
            band += 1
    self._hot[feed_id] = _OPEN | (band << BAND)
    return feed_id, basis


@internal
@view
def _judge(feed_id: uint256, checkpoint: uint256, answer: int256) -> (uint256, uint256, address):
    """
    @dev Reverts unless a feed may be reported for a checkpoint, and computes the band after an
         answer. Thresholds ascend, so counting those passed is walking away from the old band
         until one is not. The old answer did not leave the old band, so one that is no lower
         cannot fall out of it, and a lower one cannot rise.
    @param feed_id The feed.
    @param checkpoint The checkpoint.
    @param answer The answer, a wad.
    @return uint256 The feed's hot word as it stands.
    @return uint256 Its hot word after a report that lands now.
    @return address The feed's collection, or empty.
    """
    hot: uint256 = self._hot[feed_id]
    assert hot != 0, "feeds: unknown feed"
    # As `terms._read`, without copies that every report would pay for.
    preimage: bytes32 = keccak256(
        concat(0xff, convert(self, bytes20), convert(feed_id, bytes32), terms.INITCODE_HASH)
    )
    source: address = convert(convert(preimage, uint256) & terms.MASK_160, address)
    found: Bytes[terms.BYTES] = slice(source.code, 0, terms.BYTES)
    route: uint256 = extract32(found, 0, output_type=uint256)
    assert checkpoint % ((route >> 160) & terms.MASK_32) == 0, "feeds: not a checkpoint"
    assert checkpoint < block.number, "feeds: checkpoint not in the past"
    assert checkpoint >= route >> 192, "feeds: checkpoint before opening"
    # Newer than the block in which the last report landed, and so than that report's checkpoint: one between the
    # two was judged, and its artworks were painted, against a band that is gone.
    assert checkpoint >= (hot >> UPDATED_BLOCK) & MASK_40, "feeds: checkpoint not newer"
    assert (answer >> 127) == (answer >> 255), "feeds: answer out of range"

    policy: uint256 = extract32(found, 32, output_type=uint256)
    margin: int256 = convert((policy >> 160) & terms.MASK_64, int256)
    band: uint256 = (hot >> BAND) & 15
    # Where the first threshold above the band is.
    place: uint256 = unsafe_add(terms.FIRST_THRESHOLD, unsafe_mul(16, band))
    # The stored answer's sign is its 128th bit.
    if answer >= convert(convert(hot << 128, bytes32), int256) >> 128:
        level: int256 = unsafe_sub(answer, margin)
        for _: uint256 in range(unsafe_sub(policy >> 232, band), bound=terms.MAX_THRESHOLDS):
            if level < extract32(found, place, output_type=int256) >> 128:
                break
            place = unsafe_add(place, 16)
    else:
        level: int256 = unsafe_add(answer, margin)
        for _: uint256 in range(band, bound=terms.MAX_THRESHOLDS):
            place = unsafe_sub(place, 16)
            if level >= extract32(found, place, output_type=int256) >> 128:
                place = unsafe_add(place, 16)
                break
    return (
        hot,
        (convert(convert(answer, bytes32), uint256) & _MASK_128)
        | (checkpoint << CHECKPOINT)
        | (block.timestamp << UPDATED_AT)
        | (block.number << UPDATED_BLOCK)
        | (unsafe_sub(place, terms.FIRST_THRESHOLD) >> 4 << BAND)
        | (hot >> SUBSCRIBERS << SUBSCRIBERS),
        convert(route & terms.MASK_160, address),
    )


@internal
@view
def _exists(feed_id: uint256):
    """
    @dev Reverts for a feed that was never opened.
    @param feed_id The feed's id.
    """
    assert feed_id != 0 and feed_id <= self._count, "feeds: unknown feed"


@internal
def _subscribe(feed_id: uint256, subscriber: address):
    """
    @dev Adds a subscriber.
    @param feed_id The feed.
    @param subscriber A contract that is not called yet.
    """
    hot: uint256 = self._hot[feed_id]
    count: uint256 = self._subscribers_of(hot)
    assert subscriber.is_contract, "feeds: subscriber has no code"
    assert subscriber != terms._collection(feed_id), "feeds: already subscribed"
    assert count < MAX_SUBSCRIBERS, "feeds: too many subscribers"
    for i: uint256 in range(count, bound=MAX_SUBSCRIBERS):
        assert self._subscribers[feed_id][i] != subscriber, "feeds: already subscribed"
    self._subscribers[feed_id][count] = subscriber
    self._hot[feed_id] = hot + (1 << SUBSCRIBERS)


@internal
def _unsubscribe(feed_id: uint256, subscriber: address):
    """
    @dev Removes a subscriber; the last one takes its place.
    @param feed_id The feed.
    @param subscriber The subscriber.
    """
    hot: uint256 = self._hot[feed_id]
    count: uint256 = self._subscribers_of(hot)
    for i: uint256 in range(count, bound=MAX_SUBSCRIBERS):
        if self._subscribers[feed_id][i] == subscriber:
            self._subscribers[feed_id][i] = self._subscribers[feed_id][count - 1]
            self._subscribers[feed_id][count - 1] = empty(address)
            self._hot[feed_id] = hot - (1 << SUBSCRIBERS)
            return
    raise "feeds: not subscribed"


@internal
@pure
def _subscribers_of(hot: uint256) -> uint256:
    """
    @dev The number of subscribers in a hot word.
    @param hot The word.
    @return uint256 The number.
    """
    return (hot >> SUBSCRIBERS) & 7


@internal
@pure
def _band_of(hot: uint256) -> uint256:
    """
    @dev The band in a hot word.
    @param hot The word.
    @return uint256 The band.
    """
    return (hot >> BAND) & 15


@internal
@pure
def _checkpoint_of(hot: uint256) -> uint256:
    """
    @dev The checkpoint in a hot word.
    @param hot The word.
    @return uint256 The checkpoint, 0: never reported.
    """
    return (hot >> CHECKPOINT) & MASK_40


@internal
@pure
def _answer_of(hot: uint256) -> int256:
    """
    @dev The answer in a hot word.
    @param hot The word.
    @return int256 The answer.
    """
    return convert(convert(hot << 128, bytes32), int256) >> 128


@internal
@view
def _feed(feed_id: uint256) -> Feed:
    """
    @dev Everything about a feed but its policy.
    @param feed_id The feed.
    @return Feed The feed.
    """
    found: Bytes[terms.BYTES] = terms._read(feed_id)
    route: uint256 = terms._word(found, 0)
    origin: uint256 = terms._word(found, 2)
    hot: uint256 = self._hot[feed_id]
    return Feed(
        vault=convert(terms._word(found, 1) & terms.MASK_160, address),
        collection=convert(route & terms.MASK_160, address),
        edition=terms._word(found, 3),
        opener=convert(origin & terms.MASK_160, address),
        opened_at=convert(route >> 192, uint64),
        basis=terms._word(found, 4),
        one_share=10 ** ((origin >> 208) & 255),
        scale=10 ** (18 - (origin >> 216)),
        band=convert(self._band_of(hot), uint8),
        checkpoint=convert(self._checkpoint_of(hot), uint64),
        answer=convert(self._answer_of(hot), int128),
        updated_at=convert((hot >> UPDATED_AT) & MASK_40, uint64),
        updated_block=convert((hot >> UPDATED_BLOCK) & MASK_40, uint64),
    )
