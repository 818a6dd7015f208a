"""The card of the model that ships: made from its facts, of its files and digest, and every floor held."""

from __future__ import annotations

from node.render.train import card, release
from node.render.train.floors import missed


def test_card__of_the_model_that_ships__what_its_facts_make() -> None:
    assert card.current(release.SHIPPED, release.digest(release.SHIPPED))


def test_figures__of_the_model_that_ships__measured_on_these_files_and_every_floor_held() -> None:
    known = card.facts(release.SHIPPED)
    assert known["figures"]["model"] == card.fingerprint(known["files"])
    assert missed(known["figures"]) == []


def test_check__the_model_that_ships__within_its_size_and_bounds() -> None:
    release.check(release.SHIPPED)
