"""Editions on real share prices, painted with small generated landscapes: what the browser is shown."""

import asyncio
import csv
import io
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import coincurve
import numpy as np
from eth_hash.auto import keccak
from PIL import Image

from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest, typed_data
from node.agreement.signature import pack
from node.content.cid import directory_cid, raw_cid
from node.content.edition import EditionSpec, build, build_placeholder, token_id
from node.content.store import BlockStore
from node.web.source import EditionView, FeedView, PricePoint, ProofView, Readiness, RepaintView, TokenView

WAD = 10**18
MOODS = ("Ashen", "Overcast", "Thaw", "Clear", "Radiant", "Golden")
COLLECTION = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ORACLE = "0x" + "0a" * 20
CHAIN = 31337
KEYS = [coincurve.PrivateKey(bytes([number + 1]) * 32) for number in range(4)]
SIGNERS = ["0x" + keccak(key.public_key.format(compressed=False)[1:])[12:].hex() for key in KEYS]
COMMITTEE = Committee(CHAIN, ORACLE, SIGNERS, [bytes([number + 1]) * 32 for number in range(4)])
RECIPE = b'{"name":"a recipe"}'


@cache
def paint(seed, band, bands, side=192):
    """A small landscape as PNG: composition from the seed, light and weather from the band."""
    place, light = np.random.default_rng(seed), band / max(bands - 1, 1)
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    dusk, noon, gold = np.array([[70, 66, 104], [126, 170, 178], [242, 190, 112]], float)
    top = dusk + (noon - dusk) * min(light * 2, 1) if light <= 0.5 else noon + (gold - noon) * (light * 2 - 1)
    image = top * 0.62 + (np.array([250, 236, 214]) * (0.35 + 0.6 * light) - top * 0.3) * y[..., None] ** 1.4
    sun = (place.uniform(0.2, 0.8), place.uniform(0.5, 0.62) - 0.3 * light)
    glow = np.exp(-((x - sun[0]) ** 2 + (y - sun[1]) ** 2) / 0.012)[..., None]
    image += glow * np.array([255, 220, 160]) * (0.15 + 0.65 * light)
    for layer in range(4):
        waves = place.uniform(1, 5, 3), place.uniform(0, 6.3, 3), place.uniform(0.01, 0.05, 3)
        ridge = 0.52 + 0.11 * layer + sum(a * np.sin(f * 6.3 * x + p) for f, p, a in zip(*waves, strict=True))
        tone = (top * 0.55 * (1 - layer * 0.2) + place.uniform(-16, 16, 3)) * (0.55 + 0.55 * light)
        edge = np.clip((y - ridge) * side / 2, 0, 1)[..., None]
        image = image * (1 - edge) + tone * edge
    image += np.random.default_rng(seed + 1).normal(0, 5 * (1.4 - light), (side, side, 1))
    out = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@dataclass
class Show:
    """One edition on one history, advanced row by row as a node would."""

    store: BlockStore
    edition: int
    name: str
    rows: list
    thresholds: list
    hysteresis: int
    description: str = ""
    tokens: int = 6
    window: int = 3
    artist: str = "Ada Thornquist"
    seen: int = 0
    band: int = 0
    root: bytes = b""
    history: list = field(default_factory=list)
    proofs: dict = field(default_factory=dict)
    side: int = 192

    def __post_init__(self):
        self.band = sum(t <= 0 for t in self.thresholds)
        self.root = build_placeholder(self.store, self.name, self.description, self.edition, self.tokens)
        self.recipe = self.store.put(RECIPE)
        self.basis = self.rows[0][2]

    def answer(self, at):
        if at + 1 < self.window:
            return None
        last = sorted(price for _, _, price in self.rows[at + 1 - self.window : at + 1])
        return last[(self.window - 1) // 2] * WAD // self.basis - WAD

    def advance(self, rows):
        for at in range(self.seen, min(self.seen + rows, len(self.rows))):
            self.seen = at + 1
            answer = self.answer(at)
            if answer is None:
                continue
            up = sum(answer >= t + self.hysteresis for t in self.thresholds)
            down = sum(answer >= t - self.hysteresis for t in self.thresholds)
            band = up if up > self.band else min(down, self.band)
            if band != self.band or not self.history:
                self.repaint(at, answer, band)

    def repaint(self, at, answer, band):
        block, label, _ = self.rows[at]
        bands = len(self.thresholds) + 1
        seeds = tuple((self.edition * 100 + index).to_bytes(32) for index in range(self.tokens))
        spec = EditionSpec(
            CHAIN,
            COLLECTION,
            self.name,
            self.description,
            self.edition,
            self.edition,
            block,
            block.to_bytes(32),
            band,
            bands,
            MOODS[band],
            (("volatility", answer // 9), ("drawdown", 0)),
            self.recipe,
            b"\4" * 32,
            seeds,
        )
        images = [paint(int.from_bytes(seed), band, bands, self.side) for seed in seeds]
        before, self.root = self.root, build(self.store, spec, images)
        first = token_id(self.edition, 1)
        self.history.append(
            RepaintView(
                checkpoint=block,
                block=block + 71,
                answer=str(answer),
                previous_band=self.band,
                band=band,
                signers=list(COMMITTEE.signers[:3]),
                gas=78_211,
                tx="0x" + f"{block:064x}",
                root=directory_cid(self.root),
                label=label,
                transmitter=COMMITTEE.signers[1],
                images=self.paths("png"),
                metadata=self.paths("json"),
                token_uri_before=f"ipfs://{directory_cid(before)}/{first}.json",
                token_uri_after=f"ipfs://{directory_cid(self.root)}/{first}.json",
            )
        )
        self.proofs[block] = self.proof(block, answer, band)
        self.band = band

    def proof(self, block, answer, band):
        """The report of this repaint, signed by three of four."""
        observed = (answer - 10**12, answer, answer + 10**12, answer + 2 * 10**12)
        report = Report(self.edition, block, block.to_bytes(32), 0, 0b1111, observed, (answer // 9, 0), self.root)
        digest = report_digest(COMMITTEE.domain, report)
        return ProofView(
            chain_id=CHAIN,
            oracle=ORACLE,
            collection=COLLECTION,
            edition=self.edition,
            feed=self.edition,
            checkpoint=block,
            config_digest="0x" + COMMITTEE.config_digest.hex(),
            report_digest="0x" + digest.hex(),
            answer=str(answer),
            previous_band=self.band,
            band=band,
            content_root="0x" + self.root.hex(),
            signers="7",
            tx=f"0x{block:064x}",
            block=block + 71,
            transmitter=COMMITTEE.signers[1],
            road="report",
            thresholds=[str(threshold) for threshold in self.thresholds],
            hysteresis=str(self.hysteresis),
            message=typed_data(COMMITTEE.domain, report)["message"],
            signatures=["0x" + pack(key.sign_recoverable(digest, hasher=None)).hex() for key in KEYS[:3]],
            members=list(COMMITTEE.signers),
            transport_keys=["0x" + key.hex() for key in COMMITTEE.transport_keys],
        )

    def paths(self, suffix):
        base = f"/ipfs/{directory_cid(self.root)}"
        return [f"{base}/{token_id(self.edition, index + 1)}.{suffix}" for index in range(self.tokens)]

    def view(self):
        prices = [
            PricePoint(block, str(price), None if (found := self.answer(at)) is None else str(found), label)
            for at, (block, label, price) in enumerate(self.rows[: self.seen])
        ]
        images = (
            self.paths("png") if self.history else [f"/ipfs/{directory_cid(self.root)}/placeholder.svg"] * self.tokens
        )
        tokens = [
            TokenView(
                str(token_id(self.edition, index + 1)), f"{self.name} #{index + 1}", image, metadata, "0x" + "ab" * 20
            )
            for index, (image, metadata) in enumerate(zip(images, self.paths("json"), strict=True))
        ]
        feed = FeedView(
            self.edition,
            "0x" + "cd" * 20,
            str(self.basis),
            [str(t) for t in self.thresholds],
            str(self.hysteresis),
            self.window,
            prices[-1].answer if prices else None,
            prices,
        )
        return EditionView(
            collection=COLLECTION,
            edition=self.edition,
            name=self.name,
            artist=self.artist,
            state="revealed",
            band=self.band,
            bands=len(self.thresholds) + 1,
            root=directory_cid(self.root),
            token_uri_prefix=f"ipfs://{directory_cid(self.root)}/",
            tokens=tokens,
            feed=feed,
            history=list(self.history),
            chain_id=CHAIN,
            description=self.description,
            recipe=raw_cid(self.recipe),
            moods=MOODS,
        )


class Exhibition:
    """A GallerySource over shows; `move()` tells the page that something changed."""

    def __init__(self, *shows):
        self.shows = list(shows)
        self.revision = 1
        self.ready = True
        self.waiting = asyncio.Condition()

    async def changed(self, since):
        async with self.waiting:
            await self.waiting.wait_for(lambda: self.revision > since)
        return self.revision

    async def move(self):
        async with self.waiting:
            self.revision += 1
            self.waiting.notify_all()

    def editions(self):
        return [show.view() for show in self.shows]

    def proof(self, collection, edition, checkpoint):
        show = next((show for show in self.shows if show.edition == edition), None)
        return show and show.proofs.get(checkpoint)

    def readiness(self):
        return Readiness(ready=self.ready)

    def status(self):
        return {"shows": len(self.shows)}


def history(name):
    with (files("node.devnet") / "histories" / name).open() as file:
        rows = list(csv.reader(file))[1:]
    return [(int(block), label, round(float(price) * 10**9) * 10**9) for block, label, price in rows]
