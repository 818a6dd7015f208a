"""An explanation for programs and pages: the sentences, and every figure under them exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.artworks.studio import token_seed
from node.content.cid import directory_cid, raw_cid
from node.explain import bands
from node.explain.numbers import sentence, stopped
from node.explain.story import headline, history, seen, tell

if TYPE_CHECKING:
    from node.explain.views import Subject, Told


def document(subject: Subject) -> dict[str, Any]:
    """Return all of it; wads and ids are decimal strings, times Unix seconds, None is what is not known."""
    edition, feed = subject.edition, subject.feed
    sections = tell(subject)
    moods = list(subject.recipe.classes) if subject.recipe else []
    names = ("volatility", "drawdown", "flow")
    shown = edition.content_root if any(edition.content_root) else edition.placeholder
    return {
        "token": str(subject.token),
        "collection": edition.collection,
        "edition": edition.id,
        "number": subject.index,
        "name": subject.name,
        "state": subject.state,
        "headline": stopped(headline(subject)),
        "seen": seen(subject),
        "paragraphs": [one.text for one in sections if one.title != "What it is"],
        "sections": [{"title": one.title, "sentences": list(one.sentences)} for one in sections],
        "chain_id": subject.chain_id,
        "root": directory_cid(shown),
        "recipe": raw_cid(edition.recipe),
        "seed": "0x" + token_seed(edition.seed, subject.token).hex() if edition.revealed else None,
        "feed": {
            "id": feed.id,
            "vault": feed.vault,
            "basis": str(feed.basis),
            "opened_at": feed.opened_at,
            "window": feed.policy.window,
            "lookback": feed.policy.lookback,
            "cadence": feed.policy.cadence,
            "heartbeat": feed.policy.heartbeat,
            "hysteresis": str(feed.policy.hysteresis),
            "thresholds": [str(one) for one in feed.policy.thresholds],
            "band": subject.band,
            "bands": len(feed.policy.thresholds) + 1,
            "moods": moods,
        },
        "painted_by": None if subject.painting is None else _report(subject.painting),
        "signals": None
        if subject.signals is None
        else {name: str(value) for name, value in zip(names, subject.signals, strict=False)},
        "now": None if subject.now is None else _now(subject),
        "history": [{**_report(one), "said": sentence(said)} for one, said in history(subject)],
        "history_complete": subject.whole,
    }


def _now(subject: Subject) -> dict[str, Any]:
    now = subject.now
    if now is None:
        return {}
    return {
        "checkpoint": now.checkpoint,
        "answer": str(now.answer),
        "exits": [
            {"at": str(one.at), "up": one.up, "band": one.band, "distance": str(one.distance)}
            for one in bands.exits(subject.feed.policy, subject.band, now.answer)
        ],
    }


def _report(told: Told) -> dict[str, Any]:
    landed = told.landed
    return {
        "checkpoint": landed.checkpoint,
        "checkpoint_time": told.checkpoint_time,
        "block": landed.block_number,
        "time": told.time,
        "answer": str(landed.answer),
        "previous_band": landed.previous_band,
        "band": landed.band,
        "painted": told.paints and told.taken,
        "refused": not told.taken,
        "root": directory_cid(landed.content_root) if told.paints else None,
        "signed": told.signed,
        "committee": told.committee,
        "signers": list(told.signers),
        "road": told.road,
        "transmitter": landed.transmitter,
        "transaction": "0x" + landed.tx_hash.hex(),
    }
