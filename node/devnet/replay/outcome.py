"""What a replay brought about: every landed report against what the history demands, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from node.content.metadata import percent
from node.devnet.replay.scene import Punishment, Row, as_json, tokens
from node.devnet.replay.track import Crossing, Track

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class LandedRow:
    """One report that landed during a replay. `row` counts from 0, `answer` is a wad, the rest as on chain.

    `signers` are nodes by their place in the replay, from 0, whatever their index in the committee of `config`.
    """

    feed: int
    title: str
    row: int
    label: str
    checkpoint: int
    block: int
    answer: int
    previous_band: int
    band: int
    config: str
    signers: tuple[int, ...]
    gas: int
    transaction: str
    token_uri_before: str
    token_uri_after: str

    @property
    def crossing(self) -> bool:
        """Whether it changed the band; what does not is a first painting or a heartbeat."""
        return self.band != self.previous_band


@dataclass(frozen=True)
class Outcome:
    """All that landed, and what is wrong with it: empty `faults` mean that the replay did what it must.

    `nodes` and `punishment` are there where seats were held by bonds.
    """

    rows: tuple[LandedRow, ...]
    faults: tuple[str, ...]
    checkpoints: int
    seconds: float
    nodes: tuple[Row, ...] = ()
    punishment: Punishment | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the table for programs: wads as decimal strings."""
        return {
            "reports": [{**asdict(row), "answer": str(row.answer), "crossing": row.crossing} for row in self.rows],
            "faults": list(self.faults),
            "checkpoints": self.checkpoints,
            "seconds": round(self.seconds, 1),
        } | (as_json(self.nodes, self.punishment) if self.nodes else {})


def compare(track: Track, expected: Sequence[Crossing], landed: Sequence[LandedRow]) -> list[str]:
    """Return every difference between the crossings that a history demands and those that landed."""
    wanted = {crossing.row: crossing for crossing in expected}
    found = {row.row: row for row in landed if row.crossing}
    faults = []
    for number, crossing in wanted.items():
        row = found.get(number)
        what = f"{track.title}, row {number + 1}: band {crossing.previous_band + 1} to {crossing.band + 1}"
        if row is None:
            faults.append(f"{what} did not land")
        elif (row.previous_band, row.band, row.answer) != (crossing.previous_band, crossing.band, crossing.answer):
            faults.append(
                f"{what} at {crossing.answer} was expected, {row.previous_band + 1} to {row.band + 1} at {row.answer}"
            )
    faults += [
        f"{track.title}, row {number + 1}: band {row.previous_band + 1} to {row.band + 1} landed, nothing was to change"
        for number, row in found.items()
        if number not in wanted
    ]
    faults += [
        f"{track.title}, row {row.row + 1}: band {row.previous_band + 1} to {row.band + 1} landed and repainted nothing"
        for row in landed
        if row.crossing and row.token_uri_before == row.token_uri_after
    ]
    paintings = [row for row in landed if row.token_uri_before != row.token_uri_after]
    if not paintings:
        faults.append(f"{track.title}: was never painted")
    repaints = {row.row for row in paintings[1:]}  # the first one paints what was revealed and never painted
    faults += [
        f"{track.title}, row {number + 1}: repainted without a crossing" for number in sorted(repaints - wanted.keys())
    ]
    return faults


def table(outcome: Outcome) -> Table:
    """Return the closing table for a terminal."""
    from rich.markup import escape
    from rich.table import Table

    shown = Table(title="What landed on chain", title_justify="left", pad_edge=False)
    for heading in ("feed", "when", "block", "answer", "band", "signers", "gas", "tokenURI before", "tokenURI after"):
        shown.add_column(heading, justify="right" if heading in ("block", "answer", "gas") else "left", no_wrap=True)
    for row in outcome.rows:
        shown.add_row(
            escape(f"{row.feed} {row.title}"),
            escape(row.label),
            str(row.block),
            percent(row.answer),
            f"{row.previous_band + 1} -> {row.band + 1}" if row.crossing else f"{row.band + 1} painted",
            " ".join(str(place + 1) for place in row.signers),
            f"{row.gas:,}",
            _short(row.token_uri_before),
            _short(row.token_uri_after),
        )
    return shown


def stakes(outcome: Outcome) -> Table:
    """Return how every node stands in the end, for a terminal."""
    from rich.markup import escape
    from rich.table import Table

    shown = Table(title="What the nodes hold", title_justify="left", pad_edge=False)
    for heading in ("node", "seat", "bond", "in this era", "earned", "gas repaid"):
        shown.add_column(heading, justify="left" if heading in ("node", "seat") else "right", no_wrap=True)
    for row in outcome.nodes:
        seat = "slashed" if row.slashed else "waits" if row.seat is None else str(row.seat + 1)
        shown.add_row(
            escape(row.node),
            seat,
            tokens(row.bond),
            f"{row.attended} of {row.due} reports" if row.due else "no report yet",
            f"{row.earned / 10**18:.6f}",
            f"{row.repaid / 10**18:.6f}",
        )
    return shown


def _short(uri: str) -> str:
    """A tokenURI with the middle of its CID left out; --json has it whole."""
    root, _, path = uri.removeprefix("ipfs://").partition("/")
    return f"ipfs://{root[:6]}..{root[-6:]}/{path}"
