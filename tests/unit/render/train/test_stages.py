"""Making the model: the generator is repeatable, every stage runs and continues, and its records are kept."""

from __future__ import annotations

import io
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from node.errors import RenderError
from node.render.png import encode
from node.render.scene import PICTURE, scene
from node.render.train import autoencoder, dataset, decoder, diffusion, stages
from node.render.train.autoencoder import Mirror
from node.render.train.checkpoint import Checkpoint, cosine
from node.render.train.dataset import Pictures
from node.render.train.stages import Plan
from node.render.train.textures import Bank
from node.render.train.world import paint

LOOPS = {"autoencoder": autoencoder, "diffusion": diffusion, "decoder": decoder}


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Parts of eight pictures, and no process that steps back for good."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dataset, "PART", 8)
        patched.setattr("os.nice", lambda _: 0)
        yield


@pytest.fixture(scope="module")
def painted(small: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a set of eight pictures, one in each mood."""
    work = tmp_path_factory.mktemp("painted")
    (work / "set").mkdir()
    dataset.make_part(work / "set", 0)
    return work


@pytest.fixture(scope="module")
def trained(painted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after two steps of everything."""
    work = tmp_path_factory.mktemp("trained") / "work"
    shutil.copytree(painted, work)
    for stage in stages.STAGES[1:]:
        assert stages.run(plan(work, 2), stage, "cpu", lambda _: None)
    return work


@pytest.fixture
def work(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained folder, to be changed."""
    shutil.copytree(trained, tmp_path / "work")
    return tmp_path / "work"


def plan(work: Path, steps: int) -> Plan:
    return Plan(work, 1, dict.fromkeys(stages.STEPS, steps), 1, batch=2)


def state(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path)
    return loaded


def equal(first: Any, second: Any) -> bool:
    """Whether two checkpoints are the same to the last bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(equal, first, second))
    return bool(first == second)


def test_paint__same_inputs__same_picture() -> None:
    bank = Bank.make(3, each=1)
    first, second = (paint(scene(bytes(32), 80, 150), 0, 120, 80, bank, 7) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == (PICTURE, PICTURE, 3)


def test_paint__moods__eight_different_pictures_from_dark_to_bright(painted: Path) -> None:
    pictures = Pictures(painted / "set").rows("pictures", range(8))
    assert len({picture.tobytes() for picture in pictures}) == 8
    assert pictures[0].mean() + 50 < pictures[7].mean()


def test_encode__painted_pictures__within_a_third_of_pillows_size(painted: Path) -> None:
    for picture in Pictures(painted / "set").rows("pictures", range(0, 8, 3)):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        assert len(encode(picture)) <= 1.3 * len(buffer.getvalue())


def test_make_part__there_already__kept_as_it_is(painted: Path) -> None:
    written = (painted / "set" / "part-000" / "pictures.npy").stat().st_mtime_ns
    dataset.make_part(painted / "set", 0)
    assert (painted / "set" / "part-000" / "pictures.npy").stat().st_mtime_ns == written
    assert [path.name for path in (painted / "set").iterdir()] == ["part-000"]


def test_pictures__a_set__every_field_one_row_a_picture(painted: Path) -> None:
    pictures = Pictures(painted / "set")
    assert len(pictures) == 8
    shapes = {field: pictures.rows(field, range(8)).shape[1:] for field in dataset.FIELDS}
    assert shapes == {"pictures": (512, 512, 3), "guides": (16, 256, 256), "maps": (34, 32, 32), "vectors": (20,)}
    assert pictures.rows("vectors", range(8))[:, :8].argmax(1).tolist() == list(range(8))


def test_pictures__an_empty_folder__says_which_stage_makes_them(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="dataset stage first"):
        Pictures(tmp_path)


@pytest.mark.parametrize("stage", LOOPS)
def test_run__two_steps_of_a_stage__every_number_finite_and_trained(trained: Path, stage: str) -> None:
    saved = state(trained / f"{stage}.pt")
    assert saved["step"] == 2
    networks = [part for name, part in saved.items() if name not in ("step", "optimiser")]
    assert all(torch.isfinite(value).all() for network in networks for value in network.values())
    assert saved["optimiser"]["state"][0]["step"] == 2


def test_run__diffusion__keeps_an_average_that_is_not_the_last_weights(trained: Path) -> None:
    saved = state(trained / "diffusion.pt")
    assert not equal(saved["average"], saved["model"])


def test_run__latents__one_a_picture_and_of_the_stated_mean_and_deviation(trained: Path) -> None:
    stored = state(trained / "latents.pt")
    assert stored["latents"].shape == (8, 8, 32, 32)
    assert torch.allclose(stored["latents"].mean((0, 2, 3)), stored["mean"])
    assert torch.allclose(stored["latents"].std((0, 2, 3)), stored["deviation"])


@pytest.mark.parametrize("stage", stages.STAGES)
def test_run__a_complete_stage__skipped(trained: Path, stage: str) -> None:
    path = plan(trained, 2).result(stage)
    written = path.stat().st_mtime_ns
    assert not stages.run(plan(trained, 2), stage, "cpu", lambda _: None)
    assert path.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("stage", "needed"),
    [("autoencoder", "dataset"), ("latents", "dataset"), ("diffusion", "dataset"), ("decoder", "dataset")],
)
def test_run__nothing_to_build_on__says_which_stage_comes_first(tmp_path: Path, stage: str, needed: str) -> None:
    with pytest.raises(RenderError, match=f"{stage} builds on {needed}"):
        stages.run(plan(tmp_path, 2), stage, "cpu", lambda _: None)


@pytest.mark.parametrize(("stage", "needed"), [("diffusion", "latents"), ("decoder", "diffusion")])
def test_run__the_stage_before_is_missing__said(work: Path, stage: str, needed: str) -> None:
    (work / f"{needed}.pt").unlink()
    with pytest.raises(RenderError, match=f"{stage} builds on {needed}"):
        stages.run(plan(work, 3), stage, "cpu", lambda _: None)


def test_run__a_damaged_checkpoint__says_which_and_what_to_do(work: Path) -> None:
    (work / "diffusion.pt").write_bytes(b"cut off")
    with pytest.raises(RenderError, match=r"diffusion\.pt cannot be read .* delete it to begin anew"):
        stages.run(plan(work, 3), "diffusion", "cpu", lambda _: None)


@pytest.mark.parametrize("stage", LOOPS)
def test_run__ctrl_c_within_a_step__the_same_bits_as_a_run_without(
    stage: str, painted: Path, trained: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole", work
    shutil.copytree(trained, whole)
    for folder in (whole, cut):
        (folder / f"{stage}.pt").unlink()
    stages.run(plan(whole, 3), stage, "cpu", lambda _: None)
    loop: ModuleType = LOOPS[stage]

    def interrupted(step: int, steps: int, **shape: float) -> float:
        if step == 1:
            signal.raise_signal(signal.SIGINT)
        return cosine(step, steps, **shape)  # type: ignore[arg-type]

    before = signal.getsignal(signal.SIGINT)  # ignored, where the suite runs in the background
    monkeypatch.setattr(loop, "cosine", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stages.run(plan(cut, 3), stage, "cpu", lambda _: None)
    assert state(cut / f"{stage}.pt")["step"] == 2  # the step that was under way is done
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(loop, "cosine", cosine)
    stages.run(plan(cut, 3), stage, "cpu", lambda _: None)
    assert equal(state(cut / f"{stage}.pt"), state(whole / f"{stage}.pt"))


def test_checkpoint__a_failure_within_an_update__the_last_whole_step_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = torch.nn.Conv2d(1, 1, 1)
    saved = Checkpoint(tmp_path / "net.pt", "cpu", 0.1, net=network)

    def descend() -> None:
        for _ in saved.steps(5):
            saved.descend(network(torch.ones(1, 1, 2, 2)).square().sum())
            saved.save()
            monkeypatch.setattr(saved._optimiser, "step", fail)

    def fail() -> None:
        network.weight.data.fill_(9)  # half of an update
        raise MemoryError

    with pytest.raises(MemoryError):
        descend()
    assert state(tmp_path / "net.pt")["step"] == 1
    assert float(state(tmp_path / "net.pt")["net"]["weight"]) != 9


def test_cosine__from_the_warm_start_to_the_floor() -> None:
    shares = [cosine(step, 1000, warm=50, floor=0.03) for step in range(1001)]
    assert shares[0] == pytest.approx(1 / 50)
    assert max(shares) == shares[49]
    assert shares[-1] == pytest.approx(0.03)


def test_mirror__a_latent__a_picture_of_eight_pixels_a_cell() -> None:
    assert Mirror()(torch.zeros(1, 8, 4, 6)).shape == (1, 3, 32, 48)


def test_run__a_gpu_that_is_not_there__refused() -> None:
    if torch.cuda.is_available():
        assert stages.chosen_device("auto") == "cuda"
    else:
        with pytest.raises(RenderError, match="sees no CUDA device"):
            stages.chosen_device("cuda")
        assert stages.chosen_device("auto") == "cpu"
    assert stages.chosen_device("cpu") == "cpu"
