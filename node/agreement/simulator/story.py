"""The story of a run, event by event, in words."""

from __future__ import annotations

from functools import singledispatch

from node.agreement.effects import (
    Attest,
    Broadcast,
    CancelCompare,
    CancelRender,
    Compare,
    Effect,
    Remember,
    Render,
    RoundDone,
    RoundStarted,
    Transmit,
    ViewChanged,
)
from node.agreement.memory import Memory
from node.agreement.messages import (
    NO_LOCK,
    Artwork,
    Attestation,
    Commit,
    Lock,
    Message,
    Observation,
    Prepare,
    Proposal,
    Timeout,
)


def describe(effect: Effect) -> str:
    """What a node does, and in which round."""
    key = getattr(effect, "key", None)
    return what(effect) if key is None else f"[{key.feed}/{key.checkpoint}] {what(effect)}"


@singledispatch
def what(effect: object) -> str:
    """One effect, or one message, in words."""
    return type(effect).__name__


@what.register
def _(effect: Broadcast) -> str:
    return f"says: {what(effect.message)}"


@what.register
def _(effect: Remember) -> str:
    return f"writes down: {what(effect.memory)}"


@what.register
def _(effect: Memory) -> str:
    parts = []
    if effect.left != NO_LOCK:
        parts.append(f"views up to {effect.left} left")
    if effect.prepared_view != NO_LOCK:
        parts.append(f"{short(effect.prepared_digest)} prepared in view {effect.prepared_view}")
    if effect.lock_view != NO_LOCK:
        parts.append(f"locked in view {effect.lock_view}")
    return ", ".join(parts) or "nothing"


@what.register
def _(effect: Attest) -> str:
    return f"signs report {short(effect.digest)} of view {effect.view}"


@what.register
def _(effect: Transmit) -> str:
    return f"holds a quorum's signatures over report {short(effect.digest)} of view {effect.view}"


@what.register
def _(effect: Render) -> str:
    return f"renders for view {effect.view}: answer {effect.answer}"


@what.register
def _(effect: CancelRender) -> str:
    return f"stops the render of view {effect.view}"


@what.register
def _(effect: Compare) -> str:
    return f"compares artwork {short(effect.root)} of view {effect.view} with its own"


@what.register
def _(effect: CancelCompare) -> str:
    return f"stops comparing in view {effect.view}"


@what.register
def _(_: RoundStarted) -> str:
    return "begins the round"


@what.register
def _(effect: ViewChanged) -> str:
    return f"enters view {effect.view}, led by node {effect.leader}"


@what.register
def _(effect: RoundDone) -> str:
    return "ends the round: landed" if effect.landed else "gives the round up for newer ones"


@what.register
def _(message: Observation) -> str:
    return f"I measured {message.answer}"


@what.register
def _(message: Proposal) -> str:
    if message.lock is not None:
        return f"for view {message.view} I propose the report locked in view {message.lock.view} again"
    return f"for view {message.view} I propose {len(message.observations)} observations"


@what.register
def _(message: Artwork) -> str:
    return f"my artwork of view {message.view} is {short(message.root)}"


@what.register
def _(message: Prepare) -> str:
    return f"I prepare report {short(message.digest)} in view {message.view}"


@what.register
def _(message: Commit) -> str:
    return f"I commit to report {short(message.digest)} in view {message.view}"


@what.register
def _(message: Lock) -> str:
    return f"a quorum prepared the report of view {message.origin} in view {message.view}"


@what.register
def _(message: Attestation) -> str:
    return f"my signature over a report of view {message.view} with root {short(message.content_root)}"


@what.register
def _(message: Timeout) -> str:
    if message.locked_view == NO_LOCK:
        return f"I want to leave view {message.view}, with no lock"
    locked = f"{short(message.locked_digest)} of view {message.locked_view}"
    return f"I want to leave view {message.view}, with a lock on {locked}"


def short(raw: bytes) -> str:
    """The first bytes, enough to tell digests apart."""
    return raw[:4].hex()


def headline(message: Message) -> str:
    """A message in words, with its round."""
    return f"[{message.feed}/{message.checkpoint}] {what(message)}"
