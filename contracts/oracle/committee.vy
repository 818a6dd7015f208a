# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The committee: who may sign, how many must, and whether they did
@license AGPL-3.0-only
@custom:contract-name committee
@notice The members live in the code of a data contract, so that a report costs one
        EXTCODECOPY and not one storage read a member. Its words:

            byte 0    zero (STOP: it cannot be run), n (1 byte), quorum (1 byte), 13 zero bytes,
                      configuration number (8 bytes), chain id (8 bytes)
                32    config digest
                64    EIP-712 domain separator
                96    31 signers of 20 bytes in committee order; absent ones are zero, so that
                      what a report reads has a fixed size
               716    the n transport keys

        Both digests are made of the chain's id. Where a chain splits in two, the branch that
        takes a new id needs a new configuration; signatures never count on both.

        The configuration before the one in force stays good for reports, not for votes, for an
        hour, so that rounds which were under way when it changed still come to their end.
"""


event ConfigSet:
    config_digest: indexed(bytes32)
    n: uint256
    quorum: uint256
    number: uint256


# @dev The version of the protocol that the config digest commits to.
PROTOCOL_VERSION: constant(uint256) = 1


MAX_NODES: constant(uint256) = 31
# @dev Quorum of the largest committee: (31 + 10) // 2 + 1.
MAX_QUORUM: constant(uint256) = 21


# @dev What a report reads of the data contract: header, digests and signers.
ROSTER_BYTES: constant(uint256) = 716
CONFIG_DIGEST: constant(uint256) = 32
DOMAIN_SEPARATOR: constant(uint256) = 64
# @dev Where a word begins that ends with the first signer.
FIRST_SIGNER: constant(uint256) = 84
ADDRESS_MASK: constant(uint256) = 2**160 - 1


# @dev EIP-712: type, name and version of the signing domain.
_DOMAIN_TYPE_HASH: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
)
_NAME_HASH: constant(bytes32) = keccak256("Patina")
_VERSION_HASH: constant(bytes32) = keccak256("1")


# @dev Half of secp256k1's group order: of the two signatures (s, n - s) only the lower is
# accepted (EIP-2). The 255 bits that EIP-2098 leaves for s reach a little above it.
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
S_MASK: constant(uint256) = max_value(uint256) >> 1


MASK_64: constant(uint256) = 2**64 - 1


# @dev Six copies of 31 bits side by side put bit i of copy j at 31 * j + i: because 31 is 1 modulo 6,
# each bit comes exactly once to a place that six divides. The digits of base 64 that stand
# there are those bits, and what is left modulo 63 is their sum.
COPIES: constant(uint256) = (2**186 - 1) // (2**31 - 1)
DIGITS: constant(uint256) = (2**186 - 1) // 63


# @dev Seconds of block time for which reports may land under the configuration before the one in force.
OVERLAP: constant(uint256) = 3_600


# @dev The bit of `signers` that says: under the previous configuration.
PREVIOUS: constant(uint256) = 1 << 255
# @dev Where the number stands in the header.
NUMBER: constant(uint256) = 64


# @dev The data contract; empty while there is no committee.
_roster: address
# @dev The data contract before it (160 bits), and the second from which on it counts for nothing.
_previous: uint256
# @dev How many configurations were numbered.
_numbered: uint256


@deploy
def __init__():
    """
    @dev Begins without a committee: nothing can be reported before `_set`.
    """
    pass


@internal
def _install(signers: DynArray[address, MAX_NODES], transport_keys: DynArray[bytes32, MAX_NODES]) -> uint256:
    """
    @dev Installs a configuration with a number of its own. Without members there is no committee at
         all from now on, and the one before does not overlap: nothing can be reported.
    @param signers The members' signing addresses, or none.
    @param transport_keys Their Ed25519 public keys.
    @return uint256 The number: 1, 2, 3 and so on.
    """
    number: uint256 = self._numbered + 1
    self._numbered = number
    if len(signers) == 0 and len(transport_keys) == 0:
        self._roster = empty(address)
        self._previous = 0
        log ConfigSet(config_digest=empty(bytes32), n=0, quorum=0, number=number)
    else:
        self._set(signers, transport_keys, number)
    return number


@internal
def _set(signers: DynArray[address, MAX_NODES], transport_keys: DynArray[bytes32, MAX_NODES], number: uint256):
    """
    @dev Installs a configuration. Every signature and vote under any but it and, for reports and a
         while, the one before it is void while it is in force, because the config digest is part of
         what is signed.
    @param signers The members' signing addresses; their order is the order of all bitmaps.
    @param transport_keys Their Ed25519 public keys, in the same order.
    @param number The configuration's number; 0: it has none.
    """
    n: uint256 = len(signers)
    assert n != 0, "committee: no members"
    assert n == len(transport_keys), "committee: lengths differ"
    for i: uint256 in range(n, bound=MAX_NODES):
        assert signers[i] != empty(address), "committee: zero address"
        assert transport_keys[i] != empty(bytes32), "committee: zero transport key"
        for j: uint256 in range(i + 1, n, bound=MAX_NODES):
            assert signers[i] != signers[j], "committee: duplicate address"
            assert transport_keys[i] != transport_keys[j], "committee: duplicate transport key"

    assert chain.id <= convert(max_value(uint64), uint256), "committee: chain id too long"
    keys: Bytes[1056] = abi_encode(transport_keys)
    packed_keys: Bytes[1056] = slice(keys, 64, 32 * n)
    packed_signers: Bytes[640] = self._pack(signers)
    members: bytes32 = keccak256(concat(slice(packed_signers, 0, 20 * n), packed_keys))
    f: uint256 = (n - 1) // 3
    # The least number of members of which any two sets share f + 1, so an honest one: 2 * q - n > f.
    # Of n = 3f + 1 it is 2f + 1; of 3f + 2 and 3f + 3, where two sets of 2f + 1 may share liars alone, 2f + 2.
    # It never exceeds the n - f that answer.
    quorum: uint256 = (n + f) // 2 + 1
    config_digest: bytes32 = keccak256(abi_encode(chain.id, self, members, f, quorum, PROTOCOL_VERSION))
    domain_separator: bytes32 = keccak256(
        abi_encode(_DOMAIN_TYPE_HASH, _NAME_HASH, _VERSION_HASH, chain.id, self, config_digest)
    )
    before: uint256 = convert(self._roster, uint256)
    self._previous = ((block.timestamp + OVERLAP) << 160) | before if before != 0 else 0
    self._roster = raw_create(
        concat(
            # PUSH2 size, RETURNDATASIZE, DUP2, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURN:
            # hands the bytes behind these ten to the chain as code.
            b"\x61",
            convert(convert(ROSTER_BYTES + 32 * n, uint16), bytes2),
            b"\x3d\x81\x60\x0a\x3d\x39\xf3",
            convert((n << 240) | (quorum << 232) | (number << NUMBER) | chain.id, bytes32),
            config_digest,
            domain_separator,
            slice(packed_signers, 0, 20 * MAX_NODES),
            packed_keys,
        )
    )
    log ConfigSet(config_digest=config_digest, n=n, quorum=quorum, number=number)


@internal
@pure
def _pack(signers: DynArray[address, MAX_NODES]) -> Bytes[640]:
    """
    @dev Lays addresses side by side, 20 bytes each.
    @param signers The addresses.
    @return Bytes 640 bytes, the unused ones zero.
    """
    words: uint256[20] = empty(uint256[20])
    for i: uint256 in range(len(signers), bound=MAX_NODES):
        signer: uint256 = convert(signers[i], uint256)
        word: uint256 = 160 * i // 256
        bit: uint256 = 160 * i % 256
        words[word] |= (signer << 96) >> bit
        if bit > 96:
            words[word + 1] |= signer << (352 - bit)
    return abi_encode(words)


@internal
@view
def _load() -> Bytes[ROSTER_BYTES]:
    """
    @dev Reads the part of the data contract that a report needs. A report does so itself, because
         Vyper copies what a function returns.
    @return Bytes Header, digests and signers.
    """
    source: address = self._roster
    assert source != empty(address), "committee: not set"
    roster: Bytes[ROSTER_BYTES] = slice(source.code, 0, ROSTER_BYTES)
    assert extract32(roster, 0, output_type=uint256) & MASK_64 == chain.id, "committee: of another chain"
    return roster


@internal
@view
def _previous_roster() -> address:
    """
    @dev The data contract of the configuration before the one in force; reverts once it is over.
    @return address The data contract.
    """
    previous: uint256 = self._previous
    assert block.timestamp < previous >> 160, "committee: no previous one"
    return convert(previous & ADDRESS_MASK, address)


@internal
@view
def _configuration() -> (bytes32, uint256, bytes32, uint256):
    """
    @dev What is in force and what was before it. Nothing reverts: what there is not is zero.
    @return bytes32 The digest of the configuration in force.
    @return uint256 Its number; 0: set by the owner.
    @return bytes32 The digest of the one before it.
    @return uint256 The second from which on that one counts for nothing.
    """
    config_digest: bytes32 = empty(bytes32)
    number: uint256 = 0
    config_digest, number = self._told(self._roster)
    previous: bytes32 = empty(bytes32)
    unused: uint256 = 0
    previous, unused = self._told(convert(self._previous & ADDRESS_MASK, address))
    return config_digest, number, previous, self._previous >> 160 if previous != empty(bytes32) else 0


@internal
@view
def _told(source: address) -> (bytes32, uint256):
    """
    @dev What a data contract says of its configuration; zeros where there is none, or one of another chain.
    @param source The data contract, or empty.
    @return bytes32 The config digest.
    @return uint256 The number.
    """
    if source == empty(address):
        return empty(bytes32), 0
    words: Bytes[64] = slice(source.code, 0, 64)
    header: uint256 = extract32(words, 0, output_type=uint256)
    if header & MASK_64 != chain.id:
        return empty(bytes32), 0
    return extract32(words, CONFIG_DIGEST), self._number(header)


@internal
@pure
def _number(header: uint256) -> uint256:
    """
    @dev A configuration's number.
    @param header The first word of its data contract.
    @return uint256 The number; 0: it was set by the owner.
    """
    return (header >> NUMBER) & MASK_64


@internal
@view
def _config_digest() -> bytes32:
    """
    @dev The digest of the configuration in force.
    @return bytes32 The digest.
    """
    return extract32(self._load(), CONFIG_DIGEST)


@internal
@view
def _domain_separator() -> bytes32:
    """
    @dev The signing domain of the configuration in force (EIP-712).
    @return bytes32 The separator.
    """
    return extract32(self._load(), DOMAIN_SEPARATOR)


@internal
@pure
def _signer(roster: Bytes[ROSTER_BYTES], index: uint256) -> address:
    """
    @dev One member's signing address.
    @param roster What `_load` returned.
    @param index The member's index, below 31.
    @return address The address.
    """
    return convert(extract32(roster, FIRST_SIGNER + 20 * index, output_type=uint256) & ADDRESS_MASK, address)


@internal
@pure
def _popcount(bitmap: uint256) -> uint256:
    """
    @dev How many members a bitmap names.
    @param bitmap At most 31 bits.
    @return uint256 The number of bits set.
    """
    return (unsafe_mul(bitmap, COPIES) & DIGITS) % 63


@internal
@view
def _index(roster: Bytes[ROSTER_BYTES], account: address) -> uint256:
    """
    @dev The index of a member; reverts for everybody else.
    @param roster What `_load` returned.
    @param account The member's signing address.
    @return uint256 The index.
    """
    for i: uint256 in range(extract32(roster, 0, output_type=uint256) >> 240, bound=MAX_NODES):
        if self._signer(roster, i) == account:
            return i
    raise "committee: not a member"


@internal
@view
def _quorum() -> uint256:
    """
    @dev How many signatures a report carries under the configuration in force.
    @return uint256 ceil((n + f + 1) / 2).
    """
    return (extract32(self._load(), 0, output_type=uint256) >> 232) & 255


@internal
@view
def _members(source: address) -> (DynArray[address, MAX_NODES], DynArray[bytes32, MAX_NODES]):
    """
    @dev Reads everything back from a data contract.
    @param source The data contract.
    @return DynArray The signing addresses.
    @return DynArray The transport keys.
    """
    assert source != empty(address), "committee: not set"
    roster: Bytes[ROSTER_BYTES] = slice(source.code, 0, ROSTER_BYTES)
    header: uint256 = extract32(roster, 0, output_type=uint256)
    assert header & MASK_64 == chain.id, "committee: of another chain"
    signers: DynArray[address, MAX_NODES] = []
    transport_keys: DynArray[bytes32, MAX_NODES] = []
    for i: uint256 in range(header >> 240, bound=MAX_NODES):
        signers.append(self._signer(roster, i))
        transport_keys.append(convert(slice(source.code, ROSTER_BYTES + 32 * i, 32), bytes32))
    return signers, transport_keys
