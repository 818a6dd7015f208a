"""Who would be elected, what wins a seat, and what a joining operator has to do next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.staking.closing import closing_call
from node.staking.ledger import replay, seed
from node.staking.plan import (
    Step,
    View,
    elect,
    least_winning_bond,
    missing_candidates,
    next_step,
    place,
    slashed_shares,
)
from node.staking.types import Account, Node, Overview, Params, Record

PARAMS = Params(100, 3, 3_600, 86_400, 1_000, 1, 1, 1, 1_000, 5_000, 2, 2, 2)
ADDRESS = "0x" + "11" * 20


def node(number: int, bond: int, **changes: object) -> Node:
    plain = Node(
        number, ADDRESS, ADDRESS, ADDRESS, b"\1" * 32, bond, 0, bond >= 100, False, False, False, False, 0, 0, 0, 0
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def overview(**changes: object) -> Overview:
    plain = Overview(
        ADDRESS, ADDRESS, True, 3, 5_000, 1, b"d" * 32, b"s" * 32, b"s" * 32, b"s" * 32, 4_000, 0, (), PARAMS
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def view(own: Node | None, *others: Node, now: int = 4_500, members: tuple[int, ...] = (), **changes: object) -> View:
    nodes = tuple(each for each in ((own,) if own else ()) + others if each.candidate)
    account = Account(own, 0, 0, 0, 0, (), 0) if own else None
    return View(now, overview(**changes), nodes, members, account)


@given(
    st.lists(st.integers(min_value=100, max_value=110), min_size=0, max_size=8),
    st.integers(min_value=1, max_value=9),
)
def test_least_winning_bond__any_candidates__wins_and_one_less_does_not(bonds: list[int], own: int) -> None:
    ids = [number for number in range(1, 10) if number != own]
    others = [node(number, bond) for number, bond in zip(ids, bonds, strict=False)]
    least = least_winning_bond(others, PARAMS, own)
    assert own in elect([*others, node(own, least)], PARAMS)
    assert least == PARAMS.minimum or own not in elect([*others, node(own, least - 1)], PARAMS)
    # Whoever is yet to register loses every tie.
    assert least_winning_bond(others, PARAMS) >= least_winning_bond(others, PARAMS, 1)


def test_elect__more_than_seats__highest_bonds_in_ascending_order_and_ties_to_the_older() -> None:
    nodes = [node(1, 100), node(2, 300), node(3, 200), node(4, 200), node(5, 200)]
    assert elect(nodes, PARAMS) == (2, 3, 4)
    assert place(view(node(5, 200), *nodes[:4])) == 4


@pytest.mark.parametrize(
    ("found", "target", "step"),
    [
        (view(None), 100, Step.REGISTER),
        (view(node(1, 0)), 100, Step.BOND),
        (view(node(1, 120)), 150, Step.BOND),
        (view(node(1, 50)), 0, Step.BOND),
        (view(node(1, 150)), 150, Step.WAIT),
        (view(node(1, 150), now=5_000), 150, Step.ROTATE),
        (view(node(1, 150), members=(1, 2)), 150, Step.SEATED),
        (view(node(1, 150), members=(1, 2)), 160, Step.BOND),
        (view(node(1, 0, leaving=True, candidate=False)), 100, Step.REJOIN),
        (view(node(1, 150, suspended=True, suspended_in=3, candidate=False)), 100, Step.PAUSE),
        (view(node(1, 150, suspended=True, suspended_in=2, candidate=False)), 100, Step.REJOIN),
        (view(node(1, 150, candidate=False)), 100, Step.REJOIN),
        (view(node(99, 150, candidate=False), *(node(n, 150) for n in range(1, 65))), 100, Step.OUTBID),
        (view(node(99, 151, candidate=False), *(node(n, 150) for n in range(1, 65))), 100, Step.REJOIN),
    ],
)
def test_next_step__wherever_it_stands__is_one_thing(found: View, target: int, step: Step) -> None:
    assert next_step(found, target) is step


def test_missing_candidates__only_before_the_first_committee() -> None:
    assert missing_candidates(view(node(1, 150), number=0)) == 1
    assert missing_candidates(view(node(1, 150), number=7)) == 0


@given(st.integers(min_value=0, max_value=2**128), st.integers(min_value=0, max_value=5_000))
def test_slashed_shares__any_amount__sum_up(amount: int, share: int) -> None:
    reward, rest = slashed_shares(amount, replace(PARAMS, reporter_share=share))
    assert reward + rest == amount
    assert 0 <= reward <= amount


class Records:
    """A ledger whose records are known."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    async def records(self, settled: bytes, end: bytes, head: int) -> list[Record]:
        return self._records


@pytest.mark.parametrize(
    ("count", "walk", "what"),
    [
        (0, False, "end the era"),
        (3, False, "settle 3 reports and end the era"),
        (64, False, "settle 64 reports and end the era"),
        (65, False, "settle 1 of 65 reports"),
        (130, False, "settle 2 of 130 reports"),
        (5, True, "settle 5 reports"),
    ],
)
async def test_closing_call__as_many_as_wait__one_call_after_another(count: int, walk: bool, what: str) -> None:
    start = seed(1, ADDRESS)
    records = [Record(1, n, 1, 7, 7, ADDRESS, 50_000, 9) for n in range(count)]
    end = replay(start, records)
    head = b"h" * 32 if walk else end
    found = overview(settled=start, cursor=end, ledger=head, settled_until=0)
    call = await closing_call(found, Records(records), 9)  # type: ignore[arg-type]
    assert (call.what, call.rotates) == (what, "era" in what)


async def test_closing_call__oracle_obeys_another__ends_the_era_alone() -> None:
    call = await closing_call(overview(obeyed=False, ledger=b"x" * 32, settled_until=0), Records([]), 9)  # type: ignore[arg-type]
    assert call.what == "end the era"
