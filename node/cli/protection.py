"""`patina protection`: carry what keeps this key from signing twice to another machine, and settle doubt about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.lazy import Group
from node.cli.options import config_option
from node.errors import JournalError

if TYPE_CHECKING:
    from node.config import Config
    from node.journal.safety.trail import Trail

RISK = """\
This gives up every round for a checkpoint up to {after}: the node takes no part in them, and signs from the next
checkpoint on. That is safe if, and only if,

  - no other copy of this node runs, here or anywhere else, and none will be started; and
  - the copy whose journal is missing has stopped before block {after} was made.

A node that signs twice loses its stake, and nothing on this machine can check the first point.
If the missing journal can still be had, import its protection instead."""


@click.group(cls=Group)
def protection() -> None:
    """Export, import and examine what keeps this key from signing twice."""


@protection.command()
@config_option
def show(config_path: Path) -> None:
    """Print what the journal knows of this key's signatures, and whether anything forbids it to sign."""
    from node.config import load
    from node.journal import Journal
    from node.journal.safety.protection import explain

    config = load(config_path, check_files=False)
    _there(config)
    with Journal(config.node.directory, read_only=True) as journal:
        guarded, last = journal.protection, journal.attestations.last(1)
        guarded.follow(_trail(config))
        click.echo(f"signer    {guarded.signer or 'none yet'}")
        click.echo(f"network   {journal.identity or 'none yet'}")
        held = "reports held" if guarded.marks() else "reports"
        click.echo(f"signed    {journal.attestations.count()} {held}" + _newest(last[0].checkpoint if last else None))
        click.echo(f"closed    {sum(1 for _ in guarded.all_closed())} rounds")
        if marks := guarded.marks():
            newest = _newest(max(marks.values()))
            click.echo(f"marks     {len(marks)}, up to which nothing is signed and nothing is kept{newest}")
        if guarded.floor >= 0:
            click.echo(f"floor     nothing is signed up to checkpoint {guarded.floor}")
        if guarded.retired:
            click.echo("retired   this journal never signs again")
        doubts = guarded.doubts()
        if doubts:
            click.echo(f"doubt     {explain(doubts)}; see: patina protection resolve --help")
            raise SystemExit(1)


@protection.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--retire", is_flag=True, help="Let this journal never sign again: the node moves away for good.")
@config_option
def export_protection(file: Path, config_path: Path, *, retire: bool) -> None:
    """Write everything that binds this key to FILE, a new file that only this user can read.

    The node must be stopped, and must not sign again before FILE is imported where it will run: what it signs after
    the export is not in FILE.
    """
    from node.config import load
    from node.journal import Journal
    from node.journal.safety.interchange import collect, newest, rounds_in
    from node.journal.safety.protection_file import write

    config = load(config_path, check_files=False)
    _there(config)
    with Journal(config.node.directory) as journal:
        document = collect(journal, config.chain.id, config.chain.oracle, _signer(config))
        write(file, document)
        if retire:
            journal.protection.retire()
    click.echo(f"{file}: {rounds_in(document)} rounds of {document.signer}" + _newest(newest(document.configurations)))
    if retire:
        click.echo("this journal is retired and never signs again")


@protection.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
def import_protection(file: Path, config_path: Path) -> None:
    """Take over what FILE says that this key is bound to, all of it or nothing.

    This only ever makes the node more careful: in every round of which FILE says anything that the journal does not
    hold the same way, nothing more is signed. The node must be stopped.
    """
    from node.config import load
    from node.journal import Journal
    from node.journal.safety.interchange import merge, rounds_in
    from node.journal.safety.protection import explain
    from node.journal.safety.protection_file import read

    config = load(config_path, check_files=False)
    document = read(file)
    with Journal(config.node.directory) as journal:
        merged = merge(journal, document, config.chain.id, config.chain.oracle, _signer(config))
        journal.protection.follow(_trail(config))
        doubts, floor, retired = journal.protection.doubts(), journal.protection.floor, journal.protection.retired
    click.echo(f"{file}: {rounds_in(document)} rounds, {merged.rounds} of them news; {merged.closed} were closed")
    if merged.marks:
        click.echo(f"{merged.marks} marks rose, up to which nothing is signed for a feed")
    if merged.floor_raised:
        click.echo(f"nothing is signed up to checkpoint {floor}")
    if retired:
        raise JournalError(f"the journal in {config.node.directory} is retired: import into a folder of its own")
    if doubts:
        click.echo(f"still nothing is signed: {explain(doubts)}")
        raise SystemExit(1)


@protection.command()
@click.option(
    "--after",
    type=click.IntRange(0, 2**63 - 1),
    help="Sign only for checkpoints after this block; without it, after the chain's newest.",
)
@click.option("--yes", is_flag=True, help="Do not ask: the risk is understood.")
@config_option
def resolve(config_path: Path, after: int | None, *, yes: bool) -> None:
    """Give up every round that a lost journal may have known, and sign from later checkpoints on.

    For a node that refuses to sign because its journal is older than what its key has signed, or whose operator
    knows that it is. Rounds are only ever held for final checkpoints, so the lost journal knew of none after the
    chain's newest block, if it was not in use any more. The node must be stopped.
    """
    import asyncio

    from node.config import load
    from node.journal import Journal

    config = load(config_path, check_files=False)
    signer = _signer(config)
    with Journal(config.node.directory) as journal:
        journal.bind(config.chain.id, config.chain.oracle)
        journal.protection.own(signer)
        if after is None:
            after = asyncio.run(newest_block(config))
        click.echo(RISK.format(after=after))
        if not yes:
            click.confirm("Sign again after it?", abort=True)
        raised = journal.protection.raise_floor(after)
        journal.protection.follow(_trail(config))
        floor, doubts = journal.protection.floor, journal.protection.doubts()
    click.echo(f"nothing is signed up to checkpoint {floor}" + ("" if raised else ", as before"))
    if doubts:
        latest = max(one.checkpoint for one in doubts)
        raise JournalError(f"--after {after} is too early: the key took part in the round of checkpoint {latest}")


async def newest_block(config: Config) -> int:
    """Return the highest block that any endpoint knows.

    Raises:
        ChainError: the chain cannot be read.
    """
    from node.chain import parse
    from node.chain.client import Chain
    from node.chain.endpoints.pool import RpcPool

    pool = RpcPool(config.chain.endpoints)
    try:
        chain = Chain(pool, config.chain.oracle, chain_id=config.chain.id, finality=config.chain.finality)
        await chain.chain_id()
        # One that lags must not make the floor lie too low; `head` holds back one that is implausibly far ahead.
        plausible = (await chain.head()).number + 100_000
        seen = await pool.each(lambda ask: ask("eth_blockNumber", []))
        heights = [parse.quantity(one, "the head") for one in seen]
        return max(one for one in [plausible - 100_000, *heights] if one <= plausible)
    finally:
        await pool.aclose()


def _there(config: Config) -> None:
    if not (config.node.directory / "journal.db").exists():
        raise JournalError(f"there is no journal in {config.node.directory}: correct node.directory")


def _signer(config: Config) -> str:
    from node.keys.signing import EthKeystore

    return EthKeystore(config.keys.signing_keystore).address


def _trail(config: Config) -> Trail:
    from node.journal.safety.lock import state_directory
    from node.journal.safety.trail import Trail

    return Trail(state_directory(), _signer(config), config.chain.id, config.chain.oracle)


def _newest(checkpoint: int | None) -> str:
    return "" if checkpoint is None else f", the newest for checkpoint {checkpoint}"
