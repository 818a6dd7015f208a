# SPDX-License-Identifier: AGPL-3.0-only
"""The rules of staking that a deployment fixes for good: a testnet's defaults, a file, and single values over them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_utils import is_address, to_checksum_address

from deployment.errors import DeploymentError

NOBODY = "0x" + "00" * 20
GWEI = 10**9
DAY = 86_400

#: `NodeStaking.Params` in its order, for a testnet whose token has 18 decimals.
TESTNET = {
    "minimum": 1_000 * 10**18,  # units of the stake's token
    "seats": 31,
    "era": DAY,  # seconds
    "delay": 14 * DAY,  # seconds
    "reporter_share": 500,  # basis points of a slash
    "observer_fee": 20_000 * GWEI,  # wei a report and node
    "signer_fee": 20_000 * GWEI,  # wei a report and node
    "price_cap": 50 * GWEI,  # wei a unit of gas
    "premium": 1_000,  # basis points on top of gas
    "attendance": 2_500,  # basis points of due reports
    "least_reports": 8,
    "strikes": 3,
    "least_seats": 4,
}


@dataclass(frozen=True)
class Staking:
    """What a network with staking is deployed with; `token` None deploys a test token with a faucet."""

    params: Mapping[str, int]
    guardian: str
    slash_receiver: str = NOBODY
    token: str | None = None
    treasury: int = 0


def rules(path: Path | None, single: Sequence[str]) -> dict[str, int]:
    """The defaults, what the JSON file at `path` says over them, and then each `name=number` of `single`.

    Raises DeploymentError naming what is wrong; what the values are held to, the contract says itself.
    """
    chosen = dict(TESTNET)
    if path is not None:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DeploymentError(f"parameters: cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise DeploymentError(f"parameters: {path} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise DeploymentError(f"parameters: {path} is not an object of names and numbers")
        chosen |= {_known(name): _number(name, value) for name, value in document.items()}
    for text in single:
        name, _, value = text.partition("=")
        chosen[_known(name)] = _number(name, value)
    return chosen


def address(what: str, text: str, default: str) -> str:
    """An option's address with its checksum; `default` for an empty text, nobody for "none"."""
    if text in ("", "none"):
        return default if text == "" else NOBODY
    if not is_address(text):
        raise DeploymentError(f"{what}: {text} is not an address")
    return str(to_checksum_address(text))


def _known(name: str) -> str:
    if name not in TESTNET:
        raise DeploymentError(f"parameters: there is no {name}; there are {', '.join(TESTNET)}")
    return name


def _number(name: str, value: object) -> int:
    # As a text too: numbers beyond 2^53 do not survive every program that writes JSON.
    digits = str(value).replace("_", "") if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 79):
        raise DeploymentError(f"parameters: {name} is not a whole number")
    return int(digits)
