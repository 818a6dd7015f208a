"""Reads the staking contract: everything about one question in one request, as typed values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from node.chain.calls import Call, aggregate, call_at
from node.chain.interface import interface
from node.chain.types import MULTICALL3, NOBODY
from node.errors import ChainError, PatinaError
from node.staking.types import Account, FeedFunds, Node, Overview, Params, Standing, Unbonding

if TYPE_CHECKING:
    from node.chain.endpoints.pool import Ask, RpcPool
    from node.chain.types import Block

CONTRACT = "NodeStaking"


async def find_staking(pool: RpcPool, oracle: str, block: Block | None = None) -> str | None:
    """The staking contract that the oracle obeys, or None where its owner chooses committees.

    Raises:
        ChainError: the chain cannot be read.
    """
    from eth_utils.address import to_checksum_address

    abi = interface("StrategyOracle")
    ask = pool.ask if block is None else pool.agree
    returned = await ask(lambda one: call_at(one, oracle, abi.encode("staking"), block))
    found = str(to_checksum_address(abi.result("staking", returned)))
    return None if found == NOBODY else found


class Staking:
    """One staking contract, read through an RpcPool; at a `block` two endpoints must say the same.

    Every method raises ChainError when the chain cannot be read or there is no such contract.
    """

    def __init__(self, pool: RpcPool, address: str, *, multicall: str = MULTICALL3) -> None:
        from eth_utils.address import to_checksum_address

        self.pool = pool
        self.address = str(to_checksum_address(address))
        self._multicall = multicall
        self._oracle: str | None = None

    async def overview(self, block: Block | None = None) -> Overview:
        """Where staking stands: one request, and one more the first time."""
        oracle = await self.oracle()
        own = ("era", "era_ends", "current", "settled", "cursor", "settled_until", "treasury", "candidates", "params")
        batch = [(CONTRACT, self.address, name, ()) for name in (*own, "token")]
        batch += [("StrategyOracle", oracle, name, ()) for name in ("staking", "ledger")]
        found = await self._ask(batch, block)
        era, era_ends, current, settled, cursor, settled_until, treasury, candidates, params, token, obeyed, head = (
            found
        )
        number, config_digest = current
        return Overview(
            oracle=oracle,
            token=_address(token),
            obeyed=_address(obeyed) == self.address,
            era=era,
            era_ends=era_ends,
            number=number,
            config_digest=config_digest,
            settled=settled,
            cursor=cursor,
            ledger=head,
            settled_until=settled_until,
            treasury=treasury,
            candidates=tuple(candidates),
            params=Params(*params),
        )

    async def oracle(self) -> str:
        """The oracle that the contract was made for, which never changes."""
        if self._oracle is None:
            self._oracle = _address(await self._one("oracle"))
        return self._oracle

    async def params(self) -> Params:
        """The contract's rules."""
        return Params(*await self._one("params"))

    async def node_of(self, operator: str) -> int:
        """The operator's node, 0 where it has none."""
        return int(await self._one("node_of", operator))

    async def node_of_signer(self, signer: str) -> int:
        """The node that has, or had, this signing address; 0 where none ever had."""
        return int(await self._one("node_of_signer", signer))

    async def node(self, number: int) -> Node:
        """A node by its id; RevertError (a ChainError) where there is none."""
        return _node(number, await self._one("node", number))

    async def nodes(self, numbers: Sequence[int], block: Block | None = None) -> list[Node]:
        """Many nodes in one request."""
        found = await self._ask([(CONTRACT, self.address, "node", (number,)) for number in numbers], block)
        return [_node(number, each) for number, each in zip(numbers, found, strict=True)]

    async def standings(self, numbers: Sequence[int], block: Block | None = None) -> list[Standing]:
        """Many nodes with their attendance in the era that is under way, in one request."""
        batch = [(CONTRACT, self.address, name, (one,)) for one in numbers for name in ("node", "attendance_of")]
        found = await self._ask(batch, block)
        pairs = zip(numbers, found[::2], found[1::2], strict=True)
        return [Standing(_node(number, node), *attendance) for number, node, attendance in pairs]

    async def account(self, number: int, block: Block | None = None) -> Account:
        """A node with all that is its own, in one request."""
        names = ("node", "claimable", "pending", "attendance_of", "unbondings", "locked_until")
        found = await self._ask([(CONTRACT, self.address, name, (number,)) for name in names], block)
        node, claimable, pending, (due, attended), unbondings, locked_until = found
        return Account(
            node=_node(number, node),
            claimable=claimable,
            pending=pending,
            due=due,
            attended=attended,
            unbondings=tuple(Unbonding(*each) for each in unbondings),
            locked_until=locked_until,
        )

    async def members(self, number: int, block: Block | None = None) -> tuple[int, ...]:
        """The nodes of a configuration in committee order; none for one that is not this contract's."""
        [found] = await self._ask([(CONTRACT, self.address, "members", (number,))], block)
        return tuple(found)

    async def config_number(self, config_digest: bytes) -> int:
        """The number of a configuration, 0 for one that this contract never installed."""
        return int(await self._one("config_number", config_digest))

    async def pays(self, feeds: Sequence[int], block: Block | None = None) -> dict[int, bool]:
        """For each feed, whether its funds cover the dearest report; one request."""
        found = await self._ask([(CONTRACT, self.address, "pays", (feed,)) for feed in feeds], block)
        return {feed: bool(each) for feed, each in zip(feeds, found, strict=True)}

    async def funds(self, feeds: Sequence[int], block: Block | None = None) -> dict[int, int]:
        """For each feed, what pays for its reports, in wei; one request."""
        found = await self._ask([(CONTRACT, self.address, "funds", (feed,)) for feed in feeds], block)
        return {feed: int(each) for feed, each in zip(feeds, found, strict=True)}

    async def feed_funds(self, feed: int, block: Block | None = None) -> FeedFunds:
        """A feed's funds, who opened it, and what is announced to leave; PatinaError where there is none."""
        oracle = await self.oracle()
        [count] = await self._ask([("StrategyOracle", oracle, "feed_count", ())], block)
        if not 0 < feed <= count:
            raise PatinaError(f"there is no feed {feed}: the oracle has {count or 'none'}, numbered from 1")
        own = [(CONTRACT, self.address, name, (feed,)) for name in ("funds", "defunding", "pays")]
        held, (leaving, ready_at), pays, opener = await self._ask(
            [*own, ("StrategyOracle", oracle, "opener", (feed,))], block
        )
        return FeedFunds(feed, _address(opener), held, min(held, leaving), ready_at if leaving else 0, pays)

    async def guardian(self) -> str:
        """Who may freeze a node's withdrawals; the zero address for nobody."""
        return _address(await self._one("guardian"))

    async def owed(self, account: str) -> tuple[int, int]:
        """What an account can collect: wei for reports and rotations, and stake (token's units) for slashes."""
        names = ("owed", "owed_stake")
        coin, stake = await self._ask([(CONTRACT, self.address, name, (account,)) for name in names], None)
        return int(coin), int(stake)

    async def _one(self, name: str, *arguments: Any) -> Any:
        abi = interface(CONTRACT)
        calldata = abi.encode(name, *arguments)
        returned = await self.pool.ask(lambda ask: call_at(ask, self.address, calldata, None))
        if not returned:
            raise ChainError(f"there is no {CONTRACT} at {self.address}")
        return abi.result(name, returned, len(arguments))

    async def _ask(self, batch: Sequence[tuple[str, str, str, tuple[Any, ...]]], block: Block | None) -> list[Any]:
        """What each (contract, address, function, arguments) returns."""
        if not batch:
            return []
        packed = [Call(address, interface(contract).encode(name, *given)) for contract, address, name, given in batch]

        async def question(ask: Ask) -> list[bytes | None]:
            return await aggregate(ask, self._multicall, packed, block)

        results = await (self.pool.ask(question) if block is None else self.pool.agree(question))
        found = []
        for (contract, address, name, given), returned in zip(batch, results, strict=True):
            if not returned:
                raise ChainError(f"{contract} at {address} does not answer {name}: is it the right address?")
            found.append(interface(contract).result(name, returned, len(given)))
        return found


def _address(value: Any) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(value))


def _node(number: int, stored: Sequence[Any]) -> Node:
    """A node as stored: the contract's struct names the same fields in the same order, but for the id."""
    operator, payee, signer, *rest = stored
    return Node(number, _address(operator), _address(payee), _address(signer), *rest)
