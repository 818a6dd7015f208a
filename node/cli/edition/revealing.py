"""`patina edition reveal`: proves the reveal block's randomness and fixes the edition's seed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from node.cli.edition.desk import perform
from node.cli.edition.options import Choice, artist_options
from node.cli.edition.selling import EDITION
from node.errors import PatinaError, RevertError

if TYPE_CHECKING:
    from node.chain.types import Edition
    from node.cli.edition.desk import Desk

_REACH: Final = 8_191
"""Blocks for which a header can be proven (EIP-2935); 256 on chains without it, which the contract says."""


@click.command()
@click.argument("edition", type=EDITION)
@click.option("--wait/--no-wait", default=True, help="Whether to wait for the reveal block.")
@click.option(
    "--without-secret",
    is_flag=True,
    help="Prove the randomness alone, which then stands: anyone may, with any account.",
)
@artist_options
def reveal(edition: int, *, wait: bool, without_secret: bool, choice: Choice) -> None:
    """Draw and reveal the seed of EDITION.

    Proves the randomness of the block that closing named, and reveals the secret that opening kept. From then on every
    token has its seed for life, and nodes paint the edition at its next checkpoint. Any account may pay for it.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls
        from node.chain.types import EditionState

        errands = await desk.errands()
        found = await desk.edition(edition)
        if found.state == EditionState.SELLING:
            raise PatinaError(f"edition {edition} is still sold: patina edition close {edition} comes first")
        if not found.minted:
            raise PatinaError(f"edition {edition} ended without a token: it has nothing to reveal")
        now = any(
            calls.read_art(calldata)[:2] == ("reveal", edition) for calldata in errands.landed_at(desk.collection)
        )
        if found.revealed and not now:
            raise PatinaError(f"edition {edition} is revealed already: there is nothing to do")
        if not found.revealed:
            secret = None if without_secret else desk.secrets.find(found.commitment)
            if not any(found.randomness):
                await _record(desk, found, wait=wait)
            if secret is None:
                randomness = (await desk.edition(edition)).randomness
                desk.talk.say(f"The randomness of edition {edition} stands. Only its artist's secret is missing.")
                return {"edition": edition, "randomness": "0x" + randomness.hex()}
            ask = f"Reveal edition {edition}?"
            await errands.send(f"reveal edition {edition}", desk.collection, calls.reveal(edition, secret), ask=ask)
        after = await desk.edition(edition)
        desk.talk.say(f"Edition {edition} is revealed: its {after.minted} tokens are painted at the next checkpoint.")
        return {"edition": edition, "seed": "0x" + after.seed.hex(), "tokens": after.minted}

    perform(choice, work)


async def _record(desk: Desk, found: Edition, *, wait: bool) -> None:
    """Have the reveal block's prevrandao on chain; PatinaError where its block is not there yet."""
    from node.artist import calls
    from node.chain.header import header_rlp

    told = 0
    while True:
        head = (await desk.chain.head()).number
        if head > found.reveal_block + _REACH:
            desk.talk.say(f"Block {found.reveal_block} can no longer be proven: another one has to be named.")
            await desk.send(
                "name another reveal block", desk.collection, calls.rearm(found.id), ask="Name another block?"
            )
            found = await desk.edition(found.id)
            continue
        if head > found.reveal_block:
            break
        if not wait:
            raise PatinaError(
                f"block {found.reveal_block + 1} has to be there first, {found.reveal_block + 1 - head} to go: run it "
                "again then"
            )
        if told != found.reveal_block:
            desk.talk.say(f"Waiting for block {found.reveal_block + 1}, {found.reveal_block + 1 - head} to go.")
            told = found.reveal_block
        await asyncio.sleep(min(30, max(1, found.reveal_block + 1 - head)))
    block = await desk.chain.pool.request("eth_getBlockByNumber", [hex(found.reveal_block), False])
    if not isinstance(block, dict):
        raise PatinaError(f"the endpoint does not know block {found.reveal_block}: try another one with --rpc")
    what = f"prove the randomness of block {found.reveal_block}"
    try:
        await desk.send(what, desk.collection, calls.record_randomness(found.id, header_rlp(block)))
    except RevertError as error:
        if "block out of reach" not in str(error):
            raise
        desk.talk.say("This chain can no longer prove that block.")
        await desk.send("name another reveal block", desk.collection, calls.rearm(found.id), ask="Name another block?")
        await _record(desk, await desk.edition(found.id), wait=wait)
