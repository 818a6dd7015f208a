# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title CID text
@license AGPL-3.0-only
@notice Writes the text of an IPFS content identifier on chain, from nothing but a digest.
@dev A directory's CIDv1 is the 36 bytes 0x01 (version) 0x70 (dag-pb) 0x12 (sha2-256) 0x20 (32 bytes) ++ digest. Its text
     is the multibase letter `b` and lower-case base32 without padding (RFC 4648, section 6;
     https://github.com/multiformats/cid, https://github.com/multiformats/multibase).
     36 bytes are 288 bits, or 58 digits of 5 bits, the last one padded with two zero bits. The four leading bytes are
     always the same: six digits, and two zero bits that open the seventh. So the other 52 digits are
     two zero bits ++ the 256 bits of the digest ++ two zero bits.
"""


# The multibase letter and the six digits of 0x01701220.
_PREFIX: constant(Bytes[7]) = b"bafybei"


@internal
@pure
def _directory_cid(digest: bytes32) -> String[59]:
    """
    @notice Writes the dag-pb CIDv1 of the block that has this sha2-256 digest.
    @param digest The block's digest.
    @return String[59] The text, always 59 characters.
    """
    number: uint256 = convert(digest, uint256)

    # The first of the 52 digits has the 3 highest bits, the last has the 3 lowest bits and the padding.
    head: uint256 = self._digit(number >> 253)
    for i: uint256 in range(31):
        head = (head << 8) | self._digit((number >> (248 - 5 * i)) & 31)
    tail: uint256 = 0
    for i: uint256 in range(19):
        tail = (tail << 8) | self._digit((number >> (93 - 5 * i)) & 31)
    tail = (tail << 8) | self._digit((number << 2) & 31)

    text: Bytes[59] = concat(_PREFIX, convert(head, bytes32), convert(convert(tail, uint160), bytes20))
    return convert(text, String[59])


@internal
@pure
def _digit(index: uint256) -> uint256:
    """
    @notice Gives the character of a base32 digit: `a` to `z`, then `2` to `7`.
    @param index The digit, 0 to 31.
    @return uint256 Its ASCII code.
    """
    return index + 97 if index < 26 else index + 24
