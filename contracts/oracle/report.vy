# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What a committee signs, and how it is hashed
@license AGPL-3.0-only
@custom:contract-name report
@notice The hash is `hashStruct` of EIP-712; with the committee's domain separator it becomes
        the digest that the members sign.
"""


# @dev The most nodes a committee has, so the most observations a report carries.
MAX_NODES: constant(uint256) = 31
MAX_SIGNALS: constant(uint256) = 16


# @dev The EIP-712 type of a report.
TYPE_HASH: constant(bytes32) = keccak256(
    "Report(uint256 feed,uint64 checkpoint,bytes32 blockHash,uint8 view,uint256 observers,int256[] observations,int256[] signals,bytes32 contentRoot)"
)


struct Report:
    feed: uint256
    checkpoint: uint64
    block_hash: bytes32
    view: uint8
    # @dev A bitmap of committee indices.
    observers: uint256
    # @dev The observers' answers in ascending order, signed wads.
    observations: DynArray[int256, MAX_NODES]
    signals: DynArray[int256, MAX_SIGNALS]
    # @dev Zero: artworks unchanged.
    content_root: bytes32


@deploy
def __init__():
    """
    @dev Holds no state.
    """
    pass


@internal
@pure
def _array_hash(values: DynArray[int256, MAX_NODES]) -> bytes32:
    """
    @dev The EIP-712 hash of an array: that of its elements, a word each.
    @param values The elements.
    @return bytes32 The hash.
    """
    size: uint256 = unsafe_mul(32, len(values))
    # ABI: an offset, the length, then the elements.
    return keccak256(slice(abi_encode(values), 64, size))
