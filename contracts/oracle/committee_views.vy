# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What anyone may read of the committee
@license AGPL-3.0-only
@custom:contract-name committee_views
@notice But for those that tell of configurations, every view reverts while there is no committee.
"""


from . import committee as committees
from . import report as reports


uses: committees


@external
@view
def report_digest(report: reports.Report) -> bytes32:
    """
    @notice The EIP-712 digest that members sign for a report under the configuration in force.
    @param report The report.
    @return bytes32 The digest.
    """
    struct_hash: bytes32 = keccak256(
        abi_encode(
            reports.TYPE_HASH,
            report.feed,
            report.checkpoint,
            report.block_hash,
            report.view,
            report.observers,
            reports._array_hash(report.observations),
            reports._array_hash(report.signals),
            report.content_root,
        )
    )
    return keccak256(concat(x"1901", committees._domain_separator(), struct_hash))


@external
@view
def config_digest() -> bytes32:
    """
    @notice The digest of the configuration in force.
    @return bytes32 The digest.
    """
    return committees._config_digest()


@external
@view
def committee(
    previous: bool = False
) -> (DynArray[address, committees.MAX_NODES], DynArray[bytes32, committees.MAX_NODES]):
    """
    @notice The committee in force, or the one before it.
    @param previous Whether the one before is asked for, be its time over or not.
    @return DynArray The members' signing addresses.
    @return DynArray Their Ed25519 public keys.
    """
    source: address = committees._roster
    if previous:
        source = convert(committees._previous & committees.ADDRESS_MASK, address)
    return committees._members(source)


@external
@view
def quorum() -> uint256:
    """
    @notice How many signatures a report carries: ceil((n + f + 1) / 2).
    @return uint256 The quorum.
    """
    return committees._quorum()


@external
@view
def eip712Domain() -> (bytes1, String[6], String[1], uint256, address, bytes32, DynArray[uint256, 1]):
    """
    @notice The signing domain (EIP-5267).
    @return bytes1 Which fields it has: all five.
    @return String The name.
    @return String The version.
    @return uint256 The chain's id.
    @return address This contract.
    @return bytes32 The salt: the config digest.
    @return DynArray No extensions.
    """
    return (
        0x1f,
        "Patina",
        "1",
        chain.id,
        self,
        committees._config_digest(),
        empty(DynArray[uint256, 1]),
    )


@external
@view
def configuration() -> (bytes32, uint256, bytes32, uint256):
    """
    @notice The configuration in force and the one before it; what there is not, or is of another chain, is zero.
    @return bytes32 The digest of the one in force.
    @return uint256 Its number; 0: the owner set it.
    @return bytes32 The digest of the one before it.
    @return uint256 The second from which on reports under that one are refused.
    """
    return committees._configuration()


@external
@view
def previous_configuration() -> (bytes32, uint256):
    """
    @notice The configuration under which reports may land besides the one in force.
    @return bytes32 Its digest; zero: there was none.
    @return uint256 The second from which on reports under it are refused.
    """
    config_digest: bytes32 = empty(bytes32)
    number: uint256 = 0
    previous: bytes32 = empty(bytes32)
    until: uint256 = 0
    config_digest, number, previous, until = committees._configuration()
    return previous, until
