"""Addresses with their checksum (EIP-55), checked without loading a web3 library."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def checksum_address(address: str) -> str:
    """The EIP-55 spelling of a 0x-hex address: a digit is upper case where the hash's nibble is above 7."""
    from Crypto.Hash import keccak

    digits = address[2:].lower()
    hashed = keccak.new(data=digits.encode(), digest_bits=256).hexdigest()
    mixed = (digit.upper() if int(nibble, 16) > 7 else digit for digit, nibble in zip(digits, hashed, strict=False))
    return "0x" + "".join(mixed)


def fault_of_address(address: str) -> tuple[str, str] | None:
    """(what is wrong, what to do), or None for a good address. The text itself is not repeated unless it is one."""
    if not _ADDRESS.fullmatch(address):
        return f"is no address ({len(address)} characters)", "write 0x and 40 hex digits"
    if int(address, 16) == 0:
        return "is the zero address", "write the contract's own address"
    if address != (right := checksum_address(address)):
        plain = address[2:] in (address[2:].lower(), address[2:].upper())
        problem = "has no checksum (EIP-55)" if plain else "has a wrong checksum, so some character of it is wrong"
        return problem, f"compare it with where you have it from; spelt with its checksum it is {right}"
    return None
