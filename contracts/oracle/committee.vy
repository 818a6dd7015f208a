# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The committee: who may sign, how many must, and whether they did
@license AGPL-3.0-only
@custom:contract-name committee
@notice The members live in the code of a data contract, so that a report costs one
        EXTCODECOPY and not one storage read a member. Its code:

            0x00 ++ n (1 byte) ++ members hash (32) ++ 31 * 20-byte signers ++ n * 32-byte transport keys

        0x00 is STOP: it cannot be run. The places of absent signers are zero, so that the part
        a report needs has a fixed size. The members hash is keccak256(signers ++ transport keys),
        packed, and is what the config digest commits to.
"""


event ConfigSet:
    config_digest: indexed(bytes32)
    n: uint256
    quorum: uint256


# @dev The version of the protocol that the config digest commits to.
PROTOCOL_VERSION: constant(uint256) = 1


MAX_NODES: constant(uint256) = 31
# @dev Quorum of the largest committee: 2 * ((31 - 1) // 3) + 1.
MAX_QUORUM: constant(uint256) = 21


_SIGNERS_BYTES: constant(uint256) = 620
# @dev Where the first signer's address ends in a word that begins here: 34 - 12.
_FIRST_SIGNER: constant(uint256) = 22
_ROSTER_BYTES: constant(uint256) = 654


# @dev EIP-712: type, name and version of the signing domain.
_DOMAIN_TYPE_HASH: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
)
_NAME_HASH: constant(bytes32) = keccak256("Patina")
_VERSION_HASH: constant(bytes32) = keccak256("1")


# @dev Half of secp256k1's group order: of the two signatures (s, n - s) only the lower is
# accepted (EIP-2). The 255 bits that EIP-2098 leaves for s reach a little above it.
_HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
_S_MASK: constant(uint256) = max_value(uint256) >> 1


# @dev The masks of the parallel bit count: 0x55555555, 0x33333333, 0x0f0f0f0f, 0x01010101.
_EVERY_2ND: constant(uint256) = (2**32 - 1) // 3
_PAIRS: constant(uint256) = (2**32 - 1) // 5
_NIBBLES: constant(uint256) = (2**32 - 1) // 17
_BYTES: constant(uint256) = (2**32 - 1) // 255


# @dev The data contract; empty before the first configuration.
_roster: address


@deploy
def __init__():
    """
    @dev Begins without a committee: nothing can be reported before `_set`.
    """
    pass


@internal
def _set(signers: DynArray[address, MAX_NODES], transport_keys: DynArray[bytes32, MAX_NODES]):
    """
    @dev Installs a new configuration. Every signature and vote under another one is void from
         here on, because the config digest is part of what is signed.
    @param signers The members' signing addresses; their order is the order of all bitmaps.
    @param transport_keys Their Ed25519 public keys, in the same order.
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

    addresses: Bytes[640] = abi_encode(self._pack(signers))
    keys: Bytes[1056] = abi_encode(transport_keys)
    packed_keys: Bytes[1056] = slice(keys, 64, 32 * n)
    members: bytes32 = keccak256(concat(slice(addresses, 0, 20 * n), packed_keys))
    self._roster = raw_create(
        concat(
            # PUSH2 size, RETURNDATASIZE, DUP2, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURN:
            # hands the bytes behind these ten to the chain as code.
            b"\x61",
            convert(convert(unsafe_add(_ROSTER_BYTES, 32 * n), uint16), bytes2),
            b"\x3d\x81\x60\x0a\x3d\x39\xf3",
            b"\x00",
            convert(convert(n, uint8), bytes1),
            members,
            slice(addresses, 0, _SIGNERS_BYTES),
            packed_keys,
        )
    )
    log ConfigSet(config_digest=self._digest_of(n, members), n=n, quorum=self._quorum_of(n))


@internal
@pure
def _pack(signers: DynArray[address, MAX_NODES]) -> uint256[20]:
    """
    @dev Lays addresses side by side, 20 bytes each.
    @param signers The addresses.
    @return uint256[20] 640 bytes, the unused ones zero.
    """
    words: uint256[20] = empty(uint256[20])
    for i: uint256 in range(len(signers), bound=MAX_NODES):
        signer: uint256 = convert(signers[i], uint256)
        word: uint256 = 160 * i // 256
        bit: uint256 = 160 * i % 256
        words[word] |= (signer << 96) >> bit
        if bit > 96:
            words[word + 1] |= signer << (352 - bit)
    return words


@internal
@view
def _load() -> Bytes[_ROSTER_BYTES]:
    """
    @dev Reads the part of the data contract that a report needs, once.
    @return Bytes Header and signers.
    """
    roster: address = self._roster
    assert roster != empty(address), "committee: not set"
    return slice(roster.code, 0, _ROSTER_BYTES)


@internal
@pure
def _n(roster: Bytes[_ROSTER_BYTES]) -> uint256:
    """
    @dev The number of members.
    @param roster What `_load` returned.
    @return uint256 Between 1 and 31.
    """
    return convert(extract32(roster, 0), uint256) >> 240


@internal
@pure
def _signer(roster: Bytes[_ROSTER_BYTES], index: uint256) -> address:
    """
    @dev One member's signing address.
    @param roster What `_load` returned.
    @param index The member's index; zero comes back for one that is absent.
    @return address The address.
    """
    word: uint256 = convert(extract32(roster, _FIRST_SIGNER + 20 * index), uint256)
    return convert(word & convert(max_value(uint160), uint256), address)


@internal
@pure
def _quorum_of(n: uint256) -> uint256:
    """
    @dev 2f + 1, where f = (n - 1) // 3 members may be arbitrary.
    @param n The number of members, at least 1.
    @return uint256 The quorum.
    """
    return unsafe_add(unsafe_mul(2, unsafe_div(unsafe_sub(n, 1), 3)), 1)


@internal
@view
def _digest_of(n: uint256, members: bytes32) -> bytes32:
    """
    @dev The config digest. It is computed anew each time, which costs less than a storage read
         and cannot outlive a change of the chain's id.
    @param n The number of members.
    @param members The hash of signers and transport keys.
    @return bytes32 The digest.
    """
    return keccak256(
        abi_encode(
            chain.id,
            self,
            members,
            unsafe_div(unsafe_sub(n, 1), 3),
            self._quorum_of(n),
            PROTOCOL_VERSION,
        )
    )


@internal
@view
def _config_digest(roster: Bytes[_ROSTER_BYTES]) -> bytes32:
    """
    @dev The config digest of what `_load` returned.
    @param roster What `_load` returned.
    @return bytes32 The digest.
    """
    return self._digest_of(self._n(roster), extract32(roster, 2))


@internal
@view
def _domain_separator(config_digest: bytes32) -> bytes32:
    """
    @dev The EIP-712 domain separator, with the config digest as salt.
    @param config_digest The config digest.
    @return bytes32 The separator.
    """
    return keccak256(
        abi_encode(_DOMAIN_TYPE_HASH, _NAME_HASH, _VERSION_HASH, chain.id, self, config_digest)
    )


@internal
@view
def _typed_digest(config_digest: bytes32, struct_hash: bytes32) -> bytes32:
    """
    @dev What members sign for a struct: EIP-712's `encode`, hashed.
    @param config_digest The config digest.
    @param struct_hash The struct's hash.
    @return bytes32 The digest.
    """
    return keccak256(concat(x"1901", self._domain_separator(config_digest), struct_hash))


@internal
@pure
def _popcount(bitmap: uint256) -> uint256:
    """
    @dev How many members a bitmap names.
    @param bitmap At most 31 bits.
    @return uint256 The number of bits set.
    """
    x: uint256 = unsafe_sub(bitmap, (bitmap >> 1) & _EVERY_2ND)
    x = unsafe_add(x & _PAIRS, (x >> 2) & _PAIRS)
    x = unsafe_add(x, x >> 4) & _NIBBLES
    return (unsafe_mul(x, _BYTES) >> 24) & 255


@internal
@view
def _verify(
    roster: Bytes[_ROSTER_BYTES], digest: bytes32, signers: uint256, signatures: Bytes[1_984]
):
    """
    @dev Reverts unless exactly a quorum of members signed the digest.
    @param roster What `_load` returned.
    @param digest The digest.
    @param signers The bitmap of those who signed.
    @param signatures Their EIP-2098 signatures, 64 bytes each, in ascending committee order.
    """
    n: uint256 = self._n(roster)
    quorum: uint256 = self._quorum_of(n)
    assert signers >> n == 0, "committee: unknown signer"
    assert self._popcount(signers) == quorum, "committee: not exactly a quorum"
    assert len(signatures) == 64 * quorum, "committee: signatures do not match signers"
    position: uint256 = 0
    for i: uint256 in range(n, bound=MAX_NODES):
        if (signers >> i) & 1 == 0:
            continue
        compact: uint256 = convert(extract32(signatures, unsafe_add(position, 32)), uint256)
        s: uint256 = compact & _S_MASK
        assert s <= _HALF_ORDER, "committee: high s"
        # The precompile answers garbage with nothing, which reads as zero; no member is zero.
        recovered: address = ecrecover(
            digest, unsafe_add(compact >> 255, 27), convert(extract32(signatures, position), uint256), s
        )
        assert recovered == self._signer(roster, i), "committee: wrong signature"
        position = unsafe_add(position, 64)


@internal
@view
def _index(roster: Bytes[_ROSTER_BYTES], account: address) -> uint256:
    """
    @dev The index of a member; reverts for everybody else.
    @param roster What `_load` returned.
    @param account The member's signing address.
    @return uint256 The index.
    """
    for i: uint256 in range(self._n(roster), bound=MAX_NODES):
        if self._signer(roster, i) == account:
            return i
    raise "committee: not a member"


@internal
@view
def _members() -> (DynArray[address, MAX_NODES], DynArray[bytes32, MAX_NODES]):
    """
    @dev Reads everything back from the data contract.
    @return DynArray The signing addresses.
    @return DynArray The transport keys.
    """
    roster: Bytes[_ROSTER_BYTES] = self._load()
    signers: DynArray[address, MAX_NODES] = []
    transport_keys: DynArray[bytes32, MAX_NODES] = []
    for i: uint256 in range(self._n(roster), bound=MAX_NODES):
        signers.append(self._signer(roster, i))
        transport_keys.append(convert(slice(self._roster.code, _ROSTER_BYTES + 32 * i, 32), bytes32))
    return signers, transport_keys
