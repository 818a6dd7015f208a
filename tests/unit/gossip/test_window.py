"""The replay window: what is remembered, what is too old, and how much memory that takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.agreement.messages import Observation, Opened, encode
from node.gossip.window import ENTRY, ReplayWindow

MEMBERS = 3
#: (feed, checkpoint or settled checkpoint, sender, whether it is a message or a settlement)
STEPS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 12), st.integers(0, MEMBERS - 1), st.booleans()), max_size=120
)


def opened(feed: int, checkpoint: int, sender: int) -> Opened:
    message = Observation(feed, checkpoint, bytes(32), sender, (1, 2))
    return Opened(sender, message, encode(message))


@given(STEPS)
def test_window__any_order_of_messages_and_settlements__knows_exactly_the_open_rounds(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    window = ReplayWindow(MEMBERS, budget=1 << 20)
    heard: dict[bytes, Opened] = {}
    over: dict[int, int] = {}
    for feed, checkpoint, sender, settles in steps:
        if settles:
            window.settled(feed, checkpoint)
            over[feed] = max(checkpoint, over.get(feed, -1))
        else:
            said = opened(feed, checkpoint, sender)
            assert window.current(said.message) == (checkpoint > over.get(feed, -1))
            window.remember(said)
            heard[said.raw] = said
    for raw, said in heard.items():
        still_open = said.message.checkpoint > over.get(said.message.feed, -1)
        known = window.known(raw)
        # What is over is gone; what is open is known, unless it was settled before it was ever heard.
        assert known is None or (known == said and still_open)
        assert not window.current(said.message) or known == said
    assert len(window) == sum(window.known(raw) is not None for raw in heard)


@given(STEPS, st.integers(1, 6))
def test_window__small_budget__bounded_per_member_and_the_newest_kept(
    steps: list[tuple[int, int, int, bool]], room: int
) -> None:
    entry = len(opened(1, 1, 0).raw) + ENTRY
    window = ReplayWindow(MEMBERS, budget=room * entry)
    order: list[list[bytes]] = [[] for _ in range(MEMBERS)]
    for feed, checkpoint, sender, _ in steps:
        said = opened(feed, checkpoint, sender)
        if window.known(said.raw) is None:
            order[sender] = [raw for raw in order[sender] if raw != said.raw] + [said.raw]
        window.remember(said)
    for each in order:
        kept = [raw for raw in each if window.known(raw) is not None]
        assert kept == each[-room:]
    assert window.size == sum(len(raw) + ENTRY for each in order for raw in each[-room:])


def test_window__everything_settled__nothing_left_behind() -> None:
    window = ReplayWindow(MEMBERS)
    for feed in range(50):
        for checkpoint in range(1, 5):
            for sender in range(MEMBERS):
                window.remember(opened(feed, checkpoint, sender))
    assert len(window) == 50 * 4 * MEMBERS
    for feed in range(50):
        window.settled(feed, 4)
    assert (len(window), window.size, window._of_feed) == (0, 0, {})
