# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Work: a hash chain over who observed, signed and transmitted
@license AGPL-3.0-only
@custom:contract-name work
@notice Each report and each outcome of votes under a numbered configuration makes the ledger longer
        by one record. Who pays for work replays the records from their events and knows by one
        word that none is missing, changed or made up: a report pays for no bookkeeping of its own.
"""


event Worked:
    feed: indexed(uint256)
    checkpoint: indexed(uint64)
    number: uint256
    observers: uint256
    signers: uint256
    transmitter: address
    gas_used: uint256
    gas_price: uint256


# @dev What a transaction costs before anything runs.
_BASE_GAS: constant(uint256) = 21_000
# @dev Of calldata, a byte: half of what one that is not zero costs (EIP-2028).
_BYTE_GAS: constant(uint256) = 8


# @dev The head of the chain.
_head: bytes32
# @dev Whether this transaction's own price is in a record already: one that brings many reports pays it once.
_base_counted: transient(bool)


@deploy
def __init__():
    """
    @dev Begins the chain with a seed that no other oracle has.
    """
    self._head = keccak256(abi_encode(chain.id, self))


@external
@view
@nonreentrant
def ledger() -> bytes32:
    """
    @notice The head of the chain of records. It cannot be read while a report calls its subscribers:
            its record is not written yet.
    @return bytes32 keccak256(abi_encode(the head before, feed, checkpoint, number, observers, signers,
            transmitter, gas used, gas price)) of the newest record; at first keccak256(abi_encode(chain id, oracle)).
    """
    return self._head


@internal
def _record_report(
    feed_id: uint256, checkpoint: uint64, number: uint256, observers: uint256, signers: uint256, gas_before: uint256
):
    """
    @dev Records a report that this transaction brought. What it cost is told a little low: what was
         spent before the first and after the last measurement is left out.
    @param feed_id The feed.
    @param checkpoint The checkpoint.
    @param number The number of the configuration under which it was signed, not 0.
    @param observers The bitmap of those whose answers it carries.
    @param signers The bitmap of those who signed.
    @param gas_before The gas that was left when the report came in.
    """
    gas_used: uint256 = unsafe_add(unsafe_sub(gas_before, msg.gas), unsafe_mul(_BYTE_GAS, len(msg.data)))
    if not self._base_counted:
        self._base_counted = True
        gas_used = unsafe_add(gas_used, _BASE_GAS)
    self._extend(feed_id, checkpoint, number, observers, signers, msg.sender, gas_used, tx.gasprice)


@internal
def _record_votes(feed_id: uint256, checkpoint: uint64, number: uint256, voters: uint256):
    """
    @dev Records an outcome of votes: each voter observed and signed, and paid its own transaction.
    @param feed_id The feed.
    @param checkpoint The checkpoint.
    @param number The number of the configuration in force, not 0.
    @param voters The bitmap of those whose votes agreed.
    """
    self._extend(feed_id, checkpoint, number, voters, voters, empty(address), 0, 0)


@internal
def _extend(
    feed_id: uint256,
    checkpoint: uint64,
    number: uint256,
    observers: uint256,
    signers: uint256,
    transmitter: address,
    gas_used: uint256,
    gas_price: uint256,
):
    """
    @dev Writes a record. Its fields are those of the event.
    """
    self._head = keccak256(
        abi_encode(
            self._head, feed_id, checkpoint, number, observers, signers, transmitter, gas_used, gas_price
        )
    )
    log Worked(
        feed=feed_id,
        checkpoint=checkpoint,
        number=number,
        observers=observers,
        signers=signers,
        transmitter=transmitter,
        gas_used=gas_used,
        gas_price=gas_price,
    )
