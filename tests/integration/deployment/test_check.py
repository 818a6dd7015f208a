"""A deployment held against a chain where all is well, and where one thing or another is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from eth_utils.crypto import keccak

from node.chain.endpoints.pool import PoolSettings, RpcPool
from node.chain.failures import MissingError, RpcError
from node.chain.interface import artifact
from node.chain.types import NOBODY
from node.deployment.check import check
from node.deployment.file import SOURCES, load
from node.deployment.findings import Finding, Findings, Verdict
from node.devnet.evm.chain import DevnetChain
from node.devnet.genesis import dev_account
from node.devnet.rpc.server import DevnetServer
from node.devnet.settings import ChainSettings
from node.errors import ChainError, RevertError
from node.keys.address import checksum_address
from node.keys.signing import LocalSigner

pytestmark = pytest.mark.asyncio(loop_scope="module")
STRANGER = checksum_address("0x" + "ab" * 20)
OTHER = LocalSigner(bytes(dev_account(ChainSettings().seed, 1).key))


def named(faults: list[Finding]) -> list[tuple[str, str]]:
    assert all(one.remedy for one in faults)
    return [(one.subject, one.what) for one in faults]


async def test_check__as_deployed__holds_and_tells_every_immutable(network: Any) -> None:
    found = await network.check()
    assert [one for one in found.found if one.verdict is not Verdict.OK] == []
    assert found.hold
    told = {(one.subject, one.what): one.detail for one in found.found}
    contracts = network.document["contracts"]
    for name, source in SOURCES.items():
        layout = artifact(source)["immutables"]
        assert {what for subject, what in told if subject == name and what.startswith("immutable")} == {
            f"immutable {immutable}" for immutable in layout
        }
    assert told["staking", "immutable rules.ORACLE"] == contracts["oracle"]["address"]
    assert told["staking", "immutable rules.SLASH_RECEIVER"] == "0x000000000000000000000000000000000000dEaD"
    assert "seats 4, era 7200" in told["staking", "immutable rules.PARAMS"]
    assert told["collection", "immutable erc721.symbol"] == "WTHR"
    assert told["oracle", "config digest"].startswith("none")
    assert f"block {contracts['staking']['block']}," in told["staking", "creation"]


async def test_check__committee_without_staking__holds_by_its_config_digest(network: Any) -> None:
    with network.undone():
        oracle = network.create("oracle")
        keys = [bytes([1]) * 32, bytes([2]) * 32]
        signers = [network.document["owner"], STRANGER]
        network.call("StrategyOracle", oracle["address"], "set_committee", signers, keys)
        document = network.told(contracts={"oracle": oracle}) | {
            "committee": {"signers": signers, "transport_keys": ["0x" + key.hex() for key in keys]},
        }
        from node.agreement.committee import Committee

        digest = Committee(document["chain_id"], oracle["address"], signers, keys).config_digest
        document["config_digest"] = "0x" + digest.hex()
        assert await network.faults(document) == []
        network.call("StrategyOracle", oracle["address"], "set_committee", signers[::-1], keys)
        assert named(await network.faults(document)) == [("oracle", "config digest")]
        document["config_digest"] = None
        assert named(await network.faults(document)) == [("oracle", "config digest")]


async def test_check__other_code__is_named_with_the_first_byte_that_differs(network: Any) -> None:
    with network.undone():
        code = bytearray(network.code(network.document["contracts"]["oracle"]["address"]))
        code[1_000] ^= 1
        other = network.create_raw("StrategyOracle", bytes(code))
        faults = await network.faults(network.told(oracle=other))
        assert ("oracle", "code") in named(faults)
        code_fault = next(one for one in faults if (one.subject, one.what) == ("oracle", "code"))
        assert f"differs from StrategyOracle in 1 of {len(code)} bytes, the first at 1000" in code_fault.detail
        # Nothing that the other code answers is taken for true.
        assert ("oracle", "state") in named(faults)
        assert ("staking", "oracle()") in named(faults)


async def test_check__other_immutable__is_named_with_what_it_is(network: Any) -> None:
    with network.undone():
        entry = network.document["contracts"]["collection"]
        code = bytearray(network.code(entry["address"]))
        offset, _ = artifact("DynamicCollection")["immutables"]["ORACLE"]
        begin = artifact("DynamicCollection")["runtime"][1] + offset
        code[begin : begin + 32] = bytes.fromhex(STRANGER[2:]).rjust(32, b"\0")
        other = network.create_raw("DynamicCollection", bytes(code)) | {"arguments": entry["arguments"]}
        faults = {(one.subject, one.what): one.detail for one in await network.faults(network.told(collection=other))}
        oracle = entry["arguments"]["oracle_"]
        assert faults["collection", "immutable ORACLE"] == f"is {STRANGER}, has to be {oracle}"
        # Those that hold the contract's own address differ too; code and other immutables do not.
        assert ("collection", "immutable erc721.eip712_domain_separator._CACHED_SELF") in faults
        assert ("collection", "code") not in faults
        assert ("collection", "immutable erc721.name") not in faults
        assert ("collection", "arguments") in faults


async def test_check__bytes_behind_the_immutables__are_named(network: Any) -> None:
    with network.undone():
        entry = network.document["contracts"]["stake_token"]
        other = network.create_raw("TestToken", network.code(entry["address"]) + b"\0")
        faults = await network.faults(network.told(stake_token=other | {"arguments": entry["arguments"]}))
        assert "bytes of immutables behind its code" in next(one for one in faults if one.what == "code").detail


@pytest.mark.parametrize("name", ["oracle", "collection", "stake_token"])
async def test_check__other_owner__is_named(network: Any, name: str) -> None:
    with network.undone():
        address = network.document["contracts"][name]["address"]
        network.call(SOURCES[name], address, "transfer_ownership", OTHER.address)
        if name == "stake_token":
            faults = await network.faults()
        else:
            # One that is only announced does not change the owner, and is told.
            found = await network.check()
            detail = next(one.detail for one in found.found if (one.subject, one.what) == (name, "owner"))
            assert found.hold
            assert detail.endswith(f"{OTHER.address} may take over at any time")
            network.call(SOURCES[name], address, "accept_ownership", signer=OTHER)
            faults = await network.faults()
        assert named(faults) == [(name, "owner")]
        assert faults[0].detail == f"{OTHER.address}, the file says {network.document['owner']}"


async def test_check__staking_not_attached__is_named(network: Any) -> None:
    with network.undone():
        network.call("StrategyOracle", network.document["contracts"]["oracle"]["address"], "set_staking", NOBODY)
        faults = await network.faults()
        assert named(faults) == [("oracle", "staking()")]
        assert faults[0].detail == "obeys nobody, the file says the staking contract"
        assert "set_staking" in faults[0].remedy


async def test_check__other_staking_attached__is_named(network: Any) -> None:
    with network.undone():
        told = network.document["contracts"]["staking"]["arguments"]
        other = network.create("staking", **told)["address"]
        network.call("StrategyOracle", network.document["contracts"]["oracle"]["address"], "set_staking", other)
        faults = await network.faults()
        assert named(faults) == [("oracle", "staking()")]
        assert other in faults[0].detail


async def test_check__staking_of_another_oracle__is_named(network: Any) -> None:
    with network.undone():
        oracle = network.create("oracle")
        told = network.document["contracts"]["staking"]["arguments"]
        other = network.create("staking", **{**told, "oracle": oracle["address"]})
        network.call(
            "StrategyOracle", network.document["contracts"]["oracle"]["address"], "set_staking", other["address"]
        )
        # A file that owns up to it is caught by what the contracts are to each other.
        assert named(await network.faults(network.told(staking=other))) == [("staking", "oracle()")]
        lying = other | {"arguments": told}
        faults = named(await network.faults(network.told(staking=lying)))
        assert {("staking", "immutable rules.ORACLE"), ("staking", "arguments")} <= set(faults)


async def test_check__other_rules_than_the_file__are_named(network: Any) -> None:
    entry = network.document["contracts"]["staking"]
    params = entry["arguments"]["params"] | {"delay": "86400", "seats": "5"}
    lying = entry | {"arguments": entry["arguments"] | {"params": params}}
    faults = {(one.subject, one.what): one.detail for one in await network.faults(network.told(staking=lying))}
    wanted = "seats is 4, the file says 5; delay is 1209600, the file says 86400"
    assert faults["staking", "immutable rules.PARAMS"] == wanted
    assert ("staking", "arguments") in faults


async def test_check__guardian_handed_on__holds_and_is_told(network: Any) -> None:
    with network.undone():
        address = network.document["contracts"]["staking"]["address"]
        network.call("NodeStaking", address, "set_guardian", OTHER.address)
        found = await network.check()
        assert found.hold
        detail = next(one.detail for one in found.found if one.what == "guardian")
        assert detail == f"{OTHER.address}, at first {network.document['owner']}"


async def test_check__swapped_addresses__are_named_with_what_stands_there(network: Any) -> None:
    contracts = network.document["contracts"]
    oracle, collection = contracts["oracle"], contracts["collection"]
    swapped = network.told(
        oracle=oracle | {"address": collection["address"]}, collection=collection | {"address": oracle["address"]}
    )
    faults = {(one.subject, one.what): one.detail for one in await network.faults(swapped)}
    assert faults["oracle", "code"].endswith("is a DynamicCollection, not a StrategyOracle")
    assert faults["collection", "code"].endswith("is a StrategyOracle, not a DynamicCollection")


async def test_check__nothing_there__is_named(network: Any) -> None:
    gone = network.document["contracts"]["oracle"] | {"address": STRANGER}
    faults = {(one.subject, one.what): one.detail for one in await network.faults(network.told(oracle=gone))}
    assert faults["oracle", "code"].endswith("nothing stands there")


@pytest.mark.parametrize("change", [{"chain_id": 5}, {"genesis_hash": "0x" + "00" * 32}])
async def test_check__other_chain__is_named_and_nothing_else_is_judged(network: Any, change: dict[str, Any]) -> None:
    faults = await network.faults(network.told(**change))
    what = "id" if "chain_id" in change else "genesis"
    assert named(faults) == [("chain", what), *((name, "everything") for name in SOURCES)]
    assert [one.verdict for one in faults] == [Verdict.WRONG, *[Verdict.UNKNOWN] * len(SOURCES)]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"block": 1}, "creation"),
        ({"block": 10**9}, "creation"),
        ({"code_hash": "0x" + "00" * 32}, "code hash"),
    ],
)
async def test_check__entry_with_a_lie__is_named(network: Any, change: dict[str, Any], what: str) -> None:
    entry = network.document["contracts"]["staking"] | change
    assert named(await network.faults(network.told(staking=entry))) == [("staking", what)]


async def test_check__other_deployer__is_named(network: Any) -> None:
    faults = named(await network.faults(network.told(deployer=STRANGER)))
    assert faults == [(name, "deployer") for name in SOURCES]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"symbol_": None}, "symbol_ is missing"),
        ({"spare": "1"}, "spare is no argument of this constructor"),
        ({"decimals_": 18}, "decimals_ is not a text"),
        ({"decimals_": "1e1"}, "decimals_ is not a whole number in decimal"),
        ({"decimals_": "256"}, "256"),
    ],
)
async def test_check__arguments_of_no_constructor__are_named(network: Any, change: Any, told: str) -> None:
    entry = network.document["contracts"]["stake_token"]
    arguments = {key: value for key, value in (entry["arguments"] | change).items() if value is not None}
    faults = await network.faults(network.told(stake_token=entry | {"arguments": arguments}))
    assert named(faults) == [("stake_token", "arguments"), ("stake_token", "state")]
    assert told in faults[0].detail


async def test_check__token_that_was_there_before__is_held_to_its_code_hash(network: Any) -> None:
    entry = network.document["contracts"]["stake_token"] | {"contract": None, "block": None, "arguments": None}
    assert await network.faults(network.told(stake_token=entry)) == []
    other = entry | {"code_hash": "0x" + keccak(b"other").hex()}
    assert ("stake_token", "code hash") in named(await network.faults(network.told(stake_token=other)))
    gone = entry | {"address": STRANGER, "code_hash": "0x" + keccak(b"").hex()}
    assert ("stake_token", "code") in named(await network.faults(network.told(stake_token=gone)))


async def test_check__config_digest_that_never_was__is_named(network: Any) -> None:
    faults = await network.faults(network.told(config_digest="0x" + "22" * 32))
    assert named(faults) == [("oracle", "config digest")]


async def test_check__committee_elected__holds_under_its_digest_and_later_ones(network: Any) -> None:
    with network.undone():
        digests = []
        for number in (1, 2):
            network.join(number)
            network.rotate()
            found = await network.check()
            assert found.hold
            told = {(one.subject, one.what): one.detail for one in found.found}
            assert told["oracle", "config digest"] == told["staking", "current()"]
            assert told["oracle", "config digest"].endswith(f", number {number}")
            digests.append(told["oracle", "config digest"].partition(",")[0])
        assert digests[0] != digests[1]
        for digest in digests:
            assert await network.faults(network.told(config_digest=digest)) == []


@pytest.mark.parametrize(("version", "faults"), [("0.0.9", [("software", "version")]), ("0.2.dev1", [])])
async def test_check__software_too_old__is_named(network: Any, version: str, faults: list[tuple[str, str]]) -> None:
    assert named(await network.faults(version=version)) == faults


async def test_check__other_protocol__is_named(network: Any) -> None:
    assert named(await network.faults(network.told(protocol_version=2))) == [("software", "protocol")]


async def test_check__endpoint_that_is_gone__leaves_everything_unchecked(network: Any) -> None:
    await network.check()
    findings = Findings()
    async with RpcPool(["http://127.0.0.1:9"], PoolSettings(rounds=1)) as pool:
        await check(load(network.folder / "deployment.json"), pool, findings, "0.1.0")
    assert not findings.hold
    unknown = [one for one in findings.found if one.verdict is Verdict.UNKNOWN]
    assert named(unknown) == [("chain", "id"), *((name, "everything") for name in SOURCES)]


async def test_check__endpoints_that_disagree__leave_it_unchecked(network: Any) -> None:
    """One that serves the same chain without the contracts is not believed, and the other not alone."""
    await network.check()
    findings = Findings()
    async with served(DevnetChain(network.chain.settings)) as other, RpcPool([network.url, other]) as pool:
        await check(load(network.folder / "deployment.json"), pool, findings, "0.1.0")
    verdicts = {(one.subject, one.what): one.verdict for one in findings.found}
    assert verdicts["chain", "genesis"] is Verdict.OK
    assert verdicts["oracle", "code"] is Verdict.UNKNOWN
    assert not findings.hold
    assert Verdict.WRONG not in verdicts.values()


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (RevertError("no"), Verdict.WRONG),
        (ChainError("3 bytes that do not decode"), Verdict.WRONG),
        (RpcError("rpc.example", "eth_call", -32_005, "too many requests"), Verdict.UNKNOWN),
        (MissingError("no such block"), Verdict.UNKNOWN),
    ],
)
async def test_asking__answer_that_is_none__is_a_finding(error: ChainError, verdict: Verdict) -> None:
    findings = Findings()
    with findings.asking("oracle", "owner", "ask its people"):
        raise error
    (found,) = findings.found
    assert (found.subject, found.what, found.verdict) == ("oracle", "owner", verdict)
    assert found.remedy


async def test_asking__fault_of_this_software__is_raised() -> None:
    findings = Findings()
    with pytest.raises(ZeroDivisionError), findings.asking("oracle", "owner", "ask its people"):
        raise ZeroDivisionError
    assert not findings.found
    assert not findings.hold


@asynccontextmanager
async def served(chain: DevnetChain) -> AsyncIterator[str]:
    server = DevnetServer(chain)
    await server.start()
    try:
        yield server.url
    finally:
        await server.aclose()
