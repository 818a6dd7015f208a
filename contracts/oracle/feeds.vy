# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Feeds: a vault, a policy, what was last agreed, and who wants to hear of it
@license AGPL-3.0-only
@custom:contract-name feeds
@notice What never changes about a feed, its terms, is the code of a data contract whose address
        follows from the feed's id alone (EIP-1014): a report reads all of it for the price of one
        cold account, less than two storage words. What changes is one word, all that a report
        writes. Fields from the lowest bit:

            hot        answer int128, checkpoint 40, time 40, block 40, band 4, subscribers 3, open 1
            terms 0    collection 160, cadence 32, opened at 40, and a zero byte: STOP, it cannot be run
                  1    vault 160, hysteresis 64, window 8, number of thresholds 8
                  2    opener 160, heartbeat 32, lookback 16, share decimals 8, asset decimals 8
                  3    edition
                  4    basis
                  5..  thresholds, int128, two a word, the lower one first

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


MAX_THRESHOLDS: constant(uint256) = 15
MAX_SUBSCRIBERS: constant(uint256) = 4
MAX_SHARE_DECIMALS: constant(uint8) = 36
MAX_ASSET_DECIMALS: constant(uint8) = 18
MAX_WINDOW: constant(uint8) = 63


TERMS_WORDS: constant(uint256) = 13
TERMS_BYTES: constant(uint256) = 32 * TERMS_WORDS


# @dev Field masks and the places of fields in the words above.
_MASK_160: constant(uint256) = 2**160 - 1
_MASK_128: constant(uint256) = 2**128 - 1
_MASK_64: constant(uint256) = 2**64 - 1
_MASK_40: constant(uint256) = 2**40 - 1
_MASK_32: constant(uint256) = 2**32 - 1
_CHECKPOINT: constant(uint256) = 128
_UPDATED_AT: constant(uint256) = 168
_UPDATED_BLOCK: constant(uint256) = 208
_BAND: constant(uint256) = 248
_SUBSCRIBERS: constant(uint256) = 252
_OPEN: constant(uint256) = 1 << 255
_THRESHOLDS: constant(uint256) = 160


# @dev Creates a terms contract. The code is the same for all, so that the address depends on the
# salt only; it asks its creator for the words to become:
#   PUSH4 pending_terms(), PUSH0, MSTORE                              the selector ends at byte 32
#   PUSH0, PUSH0, PUSH1 4, PUSH1 28, CALLER, GAS, STATICCALL, POP     answer left in returndata
#   RETURNDATASIZE, PUSH0, PUSH0, RETURNDATACOPY                      all of it to memory
#   RETURNDATASIZE, PUSH0, RETURN                                     and into the chain as code
_TERMS_INITCODE: constant(Bytes[24]) = x"63cfb43dab5f525f5f6004601c335afa503d5f5f3e3d5ff3"
_TERMS_INITCODE_HASH: constant(bytes32) = keccak256(_TERMS_INITCODE)


_hot: HashMap[uint256, uint256]
_subscribers: HashMap[uint256, address[MAX_SUBSCRIBERS]]
_count: uint256
# @dev The terms that are becoming a contract.
_pending: transient(uint256[TERMS_WORDS])


@deploy
def __init__():
    """
    @dev Begins without feeds; ids count from 1.
    """
    pass


@external
@view
def pending_terms() -> uint256[TERMS_WORDS]:
    """
    @notice What a data contract asks for while it is created; nothing of use to anyone else.
    @return uint256 The words of a feed's terms.
    """
    return self._pending


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
    self._pending = [
        convert(collection, uint256) | (convert(policy.cadence, uint256) << 160) | (block.number << 192),
        convert(vault, uint256)
        | (convert(policy.hysteresis, uint256) << 160)
        | (convert(policy.window, uint256) << 224)
        | (len(policy.thresholds) << 232),
        convert(opener, uint256)
        | (convert(policy.heartbeat, uint256) << 160)
        | (convert(policy.lookback, uint256) << 192)
        | (convert(share_decimals, uint256) << 208)
        | (convert(asset_decimals, uint256) << 216),
        edition,
        basis,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ]
    self._hot[feed_id] = _OPEN | (self._set_thresholds(policy.thresholds) << _BAND)
    terms: address = raw_create(_TERMS_INITCODE, salt=convert(feed_id, bytes32))
    assert terms == self._terms_address(feed_id), "feeds: terms elsewhere"
    assert len(slice(terms.code, 0, TERMS_BYTES)) == TERMS_BYTES, "feeds: terms not stored"
    return feed_id, basis


@internal
def _set_thresholds(thresholds: DynArray[int128, MAX_THRESHOLDS]) -> uint256:
    """
    @dev Checks a policy's thresholds and adds them to the pending terms.
    @param thresholds The thresholds.
    @return uint256 The band of answer 0, in which the feed opens.
    """
    band: uint256 = 0
    for i: uint256 in range(len(thresholds), bound=MAX_THRESHOLDS):
        assert i == 0 or thresholds[i] > thresholds[i - 1], "feeds: thresholds not ascending"
        if thresholds[i] <= 0:
            band += 1
        field: uint256 = self._bits(convert(thresholds[i], int256)) & _MASK_128
        self._pending[5 + i // 2] |= field << (128 - 128 * (i % 2))
    return band


@internal
@view
def _terms_address(feed_id: uint256) -> address:
    """
    @dev Where a feed's terms are (EIP-1014).
    @param feed_id The feed.
    @return address The data contract.
    """
    preimage: bytes32 = keccak256(
        concat(0xff, convert(self, bytes20), convert(feed_id, bytes32), _TERMS_INITCODE_HASH)
    )
    return convert(convert(preimage, uint256) & _MASK_160, address)


@internal
@view
def _terms(feed_id: uint256) -> Bytes[TERMS_BYTES]:
    """
    @dev Reads a feed's terms.
    @param feed_id The feed, which must be open.
    @return Bytes The words.
    """
    return slice(self._terms_address(feed_id).code, 0, TERMS_BYTES)


@internal
@pure
def _word(terms: Bytes[TERMS_BYTES], index: uint256) -> uint256:
    """
    @dev One word of a feed's terms.
    @param terms The terms.
    @param index Which.
    @return uint256 The word.
    """
    return convert(extract32(terms, 32 * index), uint256)


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
    preimage: bytes32 = keccak256(
        concat(0xff, convert(self, bytes20), convert(feed_id, bytes32), _TERMS_INITCODE_HASH)
    )
    source: address = convert(convert(preimage, uint256) & _MASK_160, address)
    terms: Bytes[TERMS_BYTES] = slice(source.code, 0, TERMS_BYTES)
    route: uint256 = extract32(terms, 0, output_type=uint256)
    assert checkpoint % ((route >> 160) & _MASK_32) == 0, "feeds: not a checkpoint"
    assert checkpoint < block.number, "feeds: checkpoint not in the past"
    assert checkpoint >= route >> 192, "feeds: checkpoint before opening"
    # Newer than the block in which the last report landed, and so than that report's checkpoint: one between the
    # two was judged, and its artworks were painted, against a band that is gone.
    assert checkpoint >= (hot >> _UPDATED_BLOCK) & _MASK_40, "feeds: checkpoint not newer"
    assert (answer >> 127) == (answer >> 255), "feeds: answer out of range"

    policy: uint256 = extract32(terms, 32, output_type=uint256)
    margin: int256 = convert((policy >> 160) & _MASK_64, int256)
    band: uint256 = (hot >> _BAND) & 15
    # Where the first threshold above the band is.
    place: uint256 = unsafe_add(_THRESHOLDS, unsafe_mul(16, band))
    # The stored answer's sign is its 128th bit.
    if answer >= convert(convert(hot << 128, bytes32), int256) >> 128:
        level: int256 = unsafe_sub(answer, margin)
        for _: uint256 in range(unsafe_sub(policy >> 232, band), bound=MAX_THRESHOLDS):
            if level < extract32(terms, place, output_type=int256) >> 128:
                break
            place = unsafe_add(place, 16)
    else:
        level: int256 = unsafe_add(answer, margin)
        for _: uint256 in range(band, bound=MAX_THRESHOLDS):
            place = unsafe_sub(place, 16)
            if level >= extract32(terms, place, output_type=int256) >> 128:
                place = unsafe_add(place, 16)
                break
    return (
        hot,
        (convert(convert(answer, bytes32), uint256) & _MASK_128)
        | (checkpoint << _CHECKPOINT)
        | (block.timestamp << _UPDATED_AT)
        | (block.number << _UPDATED_BLOCK)
        | (unsafe_sub(place, _THRESHOLDS) >> 4 << _BAND)
        | (hot >> _SUBSCRIBERS << _SUBSCRIBERS),
        convert(route & _MASK_160, address),
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
    assert subscriber != self._collection(feed_id), "feeds: already subscribed"
    assert count < MAX_SUBSCRIBERS, "feeds: too many subscribers"
    for i: uint256 in range(count, bound=MAX_SUBSCRIBERS):
        assert self._subscribers[feed_id][i] != subscriber, "feeds: already subscribed"
    self._subscribers[feed_id][count] = subscriber
    self._hot[feed_id] = hot + (1 << _SUBSCRIBERS)


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
            self._hot[feed_id] = hot - (1 << _SUBSCRIBERS)
            return
    raise "feeds: not subscribed"


@internal
@view
def _collection(feed_id: uint256) -> address:
    """
    @dev The collection that a feed paints.
    @param feed_id The feed.
    @return address The collection, or empty.
    """
    return convert(self._word(self._terms(feed_id), 0) & _MASK_160, address)


@internal
@view
def _opener(feed_id: uint256) -> address:
    """
    @dev Who opened a feed.
    @param feed_id The feed.
    @return address The opener.
    """
    return convert(self._word(self._terms(feed_id), 2) & _MASK_160, address)


@internal
@pure
def _subscribers_of(hot: uint256) -> uint256:
    """
    @dev The number of subscribers in a hot word.
    @param hot The word.
    @return uint256 The number.
    """
    return (hot >> _SUBSCRIBERS) & 7


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
    terms: Bytes[TERMS_BYTES] = self._terms(feed_id)
    route: uint256 = self._word(terms, 0)
    origin: uint256 = self._word(terms, 2)
    hot: uint256 = self._hot[feed_id]
    return Feed(
        vault=convert(self._word(terms, 1) & _MASK_160, address),
        collection=convert(route & _MASK_160, address),
        edition=self._word(terms, 3),
        opener=convert(origin & _MASK_160, address),
        opened_at=convert(route >> 192, uint64),
        basis=self._word(terms, 4),
        one_share=10 ** ((origin >> 208) & 255),
        scale=10 ** (18 - (origin >> 216)),
        band=convert(self._band_of(hot), uint8),
        checkpoint=convert(self._checkpoint_of(hot), uint64),
        answer=convert(self._answer_of(hot), int128),
        updated_at=convert((hot >> _UPDATED_AT) & _MASK_40, uint64),
        updated_block=convert((hot >> _UPDATED_BLOCK) & _MASK_40, uint64),
    )


@internal
@view
def _policy(feed_id: uint256) -> Policy:
    """
    @dev A feed's policy, as it was opened.
    @param feed_id The feed.
    @return Policy The policy.
    """
    terms: Bytes[TERMS_BYTES] = self._terms(feed_id)
    policy: uint256 = self._word(terms, 1)
    origin: uint256 = self._word(terms, 2)
    thresholds: DynArray[int128, MAX_THRESHOLDS] = []
    for i: uint256 in range(policy >> 232, bound=MAX_THRESHOLDS):
        field: bytes32 = extract32(terms, _THRESHOLDS + 16 * i)
        thresholds.append(convert(convert(field, int256) >> 128, int128))
    return Policy(
        cadence=convert((self._word(terms, 0) >> 160) & _MASK_32, uint32),
        window=convert((policy >> 224) & 255, uint8),
        lookback=convert((origin >> 192) & 65535, uint16),
        heartbeat=convert((origin >> 160) & _MASK_32, uint32),
        hysteresis=convert((policy >> 160) & _MASK_64, uint64),
        thresholds=thresholds,
    )
