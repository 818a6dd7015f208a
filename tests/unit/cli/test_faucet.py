"""`patina faucet`: amounts, addresses and URLs that cannot be, and what is printed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.devnet import faucet
from node.errors import ChainError

ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """What would have been given."""
    found: list[tuple[str, str, int]] = []

    async def fund(url: object, address: str, wei: int) -> int:
        found.append((str(url), address, wei))
        if "example" in str(url):
            raise ChainError("https://example.org is no development chain")
        return wei + 1

    monkeypatch.setattr(faucet, "fund", fund)
    return found


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["faucet", *arguments])


def test_faucet__address_alone__gives_ten_on_the_usual_devnet(given: list[tuple[str, str, int]]) -> None:
    result = invoke(ADDRESS)
    assert result.exit_code == 0
    assert given == [("http://127.0.0.1:8545", ADDRESS, 10 * 10**18)]
    assert result.stdout == f"{ADDRESS} has 10.000000000000000001 coin now\n"


def test_faucet__amount_and_json__are_exact(given: list[tuple[str, str, int]]) -> None:
    result = invoke(ADDRESS, "--amount", "0.000000000000000001", "--rpc", "http://localhost:1", "--json")
    assert json.loads(result.stdout) == {"address": ADDRESS, "given": "1", "balance": "2"}


def test_faucet__another_chain__is_one_message_and_status_1(given: list[tuple[str, str, int]]) -> None:
    result = invoke(ADDRESS, "--rpc", "https://example.org")
    assert result.exit_code == 1
    assert result.stderr == "patina: https://example.org is no development chain\n"


@pytest.mark.parametrize(
    "amount", ["0", "-1", "1e3", "nan", "inf", "ten", "1000001", "0.0000000000000000001", "9" * 50]
)
def test_faucet__impossible_amount__is_a_usage_error(given: list[tuple[str, str, int]], amount: str) -> None:
    assert invoke(ADDRESS, "--amount", amount).exit_code == 2
    assert given == []


@pytest.mark.parametrize("arguments", [("0x11",), (ADDRESS.lower(),), (ADDRESS, "--rpc", "ftp://a"), ()])
def test_faucet__impossible_address_or_url__is_a_usage_error(
    given: list[tuple[str, str, int]], arguments: tuple[str, ...]
) -> None:
    assert invoke(*arguments).exit_code == 2
    assert given == []
