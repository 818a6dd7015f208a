"""The proof that a signing key belongs to whoever registers it: EIP-712 `Possession`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from eth_hash.auto import keccak

from node.agreement.report import address_bytes
from node.errors import AgreementError

if TYPE_CHECKING:
    from node.keys.signing import Signer

DOMAIN_NAME: Final = "Patina Staking"
DOMAIN_VERSION: Final = "1"
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
POSSESSION_TYPE: Final = "Possession(address operator,bytes32 transportKey)"


def possession_digest(chain_id: int, staking: str, operator: str, transport_key: bytes) -> bytes:
    """The 32 bytes that the signing key signs, so that `operator` may register it with this transport key (32 bytes).

    Raises:
        AgreementError: an address or the transport key is malformed.
    """
    if len(transport_key) != 32:
        raise AgreementError(f"a transport key has 32 bytes, not {len(transport_key)}")
    domain = keccak(
        keccak(DOMAIN_TYPE.encode())
        + keccak(DOMAIN_NAME.encode())
        + keccak(DOMAIN_VERSION.encode())
        + chain_id.to_bytes(32, "big")
        + address_bytes(staking).rjust(32, b"\0")
    )
    possession = keccak(keccak(POSSESSION_TYPE.encode()) + address_bytes(operator).rjust(32, b"\0") + transport_key)
    return keccak(b"\x19\x01" + domain + possession)


def prove_possession(signer: Signer, chain_id: int, staking: str, operator: str, transport_key: bytes) -> bytes:
    """The proof that `register` and `change_keys` take: 64 bytes of EIP-2098, good for this operator alone."""
    return signer.sign_digest(possession_digest(chain_id, staking, operator, transport_key))


def typed_possession(chain_id: int, staking: str, operator: str, transport_key: bytes) -> dict[str, Any]:
    """The same as `eth_signTypedData_v4` input, for a key that is held elsewhere."""
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Possession": [
                {"name": "operator", "type": "address"},
                {"name": "transportKey", "type": "bytes32"},
            ],
        },
        "primaryType": "Possession",
        "domain": {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": chain_id,
            "verifyingContract": staking,
        },
        "message": {"operator": operator, "transportKey": "0x" + transport_key.hex()},
    }
