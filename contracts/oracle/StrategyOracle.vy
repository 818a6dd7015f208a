# pragma version 0.4.3
# pragma evm-version prague
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The oracle: reports of a quorum take effect, nothing else does
@license AGPL-3.0-only
@custom:contract-name StrategyOracle
@notice A committee of n nodes measures strategy vaults at checkpoint blocks. A report that a
        quorum signed (`transmit`), or that a quorum sent by one transaction each (`vote`),
        changes a feed's answer and band, and is told to the feed's collection and subscribers.
        The contract takes the median and computes the band itself.
"""


from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from interfaces import ISubscriber
from interfaces import IStrategyOracle
from . import ballots
from . import block_history
from . import committee as committees
from . import feed_views
from . import feeds
from . import report as reports
from . import terms


implements: IStrategyOracle


initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: ballots
initializes: committees
initializes: terms
initializes: feeds[terms := terms]
initializes: feed_views[feeds := feeds]


exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    terms.pending_terms,
    feed_views.feed_count,
    feed_views.feed,
    feed_views.policy,
    feed_views.subscribers,
    feed_views.band,
    feed_views.latest,
)


event FeedOpened:
    feed: indexed(uint256)
    vault: indexed(address)
    collection: indexed(address)
    edition: uint256
    basis: uint256


event Reported:
    feed: indexed(uint256)
    checkpoint: indexed(uint64)
    config_digest: bytes32
    report_digest: bytes32
    answer: int256
    previous_band: uint8
    band: uint8
    content_root: bytes32
    signers: uint256
    transmitter: address


event Voted:
    feed: indexed(uint256)
    checkpoint: indexed(uint64)
    voter: indexed(address)
    ballot: bytes32
    answer: int256


event CallbackFailed:
    feed: indexed(uint256)
    subscriber: indexed(address)


event Subscribed:
    feed: indexed(uint256)
    subscriber: indexed(address)


event Unsubscribed:
    feed: indexed(uint256)
    subscriber: indexed(address)


event OpenerSet:
    account: indexed(address)
    allowed: bool


# @dev The gas that every callback gets, no more and no less.
CALLBACK_GAS: constant(uint256) = 100_000


# @dev What must be left before a callback: EIP-150 hands over at most 63/64 of what remains
# after the call's own price, so 100,000 * 64 / 63 rounded up, the price of a cold account
# (EIP-2929), twice where it delegates (EIP-7702), and what the instructions between check and call may cost.
_CALLBACK_RESERVE: constant(uint256) = 101_588 + 2 * 2_600 + 312


# @dev A report's calldata without arrays and signatures: selector, the heads of arguments and
# report, and three lengths.
_FIXED_CALLDATA: constant(uint256) = 4 + 32 * (3 + 8 + 3)


# @dev Who may open feeds besides the owner.
openers: public(HashMap[address, bool])


@deploy
def __init__():
    """
    @dev The deployer becomes the owner. There is no committee yet.
    """
    ownable.__init__()
    ownable_2step.__init__()
    ballots.__init__()
    committees.__init__()
    feeds.__init__()
    terms.__init__()


@external
@nonreentrant
def set_committee(signers: DynArray[address, committees.MAX_NODES], transport_keys: DynArray[bytes32, committees.MAX_NODES]):
    """
    @notice Installs a committee. Signatures and votes of another one count for nothing while it is in force;
            the very same one, installed again, is the same configuration, and what it said of checkpoints
            that no report has closed since counts again.
    @param signers The members' signing addresses, 1 to 31, in the order of all bitmaps.
    @param transport_keys Their Ed25519 public keys.
    """
    ownable._check_owner()
    committees._set(signers, transport_keys)


@external
@nonreentrant
def set_opener(account: address, allowed: bool):
    """
    @notice Allows or forbids an account to open feeds.
    @param account The account.
    @param allowed Whether it may.
    """
    ownable._check_owner()
    self.openers[account] = allowed
    log OpenerSet(account=account, allowed=allowed)


@external
@nonreentrant
def open_feed(vault: address, policy: terms.Policy, collection: address, edition: uint256) -> uint256:
    """
    @notice Opens a feed on a vault, with the vault's present share price as its basis.
    @param vault The ERC-4626 vault; an empty one is refused.
    @param policy The policy.
    @param collection The collection that the feed paints, or empty.
    @param edition The collection's edition.
    @return uint256 The feed's id, from 1.
    """
    assert msg.sender == ownable.owner or self.openers[msg.sender], "oracle: not an opener"
    feed_id: uint256 = 0
    basis: uint256 = 0
    feed_id, basis = feeds._open(vault, policy, collection, edition, msg.sender)
    log FeedOpened(feed=feed_id, vault=vault, collection=collection, edition=edition, basis=basis)
    return feed_id


@external
@nonreentrant
def subscribe(feed_id: uint256, subscriber: address):
    """
    @notice Has a contract called after each report of a feed.
    @param feed_id The feed; only its opener or the oracle's owner may.
    @param subscriber The contract, an `ISubscriber`.
    """
    self._check_opener(feed_id)
    feeds._subscribe(feed_id, subscriber)
    log Subscribed(feed=feed_id, subscriber=subscriber)


@external
@nonreentrant
def unsubscribe(feed_id: uint256, subscriber: address):
    """
    @notice Ends a subscription.
    @param feed_id The feed; only its opener or the oracle's owner may.
    @param subscriber The contract.
    """
    self._check_opener(feed_id)
    feeds._unsubscribe(feed_id, subscriber)
    log Unsubscribed(feed=feed_id, subscriber=subscriber)


@external
@nonreentrant
def transmit(report: reports.Report, signers: uint256, signatures: Bytes[64 * committees.MAX_QUORUM]):
    """
    @notice Makes a report take effect that exactly a quorum of the committee signed.
    @param report The report.
    @param signers The bitmap of those who signed.
    @param signatures Their EIP-2098 signatures in ascending committee order.
    """
    count: uint256 = len(report.observations)
    signal_count: uint256 = len(report.signals)
    # Whoever reimburses gas must not pay for padding.
    assert len(msg.data) == unsafe_add(
        unsafe_add(_FIXED_CALLDATA, unsafe_mul(32, unsafe_add(count, signal_count))), len(signatures)
    ), "oracle: calldata not exact"
    lower: int256 = min_value(int256)
    for observation: int256 in report.observations:
        assert observation >= lower, "oracle: observations not ascending"
        lower = observation

    # An ABI-encoded array is its offset, its length, and its elements, whose hash EIP-712 wants.
    observations_hash: bytes32 = keccak256(slice(abi_encode(report.observations), 64, unsafe_mul(32, count)))
    signals_hash: bytes32 = keccak256(slice(abi_encode(report.signals), 64, unsafe_mul(32, signal_count)))
    source: address = committees._roster
    assert source != empty(address), "committee: not set"
    roster: Bytes[committees.ROSTER_BYTES] = slice(source.code, 0, committees.ROSTER_BYTES)
    header: uint256 = extract32(roster, 0, output_type=uint256)
    assert header & committees.MASK_64 == chain.id, "committee: of another chain"
    n: uint256 = header >> 240
    quorum: uint256 = (header >> 232) & 255
    assert (report.observers | signers) >> n == 0, "oracle: not a member"
    assert (unsafe_mul(report.observers, committees.COPIES) & committees.DIGITS) % 63 == count, "oracle: observers do not match observations"
    assert count >= quorum, "oracle: too few observations"
    assert (unsafe_mul(signers, committees.COPIES) & committees.DIGITS) % 63 == quorum, "oracle: not exactly a quorum"
    assert len(signatures) == unsafe_mul(64, quorum), "oracle: signatures do not match signers"

    # `hashStruct` and `encode` of EIP-712, here as in `report_digest`: passing fields on costs more than both hashes.
    struct_hash: bytes32 = keccak256(
        abi_encode(
            reports.TYPE_HASH,
            report.feed,
            report.checkpoint,
            report.block_hash,
            report.view,
            report.observers,
            observations_hash,
            signals_hash,
            report.content_root,
        )
    )
    digest: bytes32 = keccak256(concat(x"1901", extract32(roster, committees.DOMAIN_SEPARATOR), struct_hash))
    signature: uint256 = 0
    for i: uint256 in range(n, bound=committees.MAX_NODES):
        if (signers >> i) & 1 == 0:
            continue
        signer: uint256 = extract32(
            roster, unsafe_add(committees.FIRST_SIGNER, unsafe_mul(20, i)), output_type=uint256
        )
        compact: uint256 = extract32(signatures, unsafe_add(signature, 32), output_type=uint256)
        s: uint256 = compact & committees.S_MASK
        assert s <= committees.HALF_ORDER, "oracle: high s"
        # The precompile answers garbage with nothing, which reads as zero; no member is zero.
        recovered: address = ecrecover(
            digest, unsafe_add(compact >> 255, 27), extract32(signatures, signature, output_type=uint256), s
        )
        assert convert(recovered, uint256) == signer & committees.ADDRESS_MASK, "oracle: wrong signature"
        signature = unsafe_add(signature, 64)

    checkpoint: uint256 = convert(report.checkpoint, uint256)
    answer: int256 = report.observations[unsafe_sub(count, 1) >> 1]
    previous: uint256 = 0
    hot: uint256 = 0
    collection: address = empty(address)
    previous, hot, collection = feeds._judge(report.feed, checkpoint, answer)
    block_history._check(checkpoint, report.block_hash)
    self._settle(
        report.feed,
        report.checkpoint,
        answer,
        report.content_root,
        extract32(roster, committees.CONFIG_DIGEST),
        digest,
        signers,
        previous,
        hot,
        collection,
    )


@external
@nonreentrant
def vote(
    feed_id: uint256,
    checkpoint: uint64,
    block_hash: bytes32,
    answer: int256,
    signals: DynArray[int256, reports.MAX_SIGNALS],
    content_root: bytes32,
):
    """
    @notice Votes for what one member measured and rendered alone, for the day when members
            cannot reach each other. When a quorum's votes agree in all but the answer, the
            lower median of their answers takes effect as a report's would.
    @param feed_id The feed.
    @param checkpoint The checkpoint; a member has one vote for each.
    @param block_hash The checkpoint block's hash.
    @param answer The answer, a signed wad.
    @param signals The signals, signed wads.
    @param content_root The digest of the artworks, or zero.
    """
    roster: Bytes[committees.ROSTER_BYTES] = committees._load()
    index: uint256 = committees._index(roster, msg.sender)
    config_digest: bytes32 = extract32(roster, committees.CONFIG_DIGEST)
    # Whatever could not take effect is refused at once, on the voter's own answer.
    previous: uint256 = 0
    hot: uint256 = 0
    collection: address = empty(address)
    previous, hot, collection = feeds._judge(feed_id, convert(checkpoint, uint256), answer)
    block_history._check(convert(checkpoint, uint256), block_hash)

    ballot: bytes32 = empty(bytes32)
    voters: uint256 = 0
    ballot, voters = ballots._cast(
        config_digest, feed_id, checkpoint, block_hash, reports._array_hash(signals), content_root, index, answer
    )
    log Voted(feed=feed_id, checkpoint=checkpoint, voter=msg.sender, ballot=ballot, answer=answer)
    if committees._popcount(voters) == (extract32(roster, 0, output_type=uint256) >> 232) & 255:
        median: int256 = ballots._median(ballot, voters)
        previous, hot, collection = feeds._judge(feed_id, convert(checkpoint, uint256), median)
        self._settle(
            feed_id,
            checkpoint,
            median,
            content_root,
            config_digest,
            ballot,
            voters,
            previous,
            hot,
            collection,
        )


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
def committee() -> (DynArray[address, committees.MAX_NODES], DynArray[bytes32, committees.MAX_NODES]):
    """
    @notice The committee in force.
    @return DynArray The members' signing addresses.
    @return DynArray Their Ed25519 public keys.
    """
    return committees._members()


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


@internal
@view
def _check_opener(feed_id: uint256):
    """
    @dev Reverts unless the sender opened the feed or owns the oracle.
    @param feed_id The feed.
    """
    feeds._exists(feed_id)
    assert msg.sender == terms._opener(feed_id) or msg.sender == ownable.owner, "oracle: not the opener"


@internal
def _settle(
    feed_id: uint256,
    checkpoint: uint64,
    answer: int256,
    content_root: bytes32,
    config_digest: bytes32,
    digest: bytes32,
    signers: uint256,
    previous: uint256,
    hot: uint256,
    collection: address,
):
    """
    @dev Gives an agreed answer its effect: state first, then the event, then the callbacks.
    @param feed_id The feed.
    @param checkpoint The checkpoint.
    @param answer The median.
    @param content_root The digest of the artworks, or zero.
    @param config_digest The configuration under which it was agreed.
    @param digest The report's digest, or the ballot.
    @param signers The bitmap of those who signed or voted.
    @param previous The feed's hot word before.
    @param hot The feed's hot word from now on.
    @param collection The feed's collection, or empty.
    """
    feeds._hot[feed_id] = hot
    previous_band: uint8 = convert((previous >> feeds.BAND) & 15, uint8)
    next_band: uint8 = convert((hot >> feeds.BAND) & 15, uint8)
    log Reported(
        feed=feed_id,
        checkpoint=checkpoint,
        config_digest=config_digest,
        report_digest=digest,
        answer=answer,
        previous_band=previous_band,
        band=next_band,
        content_root=content_root,
        signers=signers,
        transmitter=msg.sender,
    )
    call: Bytes[196] = abi_encode(
        feed_id,
        checkpoint,
        previous_band,
        next_band,
        answer,
        content_root,
        method_id=method_id("on_report(uint256,uint64,uint8,uint8,int256,bytes32)"),
    )
    for i: uint256 in range(unsafe_add((hot >> feeds.SUBSCRIBERS) & 7, 1), bound=feeds.MAX_SUBSCRIBERS + 1):
        subscriber: address = collection if i == 0 else feeds._subscribers[feed_id][unsafe_sub(i, 1)]
        if subscriber == empty(address):
            continue
        assert msg.gas >= _CALLBACK_RESERVE, "oracle: not enough gas for a callback"
        # What it returns is not copied, so a huge answer costs the subscriber's gas only.
        if not raw_call(subscriber, call, gas=CALLBACK_GAS, revert_on_failure=False):
            log CallbackFailed(feed=feed_id, subscriber=subscriber)
