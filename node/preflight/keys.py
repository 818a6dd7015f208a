"""Looks at the keys: whether they open as the node opens them, who else uses them, and whether the chain has them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from node.config.values import is_there
from node.errors import KeyFileError, RevertError
from node.keys.secrets import check_private
from node.preflight.finding import UnknownError
from node.preflight.locks import holder_of
from node.preflight.once import in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from node.keys.secrets import Secret
    from node.preflight.facts import Facts, Kind
    from node.preflight.finding import Notes


async def check(facts: Facts, notes: Notes) -> None:
    """Note both keys, the lock on the signing key, and what the chain has registered."""
    keys = facts.config.keys
    await _check_opens(facts, notes, "signing", keys.signing_keystore)
    await _check_opens(facts, notes, "transport", keys.transport_key)
    _check_use(facts, notes)
    with notes.needing("keys.registered"):
        await _check_registered(facts, notes)


async def _check_opens(facts: Facts, notes: Notes, kind: Kind, path: Path) -> None:
    code = f"keys.{kind}"
    if not await in_thread(lambda: is_there(path)):
        notes.fault(code, f"there is no key at {path}", remedy="make one with: patina keys new, or restore a backup")
        return
    try:
        check_private(path)
        password = facts.password(kind)
    except KeyFileError as error:
        notes.skip(code, f"the node refuses the file or its password file: {error}")
        return
    if password is None:
        known = ""
        with suppress(UnknownError):
            known = f"{_public(facts, kind)}: "
        notes.skip(
            code, f"{known}no password is kept anywhere, the node asks for it at its start; run this at a terminal"
        )
        return
    try:
        # Away from the loop: a keystore takes about a second and 256 MiB to open.
        shown = await in_thread(lambda: _open(kind, path, password))
    except KeyFileError as error:
        notes.fault(code, str(error))
    else:
        notes.ok(code, shown)


def _open(kind: Kind, path: Path, password: Secret) -> str:
    from node.keys.signing import EthKeystore
    from node.keys.transport import TransportKeyFile, public_bytes

    if kind == "signing":
        return EthKeystore(path).unlock(password).address
    return "0x" + public_bytes(TransportKeyFile(path).unlock(password)).hex()


def _public(facts: Facts, kind: Kind) -> str:
    return facts.address if kind == "signing" else "0x" + facts.transport_key.hex()


def _check_use(facts: Facts, notes: Notes) -> None:
    from node.journal.safety.lock import runtime_directories

    with notes.needing("keys.use"):
        name = f"{facts.address.lower()}.lock"
        holders = [found for place in runtime_directories() if (found := holder_of(place / name))]
        # The same process holds this folder's journal, or its lock names this folder: paths may be spelt in two ways.
        here = facts.config.node.directory
        own = f"{facts.running}," if facts.running else "no process"
        elsewhere = [one for one in holders if not (one.startswith(own) or one.endswith(f"from {here}"))]
        if elsewhere:
            notes.fault("keys.use", f"in use by {elsewhere[0]}")
        elif holders:
            notes.ok("keys.use", f"in use by the node that runs here ({facts.running or holders[0]})")
        else:
            notes.ok("keys.use", "no process of this user uses it")


async def _check_registered(facts: Facts, notes: Notes) -> None:
    """What the committee in force and the staking contract have for this node, held against the files here."""
    code = "keys.registered"
    address, transport = facts.address, facts.transport_key
    network = await facts.network.get()
    committee = (await network.installed.get()).committee
    seated = None
    if committee is not None and address in committee.signers:
        seated = committee.transport_keys[committee.signers.index(address)]
    try:
        view = await network.view.get()
    except RevertError:
        view = None
    if view is not None and view.account is not None:
        node = view.account.node
        if node.signer != address:
            notes.fault(code, f"node {node.id} has replaced the signing address {address} by {node.signer}")
        elif node.transport_key != transport:
            notes.fault(
                code, f"node {node.id} has the transport key 0x{node.transport_key.hex()}, here is 0x{transport.hex()}"
            )
        elif seated not in (None, transport):
            notes.warn(
                code,
                f"node {node.id} has both keys, but its seat still has the transport key 0x{seated.hex()}",
                remedy="keep the old transport key until the next rotation, which takes up the new one",
            )
        else:
            notes.ok(code, f"both are node {node.id}'s on the staking contract")
    elif seated is not None:
        told = f"seat {committee.signers.index(address) + 1}" if committee is not None else ""
        notes.judge(
            code,
            seated == transport,
            f"both are those of {told}"
            if seated == transport
            else f"{told} has the transport key 0x{seated.hex()}, here is 0x{transport.hex()}",
            remedy="restore the registered transport key, or have the committee's owner take in the new one",
        )
    elif committee is not None and transport in committee.transport_keys:
        other = committee.signers[committee.transport_keys.index(transport)]
        notes.fault(code, f"the transport key is registered with the signing address {other}, here is {address}")
    else:
        notes.skip(code, "neither key is registered yet: patina join, or the committee's owner, does that")
