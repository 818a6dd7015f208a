"""A report of a quorum takes effect, and tells what it did."""

from __future__ import annotations


def test_transmit__good_report__sets_answer_and_band(world) -> None:
    feed = world.open()
    report = world.report(feed)
    assert world.oracle.report_digest(report.abi) == world.seats.digest(report)
    assert world.oracle.config_digest() == world.seats.config_digest
    assert world.oracle.committee() == (world.seats.addresses, world.seats.transport)
    world.transmit(report)
    print(world.oracle.feed(feed), world.oracle.policy(feed), world.oracle._computation.get_gas_used())
