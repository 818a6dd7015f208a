"""Whatever artists, buyers and the oracle do in whatever order: money adds up, supplies hold, seeds and roots stand."""

from __future__ import annotations

from typing import Any

import boa
import pytest
import rlp
from eth_utils import keccak
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .conftest import Studio, fresh_chain, header, new_studio


class Sales(RuleBasedStateMachine):
    """A collection under random use, next to a plain model of what it must say."""

    deployers: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.chain = fresh_chain()
        self.chain.__enter__()
        self.studio: Studio = new_studio(self.deployers)
        self.buyers = [boa.env.generate_address() for _ in range(3)]
        self.purse = boa.env.generate_address()
        self.paid = self.withdrawn = 0
        self.held = dict.fromkeys(self.buyers, 0)
        # Edition -> what the model knows of it.
        self.editions: dict[int, dict[str, Any]] = {}

    def teardown(self) -> None:
        self.chain.__exit__(None, None, None)

    def pick(self, data: st.DataObject) -> int:
        return int(data.draw(st.sampled_from(sorted(self.editions))))

    @initialize(supply=st.integers(1, 4), price=st.integers(0, 9))
    def first_edition(self, supply: int, price: int) -> None:
        self.open(supply, price)

    @precondition(lambda self: len(self.editions) < 3)
    @rule(supply=st.integers(1, 4), price=st.integers(0, 9))
    def open(self, supply: int, price: int) -> None:
        secret = keccak(b"secret of %d" % len(self.editions))
        edition = self.studio.open(supply=supply, price=price, secret=secret)
        self.editions[edition] = {
            "supply": supply,
            "price": price,
            "secret": secret,
            "minted": 0,
            "state": 1,
            "seed": bytes(32),
            "root": bytes(32),
        }

    @rule(data=st.data(), quantity=st.integers(1, 5), buyer=st.integers(0, 2), wrong=st.sampled_from([0, 0, 0, 1]))
    def mint(self, data: st.DataObject, quantity: int, buyer: int, wrong: int) -> None:
        number = self.pick(data)
        edition = self.editions[number]
        cost = edition["price"] * quantity + wrong
        account = self.buyers[buyer]
        boa.env.set_balance(account, boa.env.get_balance(account) + cost)
        good = edition["state"] == 1 and edition["minted"] + quantity <= edition["supply"] and not wrong
        if not good:
            with boa.reverts():
                self.studio.collection.mint(number, account, quantity, value=cost, sender=account)
            return
        self.studio.collection.mint(number, account, quantity, value=cost, sender=account)
        edition["minted"] += quantity
        self.held[account] += quantity
        self.paid += cost

    @rule(data=st.data(), artist=st.booleans())
    def close(self, data: st.DataObject, artist: bool) -> None:
        number = self.pick(data)
        edition = self.editions[number]
        sender = self.studio.artist if artist else self.buyers[0]
        if edition["state"] != 1 or not (artist or edition["minted"] == edition["supply"]):
            with boa.reverts():
                self.studio.collection.close_edition(number, sender=sender)
            return
        self.studio.collection.close_edition(number, sender=sender)
        edition |= {"state": 2, "supply": edition["minted"]}

    @rule(data=st.data(), blocks=st.sampled_from([0, 1, 21]), right=st.booleans())
    def draw(self, data: st.DataObject, blocks: int, right: bool) -> None:
        number = self.pick(data)
        edition = self.editions[number]
        boa.env.time_travel(blocks=blocks)
        if edition["state"] == 1 or not edition["minted"]:
            with boa.reverts():
                self.studio.collection.record_randomness(number, rlp.encode(header(1)))
            return
        told = self.studio.collection.edition(number)
        block = told.reveal_block
        candidate = header(block) if right else header(block, keccak(b"chosen"))
        in_reach = block < boa.env.evm.patch.block_number <= block + 256
        if right and in_reach and told.randomness == bytes(32):
            self.studio.collection.record_randomness(number, rlp.encode(candidate))
            assert self.studio.collection.edition(number).randomness == header(block).mix_hash
        else:
            with boa.reverts():
                self.studio.collection.record_randomness(number, rlp.encode(candidate))

    @rule(data=st.data(), right=st.booleans())
    def reveal(self, data: st.DataObject, right: bool) -> None:
        number = self.pick(data)
        edition = self.editions[number]
        secret = edition["secret"] if right else keccak(b"wrong")
        told = self.studio.collection.edition(number)
        if right and edition["state"] == 2 and told.randomness != bytes(32):
            self.studio.collection.reveal(number, secret)
            edition |= {"state": 3, "seed": keccak(secret + told.randomness)}
        else:
            with boa.reverts():
                self.studio.collection.reveal(number, secret)

    @rule(data=st.data(), root=st.sampled_from([bytes(32), keccak(b"a"), keccak(b"b")]))
    def report(self, data: st.DataObject, root: bytes) -> None:
        number = self.pick(data)
        edition = self.editions[number]
        feed = self.studio.collection.edition(number).feed
        if not edition["supply"] or (any(root) and edition["state"] != 3):
            with boa.reverts():
                self.studio.on_report(feed, root)
        else:
            self.studio.on_report(feed, root)
            edition["root"] = root if any(root) else edition["root"]

    @rule()
    def withdraw(self) -> None:
        if self.paid == self.withdrawn:
            with boa.reverts("collection: nothing to withdraw"):
                self.studio.collection.withdraw_proceeds(self.purse)
        else:
            self.studio.collection.withdraw_proceeds(self.purse)
            self.withdrawn = self.paid

    @rule(data=st.data(), giver=st.integers(0, 2), taker=st.integers(0, 2))
    def transfer(self, data: st.DataObject, giver: int, taker: int) -> None:
        sender, receiver = self.buyers[giver], self.buyers[taker]
        if not self.held[sender]:
            return
        index = data.draw(st.integers(0, self.held[sender] - 1))
        token = self.studio.collection.tokenOfOwnerByIndex(sender, index)
        self.studio.collection.transferFrom(sender, receiver, token, sender=sender)
        self.held[sender] -= 1
        self.held[receiver] += 1

    @invariant()
    def money_adds_up(self) -> None:
        assert boa.env.get_balance(self.studio.collection.address) == self.paid - self.withdrawn
        assert boa.env.get_balance(self.purse) == self.withdrawn

    @invariant()
    def editions_are_as_the_model_has_them(self) -> None:
        for number, edition in self.editions.items():
            told = self.studio.collection.edition(number)
            assert told.minted <= told.supply
            assert (told.supply, told.minted, told.state) == (edition["supply"], edition["minted"], edition["state"])
            assert (told.seed, told.content_root) == (edition["seed"], edition["root"])

    @invariant()
    def tokens_add_up(self) -> None:
        minted = sum(edition["minted"] for edition in self.editions.values())
        assert self.studio.collection.totalSupply() == minted == sum(self.held.values())
        assert all(self.studio.collection.balanceOf(account) == held for account, held in self.held.items())


@pytest.mark.slow
def test_collection__any_sequence_of_calls__keeps_its_invariants(deployers: dict[str, Any]) -> None:
    Sales.deployers = deployers
    run_state_machine_as_test(Sales, settings=settings(max_examples=12, stateful_step_count=25, deadline=None))
