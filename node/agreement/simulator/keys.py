"""Signatures of a simulated world: as impossible to forge for its inhabitants, and a hundred times cheaper."""

from __future__ import annotations

import hashlib

import msgspec

from node.agreement.committee import Committee
from node.agreement.messages import Message, Observation, Opened, decode, encode
from node.errors import AgreementError

_MAC = 16


class ToyKeys:
    """One secret per member; whoever holds the object lets a member sign only as itself."""

    def __init__(self, members: int) -> None:
        self._secrets = [hashlib.blake2b(b"secret %d" % index).digest()[:32] for index in range(members)]
        signers = ["0x" + hashlib.blake2b(secret, digest_size=20).hexdigest() for secret in self._secrets]
        transport = [hashlib.blake2b(secret, digest_size=32).digest() for secret in self._secrets]
        self.committee = Committee(31337, "0x" + "0a" * 20, signers, transport)
        self._opened: dict[bytes, Opened] = {}

    def _mac(self, index: int, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, digest_size=size, key=self._secrets[index]).digest()

    def seal(self, index: int, message: Message) -> bytes:
        """The member's envelope of a message."""
        body = encode(message)
        return bytes([index]) + self._mac(index, body, _MAC) + body

    def verify(self, raw: bytes) -> Opened | None:
        """The message of a genuine envelope, else None."""
        known = self._opened.get(raw)
        if known is not None:
            return known
        if len(raw) <= _MAC or raw[0] >= self.committee.n:
            return None
        index, mac, body = raw[0], raw[1 : 1 + _MAC], raw[1 + _MAC :]
        if mac != self._mac(index, body, _MAC):
            return None
        try:
            opened = Opened(index, decode(body), raw)
        except AgreementError:
            return None
        self._opened[raw] = opened
        return opened

    def counterfeit(self, raw: bytes, answer: int) -> bytes:
        """Another answer under a member's name, without its secret."""
        lie = Observation(1, 1, bytes(32), 0, ())
        genuine = decode(raw[1 + _MAC :])
        if isinstance(genuine, Observation):
            lie = msgspec.structs.replace(genuine, answer=answer)
        return raw[: 1 + _MAC] + encode(lie)

    def sign(self, index: int, digest: bytes) -> bytes:
        """The member's signature over a report digest: 64 bytes."""
        return bytes([index]) + self._mac(index, digest, 63)

    def recover(self, digest: bytes, signature: bytes) -> str:
        """The signer's address, AgreementError if nobody signed."""
        index = signature[0]
        if index >= self.committee.n or signature != self.sign(index, digest):
            raise AgreementError("toy signature: nobody's")
        return self.committee.signers[index]
