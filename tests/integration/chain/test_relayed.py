"""Reports that reach the oracle through another contract."""

from __future__ import annotations

import json

import pytest
from eth_utils.address import to_checksum_address

from node.chain.interface import interface
from node.cli.report import describe, show
from tests.integration.chain.world import CADENCE, MEMBERS, OWNER, WAD, Oracle


def relay(oracle: Oracle) -> str:
    """A contract that passes every call on to the oracle."""
    # CALLDATACOPY all of it, CALL the oracle with it, STOP.
    runtime = bytes.fromhex("365f5f375f5f365f5f73" + oracle.address[2:] + "5af100")
    init = bytes([0x60, len(runtime), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3])
    return str(to_checksum_address(oracle.world.transact(OWNER, None, init + runtime).created))


async def test_report__relayed_through_a_contract__is_shown_without_its_proof(
    oracle: Oracle, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = oracle.reader()
    world = oracle.world
    checkpoint = -(-(world.chain.head.number + 4) // CADENCE) * CADENCE
    through = relay(oracle)
    world.chain.mine(checkpoint + 1 - world.chain.head.number)
    report = oracle.report(checkpoint, 15 * WAD // 1000)
    world.transact(OWNER, through, reader.transmit_calldata(report, 0b1011, oracle.signatures(report)))

    full = await reader.report(1, checkpoint)
    assert full.relayed
    assert not full.by_vote
    assert (full.report, full.signatures, full.ballots) == (None, (), ())
    assert full.signers == (MEMBERS[0].address, MEMBERS[1].address, MEMBERS[3].address)
    assert (full.landed.transmitter, full.landed.band) == (through, 1)
    assert full.gas_used > 60_000

    document = describe(full)
    assert json.loads(json.dumps(document))["relayed"] is True
    assert not {"typed_data", "signatures", "ballots"} & set(document)
    show(document)
    assert "its proof is not in this transaction's calldata" in capsys.readouterr().out

    # The oracle knows the committee before the one in force; of older ones, nobody can say from the bitmap who signed.
    members = [member.address for member in reversed(MEMBERS)]
    for generation, signers in ((9, full.signers), (19, ())):
        keys = [bytes([index + generation]) * 32 for index in range(4)]
        world.transact(OWNER, oracle.address, interface("StrategyOracle").encode("set_committee", members, keys))
        assert (await reader.report(1, checkpoint)).signers == signers
