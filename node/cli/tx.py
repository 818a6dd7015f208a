"""`patina tx`: the node's transactions, read from its journal beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.lazy import Group
from node.cli.options import config_option, json_option
from node.errors import JournalError, PatinaError, printable

if TYPE_CHECKING:
    from node.journal import Journal, TransactionRow
    from node.status.transactions import Described

STATES = ("queued", "signed", "sent", "mined", "final", "cancelled")


@click.group(cls=Group)
def tx() -> None:
    """List this node's transactions, and say what one that is stuck waits for.

    Read from the journal, while the node runs or not; nothing is sent and no endpoint is asked. A node sees each
    transaction through by itself: it hands it in again every 15 s, replaces it at higher fees after
    transmit.resend_after_ms up to transmit.max_fee_gwei, turns one that would revert into an empty one, and fills gaps
    in its nonces. What is left to you: money on the account, and a higher transmit.max_fee_gwei (restart the node).
    """


@tx.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([*STATES, "open"]),
    help="Only those in this state; open: all that are not over. May be given again.",
)
@click.option("-n", "--last", "count", type=click.IntRange(1, 2_000), default=20, show_default=True, help="How many.")
@config_option
@json_option
def list_transactions(states: tuple[str, ...], count: int, config_path: Path, *, as_json: bool) -> None:
    """List the newest transactions: what for, state, nonce, age, gas, cost, hash.

    `up to` marks what one that is not mined costs at the worst. Exit status 0, whatever their states.
    """
    wanted = set(states) - {"open"} | (set(STATES[:4]) if "open" in states else set())
    found = _described(config_path, lambda journal: _rows(journal, wanted, count))
    if as_json:
        click.echo(json.dumps([one.document() for one in found], indent=2))
    elif found:
        _table(found)
    else:
        click.echo("no transactions" + (f" that are {' or '.join(states)}" if states else " yet"))


@tx.command()
@click.argument("which", metavar="KEY|HASH|NONCE")
@config_option
@json_option
def show(which: str, config_path: Path, *, as_json: bool) -> None:
    """Show one transaction with all its attempts, by its key, its hash or the beginning of one, or its nonce."""
    found = _described(config_path, lambda journal: _find(journal, which))
    if as_json:
        click.echo(json.dumps(_full(found[0]), indent=2))
    else:
        _show(found[0])


def _described(config_path: Path, choose: Callable[[Journal], list[TransactionRow]]) -> list[Described]:
    from node.cli.db import quiet, there
    from node.config import load
    from node.journal import Journal
    from node.settings import fees
    from node.status.transactions import describe

    config = load(config_path, check_files=False)
    quiet()
    _check_schema(there(config))
    with Journal(config.node.directory, read_only=True) as journal:
        return describe(journal, choose(journal), fees(config), time.time())


def _check_schema(path: Path) -> None:
    """Raise JournalError where a journal's columns are not yet those that are read."""
    from contextlib import closing

    from node.journal.backup.examine import check_header, described, open_read_only
    from node.journal.explained import explained

    check_header(path)
    with explained(path, "read"), closing(open_read_only(path)) as connection:
        pending = described(connection, path).schema.pending
    if pending:
        raise JournalError(f"{path}: its schema is older than this software: run patina db migrate, or start the node")


def _rows(journal: Journal, states: set[str], count: int) -> list[TransactionRow]:
    """The newest first; where nothing was asked for, all that are not over whatever their age, and then the newest."""
    rows = journal.transactions.last(1 << 31)
    if states:
        return [row for row in rows if row.state in states][:count]
    return [row for place, row in enumerate(rows) if place < count or row.state in STATES[:4]]


def _find(journal: Journal, which: str) -> list[TransactionRow]:
    rows = journal.transactions.last(1 << 31)
    exact = [row for row in rows if row.key == which]
    if exact:
        return exact
    if which.isascii() and which.isdigit():
        found = [row for row in rows if row.nonce == int(which)]
    else:
        start = which.lower().removeprefix("0x")
        if len(start) < 4:
            raise PatinaError(f"{printable(which)!r}: give a whole key, a nonce, or at least 4 digits of a hash")
        found = [
            row
            for row in rows
            if any(one.tx_hash.hex().startswith(start) for one in journal.transactions.attempts(row.id))
            or (row.tx_hash is not None and row.tx_hash.hex().startswith(start))
        ]
    if not found:
        raise PatinaError(f"the journal holds no transaction {printable(which)!r}: patina tx list shows those it holds")
    if len(found) > 1:
        raise PatinaError(f"{printable(which)!r} fits {len(found)} transactions: give more of it")
    return found


def _table(found: list[Described]) -> None:
    from rich.console import Group
    from rich.table import Table

    from node.cli.screen import show, text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name, right in (("state", False), ("nonce", True), ("age", True), ("gas", True), ("ether", True)):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    table.add_column("for", overflow="fold")
    table.add_column("hash", no_wrap=True, min_width=10)
    for one in found:
        row = one.row
        table.add_row(
            text(one.outcome, _style(one)),
            text("-" if row.nonce is None else str(row.nonce)),
            text(_age(one)),
            text(f"{row.gas_used if row.gas_used is not None else row.gas:,}"),
            text(_cost(one)),
            text(one.purpose),
            text("-" if one.tx_hash is None else "0x" + one.tx_hash.hex()[:8], "dim"),
        )
    stuck = [text(f"{one.purpose}: {one.waits}", "yellow") for one in found if one.waits]
    show(Group(table, *([text("")] if stuck else []), *stuck))


def _show(one: Described) -> None:
    from node.status.transactions import ether, gwei

    row, found = one.row, one.tx_hash
    lines = [
        ("for", one.purpose),
        ("key", row.key),
        ("state", one.outcome + (f" in block {row.block_number}" if row.block_number is not None else "")),
        ("why", printable(row.note) if row.note else ""),
        ("waits", one.waits),
        ("queued", f"{_age(one)} ago" if one.age is not None else "not known: by an older version"),
        ("from", row.sender),
        ("to", row.recipient),
        ("nonce", "none yet" if row.nonce is None else str(row.nonce)),
        ("value", f"{ether(row.value)} ether" if row.value else ""),
        ("gas", f"limit {row.gas:,}" + (f", used {row.gas_used:,}" if row.gas_used is not None else "")),
        ("cost", _cost(one) + " ether" + (f", {gwei(row.gas_price)} gwei a gas" if row.gas_price else "")),
        ("hash", "none yet" if found is None else "0x" + found.hex()),
    ]
    for name, said in lines:
        if said:
            click.echo(f"{name:<9}{said}")
    for place, attempt in enumerate(one.attempts, 1):
        kind = "empty" if attempt.empty else "the call"
        taken = "taken by an endpoint" if attempt.taken else "taken by none yet"
        fee = f"up to {gwei(attempt.max_fee)} gwei, {gwei(attempt.priority_fee)} of it for the builder"
        click.echo(f"{'attempt' if place == 1 else '':<9}{place}: 0x{attempt.tx_hash.hex()}")
        click.echo(f"{'':<12}{kind}, {fee}, {taken}")


def _full(one: Described) -> dict[str, object]:
    attempts = [
        {
            "hash": "0x" + attempt.tx_hash.hex(),
            "max_fee": str(attempt.max_fee),
            "priority_fee": str(attempt.priority_fee),
            "empty": attempt.empty,
            "taken": attempt.taken,
            "signed_at": attempt.signed_at,
        }
        for attempt in one.attempts
    ]
    calldata = "0x" + one.row.calldata.hex()
    return {**one.document(), "from": one.row.sender, "calldata": calldata, "attempts": attempts}


def _age(one: Described) -> str:
    from node.ages import age

    return age(one.age)


def _cost(one: Described) -> str:
    from node.status.transactions import ether

    if one.paid is not None:
        return ether(one.paid)
    return "-" if one.most is None or not one.waits else f"up to {ether(one.most)}"


def _style(one: Described) -> str:
    if one.row.succeeded is False:
        return "red"
    return {"final": "green", "mined": "green", "cancelled": "dim"}.get(one.row.state, "yellow")
