"""One verification from its first step to its last: what is asked, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from node.chain.client import Chain
from node.chain.types import EditionState
from node.content.edition import token_path
from node.errors import ChainError, ContentError
from node.verify import artwork, judge, landing, seeds
from node.verify.committees import committee_of
from node.verify.facts import Facts, oracle_of, read_facts
from node.verify.repaint import check_model, repaint
from node.verify.sheet import Sheet, UntoldError

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.chain.endpoints.pool import RpcPool
    from node.chain.types import Block, Landed
    from node.render.reading import AnyRecipe
    from node.verify.blocks import Blocks
    from node.verify.repaint import Paint

Thing = TypeVar("Thing")

SIGNALS: Final = ("volatility", "drawdown", "flow")
"""Names of a report's signals, in their order (docs/architecture.md, "Numbers")."""


@dataclass
class Verification:
    """Verifies one token; `run` notes every step on the sheet and raises nothing that Patina raises on purpose."""

    pool: RpcPool
    blocks: Blocks
    collection: str
    token: int
    paint: Paint
    sheet: Sheet
    chain: Chain | None = None
    facts: Facts | None = None
    landed: Landed | None = None

    async def run(self) -> None:
        """Take all steps."""
        if not await self._token() or self.chain is None or self.facts is None:
            return
        if self.facts.painted:
            await self._painted(self.chain, self.facts)
        else:
            await self._placeholder(self.facts)

    async def _token(self) -> bool:
        head: Block | None = None
        with self.sheet.step("chain") as note:
            chain = Chain(self.pool, await oracle_of(self.pool, self.collection))
            head, final = await chain.head(), await chain.finalized()
            number = await chain.chain_id()
            asked = len(self.pool.endpoints)
            compared = (
                f"{asked} endpoints compared" if asked > 1 else "one endpoint, its word is compared with nobody's"
            )
            note.detail = f"chain {number} at block {head.number} ({final.number} is final), {compared}"
            self.chain = chain
        if self.chain is None or head is None:
            return False
        with self.sheet.step("token") as note:
            facts = await read_facts(self.chain, self.collection, self.token, head)
            note.detail = (
                f"number {facts.index} of {facts.edition.minted} in edition {facts.edition.id}, feed {facts.feed.id} "
                f"of oracle {self.chain.oracle}"
            )
            self.facts = facts
        return self.facts is not None

    async def _painted(self, chain: Chain, facts: Facts) -> None:
        agreed = await self._report(chain, facts)
        with self.sheet.step("seed") as note:
            if facts.edition.state != EditionState.REVEALED:
                raise ChainError("the edition shows artworks and is not revealed")
            seed = seeds.token_seed(facts.edition.seed, facts.token)
            if await chain.token_seed(facts.collection, facts.token) != seed:
                raise ChainError("the collection's own token seed is not made of its edition's")
            note.detail = f"0x{seed.hex()[:16]}..., of the edition's seed and the token's number"
        with self.sheet.step("draw", optional=True) as note:
            await seeds.check_draw(chain, facts.edition, facts.block.number)
            note.detail = f"commitment and header of block {facts.edition.reveal_block} make the edition's seed"
        await self._content(facts, agreed)

    async def _report(self, chain: Chain, facts: Facts) -> judge.Agreed | None:
        """The steps from the event to the root; None where what was agreed upon is not known."""
        with self.sheet.step("report") as note:
            landed = self.landed = await landing.root_setter(self.pool, chain.oracle, facts)
            signed = await landing.signed_report(self.pool, chain.oracle, facts.chain_id, landed)
            votes = () if signed else await landing.ballots(self.pool, chain.oracle, landed)
            road = "transmitted by" if signed else "voted for, at last by"
            note.detail = (
                f"for checkpoint {landed.checkpoint}, {road} {landed.transmitter} in block {landed.block_number}"
            )
        if self.landed is None:
            for name in ("committee", "signatures", "answer", "checkpoint", "root"):
                self.sheet.skip(name, "the report was not found")
            return None
        landed = self.landed
        committee = await self._committee(chain, facts, landed)
        agreed: judge.Agreed | None = None
        if not self.sheet.ok("report"):
            for name in ("signatures", "answer", "checkpoint"):
                self.sheet.skip(name, "the report is not proven")
        elif signed is not None:
            report = signed.report
            agreed = judge.Agreed(report.block_hash, report.signals, report.content_root)
            with self.sheet.step("signatures") as note:
                known = _known(committee)
                members = judge.check_signatures(known, landed, signed)
                note.detail = f"{len(members)} of {known.n} members, a quorum: {_seats(members)}"
            with self.sheet.step("answer") as note:
                known = _known(committee)
                judge.check_observers(known, signed)
                judge.check_answer(known, landed, facts.feed.policy, report.observations)
                note.detail = _answer(landed, len(report.observations))
        else:
            with self.sheet.step("signatures") as note:
                known = _known(committee)
                members = judge.check_ballots(known, landed, votes)
                agreed = judge.Agreed(votes[0].block_hash, votes[0].signals, votes[0].content_root)
                note.detail = f"votes of {len(members)} of {known.n} members, a quorum: {_seats(members)}"
            with self.sheet.step("answer") as note:
                known = _known(committee)
                judge.check_answer(known, landed, facts.feed.policy, [vote.answer for vote in votes])
                note.detail = _answer(landed, len(votes))
        await self._root(chain, facts, landed, agreed)
        return agreed

    async def _committee(self, chain: Chain, facts: Facts, landed: Landed) -> Committee | None:
        with self.sheet.step("committee") as note:
            committee = await committee_of(chain, facts.block, landed)
            note.detail = f"{committee.n} members, quorum {committee.quorum}, 0x{committee.config_digest.hex()[:16]}..."
            return committee
        return None

    async def _root(self, chain: Chain, facts: Facts, landed: Landed, agreed: judge.Agreed | None) -> None:
        if agreed is not None:
            with self.sheet.step("checkpoint") as note:
                block = await chain.block(landed.checkpoint)
                if block.hash != agreed.block_hash:
                    reported = f"the report names 0x{agreed.block_hash.hex()}"
                    raise ChainError(f"{reported}, block {block.number} is 0x{block.hash.hex()}")
                note.detail = f"block {block.number} has the hash that was reported"
        with self.sheet.step("root") as note:
            shown = facts.edition.content_root
            if shown != landed.content_root or (agreed is not None and shown != agreed.content_root):
                raise ChainError(
                    f"the collection shows 0x{shown.hex()}, the newest report with artworks names "
                    f"0x{landed.content_root.hex()}"
                )
            wanted = judge.token_uri(shown, facts.edition.id, facts.index, facts.edition.supply)
            if facts.uri != wanted:
                raise ChainError(f"tokenURI is {facts.uri[:200]}, root and token dictate {wanted}")
            note.detail = facts.uri

    async def _content(self, facts: Facts, agreed: judge.Agreed | None) -> None:
        files = await self._path(facts.edition.content_root, token_path(
            facts.edition.id, facts.index, facts.edition.supply))  # fmt: skip
        recipe = await self._recipe(facts)
        with self.sheet.step("model") as note:
            note.detail = check_model(_drawn(recipe))
        with self.sheet.step("metadata") as note:
            where = _had(files, "the directory")
            if where.picture is None:
                raise ContentError("the directory lists no picture for the token")
            found = await artwork.read_metadata(self.blocks, where.metadata)
            wanted = artwork.dictated(
                facts, _had(self.landed, "the report"), _had(agreed, "what was agreed upon"), SIGNALS,
                _drawn(recipe), where.picture,
            )  # fmt: skip
            artwork.check_metadata(found, wanted)
            note.detail = "byte for byte what chain, recipe and picture dictate"
        picture: bytes | None = None
        with self.sheet.step("picture") as note:
            where = _had(files, "the directory")
            picture = await self.blocks.file(_had(where.picture, "the picture's name"))
            note.detail = f"{where.picture}, {len(picture)} bytes"
        with self.sheet.step("render") as note:
            if not self.sheet.ok("model"):
                raise UntoldError("it takes the model that the recipe asks for")
            landed, told = _had(self.landed, "the report"), _had(agreed, "what was agreed upon")
            seed = seeds.token_seed(facts.edition.seed, facts.token)
            drawn = _drawn(recipe)
            note.detail = await repaint(
                self.paint, drawn, seed, landed.band, told.signals, _had(picture, "the picture")
            )  # fmt: skip

    async def _path(self, root: bytes, path: str) -> artwork.Files | None:
        files: artwork.Files | None = None
        with self.sheet.step("path") as note:
            files = await artwork.walk(self.blocks, root, path)
            note.detail = f"{path} in {files.directories} of the root's directories, every block has its hash"
        return files

    async def _recipe(self, facts: Facts) -> AnyRecipe | None:
        from node.render.reading import read_recipe

        with self.sheet.step("recipe") as note:
            recipe = read_recipe(await self.blocks.block(facts.edition.recipe))
            if recipe.digest != facts.edition.recipe:
                raise ContentError("the recipe is not in canonical form")
            note.detail = f"{recipe.name!r}, the digest that the edition names on chain"
            return recipe
        return None

    async def _placeholder(self, facts: Facts) -> None:
        """Before the first painting a token shows its edition's placeholder, which nothing else dictates."""
        path: str | None = None
        with self.sheet.step("root") as note:
            edition = facts.edition
            path = artwork.placeholder_root(facts.uri, edition.placeholder, edition.id, facts.index)
            state = "revealed, not painted yet" if edition.revealed else "not revealed yet"
            note.detail = f"{facts.uri}, the placeholder of an edition {state}"
        files = await self._path(facts.edition.placeholder, path) if path is not None else None
        picture = None
        with self.sheet.step("metadata") as note:
            metadata = await artwork.read_metadata(self.blocks, _had(files, "the directory").metadata)
            if metadata.provenance is not None:
                raise ContentError("the placeholder claims to be painted")
            picture = metadata.image
            note.detail = "an unrevealed token's, in canonical form"
        with self.sheet.step("picture") as note:
            cid = _had(picture, "the metadata")
            note.detail = f"{cid}, {len(await self.blocks.file(cid))} bytes"


def _known(committee: Committee | None) -> Committee:
    return _had(committee, "the committee")


def _drawn(recipe: AnyRecipe | None) -> AnyRecipe:
    if recipe is None:
        raise UntoldError("the recipe is not known")
    return recipe


def _had(value: Thing | None, what: str) -> Thing:
    if value is None:
        raise UntoldError(f"{what} is not known")
    return value


def _answer(landed: Landed, count: int) -> str:
    from node.content.metadata import percent

    before, after = landed.previous_band + 1, landed.band + 1  # as people count bands
    moved = f"{before} to {after}" if after != before else str(after)
    return f"{percent(landed.answer)}, the median of {count}; band {moved} by the policy"


def _seats(members: Sequence[int]) -> str:
    """Members as people count them: from 1."""
    return f"seat{'s' if len(members) > 1 else ''} {', '.join(str(each + 1) for each in members)}"
