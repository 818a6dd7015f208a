# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Whether a block hash is the chain's own, as far back as the chain can tell
@license AGPL-3.0-only
@custom:contract-name block_history
"""


# @dev The hashes that the BLOCKHASH instruction serves.
_RECENT: constant(uint256) = 256


# @dev HISTORY_SERVE_WINDOW and HISTORY_STORAGE_ADDRESS of EIP-2935.
_SERVED: constant(uint256) = 8_191
_HISTORY: constant(address) = 0x0000F90827F1C53a10cb7A02335B175320002935


@deploy
def __init__():
    """
    @dev Holds no state.
    """
    pass


@internal
@view
def _check(number: uint256, block_hash: bytes32):
    """
    @dev Reverts unless `block_hash` may be the hash of block `number`. A block that the chain
         no longer serves passes: a quorum vouches for it, and nobody on chain can say more.
    @param number The block's number, below the current one.
    @param block_hash The claimed hash.
    """
    age: uint256 = unsafe_sub(block.number, number)
    if age <= _RECENT:
        assert blockhash(number) == block_hash, "block_history: other hash"
    elif age <= _SERVED:
        self._check_served(number, block_hash)


@internal
@view
def _check_served(number: uint256, block_hash: bytes32):
    """
    @dev Asks the history contract of EIP-2935. On a chain without it, or for a block before
         the fork that brought it (it answers zero), the hash is out of reach.
    @param number The block's number.
    @param block_hash The claimed hash.
    """
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        _HISTORY, abi_encode(number), max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    if success and len(answer) == 32:
        served: bytes32 = convert(answer, bytes32)
        assert served == block_hash or served == empty(bytes32), "block_history: other hash"
