"""Traits (ERC-7496): read from the feed, described as the standard asks, set by nobody."""

from __future__ import annotations

import json
from urllib.parse import unquote

import boa
import pytest
from eth_abi import encode
from eth_utils import keccak

from .conftest import ANSWER, BAND, WAD, Studio


def test_get_trait_value__fresh_feed__is_its_opening_band(studio: Studio) -> None:
    edition = studio.open()
    studio.buy(edition)
    token = studio.token(edition, 1)
    assert studio.collection.getTraitValue(token, BAND) == bytes(32)
    assert studio.collection.getTraitValue(token, ANSWER) == bytes(32)


@pytest.mark.parametrize(("answer", "band"), [(-WAD // 2, 0), (WAD // 100 * 7, 2), (WAD // 100 + WAD // 1000, 1)])
def test_get_trait_values__after_a_report__are_those_of_the_oracle(studio: Studio, answer: int, band: int) -> None:
    edition = studio.revealed()
    studio.transmit(studio.collection.edition(edition).feed, answer, keccak(b"root"))
    values = studio.collection.getTraitValues(studio.token(edition, 2), [ANSWER, BAND, ANSWER])
    told = answer.to_bytes(32, signed=True)
    assert values == [told, band.to_bytes(32), told]
    assert studio.collection.getTraitValues(studio.token(edition, 2), []) == []


def test_get_trait_value__unknown_key__reverts_with_the_standard_error(studio: Studio) -> None:
    edition = studio.open()
    studio.buy(edition)
    token, key = studio.token(edition, 1), keccak(b"rarity")
    expected = keccak(b"TraitKeyUnknown(bytes32)")[:4] + encode(["bytes32"], [key])
    for call in (
        studio.collection.getTraitValue.prepare_calldata(token, key),
        studio.collection.getTraitValues.prepare_calldata(token, [BAND, key]),
    ):
        answer = boa.env.execute_code(studio.collection.address, data=call)
        assert answer.is_error
        assert answer.output == expected


def test_get_trait_value__missing_token__is_refused(studio: Studio) -> None:
    edition = studio.open()
    for call in (
        lambda: studio.collection.getTraitValue(studio.token(edition, 1), BAND),
        lambda: studio.collection.getTraitValues(studio.token(edition, 1), []),
    ):
        with boa.reverts("erc721: invalid token ID"):
            call()


def test_set_trait__by_anyone__is_refused(studio: Studio) -> None:
    edition = studio.open()
    studio.buy(edition, 1, studio.artist)
    for sender in (studio.artist, studio.oracle.address, boa.env.generate_address()):
        with boa.reverts("traits: set by the feed alone"):
            studio.collection.setTrait(studio.token(edition, 1), BAND, bytes(32), sender=sender)


def test_get_trait_metadata_uri__data__is_the_schema_of_the_standard(studio: Studio) -> None:
    kind, _, data = studio.collection.getTraitMetadataURI().partition(",")
    assert kind == "data:application/json"
    assert not set(data) & set('{}"<>\\^`| ')
    traits = json.loads(unquote(data))["traits"]
    assert {keccak(text=name) for name in traits} == {BAND, ANSWER}
    assert traits["band"]["dataType"] == {
        "type": "decimal",
        "signed": False,
        "decimals": 0,
        "minValue": 0,
        "maxValue": 15,
    }
    assert traits["answer"]["dataType"] == {"type": "decimal", "signed": True, "decimals": 18}
    assert len({trait["displayName"] for trait in traits.values()}) == 2
