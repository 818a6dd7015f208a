"""Publishing to an IPFS node through the HTTP RPC of Kubo: its blocks in one CAR, its roots pinned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from node.content.cid import Cid
from node.errors import printable
from node.publish.link import Answer, Link
from node.publish.target import AwayError, Examined, Parcel, RefusedError, TargetError

_API: Final = "/api/v0"
_NOT_PINNED: Final = "not pinned"
"""What Kubo's errors about roots that it does not keep have in common."""


class Kubo:
    """A Kubo node, or what speaks its RPC (https://docs.ipfs.tech/reference/kubo/rpc/)."""

    kind: Final = "kubo"

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def name(self) -> str:
        """What it is called; may be shown to anyone."""
        return self._link.name

    async def publish(self, parcel: Parcel) -> bool:
        """Send the blocks, have every root pinned, and ask whether it is: True, or an error."""
        if all([await self.pinned(root) for root in parcel.roots]):
            return True
        query = {"pin-roots": "true", "stats": "true", "silent": "false"}
        answer = await self._link.ask("POST", f"{_API}/dag/import", query=query, form=parcel.pieces())
        if answer.status != 200:
            raise self._judged(answer, "import a CAR")
        self._read_import(answer, parcel)
        # What went wrong after the first line would stand in a trailer alone: the pins themselves are asked for.
        for root in parcel.roots:
            if not await self.pinned(root):
                raise RefusedError(f"{self.name}: took the blocks, and does not pin {root}")
        return True

    async def withdraw(self, root: Cid) -> None:
        """Have a root unpinned; its blocks stay until the node collects its garbage."""
        answer = await self._link.ask("POST", f"{_API}/pin/rm", query={"arg": str(root), "recursive": "true"})
        if answer.status != 200 and _NOT_PINNED not in _said(answer):
            raise self._judged(answer, "unpin a root")

    async def pinned(self, root: Cid) -> bool:
        """Whether the node keeps a root and all that is below it."""
        # Without a base js-ipfs names the root in base58, which no comparison of texts finds.
        query = {"arg": str(root), "type": "recursive", "cid-base": "base32"}
        answer = await self._link.ask("POST", f"{_API}/pin/ls", query=query)
        if answer.status == 200:
            found = answer.document()
            keys = found.get("Keys") if isinstance(found, dict) else None
            kept = keys.get(str(root)) if isinstance(keys, dict) else None
            return isinstance(kept, dict) and kept.get("Type") == "recursive"
        if _NOT_PINNED in _said(answer):
            return False
        raise self._judged(answer, "list a pin")

    async def examine(self) -> Examined:
        """Ask for its version and for a pin: a token may open the one and not the other."""
        answer = await self._link.ask("POST", f"{_API}/version")
        found = answer.document()
        if answer.status != 200:
            raise self._judged(answer, "say its version")
        if not isinstance(found, dict) or not isinstance(found.get("Version"), str):
            raise AwayError(f"{self.name}: what answers there is no Kubo node; correct its url")
        await self.pinned(EMPTY)
        return Examined(printable(found["Version"], 40), "takes the token, and lists pins")

    def _read_import(self, answer: Answer, parcel: Parcel) -> None:
        """Hold what an import says against what was sent."""
        for line in _lines(answer.body):
            root, stats = line.get("Root"), line.get("Stats")
            if isinstance(root, dict) and root.get("PinErrorMsg"):
                said = printable(str(root["PinErrorMsg"]), 200)
                raise RefusedError(f"{self.name}: took the blocks, and cannot pin them: {said}")
            if isinstance(stats, dict) and stats.get("BlockCount") not in (parcel.blocks, str(parcel.blocks)):
                took = printable(str(stats.get("BlockCount")), 20)
                raise RefusedError(f"{self.name}: says that it took {took} of {parcel.blocks} blocks")
            if "Message" in line:
                raise RefusedError(f"{self.name}: {printable(str(line['Message']), 200)}")

    def _judged(self, answer: Answer, what: str) -> TargetError:
        return self._link.judge(answer, what, _said(answer))


EMPTY: Final = Cid(0x70, bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
"""The dag-pb block of no bytes: what a node is asked about that need not have anything of ours."""


def _lines(body: bytes) -> Iterator[dict[str, Any]]:
    """The objects of an answer in lines of JSON; what is none is passed over, since the pins are asked for anyway."""
    for line in body.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _said(answer: Answer) -> str:
    found = answer.document()
    message = found.get("Message") if isinstance(found, dict) else None
    if isinstance(message, str):
        return message
    text = answer.body[:400].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{")) else text
