"""Signatures of a simulated world: as impossible to forge for its inhabitants, and a hundred times cheaper."""

from __future__ import annotations

import functools
import hashlib
from typing import Final

import msgspec

from node.agreement.committee import Committee
from node.agreement.messages import Message, Observation, Opened, decode, encode
from node.errors import AgreementError

_MAC: Final = 16
_KEPT: Final = 50_000
"""Envelopes whose check is remembered."""
_HEAD: Final = 1 + _MAC
ORACLE: Final = "0x" + "0a" * 20
FORMER: Final = "0x" + "0b" * 20
"""The oracle that the same members served before: nothing said for it counts for this one."""


@functools.cache
def committee_of(members: int, oracle: str = ORACLE) -> Committee:
    """The committee of toy keys: the same in every run."""
    secrets = _secrets(members)
    signers = ["0x" + hashlib.blake2b(secret, digest_size=20).hexdigest() for secret in secrets]
    transport = [hashlib.blake2b(secret, digest_size=32).digest() for secret in secrets]
    return Committee(31337, oracle, signers, transport)


def _secrets(members: int) -> list[bytes]:
    return [hashlib.blake2b(b"secret %d" % index).digest()[:32] for index in range(members)]


class ToyKeys:
    """One secret per member; whoever holds the object lets a member sign only as itself."""

    def __init__(self, members: int, oracle: str = ORACLE) -> None:
        self._secrets = _secrets(members)
        self.committee = committee_of(members, oracle)
        self._opened: dict[bytes, Opened] = {}

    def _mac(self, index: int, body: bytes) -> bytes:
        # As in a real envelope, what is signed names the configuration.
        keyed = hashlib.blake2b(digest_size=_MAC, key=self._secrets[index], person=self.committee.config_digest[:16])
        keyed.update(body)
        return keyed.digest()

    def seal(self, index: int, message: Message) -> bytes:
        """The member's envelope of a message."""
        body = encode(message)
        return bytes([index]) + self._mac(index, body) + body

    def verify(self, raw: bytes) -> Opened | None:
        """The message of a genuine envelope, else None."""
        known = self._opened.get(raw)
        if known is not None:
            return known
        if len(raw) <= _HEAD or raw[0] >= self.committee.n:
            return None
        index, mac, body = raw[0], raw[1:_HEAD], raw[_HEAD:]
        if mac != self._mac(index, body):
            return None
        try:
            opened = Opened(index, decode(body), raw)
        except AgreementError:
            return None
        if len(self._opened) > _KEPT:
            self._opened.clear()
        self._opened[raw] = opened
        return opened

    def counterfeit(self, raw: bytes, answer: int) -> bytes:
        """Another answer under a member's name, without its secret."""
        lie = Observation(1, 1, bytes(32), 0, ())
        genuine = decode(raw[_HEAD:])
        if isinstance(genuine, Observation):
            lie = msgspec.structs.replace(genuine, answer=answer)
        return raw[:_HEAD] + encode(lie)

    def sign(self, index: int, digest: bytes) -> bytes:
        """The member's signature over a report digest: 64 bytes."""
        return bytes([index]) + hashlib.blake2b(digest, digest_size=63, key=self._secrets[index]).digest()

    def recover(self, digest: bytes, signature: bytes) -> str:
        """The signer's address, AgreementError if nobody signed."""
        index = signature[0]
        if index >= self.committee.n or signature != self.sign(index, digest):
            raise AgreementError("toy signature: nobody's")
        return self.committee.signers[index]


def body_of(raw: bytes) -> bytes:
    """What an envelope contains, whoever signed it."""
    return raw[_HEAD:]
