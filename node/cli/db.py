"""`patina db`: copy the journal while the node runs, put a copy back safely, migrate it, and say what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.lazy import Group
from node.cli.options import config_option, json_option
from node.cli.progress import Bar
from node.errors import JournalError

if TYPE_CHECKING:
    from node.config import Config
    from node.journal.backup.restore import Owner, Restored

MEANING = """\
This replaces the journal of the node in {folder}
by the backup {file}.

What the node has signed, promised, voted for and sent according to the journal that is there now stays in force; that
file is kept in {folder}/backups.
If it is lost, or knows less than the backup, the node signs nothing until you run: patina protection resolve"""


@click.group(cls=Group)
def db() -> None:
    """Back up, restore, migrate and examine the journal, the node's database."""


@db.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@config_option
@json_option
def backup(file: Path | None, config_path: Path, *, as_json: bool) -> None:
    """Copy the journal to FILE, a new file that only this user can read, while the node runs or not.

    Without FILE, or where FILE is a folder, the copy is named after schema and time; by default it goes to the folder
    `backups` beside the journal. The copy is the state of one moment, looked through from its first page to its last
    before it gets its name, and never replaces a file. It holds no key: back those up too.
    """
    from node.config import load
    from node.journal.backup.copy import back_up
    from node.journal.backup.keep import FOLDER, name

    config = load(config_path, check_files=False)
    quiet()
    journal = there(config)
    if file is None or file.is_dir():
        version = examine_quickly(journal)
        file = (config.node.directory / FOLDER if file is None else file) / name(version)
    with Bar("copying", unit="pages") as bar:
        found = back_up(journal, file, bar.at)
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": found.bytes, "schema": found.schema.version}))
    else:
        click.echo(f"{file}: {_size(found.bytes)}, schema {found.schema.version}, whole")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@json_option
def restore(file: Path, config_path: Path, *, yes: bool, as_json: bool) -> None:
    """Replace the journal by FILE, a backup of it, without forgetting anything that the key has signed.

    The node must be stopped. The journal that is there now is kept, and all that binds the key in it is merged into
    the restored one, so that nothing is signed twice. Where it is lost, damaged or older than FILE, what was signed
    after the backup is unknown: then the node signs nothing until `patina protection resolve`. Exit status 0 where the
    node can sign again at once, 1 where it cannot.
    """
    from node.config import load
    from node.journal.backup.restore import restore as put_back

    config = load(config_path, check_files=False)
    quiet()
    owner = _owner(config)
    if not yes:
        click.echo(MEANING.format(folder=config.node.directory, file=file), err=True)
        click.confirm("Restore it?", abort=True, err=True)
    done = put_back(
        config.node.directory, file, owner, lambda step: None if as_json else click.echo(f"{step} ...", err=True)
    )
    doubt = _doubt(config, owner)
    if as_json:
        click.echo(json.dumps(_told(done) | {"signs": not (doubt or done.retired), "doubt": doubt}, indent=2))
    else:
        _say(done, doubt)
    if doubt or done.retired:
        raise SystemExit(1)


@db.command()
@config_option
@json_option
def migrate(config_path: Path, *, as_json: bool) -> None:
    """Bring the journal to this software's schema, after keeping a backup of it; `patina run` does the same.

    The node must be stopped. Each step is whole or not done at all. The five newest backups from before migrations
    are kept, in the folder `backups` beside the journal.
    """
    from node.config import load
    from node.journal import Journal
    from node.journal.backup.examine import examine

    config = load(config_path, check_files=False)
    quiet()
    before = examine(there(config)).schema
    with Journal(config.node.directory) as journal:
        saved = journal.saved
    after = examine(there(config)).schema
    if as_json:
        told = {"from": before.version, "to": after.version, "steps": before.pending}
        click.echo(json.dumps(told | {"backup": None if saved is None else str(saved)}, indent=2))
    elif before.pending:
        click.echo(f"schema {before.version} is now {after.version}: {', '.join(before.pending)}")
        click.echo(f"the journal as it was: {saved}")
    else:
        click.echo(f"schema {after.version} is the newest that this software knows: nothing to do")


@db.command("status")
@click.option("--quick", is_flag=True, help="Look at the schema only, not through every page.")
@config_option
@json_option
def show(config_path: Path, *, quick: bool, as_json: bool) -> None:
    """Say what the journal is, whether it is whole, and which backups lie beside it; the node may run."""
    from node.config import load
    from node.journal.backup.keep import kept

    config = load(config_path, check_files=False)
    quiet()
    found = _looked_at(there(config), quick=quick)
    backups = [{"file": str(path), "bytes": path.stat().st_size} for path in kept(config.node.directory)]
    if as_json:
        click.echo(json.dumps({**found, "backups": backups}, indent=2))
        return
    for title, text in (
        ("journal", f"{found['file']}, {_size(found['bytes'])}{', whole' if found['whole'] else ''}"),
        ("network", found["network"] or "none yet: the node has never run"),
        ("key", found["signer"] or "none yet"),
        ("schema", found["schema"] + (", newer steps: " + ", ".join(found["pending"]) if found["pending"] else "")),
        ("rows", ", ".join(f"{name} {many:,}" for name, many in found["rows"].items() if many) or "none"),
    ):
        click.echo(f"{title:<9} {text}")
    if found["pending"]:
        click.echo("next      patina run, or patina db migrate, brings it up to date and keeps a backup")
    for place, one in enumerate(backups):
        click.echo(f"{'backups' if not place else '':<9} {one['file']}, {_size(int(str(one['bytes'])))}")


def quiet() -> None:
    """Let no log line stand between the lines that a person or a program reads."""
    from node.log.lines import configure

    configure("error", "human")


def there(config: Config) -> Path:
    """Return the journal's file.

    Raises:
        JournalError: there is none.
    """
    journal = config.node.directory / "journal.db"
    if not journal.exists():
        raise JournalError(
            f"there is no journal in {config.node.directory}: correct node.directory, or run the node once"
        )
    return journal


def examine_quickly(journal: Path) -> str:
    """Return the schema version of a journal, without looking through its pages."""
    return str(_looked_at(journal, quick=True)["schema"])


def _looked_at(journal: Path, *, quick: bool) -> dict[str, Any]:
    from contextlib import closing

    from node.journal.backup.examine import check_header, described, examine, open_read_only
    from node.journal.explained import explained

    check_header(journal)
    with explained(journal, "examine"), closing(open_read_only(journal)) as connection:
        found = described(connection, journal)
        tables = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '*sqlite_*' ORDER BY name"
            )
        ]
        # The names are those of the known schema: `described` has compared them.
        rows = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608
    if not quick:
        examine(journal)
    return {
        "file": str(journal),
        "bytes": found.bytes,
        "whole": True if not quick else None,
        "network": found.identity,
        "signer": found.signer,
        "schema": found.schema.version,
        "pending": list(found.schema.pending),
        "rows": rows,
    }


def _owner(config: Config) -> Owner:
    from node.journal.backup.restore import Owner
    from node.keys.signing import EthKeystore

    return Owner(config.chain.id, config.chain.oracle, EthKeystore(config.keys.signing_keystore).address)


def _doubt(config: Config, owner: Owner) -> str:
    """Why the restored journal signs nothing, the machine's own memory of the key included; empty where it does."""
    from node.journal import Journal
    from node.journal.safety.lock import state_directory
    from node.journal.safety.protection import explain
    from node.journal.safety.trail import Trail

    with Journal(config.node.directory, read_only=True) as journal:
        journal.protection.follow(Trail(state_directory(), owner.signer, owner.chain_id, owner.oracle))
        doubts = journal.protection.doubts()
    return explain(doubts) if doubts else ""


def _told(done: Restored) -> dict[str, Any]:
    merged = done.merged
    return {
        "journal": str(done.journal),
        "backup": {"file": str(done.backup.path), "schema": done.backup.schema.version},
        "replaced": None if done.aside is None else str(done.aside),
        "lost": done.lost or None,
        "merged": None if merged is None else {"rounds": merged.rounds, "closed": merged.closed, "marks": merged.marks},
        "transactions": done.transactions,
        "certain": done.certain,
        "retired": done.retired,
    }


def _say(done: Restored, doubt: str) -> None:
    click.echo(f"{done.journal}: restored from {done.backup.path} (schema {done.backup.schema.version})")
    if done.aside is not None:
        click.echo(f"the journal that was there: {done.aside}")
    if done.merged is not None:
        click.echo(
            f"taken over from it: {done.merged.rounds} rounds that the backup does not know, {done.merged.closed} of "
            f"them closed; {done.merged.marks} marks; {done.transactions} transactions"
        )
    else:
        click.echo(f"nothing could be taken over: {done.lost}")
    if done.retired:
        click.echo("this journal is retired and never signs again: its key has moved")
    elif doubt:
        click.echo(f"the node signs nothing: {doubt}")
        click.echo("next: make sure that no other copy of this node runs, then: patina protection resolve")
    else:
        click.echo("the node signs nothing that contradicts what this key has signed; start it: patina run")


def _size(count: int) -> str:
    """Bytes as a person reads them."""
    if count < 10_000:
        return f"{count} bytes"
    return f"{count / 1e3:,.0f} kB" if count < 10_000_000 else f"{count / 1e6:,.1f} MB"
