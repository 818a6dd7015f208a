# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Staking: a node earns its seat with a bond, loses it by provable misbehaviour, and is paid for work
@license AGPL-3.0-only
@custom:contract-name NodeStaking
@notice Stake is any ERC-20; work is paid in the chain's own coin. Once an era anyone may `rotate`: the
        highest bonds become the oracle's committee. Whoever signs two different reports for one view of
        a round loses all of its stake to `slash_equivocation`. The oracle's ledger of work is replayed by
        `settle`, which pays observers, signers and transmitters from what a feed's friends funded it with.
        No owner: rules never change, and the guardian can but delay a withdrawal.
@dev One lock covers all functions, views included: nothing can be read in the middle of a change.
"""


from snekmate.utils import eip712_domain_separator
from . import attendance
from . import bonds
from . import coin
from . import evidence
from . import registry
from . import rules
from . import seats
from . import standing as standings
from . import work


initializes: rules
initializes: eip712_domain_separator
initializes: standings
initializes: registry[eip712_domain_separator := eip712_domain_separator, standings := standings]
initializes: bonds[rules := rules, standings := standings]
initializes: seats[registry := registry, rules := rules, standings := standings]
initializes: coin[rules := rules]
initializes: attendance[coin := coin, rules := rules, seats := seats, standings := standings]
initializes: work[attendance := attendance, coin := coin, rules := rules, seats := seats]
initializes: evidence[registry := registry, rules := rules, seats := seats]


exports: eip712_domain_separator.eip712Domain


event Leaving:
    id: indexed(uint256)


event Rejoined:
    id: indexed(uint256)


event Rotated:
    era: indexed(uint256)
    number: indexed(uint256)
    caller: indexed(address)
    refund: uint256


event Slashed:
    id: indexed(uint256)
    signer: indexed(address)
    reporter: indexed(address)
    amount: uint256
    reward: uint256


event Frozen:
    id: indexed(uint256)
    until: uint256


event Thawed:
    id: indexed(uint256)


event GuardianSet:
    guardian: indexed(address)


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


# @dev Seconds for which the guardian may stop a node's withdrawals, and may not again thereafter.
FREEZE: constant(uint256) = 30 * 86_400


# @dev What a rotation is paid besides the gas that it can measure: the transaction itself, and calldata at
# less than it costs (a record's nine words are zeros for the most part).
_BASE_GAS: constant(uint256) = 21_000
_RECORD_GAS: constant(uint256) = 1_200


# @dev Who may stop withdrawals.
guardian: public(address)


_frozen_until: HashMap[uint256, uint256]
# @dev The second from which on a node may be frozen again.
_next_freeze: HashMap[uint256, uint256]


@deploy
def __init__(oracle: address, token: address, params: rules.Params, guardian: address, slash_receiver: address):
    """
    @notice Sets the rules for good. The oracle's owner then makes this its staking contract.
    @param oracle The oracle.
    @param token The ERC-20 that is staked; one whose balances change by themselves is unsuitable.
    @param params The rules.
    @param guardian Who may stop withdrawals for a while, or empty: nobody.
    @param slash_receiver Who gets what a slash leaves, or empty: it is burnt.
    """
    rules.__init__(oracle, token, params, slash_receiver)
    eip712_domain_separator.__init__("Patina Staking", "1")
    standings.__init__()
    registry.__init__()
    bonds.__init__()
    seats.__init__()
    coin.__init__()
    attendance.__init__()
    work.__init__()
    evidence.__init__()
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@external
def register(signer: address, transport_key: bytes32, payee: address, proof: Bytes[64]) -> uint256:
    """
    @notice Registers a node; the sender is its operator and has no other, now or later.
    @param signer The node's signing address; it was never used here.
    @param transport_key Its Ed25519 public key; it was never used here.
    @param payee Who is paid for its work.
    @param proof The signer's EIP-2098 signature over `Possession(operator, transportKey)` (EIP-712).
    @return uint256 The node's id, from 1.
    """
    return registry._register(signer, transport_key, payee, proof)


@external
def change_keys(signer: address, transport_key: bytes32, proof: Bytes[64]):
    """
    @notice Gives the sender's node other keys from the next election on; one of the two may stay. What
            the old signer signed as a member can be slashed for as long as the node has stake.
    @param signer The signing address.
    @param transport_key The Ed25519 public key.
    @param proof The signer's EIP-2098 signature over `Possession(operator, transportKey)` (EIP-712).
    """
    registry._change_keys(registry._live(), signer, transport_key, proof)


@external
def set_payee(payee: address):
    """
    @notice Says who is paid for the work of the sender's node, what it did before included.
    @param payee The account.
    """
    registry._set_payee(registry._own(), payee)


@external
def bond(amount: uint256):
    """
    @notice Adds to the bond of the sender's node, and makes it a candidate if that suffices.
    @param amount What the token is asked to move; what arrives counts.
    """
    id: uint256 = registry._live()
    bonds._bond(id, amount)
    seats._enter(id)


@external
def unbond(amount: uint256):
    """
    @notice Announces to withdraw a part of the bond. It can be slashed until it is withdrawn. A node whose
            bond falls below the minimum is no candidate any more and loses its seat at the next rotation.
    @param amount How much.
    """
    id: uint256 = registry._live()
    bonds._unbond(id, amount, False)
    if standings._read(id).bond < rules.PARAMS.minimum:
        seats._leave(id)


@external
def withdraw() -> uint256:
    """
    @notice Pays the sender what it unbonded and is ready.
    @return uint256 How much.
    """
    id: uint256 = registry._live()
    rules._require(block.timestamp >= self._frozen_until[id], "staking: frozen")
    return bonds._withdraw(id)


@external
def exit():
    """
    @notice Unbonds everything and gives up the seat at the next rotation. `rejoin` takes it back.
    """
    id: uint256 = registry._live()
    node: standings.Standing = standings._read(id)
    rules._require(not node.leaving, "staking: leaving already")
    node.leaving = True
    standings._write(id, node)
    if node.bond != 0:
        bonds._unbond(id, node.bond, True)
    seats._leave(id)
    log Leaving(id=id)


@external
def rejoin():
    """
    @notice Makes the sender's node a candidate again: after an exit, a suspension (at least one whole era later),
            or when it was crowded out. With too small a bond it is one as soon as it has bonded enough.
    """
    id: uint256 = registry._live()
    node: standings.Standing = standings._read(id)
    rules._require(node.place == 0, "staking: a candidate already")
    away: bool = node.leaving or node.suspended
    if node.suspended:
        rules._require(attendance._era > node.suspended_in, "staking: suspended for this era")
        attendance._pardon(id)
        node = standings._read(id)
        node.suspended = False
    node.leaving = False
    standings._write(id, node)
    seats._enter(id)
    rules._require(away or standings._read(id).place != 0, "staking: bond too low")
    log Rejoined(id=id)


@external
def rotate(records: DynArray[work.Record, work.MAX_RECORDS]):
    """
    @notice Closes the era and elects the next committee; anyone may, once an era. Everything up to the
            era's end has to be settled, by this call's records or before.
    @param records The records from what is settled to where the walk ends, the oldest first; or none. They
           are left alone if somebody has settled the era meanwhile.
    """
    gas_before: uint256 = msg.gas
    rules._require(block.timestamp >= attendance._era_ends, "staking: the era goes on")
    gas: uint256 = _BASE_GAS
    if len(records) != 0 and work._settled_until() < attendance._era_ends:
        work._settle(work._settled, records)
        gas += _RECORD_GAS * len(records)
    # Where the oracle obeys another contract its records are none of ours.
    if staticcall rules.ORACLE.staking() == self:
        rules._require(work._settled_until() >= attendance._era_ends, "staking: not settled")
    rules._require(attendance._era < attendance.MAX_ERA, "staking: out of eras")
    attendance._era += 1
    attendance._era_ends = block.timestamp + rules.PARAMS.era
    attendance._judge_candidates()
    seats._renew()
    # Where nobody sits nothing can be missed.
    attendance._era_number = seats._number if seats._number != 0 else max_value(uint256)
    gas += gas_before - msg.gas
    refund: uint256 = coin._refund(msg.sender, gas * rules._gas_price(tx.gasprice) // rules.WHOLE)
    log Rotated(era=attendance._era, number=seats._number, caller=msg.sender, refund=refund)


@external
def mark():
    """
    @notice Fixes the oracle's present head as the end of the next walk, so that reports which land
            meanwhile do not spoil its batches. Does nothing while a walk is under way.
    """
    work._mark()


@external
def settle(records: DynArray[work.Record, work.MAX_RECORDS]):
    """
    @notice Pays for all records from what is settled to `cursor()`; anyone may, at any time.
    @param records The records, the oldest first.
    """
    work._settle(work._settled, records)


@external
def settle_from(start: bytes32, records: DynArray[work.Record, work.MAX_RECORDS]):
    """
    @notice Pays for the last records before `cursor()`, where there are more than one call takes.
    @param start The oracle's ledger before the first of them.
    @param records The records, the oldest first.
    """
    work._settle(start, records)


@external
@payable
def fund(feed: uint256):
    """
    @notice Gives a feed funds to pay for its reports; anyone may.
    @param feed The feed, which exists.
    """
    opener: address = staticcall rules.ORACLE.opener(feed)
    rules._require(opener != empty(address), "staking: unknown feed")
    coin._fund(feed)


@external
def defund(feed: uint256, amount: uint256):
    """
    @notice Announces that the feed's opener will take funds out; they pay for reports for another hour.
    @param feed The feed; its opener only.
    @param amount How much; 0 lets everything stay.
    """
    rules._require(msg.sender == staticcall rules.ORACLE.opener(feed), "staking: not the opener")
    coin._announce(feed, amount)


@external
def withdraw_funds(feed: uint256) -> uint256:
    """
    @notice Pays the feed's opener what it announced to take out, once all reports of that hour are settled.
    @param feed The feed; its opener only.
    @return uint256 Wei.
    """
    rules._require(msg.sender == staticcall rules.ORACLE.opener(feed), "staking: not the opener")
    amount: uint256 = coin._take_out(feed, msg.sender, work._settled_until())
    raw_call(msg.sender, b"", value=amount)
    return amount


@external
@payable
def fund_treasury():
    """
    @notice Gives coin to pay for rotations; anyone may.
    """
    coin._fund_treasury()


@external
def claim(id: uint256) -> uint256:
    """
    @notice Pays a node's payee for its work in eras that are over; anyone may call.
    @param id The node.
    @return uint256 Wei.
    """
    registry._exists(id)
    amount: uint256 = attendance._claim(id)
    rules._require(amount != 0, "staking: nothing to claim")
    payee: address = registry._payees[id]
    log attendance.Claimed(id=id, payee=payee, amount=amount)
    raw_call(payee, b"", value=amount)
    return amount


@external
def collect(account: address) -> uint256:
    """
    @notice Pays an account what it is owed for reports that it brought and rotations; anyone may call.
    @param account The account.
    @return uint256 Wei.
    """
    amount: uint256 = coin._collect(account)
    rules._require(amount != 0, "staking: nothing to collect")
    raw_call(account, b"", value=amount)
    return amount


@external
def collect_stake(account: address) -> uint256:
    """
    @notice Pays an account its part of slashes; anyone may call.
    @param account A reporter, the receiver of slashed stake, or 0x...dEaD where it is burnt.
    @return uint256 Units of the stake's token.
    """
    return bonds._collect(account)


@external
def slash_equivocation(
    config_digest: bytes32,
    first: evidence.Statement,
    first_signature: Bytes[64],
    second: evidence.Statement,
    second_signature: Bytes[64],
) -> uint256:
    """
    @notice Takes all stake of a node that signed two different reports for one view of a round, and its seat
            at once. Anyone may call, and is credited a part; see `collect_stake`. No token is called
            and nothing has to be settled, so nothing can stop it.
    @param config_digest The configuration under which both were signed, in force or retired.
    @param first A report, its arrays as their EIP-712 hashes.
    @param first_signature The node's EIP-2098 signature over it.
    @param second Another one for the same feed, checkpoint and view.
    @param second_signature The node's EIP-2098 signature over it.
    @return uint256 Units of stake that were taken.
    """
    id: uint256 = 0
    signer: address = empty(address)
    id, signer = evidence._offender(config_digest, first, first_signature, second, second_signature)
    node: standings.Standing = standings._read(id)
    rules._require(not node.slashed, "staking: slashed already")
    node.slashed = True
    standings._write(id, node)
    seats._leave(id)
    amount: uint256 = bonds._seize(id)
    reward: uint256 = amount * rules.PARAMS.reporter_share // rules.WHOLE
    log Slashed(id=id, signer=signer, reporter=msg.sender, amount=amount, reward=reward)
    bonds._credit(msg.sender, reward)
    bonds._credit(rules.SLASH_RECEIVER, amount - reward)
    if node.seated:
        seats._renew()
    return amount


@external
def freeze(id: uint256):
    """
    @notice Stops a node's withdrawals for 30 days, and not again within the 30 days thereafter. It can be slashed meanwhile.
    @param id The node; the guardian only.
    """
    self._check_guardian()
    registry._exists(id)
    rules._require(block.timestamp >= self._next_freeze[id], "staking: frozen lately")
    until: uint256 = block.timestamp + FREEZE
    self._frozen_until[id] = until
    self._next_freeze[id] = until + FREEZE
    log Frozen(id=id, until=until)


@external
def thaw(id: uint256):
    """
    @notice Lets a frozen node withdraw again.
    @param id The node; the guardian only.
    """
    self._check_guardian()
    rules._require(block.timestamp < self._frozen_until[id], "staking: not frozen")
    self._frozen_until[id] = block.timestamp
    log Thawed(id=id)


@external
def set_guardian(guardian: address):
    """
    @notice Hands the guardian's role on, or ends it for good with the empty address.
    @param guardian The next one; the present one only may say.
    """
    self._check_guardian()
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@external
@view
def oracle() -> address:
    """
    @notice The oracle.
    @return address The contract.
    """
    return rules.ORACLE.address


@external
@view
def token() -> address:
    """
    @notice The ERC-20 that is staked.
    @return address The contract.
    """
    return rules.TOKEN.address


@external
@view
def slash_receiver() -> address:
    """
    @notice Who gets what a slash leaves; 0x...dEaD: it is burnt.
    @return address The account.
    """
    return rules.SLASH_RECEIVER


@external
@view
def params() -> rules.Params:
    """
    @notice The rules.
    @return Params The rules.
    """
    return rules.PARAMS


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
        frozen_until=self._frozen_until[id],
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
    return max(self._frozen_until[id], bonds._seat_lock(id))


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


@external
@view
def era() -> uint256:
    """
    @notice The era that is under way, from 0.
    @return uint256 How many rotations there were.
    """
    return attendance._era


@external
@view
def era_ends() -> uint256:
    """
    @notice When the era may be ended.
    @return uint256 The second.
    """
    return attendance._era_ends


@external
@view
def claimable(id: uint256) -> uint256:
    """
    @notice What a node's payee can be paid now.
    @param id The node.
    @return uint256 Wei.
    """
    return attendance._claimable(id)


@external
@view
def pending(id: uint256) -> uint256:
    """
    @notice What a node has earned in the era that is under way, which the era's end decides on.
    @param id The node.
    @return uint256 Wei.
    """
    node: attendance.Attendance = attendance._read(id)
    return node.pending if node.era == attendance._era else 0


@external
@view
def attendance_of(id: uint256) -> (uint256, uint256):
    """
    @notice A node's attendance in the era that is under way, as far as it is settled.
    @param id The node.
    @return uint256 Reports to which it could have contributed.
    @return uint256 Those to which it did.
    """
    node: attendance.Attendance = attendance._read(id)
    if node.era != attendance._era:
        return 0, 0
    return node.due, node.attended


@external
@view
def settled() -> bytes32:
    """
    @notice The link of the oracle's ledger up to which all records are paid for.
    @return bytes32 The link.
    """
    return work._settled


@external
@view
def cursor() -> bytes32:
    """
    @notice Where the next batch of records has to end.
    @return bytes32 A link of the oracle's ledger: the head, unless a walk is under way.
    """
    if work._cursor != work._settled:
        return work._cursor
    return staticcall rules.ORACLE.ledger()


@external
@view
def settled_until() -> uint256:
    """
    @notice The second up to which all reports are paid for.
    @return uint256 The second; 0 while a walk is under way.
    """
    return work._settled_until()


@external
@view
def funds(feed: uint256) -> uint256:
    """
    @notice What pays for a feed's reports.
    @param feed The feed.
    @return uint256 Wei.
    """
    return coin._funds[feed]


@external
@view
def defunding(feed: uint256) -> (uint256, uint256):
    """
    @notice What of a feed's funds its opener has announced to take out.
    @param feed The feed.
    @return uint256 Wei; they pay for reports until they are taken.
    @return uint256 The second from which it may.
    """
    return coin._announced[feed] & (2**128 - 1), coin._announced[feed] >> 128


@external
@view
def pays(feed: uint256) -> bool:
    """
    @notice Whether a feed's funds, as far as reports are settled, cover the dearest report.
    @param feed The feed.
    @return bool Whether they do.
    """
    return coin._pays(feed)


@external
@view
def treasury() -> uint256:
    """
    @notice What pays for rotations.
    @return uint256 Wei.
    """
    return coin._treasury


@external
@view
def owed(account: address) -> uint256:
    """
    @notice What an account can collect for reports that it brought and rotations.
    @param account The account.
    @return uint256 Wei.
    """
    return coin._owed[account]


@external
@view
def owed_stake(account: address) -> uint256:
    """
    @notice What an account can collect of slashes.
    @param account The account.
    @return uint256 Units of the stake's token.
    """
    return bonds._credits[account]


@internal
@view
def _check_guardian():
    """
    @dev Reverts unless the sender is the guardian.
    """
    rules._require(msg.sender == self.guardian, "staking: not the guardian")
