"""Report signatures in the 64-byte form of EIP-2098, and the address behind one."""

from __future__ import annotations

from typing import Final

from node.errors import AgreementError

SIGNATURE_BYTES: Final = 64
HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of secp256k1's group order: EIP-2 accepts no larger s, so a signature has one form only."""
_PARITY: Final = 1 << 255


def pack(signature: bytes) -> bytes:
    """65 bytes r, s, v (v 0, 1, 27 or 28) into 64 bytes r, yParityAndS; AgreementError if it has no such form."""
    if len(signature) != 65:
        raise AgreementError(f"signature: {len(signature)} bytes, not 65")
    v = signature[64]
    parity = v - 27 if v in (27, 28) else v
    s = int.from_bytes(signature[32:64], "big")
    if parity not in (0, 1) or not 0 < s <= HALF_ORDER:
        raise AgreementError("signature: v or s is outside what EIP-2 and EIP-2098 allow")
    return signature[:32] + (s | parity * _PARITY).to_bytes(32, "big")


def unpack(signature: bytes) -> bytes:
    """64 bytes of EIP-2098 into 65 bytes r, s, v with v 27 or 28; AgreementError on a wrong length or a high s."""
    if len(signature) != SIGNATURE_BYTES:
        raise AgreementError(f"signature: {len(signature)} bytes, not {SIGNATURE_BYTES}")
    parity_and_s = int.from_bytes(signature[32:], "big")
    s = parity_and_s & (_PARITY - 1)
    if not 0 < s <= HALF_ORDER:
        raise AgreementError("signature: s is zero or in the upper half of the group order")
    return signature[:32] + s.to_bytes(32, "big") + bytes([27 + (parity_and_s >> 255)])


def recover(digest: bytes, signature: bytes) -> str:
    """The EIP-55 address that made this EIP-2098 signature over a 32-byte digest.

    Raises AgreementError for bytes that are no signature at all: there is no zero address to mistake for one.
    """
    import coincurve
    from eth_hash.auto import keccak
    from eth_utils.address import to_checksum_address

    full = unpack(signature)
    try:
        key = coincurve.PublicKey.from_signature_and_message(full[:64] + bytes([full[64] - 27]), digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception and ValueError for foreign bytes
        raise AgreementError("signature: no public key recovers from it") from error
    return to_checksum_address(keccak(key.format(compressed=False)[1:])[12:])
