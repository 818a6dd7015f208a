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
from . import freezing
from . import node_views
from . import registry
from . import rules
from . import seats
from . import standing as standings
from . import work
from . import work_views


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
initializes: freezing[registry := registry]
initializes: node_views[attendance := attendance, bonds := bonds, freezing := freezing, registry := registry, seats := seats, standings := standings]
initializes: work_views[attendance := attendance, bonds := bonds, coin := coin, rules := rules, work := work]


exports: (
    eip712_domain_separator.eip712Domain,
    freezing.__interface__,
    node_views.__interface__,
    work_views.__interface__,
)


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


# @dev What a rotation is paid besides the gas that it can measure: the transaction itself, and calldata at
# less than it costs (a record's nine words are zeros for the most part).
_BASE_GAS: constant(uint256) = 21_000
_RECORD_GAS: constant(uint256) = 1_200


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
    freezing.__init__(guardian)


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
    rules._require(not freezing._is_frozen(id), "staking: frozen")
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
