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
from interfaces import IStakedOracle
from interfaces import IStrategyOracle
from . import ballots
from . import block_history
from . import committee as committees
from . import committee_views
from . import feed_views
from . import feeds
from . import report as reports
from . import terms
from . import work


implements: IStakedOracle
implements: IStrategyOracle


initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: ballots
initializes: committees
initializes: committee_views[committees := committees]
initializes: work
initializes: terms
initializes: feeds[terms := terms]
initializes: feed_views[feeds := feeds]


exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    committee_views.report_digest,
    committee_views.config_digest,
    committee_views.committee,
    committee_views.quorum,
    committee_views.eip712Domain,
    committee_views.configuration,
    committee_views.previous_configuration,
    work.ledger,
    terms.pending_terms,
    feed_views.feed_count,
    feed_views.feed,
    feed_views.opener,
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


event StakingSet:
    staking: indexed(address)


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
# @dev Who installs committees; empty: the owner sets them.
staking: public(address)


@deploy
def __init__():
    """
    @dev The deployer becomes the owner. There is no committee yet.
    """
    ownable.__init__()
    ownable_2step.__init__()
    ballots.__init__()
    committees.__init__()
    work.__init__()
    feeds.__init__()
    terms.__init__()


@external
@nonreentrant
def set_committee(signers: DynArray[address, committees.MAX_NODES], transport_keys: DynArray[bytes32, committees.MAX_NODES]):
    """
    @notice Installs a committee while no staking contract does. From now on votes count under it alone, and
            reports under it and, for an hour, under the one before: set twice, it ends that at once.
            The very same committee, installed again, is the same configuration, and what it said of
            checkpoints that no report has closed since counts again.
    @param signers The members' signing addresses, 1 to 31, in the order of all bitmaps.
    @param transport_keys Their Ed25519 public keys.
    """
    ownable._check_owner()
    assert self.staking == empty(address), "oracle: staking decides"
    committees._set(signers, transport_keys, 0)


@external
@nonreentrant
def set_staking(staking: address):
    """
    @notice Leaves it to a contract who sits in the committee. The committee in force stays until that
            contract installs another.
    @param staking The contract; empty: the owner decides again.
    """
    ownable._check_owner()
    self.staking = staking
    log StakingSet(staking=staking)


@external
@nonreentrant
def install(signers: DynArray[address, committees.MAX_NODES], transport_keys: DynArray[bytes32, committees.MAX_NODES]) -> uint256:
    """
    @notice Installs a committee whose work is recorded in the ledger; the staking contract only.
    @param signers The members' signing addresses, at most 31; none: nothing can be reported from now on.
    @param transport_keys Their Ed25519 public keys.
    @return uint256 The configuration's number, from 1.
    """
    assert msg.sender == self.staking, "oracle: not the staking contract"
    return committees._install(signers, transport_keys)


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
    @param signers The bitmap of those who signed; bit 255: under the previous configuration.
    @param signatures Their EIP-2098 signatures in ascending committee order.
    """
    gas_before: uint256 = msg.gas
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
    if signers >= committees.PREVIOUS:
        source = committees._previous_roster()
    assert source != empty(address), "committee: not set"
    signed: uint256 = signers & committees.S_MASK
    roster: Bytes[committees.ROSTER_BYTES] = slice(source.code, 0, committees.ROSTER_BYTES)
    header: uint256 = extract32(roster, 0, output_type=uint256)
    assert header & committees.MASK_64 == chain.id, "committee: of another chain"
    n: uint256 = header >> 240
    quorum: uint256 = (header >> 232) & 255
    assert (report.observers | signed) >> n == 0, "oracle: not a member"
    assert (unsafe_mul(report.observers, committees.COPIES) & committees.DIGITS) % 63 == count, "oracle: observers do not match observations"
    assert count >= quorum, "oracle: too few observations"
    assert (unsafe_mul(signed, committees.COPIES) & committees.DIGITS) % 63 == quorum, "oracle: not exactly a quorum"
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
        if (signed >> i) & 1 == 0:
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
        signed,
        previous,
        hot,
        collection,
    )
    number: uint256 = (header >> committees.NUMBER) & committees.MASK_64
    if number != 0:
        work._record_report(report.feed, report.checkpoint, number, report.observers, signed, gas_before)


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
        number: uint256 = committees._number(extract32(roster, 0, output_type=uint256))
        if number != 0:
            work._record_votes(feed_id, checkpoint, number, voters)


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
