"""Feeds open on funded vaults with sound policies, and tell later what they were opened with."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WAD = 10**18
ZERO = "0x" + "00" * 20
FIELDS = ("cadence", "window", "lookback", "heartbeat", "hysteresis", "thresholds")


def test_open_feed__done__stores_everything(world: Any) -> None:
    vault, collection = world.vault(6, 1_234_567, 1), world.subscriber()
    policy = world.policy()
    feed = world.oracle.open_feed(vault.address, policy, collection.address, 3)
    (event,) = world.events("FeedOpened")
    assert feed == world.oracle.feed_count() == 1
    found = world.oracle.feed(feed)
    assert (found.vault, found.collection, found.edition) == (vault.address, collection.address, 3)
    assert (found.opener, found.opened_at) == (boa.env.eoa, boa.env.evm.patch.block_number)
    assert (found.basis, found.one_share, found.scale) == (1_234_567 * 10**12, 10**6, 10**12)
    assert (found.band, found.checkpoint, found.answer, found.updated_at, found.updated_block) == (0, 0, 0, 0, 0)
    assert tuple(world.oracle.policy(feed)) == policy
    assert (event.feed, event.vault, event.collection) == (feed, vault.address, collection.address)
    assert (event.edition, event.basis) == (3, found.basis)


POLICY = st.tuples(
    st.integers(1, 2**32 - 1),
    st.integers(0, 31).map(lambda i: 2 * i + 1),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.lists(st.integers(-(2**127), 2**127 - 1), max_size=15, unique=True).map(sorted),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policy=POLICY,
    edition=st.integers(0, 2**256 - 1),
    price=st.integers(1, 2**128),
    decimals=st.tuples(st.integers(0, 36), st.integers(0, 18)),
)
def test_open_feed__any_sound_policy__is_read_back(
    world: Any, policy: Any, edition: int, price: int, decimals: tuple[int, int]
) -> None:
    vault, asset = world.vault(decimals[0], price, 1), world.vault(decimals[1])
    vault.set_asset(asset.address)
    first = world.oracle.feed_count() + 1
    feed = world.oracle.open_feed(vault.address, policy, vault.address, edition)
    assert feed == first
    assert tuple(world.oracle.policy(feed)) == policy
    found = world.oracle.feed(feed)
    assert (found.edition, found.one_share, found.scale) == (edition, 10 ** decimals[0], 10 ** (18 - decimals[1]))
    assert found.basis == price * found.scale
    assert found.band == sum(threshold <= 0 for threshold in policy[5])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cadence": 0}, "terms: zero cadence"),
        ({"window": 0}, "terms: window not odd in 1..63"),
        ({"window": 2}, "terms: window not odd in 1..63"),
        ({"window": 62}, "terms: window not odd in 1..63"),
        ({"window": 65}, "terms: window not odd in 1..63"),
        ({"window": 255}, "terms: window not odd in 1..63"),
        ({"thresholds": [1, 1]}, "terms: thresholds not ascending"),
        ({"thresholds": [2, 1]}, "terms: thresholds not ascending"),
        ({"thresholds": [1, 2, 3, 3]}, "terms: thresholds not ascending"),
        ({"thresholds": [-1, -2]}, "terms: thresholds not ascending"),
    ],
)
def test_open_feed__unsound_policy__is_refused(world: Any, change: dict[str, Any], reason: str) -> None:
    with boa.reverts(reason):
        world.open(**change)
    assert world.oracle.feed_count() == 0


def test_open_feed__sixteen_thresholds__are_refused(world: Any) -> None:
    with boa.reverts():
        world.open(thresholds=list(range(16)))


def test_open_feed__no_thresholds__is_a_feed_of_one_band(world: Any) -> None:
    feed = world.open(thresholds=[])
    world.land(feed, WAD)
    world.land(feed, -WAD)
    assert world.oracle.band(feed) == 0


def test_incident__first_depositor_prices_an_empty_vault__empty_vault_is_refused(world: Any) -> None:
    """Venus wUSDM 2025, Resupply 2025: a donation to a vault without shares sets its price at will."""
    vault = world.vault(18, 10**36, 0)
    with boa.reverts("feeds: empty vault"):
        world.oracle.open_feed(vault.address, world.policy(), ZERO, 0)


def test_open_feed__worthless_shares__are_refused(world: Any) -> None:
    vault = world.vault(18, 0, WAD)
    with boa.reverts("feeds: worthless shares"):
        world.oracle.open_feed(vault.address, world.policy(), ZERO, 0)


def test_open_feed__asset_with_more_than_18_decimals__is_refused(world: Any) -> None:
    vault = world.vault(19)
    with boa.reverts("feeds: too many asset decimals"):
        world.oracle.open_feed(vault.address, world.policy(), ZERO, 0)


def test_open_feed__shares_with_more_than_36_decimals__are_refused(world: Any) -> None:
    vault = world.vault(37)
    vault.set_asset(world.vault(18).address)
    with boa.reverts("feeds: too many share decimals"):
        world.oracle.open_feed(vault.address, world.policy(), ZERO, 0)


def test_open_feed__account_without_code__is_no_vault_and_no_collection(world: Any) -> None:
    nobody = boa.env.generate_address()
    with boa.reverts("feeds: vault has no code"):
        world.oracle.open_feed(nobody, world.policy(), ZERO, 0)
    with boa.reverts("feeds: collection has no code"):
        world.oracle.open_feed(world.vault().address, world.policy(), nobody, 0)


def test_open_feed__stranger__is_refused_until_allowed(world: Any) -> None:
    artist, vault = boa.env.generate_address(), world.vault()
    with boa.reverts("oracle: not an opener"):
        world.oracle.open_feed(vault.address, world.policy(), ZERO, 0, sender=artist)
    world.oracle.set_opener(artist, True)
    (event,) = world.events("OpenerSet")
    assert (event.account, event.allowed) == (artist, True)
    feed = world.oracle.open_feed(vault.address, world.policy(), ZERO, 0, sender=artist)
    assert world.oracle.feed(feed).opener == artist
    world.oracle.set_opener(artist, False)
    with boa.reverts("oracle: not an opener"):
        world.oracle.open_feed(vault.address, world.policy(), ZERO, 0, sender=artist)


def test_set_opener__not_the_owner__is_refused(world: Any) -> None:
    stranger = boa.env.generate_address()
    with boa.reverts("ownable: caller is not the owner"):
        world.oracle.set_opener(stranger, True, sender=stranger)


@pytest.mark.parametrize("feed", [0, 2, 2**256 - 1])
def test_views__unknown_feed__revert(world: Any, feed: int) -> None:
    world.open()
    for read in ("feed", "policy", "band", "latest", "subscribers"):
        with boa.reverts("feeds: unknown feed"):
            getattr(world.oracle, read)(feed)


def test_terms__code__cannot_be_run_and_lies_where_the_id_says(world: Any) -> None:
    """EIP-1014: keccak256(0xff ++ oracle ++ id ++ keccak256(initcode))[12:]."""
    feed = world.open()
    selector = keccak(b"pending_terms()")[:4]
    initcode = bytes.fromhex("63") + selector + bytes.fromhex("5f525f5f6004601c335afa503d5f5f3e3d5ff3")
    oracle = bytes.fromhex(world.oracle.address[2:])
    place = keccak(b"\xff" + oracle + feed.to_bytes(32, "big") + keccak(initcode))[12:]
    code = bytes(boa.env.get_code("0x" + place.hex()))
    assert len(code) == 416
    assert code[0] == 0
    # an account that calls it gets nothing, and nothing happens
    assert boa.env.raw_call("0x" + place.hex(), data=b"\x12\x34").output == b""


def test_pending_terms__outside_an_opening__are_empty(world: Any) -> None:
    world.open()
    boa.env.evm.vm.state.clear_transient_storage()
    assert world.oracle.pending_terms() == [0] * 13


def test_subscribe__opener_or_owner_only(world: Any) -> None:
    artist, stranger = boa.env.generate_address(), boa.env.generate_address()
    world.oracle.set_opener(artist, True)
    feed = world.oracle.open_feed(world.vault().address, world.policy(), ZERO, 0, sender=artist)
    one, two = world.subscriber().address, world.subscriber().address
    with boa.reverts("oracle: not the opener"):
        world.oracle.subscribe(feed, one, sender=stranger)
    world.oracle.subscribe(feed, one, sender=artist)
    (event,) = world.events("Subscribed")
    assert (event.feed, event.subscriber) == (feed, one)
    world.oracle.subscribe(feed, two)
    with boa.reverts("oracle: not the opener"):
        world.oracle.unsubscribe(feed, one, sender=stranger)
    assert world.oracle.subscribers(feed) == [one, two]
    world.oracle.unsubscribe(feed, one, sender=artist)
    (event,) = world.events("Unsubscribed")
    assert (event.feed, event.subscriber) == (feed, one)
    assert world.oracle.subscribers(feed) == [two]


def test_subscribe__fifth_double_or_codeless__is_refused(world: Any) -> None:
    collection = world.subscriber()
    feed = world.open(collection.address, 1)
    others = [world.subscriber().address for _ in range(5)]
    for other in others[:3]:
        world.oracle.subscribe(feed, other)
    for double in (others[0], others[2], collection.address):
        with boa.reverts("feeds: already subscribed"):
            world.oracle.subscribe(feed, double)
    with boa.reverts("feeds: subscriber has no code"):
        world.oracle.subscribe(feed, boa.env.generate_address())
    world.oracle.subscribe(feed, others[3])
    with boa.reverts("feeds: too many subscribers"):
        world.oracle.subscribe(feed, others[4])
    assert world.oracle.subscribers(feed) == others[:4]


def test_unsubscribe__one_of_four__the_last_takes_its_place(world: Any) -> None:
    feed = world.open()
    others = [world.subscriber().address for _ in range(4)]
    for other in others:
        world.oracle.subscribe(feed, other)
    world.oracle.unsubscribe(feed, others[1])
    assert world.oracle.subscribers(feed) == [others[0], others[3], others[2]]
    with boa.reverts("feeds: not subscribed"):
        world.oracle.unsubscribe(feed, others[1])
    world.transmit(world.report(feed))
    assert [event.address for event in world.events("Heard")] == [others[0], others[3], others[2]]
    for other in (others[0], others[2], others[3]):
        world.oracle.unsubscribe(feed, other)
    assert world.oracle.subscribers(feed) == []


def test_subscribe__after_a_report__leaves_answer_and_band(world: Any) -> None:
    feed = world.open()
    world.land(feed, -WAD)
    before = world.oracle.feed(feed)
    subscriber = world.subscriber()
    world.oracle.subscribe(feed, subscriber.address)
    assert world.oracle.feed(feed) == before
    world.land(feed, WAD)
    assert world.oracle.subscribers(feed) == [subscriber.address]


def test_feeds__of_one_oracle__do_not_touch_each_other(world: Any) -> None:
    one, two = world.open(), world.open(thresholds=[5])
    before = world.oracle.feed(two)
    world.land(one, WAD)
    assert world.oracle.feed(two) == before
    assert world.oracle.policy(two).thresholds == [5]
