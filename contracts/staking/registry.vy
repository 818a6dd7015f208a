# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Registry: who operates which node, and every key that it ever had
@license AGPL-3.0-only
@custom:contract-name registry
@notice An operator has one node for ever, and a key belongs to one node for ever: whoever was seen to
        misbehave under a retired key is still found, and nobody takes a key over.
"""


from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator
from . import rules
from . import standing as standings


uses: eip712_domain_separator
uses: standings


event Registered:
    id: indexed(uint256)
    operator: indexed(address)
    signer: indexed(address)
    transport_key: bytes32
    payee: address


event KeysChanged:
    id: indexed(uint256)
    signer: indexed(address)
    transport_key: bytes32
    version: uint256


event PayeeSet:
    id: indexed(uint256)
    payee: indexed(address)


struct Keys:
    # @dev Signs reports and votes (secp256k1).
    signer: address
    # @dev Seals messages between nodes (Ed25519).
    transport_key: bytes32


# @dev EIP-712: what a signer signs to prove that its operator may use it.
_POSSESSION: constant(bytes32) = keccak256("Possession(address operator,bytes32 transportKey)")


_count: uint256
_operators: HashMap[uint256, address]
_payees: HashMap[uint256, address]
# @dev By node and version, from 1.
_keys: HashMap[uint256, HashMap[uint256, Keys]]


_node_of_operator: HashMap[address, uint256]
_node_of_signer: HashMap[address, uint256]
_node_of_transport_key: HashMap[bytes32, uint256]


@deploy
def __init__():
    """
    @dev Begins without nodes; ids count from 1.
    """
    pass


@internal
def _register(signer: address, transport_key: bytes32, payee: address, proof: Bytes[64]) -> uint256:
    """
    @dev Registers a node of the sender.
    @param signer The node's signing address.
    @param transport_key Its Ed25519 public key.
    @param payee Who is paid for its work.
    @param proof The signer's EIP-2098 signature over `Possession`.
    @return uint256 The node's id.
    """
    rules._require(self._node_of_operator[msg.sender] == 0, "staking: operator has a node")
    id: uint256 = self._count + 1
    self._count = id
    self._operators[id] = msg.sender
    self._node_of_operator[msg.sender] = id
    self._claim_keys(id, 1, signer, transport_key, proof)
    node: standings.Standing = empty(standings.Standing)
    node.version = 1
    standings._write(id, node)
    log Registered(id=id, operator=msg.sender, signer=signer, transport_key=transport_key, payee=payee)
    self._set_payee(id, payee)
    return id


@internal
def _change_keys(id: uint256, signer: address, transport_key: bytes32, proof: Bytes[64]):
    """
    @dev Gives a node keys for the next election. Either may stay as it is.
    @param id The node, the sender's.
    @param signer The new signing address.
    @param transport_key The new Ed25519 public key.
    @param proof The new signer's EIP-2098 signature over `Possession`.
    """
    node: standings.Standing = standings._read(id)
    rules._require(node.version < standings.MAX_VERSION, "staking: too many keys")
    before: Keys = self._keys[id][node.version]
    rules._require(signer != before.signer or transport_key != before.transport_key, "staking: same keys")
    # What stays is the node's own and may be taken again; what it retired may not.
    if signer == before.signer:
        self._node_of_signer[signer] = 0
    if transport_key == before.transport_key:
        self._node_of_transport_key[transport_key] = 0
    node.version += 1
    standings._write(id, node)
    self._claim_keys(id, node.version, signer, transport_key, proof)
    log KeysChanged(id=id, signer=signer, transport_key=transport_key, version=node.version)


@internal
def _claim_keys(id: uint256, version: uint256, signer: address, transport_key: bytes32, proof: Bytes[64]):
    """
    @dev Binds new keys to a node for ever.
    @param id The node.
    @param version The version that they get.
    @param signer The signing address.
    @param transport_key The Ed25519 public key.
    @param proof The signer's EIP-2098 signature over `Possession`, which names the sender.
    """
    rules._require(transport_key != empty(bytes32), "staking: no transport key")
    rules._require(self._node_of_signer[signer] == 0, "staking: signer is taken")
    rules._require(self._node_of_transport_key[transport_key] == 0, "staking: transport key is taken")
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(_POSSESSION, msg.sender, transport_key))
    )
    rules._require(self._recover(digest, proof) == signer, "staking: not the signer's proof")
    self._node_of_signer[signer] = id
    self._node_of_transport_key[transport_key] = id
    self._keys[id][version] = Keys(signer=signer, transport_key=transport_key)


@internal
def _set_payee(id: uint256, payee: address):
    """
    @dev Says who is paid for a node's work.
    @param id The node.
    @param payee The account.
    """
    rules._require(payee != empty(address), "staking: no payee")
    self._payees[id] = payee
    log PayeeSet(id=id, payee=payee)


@internal
@pure
def _recover(digest: bytes32, signature: Bytes[64]) -> address:
    """
    @dev Whose signature it is. One with a high s, one that is none, and one that recovers to nobody are refused.
    @param digest What was signed.
    @param signature An EIP-2098 signature.
    @return address The signer, never zero.
    """
    rules._require(len(signature) == 64, "staking: not 64 bytes")
    return ecdsa._try_recover_r_vs(
        digest, extract32(signature, 0, output_type=uint256), extract32(signature, 32, output_type=uint256)
    )


@internal
@view
def _own() -> uint256:
    """
    @dev The sender's node; reverts for whoever has none.
    @return uint256 The node.
    """
    id: uint256 = self._node_of_operator[msg.sender]
    rules._require(id != 0, "staking: not an operator")
    return id


@internal
@view
def _live() -> uint256:
    """
    @dev The sender's node; reverts for a slashed one too.
    @return uint256 The node.
    """
    id: uint256 = self._own()
    rules._require(not standings._read(id).slashed, "staking: slashed")
    return id


@internal
@view
def _exists(id: uint256):
    """
    @dev Reverts for a node that was never registered.
    @param id The node.
    """
    rules._require(id != 0 and id <= self._count, "staking: unknown node")
