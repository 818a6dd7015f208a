"""What the chain says of a token at one block: its collection, oracle, edition and feed."""

from __future__ import annotations

from dataclasses import dataclass

from node.chain import calls, feeds
from node.chain.calls import Call, call_at
from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.interface import interface
from node.chain.types import MULTICALL3, TOKENS_PER_EDITION, Block, Edition, EditionState, Feed
from node.errors import ChainError

_ZERO = bytes(32)


@dataclass(frozen=True, slots=True)
class Facts:
    """A token as it stands at `block`; `index` counts the edition's tokens from 1."""

    chain_id: int
    block: Block
    collection: str
    token: int
    index: int
    edition: Edition
    feed: Feed
    uri: str

    @property
    def painted(self) -> bool:
        """Whether the edition shows artworks: else its placeholder."""
        return self.edition.content_root != _ZERO


async def oracle_of(pool: RpcPool, collection: str) -> str:
    """The oracle that a collection was deployed with; ChainError if it is no collection of ours."""
    from eth_utils.address import to_checksum_address

    abi = interface("DynamicCollection")
    returned = await pool.agree(lambda ask: call_at(ask, collection, abi.encode("ORACLE"), None))
    if not returned:
        raise ChainError(f"there is no contract at {collection}")
    return str(to_checksum_address(abi.result("ORACLE", returned)))


async def read_facts(chain: Chain, collection: str, token: int, block: Block) -> Facts:
    """Everything about a token at a block.

    Raises ChainError where there is no such token, or where collection and oracle contradict each other.
    """
    number, index = divmod(token, TOKENS_PER_EDITION)
    if not number or not index:
        raise ChainError(f"no token has the number {token}: an edition's begin at {TOKENS_PER_EDITION + 1}")
    edition = await chain.edition(collection, number, block)
    if index > edition.minted:
        raise ChainError(f"edition {number} has {edition.minted} tokens, {token} is none of them")
    if edition.state == EditionState.REVEALED and edition.minted != edition.supply:
        raise ChainError(f"edition {number} is revealed and still says {edition.minted} of {edition.supply} are sold")
    feed = await read_feed(chain, edition.feed, block)
    if (feed.collection.lower(), feed.edition) != (collection.lower(), number):
        raise ChainError(f"feed {feed.id} names edition {feed.edition} of {feed.collection}, not this one")
    uri = await chain.token_uri(collection, token, block)
    return Facts(await chain.chain_id(), block, collection, token, index, edition, feed, uri)


async def read_feed(chain: Chain, number: int, block: Block) -> Feed:
    """One feed as it stands at a block."""
    if not 0 < number < 1 << 63:
        raise ChainError(f"no oracle has a feed {number}")
    [unit] = feeds.feed_units(chain.oracle, [number])
    asked: list[Call] = list(unit.calls)
    returned = await chain.pool.agree(lambda ask: calls.aggregate(ask, MULTICALL3, asked, block))
    found = feeds.feeds([number], [tuple(returned)])
    if not found:
        raise ChainError(f"{chain.oracle} has no feed {number}")
    return found[0]
