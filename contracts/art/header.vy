# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Block header
@license AGPL-3.0-only
@notice Proves what a recent block's `prevrandao` was, from the block's RLP header and its hash.
@dev A block's hash is the keccak of the RLP list of its header fields (Yellow Paper, section 4.4.3), so a header that has the hash
     the chain remembers is that block's header. `prevrandao` is the field that was called mixHash before the Merge (EIP-4399), at
     index 13 of the list: parentHash, ommersHash, beneficiary, stateRoot, transactionsRoot, receiptsRoot, logsBloom,
     difficulty, number, gasLimit, gasUsed, timestamp, extraData, mixHash. Later forks only append fields.
     The chain remembers hashes of 256 blocks by BLOCKHASH and of 8,191 by the history contract of EIP-2935.
"""


from snekmate.utils import block_hash


# Longest header accepted. One of the Prague fork has about 650 bytes.
MAX_HEADER: constant(uint256) = 1_024

_PREVRANDAO_INDEX: constant(uint256) = 13

# First bytes of RLP items (Yellow Paper, appendix B): below the first an item is its own byte, then come short strings, long
# strings, short lists and long lists.
_SHORT_STRING: constant(uint256) = 128
_LONG_STRING: constant(uint256) = 184
_SHORT_LIST: constant(uint256) = 192
_LONG_LIST: constant(uint256) = 248
# A string of 32 bytes.
_WORD_PREFIX: constant(uint256) = _SHORT_STRING + 32


@internal
@view
def _prevrandao(number: uint256, header_rlp: Bytes[MAX_HEADER]) -> bytes32:
    """
    @notice Reads the `prevrandao` of a block from its proven header.
    @param number The block's number; one that the chain still remembers.
    @param header_rlp The block's RLP-encoded header.
    @return bytes32 The block's `prevrandao`.
    """
    known: bytes32 = block_hash._block_hash(number)
    assert known != empty(bytes32), "header: block out of reach"
    assert keccak256(header_rlp) == known, "header: not that block"

    # The hash has settled what the bytes are: the checks below only keep a chain with other headers from being misread.
    position: uint256 = self._payload(header_rlp)
    for i: uint256 in range(_PREVRANDAO_INDEX):
        position = self._next(header_rlp, position)
    assert self._byte(header_rlp, position) == _WORD_PREFIX, "header: no prevrandao"
    return convert(slice(header_rlp, position + 1, 32), bytes32)


@internal
@view
def _is_forgotten(number: uint256) -> bool:
    """
    @notice Tells whether a block is past and its hash out of reach, for good.
    @param number The block's number.
    @return bool True if no header of that block can be proven any more.
    """
    return number < block.number and block_hash._block_hash(number) == empty(bytes32)


@internal
@pure
def _payload(rlp: Bytes[MAX_HEADER]) -> uint256:
    """
    @notice Finds the first item of an RLP list.
    @param rlp The list.
    @return uint256 The position of the first item's prefix.
    """
    prefix: uint256 = self._byte(rlp, 0)
    assert prefix >= _SHORT_LIST, "header: not a list"
    return 1 if prefix < _LONG_LIST else prefix - _LONG_LIST + 2


@internal
@pure
def _next(rlp: Bytes[MAX_HEADER], position: uint256) -> uint256:
    """
    @notice Steps over one string of an RLP list.
    @param rlp The list.
    @param position The position of the string's prefix.
    @return uint256 The position of the prefix after it.
    """
    prefix: uint256 = self._byte(rlp, position)
    assert prefix < _SHORT_LIST, "header: nested list"
    if prefix < _SHORT_STRING:
        return position + 1
    if prefix < _LONG_STRING:
        return position + 1 + prefix - _SHORT_STRING
    # The length follows in 1 to 8 bytes.
    size: uint256 = prefix - _LONG_STRING + 1
    length: uint256 = 0
    for i: uint256 in range(size, bound=8):
        length = (length << 8) | self._byte(rlp, position + 1 + i)
    return position + 1 + size + length


@internal
@pure
def _byte(rlp: Bytes[MAX_HEADER], position: uint256) -> uint256:
    """
    @notice Reads one byte.
    @param rlp The bytes.
    @param position Where.
    @return uint256 The byte's value.
    """
    return convert(slice(rlp, position, 1), uint256)
