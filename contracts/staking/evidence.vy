# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Evidence: two statements of one signer that no honest node makes
@license AGPL-3.0-only
@custom:contract-name evidence
"""


from ..oracle import committee as committees
from ..oracle import report as reports
from . import registry
from . import rules
from . import seats


uses: registry
uses: rules
uses: seats


# @dev A report with its arrays as their hashes: all that its digest is made of.
struct Statement:
    feed: uint256
    checkpoint: uint64
    block_hash: bytes32
    view: uint8
    observers: uint256
    observations_hash: bytes32
    signals_hash: bytes32
    content_root: bytes32


@deploy
def __init__():
    """
    @dev Holds no state.
    """
    pass


@internal
@view
def _offender(
    config_digest: bytes32,
    first: Statement,
    first_signature: Bytes[64],
    second: Statement,
    second_signature: Bytes[64],
) -> (uint256, address):
    """
    @dev Who signed two different statements for one view of one round; reverts if nobody did.
    @param config_digest The configuration under which they were signed; this contract installed it.
    @param first A statement.
    @param first_signature The signature over its digest.
    @param second Another one for the same feed, checkpoint and view.
    @param second_signature The signature over that one's digest.
    @return uint256 The node, which sat in the configuration with that signer.
    @return address The signer.
    """
    number: uint256 = seats._numbers[config_digest]
    rules._require(number != 0, "staking: unknown configuration")
    rules._require(
        first.feed == second.feed and first.checkpoint == second.checkpoint and first.view == second.view,
        "staking: not one round and view",
    )
    separator: bytes32 = keccak256(
        abi_encode(
            committees._DOMAIN_TYPE_HASH,
            committees._NAME_HASH,
            committees._VERSION_HASH,
            chain.id,
            rules.ORACLE.address,
            config_digest,
        )
    )
    first_digest: bytes32 = self._digest(separator, first)
    second_digest: bytes32 = self._digest(separator, second)
    rules._require(first_digest != second_digest, "staking: the same statement")
    signer: address = registry._recover(first_digest, first_signature)
    rules._require(signer == registry._recover(second_digest, second_signature), "staking: two signers")
    id: uint256 = registry._node_of_signer[signer]
    rules._require(id != 0, "staking: unknown signer")
    rules._require(seats._sat(number, id, signer), "staking: not a member")
    return id, signer


@internal
@pure
def _digest(separator: bytes32, statement: Statement) -> bytes32:
    """
    @dev What a member signs (EIP-712).
    @param separator The configuration's signing domain.
    @param statement The statement.
    @return bytes32 The digest.
    """
    return keccak256(concat(x"1901", separator, keccak256(abi_encode(reports.TYPE_HASH, statement))))
