"""Pipeline folders: a digest over every file, and nothing opened that could hold a program."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from node.errors import RenderError
from node.render.tolerance.folder import find_pipeline, model_index, pipeline_digest

INDEX = {"_class_name": "DDPMPipeline", "_diffusers_version": "0.42.1", "unet": ["diffusers", "UNet2DModel"],
         "safety_checker": [None, None], "requires_safety_checker": False}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pipelines" / "tiny"
    (made / "unet").mkdir(parents=True)
    (made / "model_index.json").write_text(json.dumps(INDEX))
    (made / "unet" / "config.json").write_text("{}")
    (made / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"weights")
    (made / "LICENSE").write_text("free")
    return made


def test_pipeline_digest__a_folder__is_sha256_over_names_lengths_and_bytes_in_order(folder: Path) -> None:
    total = hashlib.sha256(b"patina-pipeline/1\0")
    for name in ("LICENSE", "model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"):
        content = (folder / name).read_bytes()
        total.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
    assert pipeline_digest(folder) == total.digest()


def test_pipeline_digest__the_folder_elsewhere_under_another_name__is_the_same(folder: Path, tmp_path: Path) -> None:
    digest = pipeline_digest(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "download.lock").write_text("")
    (folder / ".gitattributes").symlink_to("/dev/null")
    assert pipeline_digest(folder.rename(tmp_path / "other")) == digest


@pytest.mark.parametrize("change", ["content", "name", "moved bytes", "added", "removed"])
def test_pipeline_digest__any_change__is_another(folder: Path, change: str) -> None:
    before = pipeline_digest(folder)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if change == "content":
        weights.write_bytes(b"Weights!")
    elif change == "name":
        weights.rename(folder / "unet" / "model.safetensors")
    elif change == "moved bytes":
        weights.write_bytes(b"weight")
        (folder / "unet" / "config.json").write_text("s{}")
    elif change == "added":
        (folder / "unet" / "empty.txt").write_text("")
    else:
        weights.unlink()
    assert pipeline_digest(folder) != before


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "x.pt", "x.ckpt", "x.pth", "x.pkl", "pipeline.py", "x.so", "x.npy", "x.h5", "weights"]
)
def test_pipeline_digest__pickle_or_program__refused_and_named(folder: Path, name: str) -> None:
    (folder / "unet" / name).write_bytes(b"")
    with pytest.raises(RenderError, match=f"unet/{name} is neither safetensors nor text"):
        pipeline_digest(folder)


def test_pipeline_digest__links__refused_and_never_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "vae").symlink_to(tmp_path)
    (folder / "unet" / "extra.json").symlink_to("/dev/zero")
    with pytest.raises(RenderError, match=r"unet/extra.json is a link.*vae is a link"):
        pipeline_digest(folder)


def test_pipeline_digest__no_pipeline__says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"model_index\.json is missing"):
        pipeline_digest(tmp_path)
    with pytest.raises(RenderError, match="cannot be read"):
        pipeline_digest(tmp_path / "absent")


def test_find_pipeline__beside_one_that_must_not_be_opened__is_found(folder: Path) -> None:
    bad = folder.parent / "a-bad-one"
    bad.mkdir()
    (bad / "model_index.json").write_text("{}")
    (bad / "evil.bin").write_bytes(b"")
    assert find_pipeline(folder.parent, pipeline_digest(folder)) == folder
    with pytest.raises(RenderError, match=r"no pipeline with digest 0{64}.*evil\.bin"):
        find_pipeline(folder.parent, bytes(32))


def test_model_index__components__without_those_left_out(folder: Path) -> None:
    assert model_index(folder) == ("DDPMPipeline", {"unet": ("diffusers", "UNet2DModel")})


@pytest.mark.parametrize(
    "index",
    [b"", b"[]", b"{}", b"[" * 100_000, b'{"_class_name": ["my", "Pipeline"]}', b'{"_class_name": "os.system"}',
     b'{"_class_name": "DDPMPipeline", "unet": ["os.path", "join"]}', b'{"_class_name": "DDPMPipeline", "unet": [1]}'],
)  # fmt: skip
def test_model_index__anything_odd__refused(folder: Path, index: bytes) -> None:
    (folder / "model_index.json").write_bytes(index)
    with pytest.raises(RenderError, match="model_index"):
        model_index(folder)
