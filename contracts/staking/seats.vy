# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Seats: candidates, elections and the configurations that came of them
@license AGPL-3.0-only
@custom:contract-name seats
@notice The highest bonds are elected, of equal ones the node that registered first. A member is kept
        as id * 2**16 + version of its keys, four to a word, for ever: evidence may speak of any configuration.
"""


from . import registry
from . import rules
from . import standing as standings


uses: registry
uses: rules
uses: standings


event CandidateEntered:
    id: indexed(uint256)
    bond: uint256


event CandidateLeft:
    id: indexed(uint256)


event SeatTaken:
    id: indexed(uint256)


event SeatLost:
    id: indexed(uint256)


event Installed:
    number: indexed(uint256)
    config_digest: indexed(bytes32)
    members: uint256


MAX_CANDIDATES: constant(uint256) = 64


_VERSION_BITS: constant(uint256) = 16
_MASK_64: constant(uint256) = 2**64 - 1
_MASK_ID: constant(uint256) = 2**48 - 1
# @dev Words that hold the largest committee.
_WORDS: constant(uint256) = 8


_candidates: DynArray[uint256, MAX_CANDIDATES]


# @dev Of the configuration that this contract has in force; 0: none.
_number: uint256
_digest: bytes32
_members: HashMap[uint256, uint256[_WORDS]]
_numbers: HashMap[bytes32, uint256]


@deploy
def __init__():
    """
    @dev Begins without candidates.
    """
    pass


@internal
def _enter(id: uint256):
    """
    @dev Makes a node a candidate if it may be one: bond, standing, and where all places are taken a
         higher bond than that of a candidate without a seat.
    @param id The node.
    """
    node: standings.Standing = standings._read(id)
    if (
        node.place != 0
        or node.slashed
        or node.leaving
        or node.suspended
        or node.bond < rules.PARAMS.minimum
    ):
        return
    if len(self._candidates) == MAX_CANDIDATES:
        lowest: uint256 = 0
        bond: uint256 = node.bond
        for candidate: uint256 in self._candidates:
            other: standings.Standing = standings._read(candidate)
            if not other.seated and other.bond < bond:
                lowest = candidate
                bond = other.bond
        if lowest == 0:
            return
        self._leave(lowest)
    self._candidates.append(id)
    node.place = len(self._candidates)
    standings._write(id, node)
    log CandidateEntered(id=id, bond=node.bond)


@internal
def _leave(id: uint256):
    """
    @dev Takes a node from the candidates, if it is one; the last one gets its place.
    @param id The node.
    """
    node: standings.Standing = standings._read(id)
    if node.place == 0:
        return
    last: uint256 = self._candidates.pop()
    if last != id:
        self._candidates[node.place - 1] = last
        other: standings.Standing = standings._read(last)
        other.place = node.place
        standings._write(last, other)
    node.place = 0
    standings._write(id, node)
    log CandidateLeft(id=id)


@internal
@view
def _elect() -> DynArray[uint256, rules.MAX_SEATS]:
    """
    @dev The committee that the candidates make.
    @return DynArray The members in ascending order.
    """
    # One word ranks a candidate: bond, then the lower id; its lowest bits name the member.
    ranks: DynArray[uint256, MAX_CANDIDATES] = []
    for id: uint256 in self._candidates:
        node: standings.Standing = standings._read(id)
        ranks.append((node.bond << 128) | ((_MASK_ID - id) << _VERSION_BITS) | node.version)
    for _: uint256 in range(MAX_CANDIDATES):
        count: uint256 = len(ranks)
        if count <= rules.PARAMS.seats:
            break
        lowest: uint256 = 0
        for i: uint256 in range(1, count, bound=MAX_CANDIDATES):
            if ranks[i] < ranks[lowest]:
                lowest = i
        last: uint256 = ranks.pop()
        if lowest < count - 1:
            ranks[lowest] = last

    elected: DynArray[uint256, rules.MAX_SEATS] = []
    for rank: uint256 in ranks:
        member: uint256 = (
            ((_MASK_ID - ((rank >> _VERSION_BITS) & _MASK_ID)) << _VERSION_BITS) | (rank & standings.MAX_VERSION)
        )
        # Insertion: higher ids move one place up.
        place: uint256 = len(elected)
        elected.append(member)
        for _: uint256 in range(place, bound=rules.MAX_SEATS):
            if elected[place - 1] < member:
                break
            elected[place] = elected[place - 1]
            place -= 1
        elected[place] = member
    return elected


@internal
def _renew() -> bool:
    """
    @dev Elects a committee, and installs it if it is another one than that in force. Where the oracle obeys
         another contract nobody has a seat any more, so that nobody has to wait for what never comes.
    @return bool Whether the oracle got another configuration.
    """
    obeyed: bool = staticcall rules.ORACLE.staking() == self
    before: DynArray[uint256, rules.MAX_SEATS] = self._entries(self._number)
    elected: DynArray[uint256, rules.MAX_SEATS] = []
    if obeyed:
        elected = self._elect()
        in_force: bool = self._is_in_force()
        if in_force and self._same(before, elected):
            return False
        # A first comer must not become a committee of one where there was none, or one that the owner chose,
        # be it while this contract had members of its own: then those have no seat any more.
        if (self._number == 0 or not in_force) and len(elected) < rules.PARAMS.least_seats:
            obeyed = False
            elected = []
    if not obeyed and self._number == 0:
        return False

    self._reseat(before, elected)
    number: uint256 = 0
    config_digest: bytes32 = empty(bytes32)
    if obeyed:
        signers: DynArray[address, rules.MAX_SEATS] = []
        transport_keys: DynArray[bytes32, rules.MAX_SEATS] = []
        words: uint256[_WORDS] = empty(uint256[_WORDS])
        for i: uint256 in range(len(elected), bound=rules.MAX_SEATS):
            member: uint256 = elected[i]
            keys: registry.Keys = registry._keys[member >> _VERSION_BITS][member & standings.MAX_VERSION]
            signers.append(keys.signer)
            transport_keys.append(keys.transport_key)
            words[i >> 2] |= member << (64 * (i & 3))
        number = extcall rules.ORACLE.install(signers, transport_keys)
        if len(elected) == 0:
            number = 0
        else:
            config_digest = staticcall rules.ORACLE.config_digest()
            for i: uint256 in range(_WORDS):
                if words[i] != 0:
                    self._members[number][i] = words[i]
            self._numbers[config_digest] = number
    self._number = number
    self._digest = config_digest
    log Installed(number=number, config_digest=config_digest, members=len(elected))
    return obeyed


@internal
def _reseat(before: DynArray[uint256, rules.MAX_SEATS], after: DynArray[uint256, rules.MAX_SEATS]):
    """
    @dev Notes who lost a seat and who took one. Both lists ascend.
    @param before The members until now.
    @param after The members from now on.
    """
    i: uint256 = 0
    j: uint256 = 0
    for _: uint256 in range(2 * rules.MAX_SEATS):
        # Past its end a list goes on with an id that nobody has.
        old: uint256 = max_value(uint256)
        new: uint256 = max_value(uint256)
        if i < len(before):
            old = before[i] >> _VERSION_BITS
        if j < len(after):
            new = after[j] >> _VERSION_BITS
        if old == new:
            if i == len(before):
                break
            i += 1
            j += 1
        elif old < new:
            node: standings.Standing = standings._read(old)
            node.seated = False
            node.seat_end = block.timestamp
            standings._write(old, node)
            log SeatLost(id=old)
            i += 1
        else:
            node: standings.Standing = standings._read(new)
            node.seated = True
            standings._write(new, node)
            log SeatTaken(id=new)
            j += 1


@internal
@view
def _is_in_force() -> bool:
    """
    @dev Whether the oracle's configuration is the one that this contract installed last.
    @return bool Whether it is.
    """
    config_digest: bytes32 = empty(bytes32)
    number: uint256 = 0
    previous: bytes32 = empty(bytes32)
    until: uint256 = 0
    config_digest, number, previous, until = staticcall rules.ORACLE.configuration()
    return number == self._number and config_digest == self._digest


@internal
@pure
def _same(one: DynArray[uint256, rules.MAX_SEATS], other: DynArray[uint256, rules.MAX_SEATS]) -> bool:
    """
    @dev Whether two committees have the same members with the same keys.
    @param one A committee.
    @param other A committee.
    @return bool Whether they have.
    """
    if len(one) != len(other):
        return False
    for i: uint256 in range(len(one), bound=rules.MAX_SEATS):
        if one[i] != other[i]:
            return False
    return True


@internal
@view
def _entries(number: uint256) -> DynArray[uint256, rules.MAX_SEATS]:
    """
    @dev The members of a configuration with the versions of their keys.
    @param number Its number; an unknown one has no members.
    @return DynArray id * 2**16 + version, ascending.
    """
    found: DynArray[uint256, rules.MAX_SEATS] = []
    for i: uint256 in range(_WORDS):
        word: uint256 = self._members[number][i]
        for j: uint256 in range(4):
            if word == 0 or len(found) == rules.MAX_SEATS:
                return found
            found.append(word & _MASK_64)
            word = word >> 64
    return found


@internal
@view
def _ids(number: uint256) -> DynArray[uint256, rules.MAX_SEATS]:
    """
    @dev The members of a configuration.
    @param number Its number; an unknown one has no members.
    @return DynArray Their ids, ascending: the order of all bitmaps.
    """
    found: DynArray[uint256, rules.MAX_SEATS] = []
    entries: DynArray[uint256, rules.MAX_SEATS] = self._entries(number)
    for member: uint256 in entries:
        found.append(member >> _VERSION_BITS)
    return found


@internal
@view
def _sat(number: uint256, id: uint256, signer: address) -> bool:
    """
    @dev Whether a node sat in a configuration under a certain signing address.
    @param number The configuration's number.
    @param id The node.
    @param signer The signing address.
    @return bool Whether it did.
    """
    entries: DynArray[uint256, rules.MAX_SEATS] = self._entries(number)
    for member: uint256 in entries:
        if member >> _VERSION_BITS == id:
            return registry._keys[id][member & standings.MAX_VERSION].signer == signer
    return False
