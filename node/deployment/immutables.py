"""What a deployed contract's code has to be: the shipped code, and each immutable as its constructor dictates it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from node.chain.interface import artifact

_BURNT: Final = "0x000000000000000000000000000000000000dEaD"
"""Where NodeStaking keeps what a slash leaves when nobody is named to get it."""
_DOMAIN: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

Value = int | str | bytes | Mapping[str, int]
"""A number, an address or a text, 32 bytes, or a struct of numbers by name."""


@dataclass(frozen=True, slots=True)
class Immutable:
    """One immutable as it is read from code: `kind` is "number", "address", "text", "bytes" or "numbers"."""

    name: str
    kind: str
    wanted: Value
    found: Value | None
    """What stands there; None for bytes that are no value of its kind."""

    @property
    def holds(self) -> bool:
        """Whether it is what it has to be."""
        return self.found == self.wanted


@dataclass(frozen=True, slots=True)
class Code:
    """A contract's code held against its source: `fault` says where it differs, empty if nowhere.

    `immutables` are read only from code that is the source's; `length` is in bytes, immutables aside.
    """

    fault: str
    length: int
    immutables: tuple[Immutable, ...] = ()


def hold_code(source: str, code: bytes, chain_id: int, address: str, arguments: Mapping[str, Any]) -> Code:
    """Compare what stands at an address with one of the package's contracts.

    `arguments`: the constructor's by name, numbers as int. Raises KeyError for a name that is missing.
    """
    shipped, layout = _runtime(source), artifact(source)["immutables"]
    if not code.startswith(shipped):
        return Code(_difference(source, shipped, code), len(shipped))
    behind = code[len(shipped) :]
    wanted = _WANTED[source](chain_id, address, arguments) if layout else {}
    if len(behind) != sum(length for _, length in layout.values()):
        return Code(f"has {len(behind)} bytes of immutables behind its code, not those of {source}", len(shipped))
    read = []
    for name, (offset, length) in sorted(layout.items(), key=lambda item: item[1]):
        kind, value = wanted[name]
        read.append(Immutable(name, kind, value, _read(kind, value, behind[offset : offset + length])))
    return Code("", len(shipped), tuple(read))


def name_code(code: bytes) -> str | None:
    """Which of the package's contracts a code is; None for none of them."""
    known = ("StrategyOracle", "NodeStaking", "DynamicCollection", "TestToken", "YieldVault", "FeedAggregator")
    return next((source for source in known if code.startswith(_runtime(source))), None)


def _runtime(source: str) -> bytes:
    found = artifact(source)
    offset, length = found["runtime"]
    creation = bytes.fromhex(found["bytecode"][2:])
    return creation[offset : offset + length]


def _difference(source: str, shipped: bytes, code: bytes) -> str:
    if not code:
        return "nothing stands there"
    if (other := name_code(code)) is not None:
        return f"is a {other}, not a {source}"
    if len(code) < len(shipped):
        return f"has {len(code)} bytes, {source} has {len(shipped)}"
    unlike = [at for at, (one, other_) in enumerate(zip(shipped, code, strict=False)) if one != other_]
    return f"differs from {source} in {len(unlike)} of {len(shipped)} bytes, the first at {unlike[0]}"


def _read(kind: str, wanted: Value, raw: bytes) -> Value | None:
    """The value in an immutable's bytes, None unless they are how vyper writes one."""
    words = [int.from_bytes(raw[at : at + 32]) for at in range(0, len(raw), 32)]
    if kind == "number":
        return words[0]
    if kind == "bytes":
        return raw
    if isinstance(wanted, Mapping):
        return dict(zip(wanted, words, strict=True))
    if kind == "address":
        from eth_utils.address import to_checksum_address

        return str(to_checksum_address(raw[12:])) if not any(raw[:12]) else None
    # Behind a text's end stands what the constructor's memory held there; nothing reads it.
    text = raw[32 : 32 + words[0]]
    return text.decode("utf-8", "replace") if len(text) == words[0] else None


Rules = dict[str, tuple[str, Value]]


def _domain(prefix: str, name: str, version: str, chain_id: int, address: str) -> Rules:
    """The seven immutables of snekmate's eip712_domain_separator."""
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    hashed, hashed_version = keccak(text=name), keccak(text=version)
    types = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
    separator = keccak(encode(types, [keccak(text=_DOMAIN), hashed, hashed_version, chain_id, address]))
    own: Rules = {
        "_CACHED_DOMAIN_SEPARATOR": ("bytes", separator),
        "_CACHED_CHAIN_ID": ("number", chain_id),
        "_CACHED_SELF": ("address", address),
        "_NAME": ("text", name),
        "_HASHED_NAME": ("bytes", hashed),
        "_VERSION": ("text", version),
        "_HASHED_VERSION": ("bytes", hashed_version),
    }
    return {f"{prefix}eip712_domain_separator.{key}": value for key, value in own.items()}


def _staking(chain_id: int, address: str, told: Mapping[str, Any]) -> Rules:
    receiver = told["slash_receiver"]
    return {
        "rules.PARAMS": ("numbers", told["params"]),
        "rules.ORACLE": ("address", told["oracle"]),
        "rules.TOKEN": ("address", told["token"]),
        "rules.SLASH_RECEIVER": ("address", receiver if int(receiver, 16) else _BURNT),
    } | _domain("", "Patina Staking", "1", chain_id, address)


def _collection(chain_id: int, address: str, told: Mapping[str, Any]) -> Rules:
    return {
        "erc721.name": ("text", told["name_"]),
        "erc721.symbol": ("text", told["symbol_"]),
        "erc721._BASE_URI": ("text", ""),
        "seeds.REVEAL_DELAY": ("number", told["reveal_delay_"]),
        "ORACLE": ("address", told["oracle_"]),
    } | _domain("erc721.", told["name_"], "1", chain_id, address)


def _token(chain_id: int, address: str, told: Mapping[str, Any]) -> Rules:
    return {
        "erc20.name": ("text", told["name_"]),
        "erc20.symbol": ("text", told["symbol_"]),
        "erc20.decimals": ("number", told["decimals_"]),
    } | _domain("erc20.", told["name_"], "1", chain_id, address)


_WANTED: Final[Mapping[str, Callable[[int, str, Mapping[str, Any]], Rules]]] = {
    "NodeStaking": _staking,
    "DynamicCollection": _collection,
    "TestToken": _token,
}
