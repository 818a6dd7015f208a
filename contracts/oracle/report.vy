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
_TYPE_HASH: constant(bytes32) = keccak256(
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
def _struct_hash(report: Report) -> bytes32:
    """
    @dev `hashStruct(report)` of EIP-712: an array's hash is that of its elements, each a word.
    @param report The report.
    @return bytes32 The hash.
    """
    observations_hash: bytes32 = keccak256(
        slice(abi_encode(report.observations), 64, 32 * len(report.observations))
    )
    return keccak256(
        abi_encode(
            _TYPE_HASH,
            report.feed,
            report.checkpoint,
            report.block_hash,
            report.view,
            report.observers,
            observations_hash,
            self._signals_hash(report.signals),
            report.content_root,
        )
    )


@internal
@pure
def _signals_hash(signals: DynArray[int256, MAX_SIGNALS]) -> bytes32:
    """
    @dev The EIP-712 hash of an array of signals.
    @param signals The signals, signed wads.
    @return bytes32 The hash.
    """
    return keccak256(slice(abi_encode(signals), 64, 32 * len(signals)))


@internal
@pure
def _median(answers: DynArray[int256, MAX_NODES]) -> int256:
    """
    @dev The lower median of ascending answers: with a quorum of 2f + 1 among them, and at most
         f of those dishonest, it lies between two honest ones.
    @param answers The answers, which must ascend; at least one.
    @return int256 The median.
    """
    count: uint256 = len(answers)
    previous: int256 = min_value(int256)
    for answer: int256 in answers:
        assert answer >= previous, "report: observations not ascending"
        previous = answer
    return answers[unsafe_sub(count, 1) >> 1]
