# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What anyone may read of nodes, candidates and seats
@license AGPL-3.0-only
@custom:contract-name node_views
@notice Nothing can be read in the middle of a change: views take the one lock of all functions.
"""


from . import attendance
from . import bonds
from . import freezing
from . import registry
from . import rules
from . import seats
from . import standing as standings


uses: attendance
uses: bonds
uses: freezing
uses: registry
uses: seats
uses: standings


struct Node:
    operator: address
    payee: address
    signer: address
    transport_key: bytes32
    bond: uint256
    unbonding: uint256
    candidate: bool
    seated: bool
    leaving: bool
    suspended: bool
    slashed: bool
    strikes: uint256
    # @dev The second at which it last lost a seat; 0: it never did.
    seat_end: uint256
    # @dev The era in which it was suspended.
    suspended_in: uint256
    # @dev The second until which nothing can be withdrawn; 0: it was never frozen.
    frozen_until: uint256


@external
@view
def node_count() -> uint256:
    """
    @notice How many nodes were ever registered.
    @return uint256 The newest node's id.
    """
    return registry._count


@external
@view
def node(id: uint256) -> Node:
    """
    @notice Everything about a node; reverts for an unknown one.
    @param id The node.
    @return Node The node; its keys are those of the next election.
    """
    registry._exists(id)
    standing: standings.Standing = standings._read(id)
    keys: registry.Keys = registry._keys[id][standing.version]
    return Node(
        operator=registry._operators[id],
        payee=registry._payees[id],
        signer=keys.signer,
        transport_key=keys.transport_key,
        bond=standing.bond,
        unbonding=bonds._queued(id),
        candidate=standing.place != 0,
        seated=standing.seated,
        leaving=standing.leaving,
        suspended=standing.suspended,
        slashed=standing.slashed,
        strikes=attendance._strikes(id),
        seat_end=standing.seat_end,
        suspended_in=standing.suspended_in,
        frozen_until=freezing._frozen_until[id],
    )


@external
@view
def node_of(operator: address) -> uint256:
    """
    @notice An operator's node.
    @param operator The operator.
    @return uint256 The node; 0: it has none.
    """
    return registry._node_of_operator[operator]


@external
@view
def node_of_signer(signer: address) -> uint256:
    """
    @notice The node that has or had a signing address.
    @param signer The signing address.
    @return uint256 The node; 0: nobody ever had it.
    """
    return registry._node_of_signer[signer]


@external
@view
def node_of_transport_key(transport_key: bytes32) -> uint256:
    """
    @notice The node that has or had a transport key.
    @param transport_key The Ed25519 public key.
    @return uint256 The node; 0: nobody ever had it.
    """
    return registry._node_of_transport_key[transport_key]


@external
@view
def unbondings(id: uint256) -> DynArray[bonds.Unbonding, bonds.MAX_QUEUE]:
    """
    @notice What a node has waiting to be withdrawn, the oldest first.
    @param id The node.
    @return DynArray The entries; see `locked_until` for what else may hold them.
    """
    return bonds._unbondings(id)


@external
@view
def locked_until(id: uint256) -> uint256:
    """
    @notice The second before which a node can withdraw nothing, whatever its entries say: it is frozen, or
            its bond is below the minimum and its last seat too recent.
    @param id The node.
    @return uint256 The second; 0: nothing holds it; the greatest number: not before it has lost its seat.
    """
    return max(freezing._frozen_until[id], bonds._seat_lock(id))


@external
@view
def candidates() -> DynArray[uint256, seats.MAX_CANDIDATES]:
    """
    @notice The nodes that may be elected.
    @return DynArray Their ids, in no order.
    """
    return seats._candidates


@external
@view
def members(number: uint256) -> DynArray[uint256, rules.MAX_SEATS]:
    """
    @notice The members of a configuration, in force or retired.
    @param number Its number; one of another contract has no members.
    @return DynArray Their ids in the order of all bitmaps.
    """
    return seats._ids(number)


@external
@view
def current() -> (uint256, bytes32):
    """
    @notice The configuration that this contract has in force.
    @return uint256 Its number; 0: none.
    @return bytes32 Its digest.
    """
    return seats._number, seats._digest


@external
@view
def config_number(config_digest: bytes32) -> uint256:
    """
    @notice The number of a configuration, the last one if it was installed more than once.
    @param config_digest Its digest.
    @return uint256 Its number; 0: this contract never installed it.
    """
    return seats._numbers[config_digest]
