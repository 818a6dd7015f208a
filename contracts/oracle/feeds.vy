# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Feeds: a vault, a policy, what was last agreed, and who wants to hear of it
@license AGPL-3.0-only
@custom:contract-name feeds
@notice A feed lies in words packed by who reads them. `hot` is all that a report writes; a
        report reads `route` and one or two words of thresholds besides. The rest is read by
        nodes and pages only. Fields from the lowest bit:

            hot      answer int128, checkpoint 40, time 40, block 40, band 4, subscribers 3
            route    collection 160, hysteresis 64, cadence 32
            source   vault 160, opened at 40, share decimals 8, asset decimals 8, window 8, lookback 16
            origin   opener 160, heartbeat 32, number of thresholds 8
            thresholds   three a word, 80 bits each, two's complement; the largest value: none

        Forty bits hold a block every tenth of a second for 3,000 years, and seconds for 34,000.
"""


from interfaces import IVault


struct Policy:
    # @dev Blocks between checkpoints.
    cadence: uint32
    # @dev Samples whose median is judged; odd, at most 63.
    window: uint8
    # @dev Checkpoints between the basis and now; 0: the basis is the price at opening.
    lookback: uint16
    # @dev Blocks after which a report is due although nothing changed; 0: never.
    heartbeat: uint32
    # @dev How far beyond a threshold an answer has to be to pass it, a wad.
    hysteresis: uint64
    # @dev Ascending wads; each passed threshold is one band higher.
    thresholds: DynArray[int128, 15]


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


struct Record:
    hot: uint256
    route: uint256
    source: uint256
    origin: uint256
    edition: uint256
    basis: uint256
    thresholds: uint256[5]


MAX_THRESHOLDS: constant(uint256) = 15
MAX_SUBSCRIBERS: constant(uint256) = 4
MAX_SHARE_DECIMALS: constant(uint8) = 36
MAX_ASSET_DECIMALS: constant(uint8) = 18
MAX_WINDOW: constant(uint8) = 63


# @dev Field masks and the places of fields in the words above.
_MASK_160: constant(uint256) = 2**160 - 1
_MASK_128: constant(uint256) = 2**128 - 1
_MASK_80: constant(uint256) = 2**80 - 1
_MASK_64: constant(uint256) = 2**64 - 1
_MASK_40: constant(uint256) = 2**40 - 1
_MASK_32: constant(uint256) = 2**32 - 1
_CHECKPOINT: constant(uint256) = 128
_UPDATED_AT: constant(uint256) = 168
_UPDATED_BLOCK: constant(uint256) = 208
_BAND: constant(uint256) = 248
_SUBSCRIBERS: constant(uint256) = 252
_HYSTERESIS: constant(uint256) = 160
_CADENCE: constant(uint256) = 224


# @dev Marks the place of a threshold that does not exist; no threshold may be as high.
_NO_THRESHOLD: constant(int256) = 2**79 - 1


_records: HashMap[uint256, Record]
_subscribers: HashMap[uint256, address[MAX_SUBSCRIBERS]]
_count: uint256


@deploy
def __init__():
    """
    @dev Begins without feeds; ids count from 1.
    """
    pass


@internal
def _open(vault: address, policy: Policy, collection: address, edition: uint256, opener: address) -> (uint256, uint256):
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
    assert policy.cadence != 0, "feeds: zero cadence"
    assert policy.window & 1 == 1 and policy.window <= MAX_WINDOW, "feeds: window not odd in 1..63"
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
    count: uint256 = len(policy.thresholds)
    self._records[feed_id].hot = self._store_thresholds(feed_id, policy.thresholds) << _BAND
    self._records[feed_id].route = (
        convert(collection, uint256)
        | (convert(policy.hysteresis, uint256) << _HYSTERESIS)
        | (convert(policy.cadence, uint256) << _CADENCE)
    )
    self._records[feed_id].source = (
        convert(vault, uint256)
        | (block.number << 160)
        | (convert(share_decimals, uint256) << 200)
        | (convert(asset_decimals, uint256) << 208)
        | (convert(policy.window, uint256) << 216)
        | (convert(policy.lookback, uint256) << 224)
    )
    self._records[feed_id].origin = (
        convert(opener, uint256) | (convert(policy.heartbeat, uint256) << 160) | (count << 192)
    )
    self._records[feed_id].edition = edition
    self._records[feed_id].basis = basis
    return feed_id, basis


@internal
def _store_thresholds(feed_id: uint256, thresholds: DynArray[int128, MAX_THRESHOLDS]) -> uint256:
    """
    @dev Checks and stores a policy's thresholds, and fills their last word up.
    @param feed_id The feed.
    @param thresholds The thresholds.
    @return uint256 The band of answer 0, in which the feed opens.
    """
    count: uint256 = len(thresholds)
    band: uint256 = 0
    word: uint256 = 0
    previous: int256 = -_NO_THRESHOLD - 2
    for i: uint256 in range(MAX_THRESHOLDS):
        threshold: int256 = _NO_THRESHOLD
        if i < count:
            threshold = convert(thresholds[i], int256)
            assert threshold > previous, "feeds: thresholds not ascending or out of range"
            assert threshold < _NO_THRESHOLD, "feeds: thresholds not ascending or out of range"
            previous = threshold
            if threshold <= 0:
                band += 1
        elif i % 3 == 0:
            break
        word |= (self._bits(threshold) & _MASK_80) << (80 * (i % 3))
        if i % 3 == 2:
            self._records[feed_id].thresholds[i // 3] = word
            word = 0
    return band


@internal
@pure
def _bits(number: int256) -> uint256:
    """
    @dev The bits of a signed number (two's complement).
    @param number The number.
    @return uint256 Its bits.
    """
    return convert(convert(number, bytes32), uint256)


@internal
@view
def _threshold(feed_id: uint256, index: uint256) -> int256:
    """
    @dev One threshold of a feed.
    @param feed_id The feed.
    @param index Which, below 15.
    @return int256 The threshold, a wad, or `_NO_THRESHOLD` where the policy has fewer.
    """
    word: uint256 = self._records[feed_id].thresholds[unsafe_div(index, 3)]
    place: uint256 = unsafe_mul(80, unsafe_sub(2, index % 3))
    # The field goes to the top of the word, and comes down again with its sign.
    return convert(convert(word << unsafe_add(16, place), bytes32), int256) >> 176


@internal
@view
def _next_band(feed_id: uint256, old: uint256, answer: int256, hysteresis: int256) -> uint256:
    """
    @dev The band after an answer. Thresholds ascend, so counting those passed means walking
         from the old band up, or else down, until one is not.
    @param feed_id The feed.
    @param old The band before.
    @param answer The answer, a wad.
    @param hysteresis How far beyond a threshold the answer has to be, a wad.
    @return uint256 The band.
    """
    band: uint256 = old
    for _: uint256 in range(MAX_THRESHOLDS):
        if band == MAX_THRESHOLDS:
            break
        threshold: int256 = self._threshold(feed_id, band)
        if threshold == _NO_THRESHOLD or answer < unsafe_add(threshold, hysteresis):
            break
        band = unsafe_add(band, 1)
    if band != old:
        return band
    for _: uint256 in range(MAX_THRESHOLDS):
        if band == 0 or answer >= unsafe_sub(self._threshold(feed_id, unsafe_sub(band, 1)), hysteresis):
            break
        band = unsafe_sub(band, 1)
    return band


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
    record: Record = self._records[feed_id]
    count: uint256 = record.hot >> _SUBSCRIBERS
    assert subscriber.is_contract, "feeds: subscriber has no code"
    assert convert(subscriber, uint256) != record.route & _MASK_160, "feeds: already subscribed"
    assert count < MAX_SUBSCRIBERS, "feeds: too many subscribers"
    for i: uint256 in range(count, bound=MAX_SUBSCRIBERS):
        assert self._subscribers[feed_id][i] != subscriber, "feeds: already subscribed"
    self._subscribers[feed_id][count] = subscriber
    self._records[feed_id].hot = record.hot + (1 << _SUBSCRIBERS)


@internal
def _unsubscribe(feed_id: uint256, subscriber: address):
    """
    @dev Removes a subscriber; the last one takes its place.
    @param feed_id The feed.
    @param subscriber The subscriber.
    """
    hot: uint256 = self._records[feed_id].hot
    count: uint256 = hot >> _SUBSCRIBERS
    for i: uint256 in range(count, bound=MAX_SUBSCRIBERS):
        if self._subscribers[feed_id][i] == subscriber:
            self._subscribers[feed_id][i] = self._subscribers[feed_id][count - 1]
            self._subscribers[feed_id][count - 1] = empty(address)
            self._records[feed_id].hot = hot - (1 << _SUBSCRIBERS)
            return
    raise "feeds: not subscribed"


@internal
@view
def _opener(feed_id: uint256) -> address:
    """
    @dev Who opened a feed.
    @param feed_id The feed.
    @return address The opener.
    """
    return convert(self._records[feed_id].origin & _MASK_160, address)


@internal
@view
def _opened_at(feed_id: uint256) -> uint256:
    """
    @dev The block in which a feed was opened.
    @param feed_id The feed.
    @return uint256 The block's number.
    """
    return (self._records[feed_id].source >> 160) & _MASK_40


@internal
@pure
def _band_of(hot: uint256) -> uint256:
    """
    @dev The band in a hot word.
    @param hot The word.
    @return uint256 The band.
    """
    return (hot >> _BAND) & 15


@internal
@pure
def _checkpoint_of(hot: uint256) -> uint256:
    """
    @dev The checkpoint in a hot word.
    @param hot The word.
    @return uint256 The checkpoint, 0: never reported.
    """
    return (hot >> _CHECKPOINT) & _MASK_40


@internal
@view
def _reported(hot: uint256, checkpoint: uint256, answer: int256, band: uint256) -> uint256:
    """
    @dev The hot word after a report that lands now.
    @param hot The word before it.
    @param checkpoint The report's checkpoint, below the current block.
    @param answer The answer; it must fit 128 bits.
    @param band The band.
    @return uint256 The word.
    """
    assert (answer >> 127) == (answer >> 255), "feeds: answer out of range"
    return (
        (self._bits(answer) & _MASK_128)
        | (checkpoint << _CHECKPOINT)
        | (block.timestamp << _UPDATED_AT)
        | (block.number << _UPDATED_BLOCK)
        | (band << _BAND)
        | ((hot >> _SUBSCRIBERS) << _SUBSCRIBERS)
    )


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
    record: Record = self._records[feed_id]
    return Feed(
        vault=convert(record.source & _MASK_160, address),
        collection=convert(record.route & _MASK_160, address),
        edition=record.edition,
        opener=convert(record.origin & _MASK_160, address),
        opened_at=convert((record.source >> 160) & _MASK_40, uint64),
        basis=record.basis,
        one_share=10 ** ((record.source >> 200) & 255),
        scale=10 ** (18 - ((record.source >> 208) & 255)),
        band=convert(self._band_of(record.hot), uint8),
        checkpoint=convert(self._checkpoint_of(record.hot), uint64),
        answer=convert(self._answer_of(record.hot), int128),
        updated_at=convert((record.hot >> _UPDATED_AT) & _MASK_40, uint64),
        updated_block=convert((record.hot >> _UPDATED_BLOCK) & _MASK_40, uint64),
    )


@internal
@view
def _policy(feed_id: uint256) -> Policy:
    """
    @dev A feed's policy, as it was opened.
    @param feed_id The feed.
    @return Policy The policy.
    """
    route: uint256 = self._records[feed_id].route
    source: uint256 = self._records[feed_id].source
    origin: uint256 = self._records[feed_id].origin
    thresholds: DynArray[int128, MAX_THRESHOLDS] = []
    for i: uint256 in range((origin >> 192) & 255, bound=MAX_THRESHOLDS):
        thresholds.append(convert(self._threshold(feed_id, i), int128))
    return Policy(
        cadence=convert(route >> _CADENCE, uint32),
        window=convert((source >> 216) & 255, uint8),
        lookback=convert((source >> 224) & 65535, uint16),
        heartbeat=convert((origin >> 160) & _MASK_32, uint32),
        hysteresis=convert((route >> _HYSTERESIS) & _MASK_64, uint64),
        thresholds=thresholds,
    )
