"""Whole rounds over real brokers: machines, envelopes, signatures and MQTT together."""

from __future__ import annotations

import asyncio

import pytest

from node.devnet.broker import serve_broker
from tests.integration.gossip.driver import Driver, round_of, seated


@pytest.mark.parametrize("absent", range(4))
async def test_round__one_node_absent__the_others_certify(absent: int) -> None:
    async with serve_broker() as broker:
        drivers = [Driver(index, [broker.url]) for index in range(4) if index != absent]
        async with seated(*drivers):
            await round_of(drivers, 10)


async def test_incident__garbage_signatures_and_brokers_killed_mid_round__certified_all_the_same(spawn) -> None:
    first, second = await spawn(), await spawn()
    urls = [first.url, second.url]
    drivers = [Driver(index, urls, None if index else lambda digest: b"\x01" * 64) for index in range(4)]
    async with seated(*drivers), asyncio.timeout(60):
        for driver in drivers:
            await driver.gossip.wait_connected(2)
        await first.kill()
        for driver in drivers[:3]:
            await driver.begin(10)
        await second.kill()
        # Two honest nodes cannot have certified: the third begins when no broker is left.
        assert all(driver.transmitted.empty() for driver in drivers)
        await drivers[3].begin(10)
        await spawn(first.port)
        for driver in drivers:
            await driver.certified(10)


async def test_round__one_of_two_brokers_comes_and_goes__every_checkpoint_certified(spawn) -> None:
    lasting, fickle = await spawn(), await spawn()
    drivers = [Driver(index, [fickle.url, lasting.url]) for index in range(4)]
    async with seated(*drivers), asyncio.timeout(60):
        for driver in drivers:
            await driver.gossip.wait_connected(2)
        for checkpoint in (10, 20, 30, 40):
            if checkpoint % 20:
                await fickle.kill()
            else:
                fickle = await spawn(fickle.port)
            await round_of(drivers, checkpoint)
            for driver in drivers:
                await driver.land(checkpoint)
                assert driver.gossip.silent_for() == 0
                assert len(driver.verifier.window) == 0
