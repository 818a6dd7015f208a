"""Calldata of what an artist and a feed's opener ask of oracle, collection and staking contract."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from node.chain.interface import artifact, interface
from node.chain.types import NOBODY, Policy
from node.errors import ChainError


@dataclass(frozen=True, slots=True)
class Terms:
    """What an edition is sold on: price in wei, the recipe's digest, royalty in hundredths of a percent."""

    supply: int
    price: int
    recipe: bytes
    royalty_receiver: str = NOBODY
    royalty: int = 0


def open_feed(vault: str, policy: Policy, collection: str, edition: int) -> bytes:
    """Open a feed on a vault that paints an edition."""
    return interface("StrategyOracle").encode("open_feed", vault, astuple(policy), collection, edition)


def set_opener(account: str, allowed: bool) -> bytes:
    """Let an account open feeds, or no longer: the oracle's owner."""
    return interface("StrategyOracle").encode("set_opener", account, allowed)


def subscribe(feed: int, contract: str, wanted: bool = True) -> bytes:
    """Have a contract told of a feed's reports, or no longer: the feed's opener."""
    return interface("StrategyOracle").encode("subscribe" if wanted else "unsubscribe", feed, contract)


def open_edition(feed: int, terms: Terms, placeholder: bytes, commitment: bytes) -> bytes:
    """Open the next edition for sale; the placeholder's root and the commitment have 32 bytes."""
    return _art(
        "open_edition",
        terms.supply,
        terms.price,
        feed,
        terms.recipe,
        placeholder,
        commitment,
        terms.royalty_receiver,
        terms.royalty,
    )


def mint(edition: int, to: str, quantity: int) -> bytes:
    """Buy tokens; the transaction carries exactly their price."""
    return _art("mint", edition, to, quantity)


def close(edition: int) -> bytes:
    """End the sale."""
    return _art("close_edition", edition)


def record_randomness(edition: int, header: bytes) -> bytes:
    """Prove the reveal block's prevrandao by that block's header (RLP)."""
    return _art("record_randomness", edition, header)


def rearm(edition: int) -> bytes:
    """Name another reveal block, after the last one was missed."""
    return _art("rearm", edition)


def reveal(edition: int, secret: bytes) -> bytes:
    """Fix the edition's seed."""
    return _art("reveal", edition, secret)


def withdraw_proceeds(to: str) -> bytes:
    """Take what the collection has earned."""
    return _art("withdraw_proceeds", to)


def set_royalty(edition: int, receiver: str, royalty: int) -> bytes:
    """What later sales of an edition owe, in hundredths of a percent; nobody and 0 for nothing."""
    return _art("set_royalty", edition, receiver, royalty)


def set_contract_uri(uri: str) -> bytes:
    """Where metadata of the collection itself is (ERC-7572)."""
    return _art("set_contract_uri", uri)


def hand_over(to: str) -> bytes:
    """Offer a collection to another account, or to nobody; it is theirs once they take it over."""
    return _art("transfer_ownership", to)


def take_over() -> bytes:
    """Become the artist of a collection that was offered to the sender."""
    return _art("accept_ownership")


def read_art(calldata: bytes) -> tuple[Any, ...]:
    """Name and arguments of calldata for a collection, in a row; nothing where it calls none of its functions."""
    found = interface("DynamicCollection").call(calldata)
    return () if found is None else (found[0], *found[1])


def create(contract: str, *arguments: Any) -> bytes:
    """The creation code of one of the package's contracts with its constructor's arguments; ChainError."""
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError

    compiled = artifact(contract)
    inputs: list[dict[str, Any]] = next(
        (entry["inputs"] for entry in compiled["abi"] if entry["type"] == "constructor"), []
    )
    try:
        encoded = encode([entry["type"] for entry in inputs], arguments)
    except EncodingError as error:
        raise ChainError(f"{contract}: {error}") from None
    return bytes.fromhex(compiled["bytecode"].removeprefix("0x")) + encoded


def _art(function: str, *arguments: Any) -> bytes:
    return interface("DynamicCollection").encode(function, *arguments)
