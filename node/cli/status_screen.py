"""The one screen of `patina status`: everything that an operator looks for first, in 80 columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from node.ages import age
from node.cli.screen import text
from node.errors import PatinaError

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

Figures = Mapping[str, Any]
_TRANSACTIONS = 4
_FEEDS = 12
_ROUNDS = 6
_WELL = ("ready", "not started", "starting", "stopped", "resting")
"""How the states begin of render workers that nothing is wrong with."""


def screen_of(figures: Figures, reasons: list[str], url: str) -> Group:
    """Return a node's figures as one screen for a person.

    Raises:
        PatinaError: figures are missing, or of other kinds than a node's.
    """
    from rich.console import Group

    try:
        return Group(*_screen(figures, reasons, url))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise PatinaError(
            f"the node at {url} gives other figures: is it of another version than this patina?"
        ) from None


def _screen(figures: Figures, reasons: list[str], url: str) -> Iterator[RenderableType]:
    from rich.table import Table

    yield _title(figures, reasons, url)
    for line in _seat(figures):
        yield text(line)
    if reasons:
        yield text("")
        yield _why_not(reasons)
    yield text("")
    grid = Table.grid(padding=(0, 2, 0, 0), expand=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    sections: tuple[tuple[str, Callable[[Figures], Iterator[Text]]], ...] = (
        ("chain", _chain),
        ("brokers", _brokers),
        ("peers", _peers),
        ("account", _account),
        ("stake", _stake),
        ("drawing", _drawing),
        ("disk", _disk),
    )
    for name, section in sections:
        for place, told in enumerate(section(figures)):
            grid.add_row("" if place else name, told)
    yield grid
    for table in (_feeds(figures), _rounds(figures), _transactions(figures)):
        if table is not None:
            yield text("")
            yield table


def _title(figures: Figures, reasons: list[str], url: str) -> Text:
    from rich.text import Text

    from node.status.reasons import explained

    meant = all(each.urgency == "info" for each in explained(reasons))
    state = (
        text(f"not ready: {', '.join(reasons)}", "yellow" if meant else "red") if reasons else text("ready", "green")
    )

    return Text.assemble(text(figures["name"], "bold"), "  ", state, "  ", text(_about(figures, url), "dim"))


def _about(figures: Figures, url: str) -> str:
    return url + (f"  up {age(figures['up_s'])}  patina {figures['version']}" if "up_s" in figures else "")


def _seat(figures: Figures) -> Iterator[str]:
    if figures["member"] is None:
        seat = f"standby: {figures['standby']}; committee of {figures['committee']}, quorum {figures['quorum']}"
    else:
        seat = f"seat {seat_of(figures['member'])} of {figures['committee']}, quorum {figures['quorum']}, "
        seat += figures["address"]
    yield seat
    for each in figures.get("previous_terms", ()):
        yield f"also seat {seat_of(each['member'])} of the committee before, with {each['rounds']} rounds to finish"


def seat_of(member: int) -> int:
    """The seat of a member as people count it; figures and events name members from 0, as the contract does."""
    return member + 1


def _why_not(reasons: list[str]) -> RenderableType:
    from rich.table import Table

    from node.status.reasons import explained

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for each in explained(reasons):
        style = {"critical": "bold red", "warning": "red"}.get(each.urgency, "yellow")
        if each.code == "standby":  # what it means stands in the line above
            grid.add_row(text(each.code, style), text(each.remedy, "dim"))
            continue
        grid.add_row(text(each.code, style), text(each.meaning))
        grid.add_row("", text(each.remedy, "dim"))
    return grid


def _chain(figures: Figures) -> Iterator[Text]:
    chain = figures["chain"]
    said = f"{chain['id']}: final {chain['final']}{_old(chain.get('final_time'))}, head {chain['head']}"
    endpoints = chain.get("endpoints", ())
    sound = [each for each in endpoints if not each["fault"]]
    if endpoints:
        said += f"; endpoints {len(sound)} of {len(endpoints)}"
    yield text(said)
    if chain["error"]:
        yield text(chain["error"], "red")
    for each in endpoints:
        if each["fault"]:
            yield text(f"endpoint {each['name']}: {each['fault']}", "yellow")


def _old(seconds: int | None) -> str:
    """How old a block is; nothing for clocks that are days apart, as a development chain's and this machine's."""
    since = 86_400.0 if seconds is None else time.time() - seconds
    return f" ({age(since)} old)" if 0 <= since < 86_400 else ""


def _brokers(figures: Figures) -> Iterator[Text]:
    brokers = figures["brokers"]
    if figures["member"] is None and not brokers["connected"]:
        yield text(f"none needed without a seat, {brokers['configured']} configured")
        return
    style = "red" if brokers["configured"] and not brokers["connected"] and figures["member"] is not None else ""
    yield text(f"{brokers['connected']} of {brokers['configured']} connected", style)
    for each in brokers.get("each", ()):
        if not each["connected"]:
            yield text(f"broker {each['broker']}: {each['error'] or 'not connected yet'}", "yellow")
    if figures["rounds"] and (voting := figures.get("voting", {})).get("silent_s", 0) >= 1:
        yield text(
            f"too few members heard for {voting['silent_s']:.0f} s while a round is open; "
            f"votes on chain after {voting['after_s']:.0f} s",
            "yellow",
        )


def _peers(figures: Figures) -> Iterator[Text]:
    others = [each for each in figures.get("peers", ()) if not each["own"]]
    if not others:
        return
    never = [each for each in others if each["heard_s"] is None]
    known = sorted((each for each in others if each["heard_s"] is not None), key=lambda each: float(each["heard_s"]))
    told = [f"{seat_of(each['member'])} ({age(each['heard_s'])} ago)" for each in known]
    if told:
        yield text(f"heard seat{'s' if len(told) > 1 else ''} " + ", ".join(told))
    if never:
        names = ", ".join(str(seat_of(each["member"])) for each in never)
        said = f"not heard since the start: seat{'s' if len(never) > 1 else ''} {names}"
        yield text(said, "yellow" if known else "dim")


def _account(figures: Figures) -> Iterator[Text]:
    from node.status.transactions import ether

    sender = figures.get("sender", {})
    if not sender:
        return
    held = "balance not read yet" if sender.get("balance") is None else f"{ether(int(sender['balance']))} ether"
    waiting = {state: many for state, many in sender.get("waiting", {}).items() if many}
    under_way = ", ".join(f"{many} {state}" for state, many in waiting.items()) or "no transaction under way"
    yield text(f"{held}; {under_way}")
    if sender.get("low_balance"):
        yield text("account {address} is nearly empty: {balance} wei".format_map(sender), "red")


def _stake(figures: Figures) -> Iterator[Text]:
    from node.staking.amounts import show_ether

    staking = figures.get("staking", {})
    own = staking.get("own")
    if own:
        unit = 10 ** min(int(own["token"]["decimals"]), 255)  # an ERC-20 has a uint8
        symbol = own["token"]["symbol"]
        said = f"{own['state']}, era {own['era']}"
        if "bond" in own:
            # Work is paid in the chain's coin, whatever is staked.
            said += f", bond {_amount(own['bond'], unit)} {symbol}, to claim {show_ether(int(own['claimable']))}"
            said += f", attended {own['reports_attended']} of {own['reports_due']}"
            if own["strikes"]:
                said += f", {own['strikes']} strikes"
        yield text(said, "red" if own["state"] in ("slashed", "suspended") else "")
    for each in staking.get("evidence", ()):
        what = text("YOUR KEY SIGNED TWICE", "bold red") if each["own"] else text("signed two reports")
        where = f"feed {each['feed']}, checkpoint {each['checkpoint']}, view {each['view']}"
        line = text(f"{each['signer']}: ").append_text(what)
        yield line.append_text(text(f", {where} ({each['state']}) {each['note']}"))


def _drawing(figures: Figures) -> Iterator[Text]:
    rendering = figures.get("rendering", {})
    well = [each for each in rendering.get("workers", ()) if str(each["state"]).startswith(_WELL)]
    workers = ", ".join(f"{each['place']} {each['state']}" for each in well)
    yield text(f"{figures['images_rendered']} images since the start" + (f"; {workers}" if workers else ""))
    for job in rendering.get("jobs", ()):
        yield text(f"drawing: {job['done']} of {job['of']} images, {job['per_second']} a second")
    for worker in rendering.get("workers", ()):
        if not str(worker["state"]).startswith(_WELL):
            yield text(f"render worker {worker['place']}: {worker['state']}", "yellow")
    if figures.get("artworks_missing"):
        yield text(f"{figures['artworks_missing']} artworks have landed that are not here yet", "yellow")


def _disk(figures: Figures) -> Iterator[Text]:
    disk = figures.get("disk")
    if isinstance(disk, Mapping) and isinstance(disk.get("free_bytes"), int):
        held = (disk.get("journal_bytes") or 0) + (disk.get("content_bytes") or 0)
        yield text(f"{held / 1e6:,.1f} MB held, {disk['free_bytes'] / 1e9:,.1f} GB free")


def _feeds(figures: Figures) -> Table | None:
    feeds = figures.get("feeds", ())
    if not feeds:
        return None
    table = _table("feed", "vault", "band", "answer", "next", "leaves it (points away)")
    # Those nearest to a threshold are what an operator wants to see where there are many.
    shown = sorted(sorted(feeds, key=_distance)[:_FEEDS], key=lambda each: int(each["id"]))
    for each in shown:
        table.add_row(
            text(each["id"]),
            text(_brief(each["vault"])),
            text(f"{each['band'] + 1} of {each['bands']}"),
            text(_answer(each)),
            text(each["next_checkpoint"]),
            text(_ways(each), "yellow" if any(int(one["distance"]) <= 0 for one in each["nearest"]) else ""),
        )
    if len(feeds) > len(shown):
        table.add_row("", text(f"and {len(feeds) - len(shown)} more", "dim"))
    return table


def _rounds(figures: Figures) -> Table | None:
    rounds = figures["rounds"]
    if not rounds:
        return None
    table = _table("round: feed", "checkpoint", "view", "leader", "phase", "observed", "signed")
    for each in rounds[:_ROUNDS]:
        cells = {**each, "leader": f"seat {seat_of(each['leader'])}" if "leader" in each else "-"}
        names = ("feed", "checkpoint", "view", "leader", "phase", "observations", "attestations")
        table.add_row(*(text(_count(cells.get(name, "-"))) for name in names))
    return table


def _transactions(figures: Figures) -> Table | None:
    rows = figures["transactions"][:_TRANSACTIONS]
    if not rows:
        return None
    waiting = any(each.get("waits_for") for each in rows)
    table = _table("transaction", "state", "nonce", "age", *(["waits for"] if waiting else []))
    for each in rows:
        state = each.get("state", "")
        style = {"final": "green", "mined": "green", "cancelled": "dim"}.get(state, "yellow")
        waits = str(each.get("waits_for") or "").partition(";")[0]
        table.add_row(
            text(each.get("for") or each["key"]),
            text(state, style),
            text("-" if each.get("nonce") is None else each["nonce"]),
            text(age(each.get("age_s"))),
            *([text(waits.removeprefix("waits ").removeprefix("for "))] if waiting else []),
        )
    return table


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _answer(feed: Figures) -> str:
    from node.explain.numbers import percent

    if feed["answer"] is None:
        return f"{feed['missing']} samples short"
    answer = int(feed["answer"])
    edges = [int(one["at"]) for one in feed["nearest"]]
    return ("+" if answer > 0 else "") + percent(answer, edges)


def _ways(feed: Figures) -> str:
    """The nearest way out: which threshold with its margin, and how far that is."""
    from node.explain.bands import distance
    from node.explain.numbers import signed

    told = []
    for one in feed["nearest"]:
        at, far = int(one["at"]), int(one["distance"])
        away = "due" if far < 0 or (far == 0 and one["up"]) else distance(far).replace(" points", "")
        told.append(f"{'at' if one['up'] else 'below'} {signed(at)} ({away})")
    return ", ".join(told) or "-"


def _distance(feed: Figures) -> int:
    return min((int(one["distance"]) for one in feed["nearest"]), default=10**30)


def _brief(address: str) -> str:
    return f"{address[:6]}..{address[-4:]}"


def _count(value: object) -> object:
    return len(value) if isinstance(value, list) else value


def _amount(base: str, unit: int) -> str:
    whole, rest = divmod(int(base), unit)
    return f"{whole:,}" + (f".{rest * 100 // unit:02d}" if rest * 100 // unit else "")
