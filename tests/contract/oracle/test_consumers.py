"""The examples for contract developers: compiled as they stand, deployed, and told of real reports."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boa
import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "consumers"
PAGE = (ROOT / "docs" / "contracts.md").read_text()
SOLC = EXAMPLES / "node_modules" / "solc" / "solc.js"
WAD = 10**18
CAP = 100_000
HOUR = 3_600
FLOOR = 2
LEAST = WAD // 50


@pytest.fixture(scope="module")
def guard_deployer() -> Any:
    return boa.load_partial(str(EXAMPLES / "VaultGuard.vy"))


@pytest.fixture(scope="module")
def compiled_mint() -> dict[str, Any]:
    """solc's output for the Solidity example: ABI and creation code."""
    if shutil.which("node") is None or not SOLC.is_file():
        pytest.skip("solc is not installed: npm ci --prefix examples/consumers")
    asked = {
        "language": "Solidity",
        "sources": {"SeasonalMint.sol": {"content": (EXAMPLES / "SeasonalMint.sol").read_text()}},
        "settings": {
            "evmVersion": "prague",
            "optimizer": {"enabled": True, "runs": 200},
            "outputSelection": {"*": {"SeasonalMint": ["abi", "evm.bytecode.object"]}},
        },
    }
    done = subprocess.run(
        ["node", str(SOLC), "--standard-json"], input=json.dumps(asked), capture_output=True, text=True, check=True,
        cwd=EXAMPLES, timeout=120,
    )  # fmt: skip
    said = json.loads(done.stdout[done.stdout.index("{") :])
    assert said.get("errors", []) == []
    found: dict[str, Any] = said["contracts"]["SeasonalMint.sol"]["SeasonalMint"]
    return found


class Guarded:
    """A real vault of 6 decimals, its feed, and the guard in front of it, subscribed."""

    def __init__(self, world: Any, real_vault: tuple[Any, Any], deployer: Any) -> None:
        self.world = world
        self.token, self.vault = real_vault
        self.feed = int(world.oracle.open_feed(self.vault, world.policy(), "0x" + "00" * 20, 0))
        self.guard = deployer.deploy(world.oracle.address, self.feed, self.vault.address, FLOOR, 2 * HOUR)
        world.oracle.subscribe(self.feed, self.guard.address)
        self.token.mint(boa.env.eoa, 10**9)
        self.token.approve(self.guard.address, 10**9)
        boa.env.time_travel(blocks=20)

    def deposit(self) -> int:
        return int(self.guard.deposit(10**6, boa.env.eoa))


@pytest.fixture
def guarded(world: Any, real_vault: tuple[Any, Any], guard_deployer: Any) -> Guarded:
    return Guarded(world, real_vault, guard_deployer)


@pytest.fixture
def mint(world: Any, deployers: dict[str, Any], compiled_mint: dict[str, Any]) -> Any:
    feed = world.open()
    facade = deployers["FeedAggregator"].deploy(world.oracle.address, feed)
    factory = boa.loads_abi(json.dumps(compiled_mint["abi"]), name="SeasonalMint")
    arguments = encode(
        ["address", "uint256", "address", "int256", "uint256"],
        [world.oracle.address, feed, facade.address, LEAST, HOUR],
    )
    code = bytes.fromhex(compiled_mint["evm"]["bytecode"]["object"])
    address, _ = boa.env.deploy_code(bytecode=code + arguments)
    contract = factory.at(address)
    world.oracle.subscribe(feed, contract.address)
    return contract


def encode(types: list[str], values: list[Any]) -> bytes:
    from eth_abi.abi import encode

    return encode(types, values)


def callback_gas(world: Any, subscriber: Any) -> int:
    """What a subscriber's callback took in the report that has just landed."""
    called = int(subscriber.address, 16).to_bytes(20, "big")
    (child,) = [one for one in world.oracle._computation.children if one.msg.to == called]
    assert not child.is_error
    return int(child.get_gas_used())


def test_guard__before_the_first_report__is_closed(guarded: Guarded) -> None:
    with boa.reverts("guard: closed"):
        guarded.deposit()


def test_guard__fresh_report_in_a_good_band__lets_a_deposit_through(guarded: Guarded) -> None:
    guarded.world.land(guarded.feed, WAD // 40)
    shares = guarded.deposit()
    assert shares > 0
    assert guarded.vault.balanceOf(boa.env.eoa) >= shares
    assert guarded.token.balanceOf(guarded.guard.address) == 0


def test_guard__report_grows_old__closes(guarded: Guarded) -> None:
    guarded.world.land(guarded.feed, WAD // 40)
    boa.env.time_travel(seconds=2 * HOUR)
    assert guarded.guard.healthy()
    boa.env.time_travel(seconds=1)
    assert not guarded.guard.healthy()


def test_guard__bad_report__stays_closed_until_the_owner_has_looked(guarded: Guarded) -> None:
    world = guarded.world
    world.land(guarded.feed, WAD // 40)
    world.land(guarded.feed, 0)
    assert world.events("CallbackFailed") == []
    assert guarded.guard.tripped()
    with boa.reverts("guard: not well yet"):
        guarded.guard.reset()
    world.land(guarded.feed, WAD // 40)
    assert not guarded.guard.healthy()
    with boa.reverts("guard: not the owner"):
        guarded.guard.reset(sender=boa.env.generate_address())
    guarded.guard.reset()
    assert guarded.deposit() > 0


def test_guard__callback_missed__still_does_not_let_through(guarded: Guarded) -> None:
    """The latch hears of nothing once it is not subscribed; what is read at the deposit holds all the same."""
    world = guarded.world
    world.oracle.unsubscribe(guarded.feed, guarded.guard.address)
    world.land(guarded.feed, 0)
    assert not guarded.guard.tripped()
    with boa.reverts("guard: closed"):
        guarded.deposit()


def test_guard__called_by_another__hears_nothing(guarded: Guarded) -> None:
    with boa.reverts("guard: not the oracle"):
        guarded.guard.on_report(guarded.feed, 10, 3, 0, -1, bytes(32))
    with boa.reverts("guard: another feed"):
        guarded.guard.on_report(guarded.feed + 1, 10, 3, 0, -1, bytes(32), sender=guarded.world.oracle.address)
    assert not guarded.guard.tripped()


def test_guard__dearest_callback__is_far_below_the_cap(guarded: Guarded) -> None:
    guarded.world.land(guarded.feed, 0)
    assert guarded.guard.tripped()
    spent = callback_gas(guarded.world, guarded.guard)
    assert spent < CAP // 3
    assert f"{spent:,} (`VaultGuard`" in PAGE


def test_mint__before_the_first_report__reverts(mint: Any) -> None:
    with boa.reverts("aggregator: no data present"):
        mint.claim()


def test_mint__report_of_enough_growth__begins_a_season_and_gives_one_token(world: Any, mint: Any) -> None:
    report = world.land(mint.FEED(), WAD // 40)
    assert world.events("CallbackFailed") == []
    assert mint.season() == report.checkpoint
    assert mint.claim() == 1
    assert mint.ownerOf(1) == boa.env.eoa
    with boa.reverts():
        mint.claim()
    # the same band again is no new season
    world.land(mint.FEED(), WAD // 40 + 1)
    assert mint.season() == report.checkpoint
    later = world.land(mint.FEED(), WAD // 20)
    assert mint.season() == later.checkpoint
    assert mint.claim() == 2


@pytest.mark.parametrize("answer", [0, -WAD // 10, LEAST - 1])
def test_mint__too_little_growth_or_a_loss__gives_nothing(world: Any, mint: Any, answer: int) -> None:
    world.land(mint.FEED(), answer)
    with boa.reverts():
        mint.claim()
    assert mint.supply() == 0


def test_mint__report_grows_old__gives_nothing(world: Any, mint: Any) -> None:
    world.land(mint.FEED(), WAD // 20)
    boa.env.time_travel(seconds=HOUR + 1)
    with boa.reverts():
        mint.claim()


def test_mint__called_by_another__begins_no_season(world: Any, mint: Any) -> None:
    with boa.reverts():
        mint.on_report(mint.FEED(), 10, 0, 1, WAD, bytes(32))
    with boa.reverts():
        mint.on_report(mint.FEED() + 1, 10, 0, 1, WAD, bytes(32), sender=world.oracle.address)
    assert mint.season() == 0


def test_mint__dearest_callback__is_far_below_the_cap(world: Any, mint: Any) -> None:
    world.land(mint.FEED(), WAD // 20)
    spent = callback_gas(world, mint)
    assert spent < CAP // 3
    assert f"{spent:,} (`SeasonalMint`" in PAGE
