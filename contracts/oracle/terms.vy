# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What never changes about a feed: its terms, kept as code
@license AGPL-3.0-only
@custom:contract-name terms
@notice A feed's terms are the code of a data contract whose address follows from the feed's id
        alone (EIP-1014): a report reads all of them for the price of one cold account, which is
        less than that of two storage words. Fields of its words from the lowest bit:

            0    collection 160, cadence 32, opened at 40, and a zero byte: STOP, it cannot be run
            1    vault 160, hysteresis 64, window 8, number of thresholds 8
            2    opener 160, heartbeat 32, lookback 16, share decimals 8, asset decimals 8
            3    edition
            4    basis
            5..  thresholds, int128, two a word, the lower one first
"""


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


MAX_THRESHOLDS: constant(uint256) = 15
MAX_WINDOW: constant(uint8) = 63


WORDS: constant(uint256) = 13
BYTES: constant(uint256) = 32 * WORDS
# @dev Where the first threshold begins.
FIRST_THRESHOLD: constant(uint256) = 160


# @dev Masks of the fields above.
MASK_160: constant(uint256) = 2**160 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_32: constant(uint256) = 2**32 - 1
_MASK_128: constant(uint256) = 2**128 - 1


# @dev Creates a terms contract. The code is the same for all, so that the address depends on the
# salt only; it asks its creator for the words to become:
#   PUSH4 pending_terms(), PUSH0, MSTORE                              the selector ends at byte 32
#   PUSH0, PUSH0, PUSH1 4, PUSH1 28, CALLER, GAS, STATICCALL, POP     answer left in returndata
#   RETURNDATASIZE, PUSH0, PUSH0, RETURNDATACOPY                      all of it to memory
#   RETURNDATASIZE, PUSH0, RETURN                                     and into the chain as code
INITCODE: constant(Bytes[24]) = x"63cfb43dab5f525f5f6004601c335afa503d5f5f3e3d5ff3"
INITCODE_HASH: constant(bytes32) = keccak256(INITCODE)


# @dev The terms that are becoming a contract.
_pending: transient(uint256[WORDS])


@deploy
def __init__():
    """
    @dev Begins without terms.
    """
    pass


@external
@view
def pending_terms() -> uint256[WORDS]:
    """
    @notice What a data contract asks for while it is created; nothing of use to anyone else.
    @return uint256 The words of a feed's terms.
    """
    return self._pending


@internal
def _create(
    feed_id: uint256,
    vault: address,
    policy: Policy,
    collection: address,
    edition: uint256,
    basis: uint256,
    opener: address,
    share_decimals: uint8,
    asset_decimals: uint8,
):
    """
    @dev Checks a policy and makes the terms of a feed for good.
    @param feed_id The feed, which has none yet.
    @param vault The vault.
    @param policy The policy.
    @param collection The collection, or empty.
    @param edition The collection's edition.
    @param basis The vault's share price, a wad.
    @param opener Who opens the feed.
    @param share_decimals The decimals of the vault's shares.
    @param asset_decimals The decimals of its asset.
    """
    assert policy.cadence != 0, "terms: zero cadence"
    assert policy.window & 1 == 1 and policy.window <= MAX_WINDOW, "terms: window not odd in 1..63"
    words: uint256[WORDS] = empty(uint256[WORDS])
    words[0] = convert(collection, uint256) | (convert(policy.cadence, uint256) << 160) | (block.number << 192)
    words[1] = (
        convert(vault, uint256)
        | (convert(policy.hysteresis, uint256) << 160)
        | (convert(policy.window, uint256) << 224)
        | (len(policy.thresholds) << 232)
    )
    words[2] = (
        convert(opener, uint256)
        | (convert(policy.heartbeat, uint256) << 160)
        | (convert(policy.lookback, uint256) << 192)
        | (convert(share_decimals, uint256) << 208)
        | (convert(asset_decimals, uint256) << 216)
    )
    words[3] = edition
    words[4] = basis
    for i: uint256 in range(len(policy.thresholds), bound=MAX_THRESHOLDS):
        threshold: int128 = policy.thresholds[i]
        assert i == 0 or threshold > policy.thresholds[i - 1], "terms: thresholds not ascending"
        bits: uint256 = convert(convert(convert(threshold, int256), bytes32), uint256) & _MASK_128
        words[5 + i // 2] |= bits << (128 - 128 * (i % 2))

    self._pending = words
    created: address = raw_create(INITCODE, salt=convert(feed_id, bytes32))
    assert created == self._address(feed_id), "terms: elsewhere"
    assert len(slice(created.code, 0, BYTES)) == BYTES, "terms: not stored"


@internal
@view
def _address(feed_id: uint256) -> address:
    """
    @dev Where a feed's terms are (EIP-1014).
    @param feed_id The feed.
    @return address The data contract.
    """
    preimage: bytes32 = keccak256(
        concat(0xff, convert(self, bytes20), convert(feed_id, bytes32), INITCODE_HASH)
    )
    return convert(convert(preimage, uint256) & MASK_160, address)


@internal
@view
def _read(feed_id: uint256) -> Bytes[BYTES]:
    """
    @dev Reads a feed's terms.
    @param feed_id The feed, which must be open.
    @return Bytes The words.
    """
    return slice(self._address(feed_id).code, 0, BYTES)


@internal
@pure
def _word(terms: Bytes[BYTES], index: uint256) -> uint256:
    """
    @dev One word of a feed's terms.
    @param terms The terms.
    @param index Which.
    @return uint256 The word.
    """
    return convert(extract32(terms, 32 * index), uint256)


@internal
@view
def _collection(feed_id: uint256) -> address:
    """
    @dev The collection that a feed paints.
    @param feed_id The feed.
    @return address The collection, or empty.
    """
    return convert(self._word(self._read(feed_id), 0) & MASK_160, address)


@internal
@view
def _opener(feed_id: uint256) -> address:
    """
    @dev Who opened a feed.
    @param feed_id The feed.
    @return address The opener.
    """
    return convert(self._word(self._read(feed_id), 2) & MASK_160, address)


@internal
@view
def _policy(feed_id: uint256) -> Policy:
    """
    @dev A feed's policy, as it was opened.
    @param feed_id The feed.
    @return Policy The policy.
    """
    terms: Bytes[BYTES] = self._read(feed_id)
    policy: uint256 = self._word(terms, 1)
    origin: uint256 = self._word(terms, 2)
    thresholds: DynArray[int128, MAX_THRESHOLDS] = []
    for i: uint256 in range(policy >> 232, bound=MAX_THRESHOLDS):
        field: bytes32 = extract32(terms, FIRST_THRESHOLD + 16 * i)
        thresholds.append(convert(convert(field, int256) >> 128, int128))
    return Policy(
        cadence=convert((self._word(terms, 0) >> 160) & MASK_32, uint32),
        window=convert((policy >> 224) & 255, uint8),
        lookback=convert((origin >> 192) & 65535, uint16),
        heartbeat=convert((origin >> 160) & MASK_32, uint32),
        hysteresis=convert((policy >> 160) & MASK_64, uint64),
        thresholds=thresholds,
    )
