"""Memory: what a machine keeps, whatever it is sent, is bounded by its committee and its open rounds."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from node.agreement.committee import Committee
from node.agreement.effects import Timing
from node.agreement.machine import MAX_ROUNDS_PER_FEED, Machine
from node.agreement.seat import Seat
from node.agreement.waiting import BYTES_PER_SENDER

_SHARED: Final = (type, Committee, Seat, Timing)
_LEAVES: Final = frozenset({bytes, int, str, float, bool, type(None)})
"""What consists of nothing else, and is most of it."""
BYTES_PER_ROUND: Final = 16 * 1024
"""What a round costs before anyone has said a thing."""
BYTES_PER_MEMBER: Final = 24 * 1024
"""What one member's messages of one round may cost: an observation, a Timeout, and the Prepares and signatures of
its latest views."""
BYTES_PER_PAIR: Final = 4 * 1024
"""What proposals and locks may cost: they carry a quorum's envelopes, and every member leads once in a while."""
OBJECTS: Final = 3
"""How many bytes Python takes for a byte of a waiting message: envelope, fields, and the places that they are in."""


def weigh(machine: Machine) -> int:
    """Every byte that the machine keeps, as Python counts them; what all nodes share is left out."""
    seen: set[int] = set()
    total, waiting = 0, list[object]([machine])
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        leaf = type(thing) in _LEAVES
        if not leaf and (callable(thing) or isinstance(thing, _SHARED)):
            continue
        seen.add(id(thing))
        total += sys.getsizeof(thing)
        if not leaf:
            waiting.extend(_parts(thing))
    return total


def _parts(thing: object) -> Iterable[object]:
    if isinstance(thing, Mapping):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, (list, tuple, set, frozenset)):
        return thing
    if isinstance(thing, msgspec.Struct):
        return [getattr(thing, name) for name in thing.__struct_fields__]
    found = [*getattr(thing, "__dict__", {}).values()]
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        found += [getattr(thing, name) for name in slots if hasattr(thing, name)]
    return found


def bound(nodes: int, feeds: int) -> int:
    """The most bytes that a machine of this committee may keep with this many feeds, whatever it is sent."""
    of_round = BYTES_PER_ROUND + nodes * BYTES_PER_MEMBER + nodes * nodes * BYTES_PER_PAIR
    return feeds * MAX_ROUNDS_PER_FEED * of_round + nodes * OBJECTS * BYTES_PER_SENDER
