"""Publishing through an IPFS Pinning Service: it is told a CID, and fetches the blocks from the IPFS network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from node.content.cid import Cid
from node.errors import printable
from node.publish.link import Answer, Link
from node.publish.target import AwayError, Examined, Parcel, RefusedError, TargetError

_MARK: Final = "patina "
"""What the names of our pins begin with: no other pin is ever removed."""
_STATES: Final = "queued,pinning,pinned,failed"


class PinningService:
    """A service that speaks the IPFS Pinning Service API (https://ipfs.github.io/pinning-services-api-spec/).

    Nothing about requests is remembered here: what the service has is asked for each time, by CID. So nothing is
    pinned twice after a crash, and several nodes may share an account.
    """

    kind: Final = "pinning"

    def __init__(self, link: Link, origins: Sequence[str] = ()) -> None:
        """`origins`: multiaddresses of IPFS nodes that have the blocks."""
        self._link = link
        self._origins = list(origins)

    @property
    def name(self) -> str:
        """What it is called; may be shown to anyone."""
        return self._link.name

    async def publish(self, parcel: Parcel) -> bool:
        """Have every root pinned; False while the service is still fetching one of them."""
        return all([await self._pin(root, parcel.name) for root in parcel.roots])

    async def _pin(self, root: Cid, name: str) -> bool:
        found = await self._pins(root)
        states = {state for _, state, _, _ in found}
        if "pinned" in states:
            return True
        if states & {"queued", "pinning"}:
            return False
        failed = [(request, why) for request, _, title, why in found if title.startswith(_MARK)]
        for request, _ in failed:
            await self._remove(request)
        if failed:
            why = failed[0][1]
            # Asked for again at the next attempt, now that the failed request is out of the way.
            raise RefusedError(f"{self.name}: failed to fetch {root}{f' ({why})' if why else ''}")
        document = {"cid": str(root), "name": (_MARK + name)[:255], "origins": self._origins}
        answer = await self._link.ask("POST", "/pins", document=document)
        if answer.status not in (200, 202):
            raise self._judged(answer, "pin a root")
        read = _pin(answer.document())
        if read is None:
            raise AwayError(f"{self.name}: what answers there is no pinning service; correct its url")
        return read[1] == "pinned"

    async def withdraw(self, root: Cid) -> None:
        """Have our pins of a root removed; those of others stay."""
        for request, _, title, _ in await self._pins(root):
            if title.startswith(_MARK):
                await self._remove(request)

    async def examine(self) -> Examined:
        """Ask how many pins there are."""
        answer = await self._link.ask("GET", "/pins", query={"limit": "1"})
        if answer.status != 200:
            raise self._judged(answer, "list pins")
        found = answer.document()
        count = found.get("count") if isinstance(found, dict) else None
        if not isinstance(count, int):
            raise AwayError(f"{self.name}: what answers there is no pinning service; correct its url")
        return Examined("Pinning Service API", f"takes the token, and holds {min(count, 10**12)} pins")

    async def _pins(self, root: Cid) -> list[tuple[str, str, str, str]]:
        """(request, state, name, why) of every pin of a root."""
        answer = await self._link.ask("GET", "/pins", query={"cid": str(root), "status": _STATES, "limit": "100"})
        if answer.status == 404:
            return []
        if answer.status != 200:
            raise self._judged(answer, "list pins")
        found = answer.document()
        results = found.get("results") if isinstance(found, dict) else None
        if not isinstance(results, list):
            raise AwayError(f"{self.name}: what answers there is no pinning service; correct its url")
        pins = [(each, _pin(each)) for each in results[:100]]
        # Whatever it lists, only what names this root counts.
        return [read for each, read in pins if read is not None and _cid(each) == str(root)]

    async def _remove(self, request: str) -> None:
        answer = await self._link.ask("DELETE", f"/pins/{quote(request, safe='')}")
        if answer.status not in (200, 202, 204, 404):
            raise self._judged(answer, "remove a pin")

    def _judged(self, answer: Answer, what: str) -> TargetError:
        found = answer.document()
        error = found.get("error") if isinstance(found, dict) else None
        said = ""
        if isinstance(error, dict):
            said = ", ".join(str(error[key]) for key in ("reason", "details") if isinstance(error.get(key), str))
        return self._link.judge(answer, what, said)


def _pin(found: Any) -> tuple[str, str, str, str] | None:
    """(request, state, name, why) of a PinStatus; None where it is none."""
    if not isinstance(found, dict) or not isinstance(found.get("requestid"), str):
        return None
    pin, info = found.get("pin"), found.get("info")
    name = pin.get("name") if isinstance(pin, dict) else None
    why = info.get("status_details") if isinstance(info, dict) else None
    state = found.get("status")
    return (
        found["requestid"][:500],
        state if state in _STATES.split(",") else "queued",
        name if isinstance(name, str) else "",
        printable(why, 100) if isinstance(why, str) else "",
    )


def _cid(found: Any) -> object:
    pin = found.get("pin") if isinstance(found, dict) else None
    return pin.get("cid") if isinstance(pin, dict) else None
