"""Evaluation on sets whose figures are known: good pictures, a model that repeats itself, moods that are mixed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from node import render
from node.errors import RenderError
from node.render.exact.quantise.fidelity import Fidelity, pictures
from node.render.recipe import MOODS
from node.render.train import classifier, dataset, drawing, evaluate, floors
from node.render.train.evaluate import Reference, measure, reference
from node.render.train.sight import Sight, see

EACH = 14  # pictures of each mood in the set
HELD = 6
MODEL = Path(render.__file__).parent / "model"


def silent(*_: object) -> None:
    pass


def picture(token: int, mood: int) -> NDArray[np.uint8]:
    """A token's own dark shapes in front of a mood's colour, with grain and a light of its own."""
    rng = np.random.default_rng(token)
    ground = np.array([90 + 110 * (mood >> bit & 1) for bit in range(3)]) + rng.integers(-15, 16, 3)
    drawn = np.tile(ground.astype(float), (128, 128, 1))
    for _ in range(12):
        y, x = rng.integers(0, 100, 2)
        height, width = rng.integers(8, 28, 2)
        drawn[y : y + height, x : x + width] *= rng.uniform(0.3, 0.7)
    return np.asarray(np.clip(drawn + rng.normal(0, 6, drawn.shape), 0, 255), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training set in two parts, moods in turn."""
    found: Path = tmp_path_factory.mktemp("training") / "set"
    half = EACH * len(MOODS) // 2
    for part in range(2):
        (found / f"part-{part:03d}").mkdir(parents=True)
        indices = range(part * half, (part + 1) * half)
        rows: dict[str, Any] = {
            "pictures": np.stack([picture(1000 + index, index % 8) for index in indices]),
            "guides": np.zeros((half, 1), np.uint8),
            "maps": np.zeros((half, 1), np.uint8),
            "vectors": np.stack([127 * np.eye(8, dtype=np.int16)[index % 8] for index in indices]),
        }
        for field, values in rows.items():
            np.save(found / f"part-{part:03d}" / f"{field}.npy", values)
    return found


@pytest.fixture(scope="module", autouse=True)
def small() -> Any:
    """Parts as large as those of the set above."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dataset, "PART", EACH * len(MOODS) // 2)
        yield


@pytest.fixture(scope="module")
def known(folder: Path, small: None) -> Reference:
    return reference(folder, HELD, silent)


@pytest.fixture(scope="module")
def reader(known: Reference) -> classifier.Classifier:
    return classifier.train(known.taught, known.taught_moods, epochs=10)


@pytest.fixture(scope="module")
def sights() -> list[Sight]:
    """What a good model draws: other tokens, each in every mood."""
    return [see(picture(token, mood)) for token in range(HELD) for mood in range(8)]


def test_reference__a_set__as_many_of_each_mood_held_back_and_never_taught(known: Reference) -> None:
    assert np.bincount(known.held_moods).tolist() == [HELD] * 8
    assert np.bincount(known.taught_moods).tolist() == [EACH - HELD] * 8
    taught = {thumbnail.tobytes() for thumbnail in known.taught}
    assert not taught & {sight.thumbnail.tobytes() for sight in known.held}


def test_reference__progress__to_the_end(folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    reference(folder, 1, lambda *step: told.append(step))
    assert told[-1] == ("reading the training set", EACH * 8, EACH * 8)


def test_reference__the_set_is_large__no_more_taught_than_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "CLASSIFIER_PICTURES", 24)
    assert len(reference(folder, 2, silent).taught) == 24


@pytest.mark.parametrize("tokens", [EACH, EACH + 1])
def test_reference__too_few_pictures__says_what_to_do(folder: Path, tokens: int) -> None:
    with pytest.raises(RenderError, match=r"112 training pictures are too few .* --pictures"):
        reference(folder, tokens, silent)


def test_measure__a_model_as_good_as_its_set__every_floor_of_pictures_held(
    known: Reference, reader: classifier.Classifier, sights: list[Sight]
) -> None:
    figures = measure(sights, known, reader)
    assert figures["classifier"]["model"] >= 0.95
    assert figures["classifier"]["taught"] == len(known.taught)
    assert np.sum(figures["classifier"]["confusion"]) == len(sights)
    assert figures["composition"]["found"] == 1
    assert figures["composition"]["same"] > figures["composition"]["other"] + 0.3
    assert 0.8 < figures["diversity"]["pixels"]["ratio"] < 1.25
    assert 0.8 < figures["crispness"]["laplacian"]["ratio"] < 1.25
    close = {"fidelity": {"worst": 40.0, "median": 45.0}}
    assert {row.name for row in floors.missed({**figures, **close})} <= {
        "Vendi score by features, over the training set's"  # six pictures a mood: too few to hold it to
    }


def test_measure__a_model_with_one_place_only__not_diverse_and_no_token_found(
    known: Reference, reader: classifier.Classifier
) -> None:
    repeated = [see(picture(3, mood)) for _ in range(HELD) for mood in range(8)]
    figures = measure(repeated, known, reader)
    assert figures["diversity"]["pixels"]["model"] == pytest.approx(1)
    assert figures["diversity"]["pixels"]["ratio"] < 0.5
    assert figures["composition"]["found"] == pytest.approx(1 / HELD, abs=1e-4)  # the first of equals, by chance alone


def test_measure__moods_drawn_as_their_neighbours__read_as_what_they_show(
    known: Reference, reader: classifier.Classifier
) -> None:
    shifted = [see(picture(token, (mood + 1) % 8)) for token in range(HELD) for mood in range(8)]
    figures = measure(shifted, known, reader)
    assert figures["classifier"]["model"] <= 0.05
    table = np.array(figures["classifier"]["confusion"])
    assert table[0, 1] >= HELD - 1


def test_measure__a_blurred_model__less_crisp(known: Reference, reader: classifier.Classifier) -> None:
    blurred = []
    for token in range(HELD):
        for mood in range(8):
            soft = picture(token, mood)[::4, ::4].repeat(4, 0).repeat(4, 1)
            blurred.append(
                see(np.asarray((soft.astype(int) + np.roll(soft, 2, 0) + np.roll(soft, 2, 1)) // 3, np.uint8))
            )
    assert measure(blurred, known, reader)["crispness"]["laplacian"]["ratio"] < 0.8


def test_tokens__more_of_them__the_same_first_ones_under_levels_as_in_the_training_set() -> None:
    tokens = drawing.tokens(40)
    assert drawing.tokens(3) == tokens[:3]
    assert len({token.seed for token in tokens}) == 40
    rng = np.random.default_rng(20)
    for token in tokens:
        drawn = drawing.recipe().levels(token.signals)
        assert (drawn.volatility, drawn.drawdown, drawn.flow) == dataset.levels(rng)


def test_evaluate__a_seed__other_tokens_and_other_pictures_compared_with_float(
    folder: Path, sights: list[Sight], reader: classifier.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing takes minutes: what is drawn is looked at, and known pictures are handed back."""
    asked: list[tuple[list[drawing.Token], list[bytes]]] = []

    def drawn(_: object, tokens: list[drawing.Token], *__: object) -> list[Sight]:
        asked.append((tokens, []))
        return sights[: 8 * len(tokens)]

    def compared(*given: Any) -> Fidelity:
        asked[-1][1].extend(picture.noise.tobytes() for picture in pictures(2, given[-1]))
        return Fidelity((40.0, 50.0))

    monkeypatch.setattr(classifier, "train", lambda *_: reader)
    monkeypatch.setattr(drawing, "sights", drawn)
    monkeypatch.setattr(evaluate, "fidelity", compared)
    for seed in ("", "mine", "mine", "yours"):
        figures = evaluate.evaluate(folder.parent, MODEL, 16, "torch", 1, silent, seed)
        assert figures.get("seed", "") == seed
    usual, mine, again, yours = asked
    assert mine == again
    for one, other in ((usual, mine), (usual, yours), (mine, yours)):
        assert not {token.seed for token in one[0]} & {token.seed for token in other[0]}
        assert [token.signals for token in one[0]] != [token.signals for token in other[0]]
        assert not set(one[1]) & set(other[1])


def test_evaluate__too_few_pictures__refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="15 pictures are too few"):
        evaluate.evaluate(tmp_path, tmp_path, 15, "auto", 1, silent)
