# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Feed traits
@license AGPL-3.0-only
@notice The on-chain traits `band` and `answer` of every token (ERC-7496), read from the oracle rather than stored twice.
@dev A trait's key is the keccak256 of its name. `answer` is a signed wad, as a 32-byte two's complement.
"""


# The oracle's feed, as far as the collection relies on it.
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


interface StrategyFeeds:
    def feed(feed_id: uint256) -> Feed: view


event TraitUpdatedRangeUniformValue:
    traitKey: indexed(bytes32)
    fromTokenId: uint256
    toTokenId: uint256
    traitValue: bytes32


MAX_KEYS: constant(uint256) = 16

_BAND: constant(bytes32) = keccak256("band")
_ANSWER: constant(bytes32) = keccak256("answer")
_UNKNOWN_KEY: constant(bytes4) = method_id("TraitKeyUnknown(bytes32)", output_type=bytes4)

# Percent-encoded JSON: a data URI admits neither braces nor quotation marks (RFC 3986, section 2).
_METADATA: constant(String[512]) = "data:application/json,%7B%22traits%22%3A%7B%22band%22%3A%7B%22displayName%22%3A%22Band%22%2C%22dataType%22%3A%7B%22type%22%3A%22decimal%22%2C%22signed%22%3Afalse%2C%22decimals%22%3A0%2C%22minValue%22%3A0%2C%22maxValue%22%3A15%7D%7D%2C%22answer%22%3A%7B%22displayName%22%3A%22Answer%22%2C%22dataType%22%3A%7B%22type%22%3A%22decimal%22%2C%22signed%22%3Atrue%2C%22decimals%22%3A18%7D%7D%7D%7D"


@external
@view
def getTraitMetadataURI() -> String[512]:
    """
    @notice Describes the traits, as a data URI of ERC-7496's JSON schema.
    @return String[512] The URI.
    """
    return _METADATA


@external
def setTrait(token_id: uint256, trait_key: bytes32, new_value: bytes32):
    """
    @notice Always reverts: traits follow the feed, nobody sets them.
    @param token_id The token.
    @param trait_key The trait.
    @param new_value The refused value.
    """
    raise "traits: set by the feed alone"


@internal
@view
def _values(oracle: address, feed: uint256, keys: DynArray[bytes32, MAX_KEYS]) -> DynArray[bytes32, MAX_KEYS]:
    """
    @notice Reads traits of a feed.
    @param oracle The oracle.
    @param feed The feed.
    @param keys The traits' keys; another than the two known reverts with TraitKeyUnknown(key).
    @return DynArray The values, in the order of the keys.
    """
    source: Feed = staticcall StrategyFeeds(oracle).feed(feed)
    values: DynArray[bytes32, MAX_KEYS] = []
    for key: bytes32 in keys:
        if key == _BAND:
            values.append(convert(source.band, bytes32))
        elif key == _ANSWER:
            values.append(convert(convert(source.answer, int256), bytes32))
        else:
            raw_revert(abi_encode(key, method_id=_UNKNOWN_KEY))
    return values


@internal
def _announce(first: uint256, last: uint256, previous_band: uint8, band: uint8, answer: int256):
    """
    @notice Tells indexers the new values of a whole edition; the band's only if it changed.
    @param first The edition's first token.
    @param last The edition's last token.
    @param previous_band The band before.
    @param band The band now.
    @param answer The answer now.
    """
    if band != previous_band:
        log TraitUpdatedRangeUniformValue(
            traitKey=_BAND, fromTokenId=first, toTokenId=last, traitValue=convert(band, bytes32)
        )
    log TraitUpdatedRangeUniformValue(
        traitKey=_ANSWER, fromTokenId=first, toTokenId=last, traitValue=convert(answer, bytes32)
    )
