"""What the tests of the card and of the release share: facts as an export and an evaluation leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from node.render.train import card


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with some files, as a quantised model has them."""
    model = tmp_path / "quantised"
    (model / "unet").mkdir(parents=True)
    (model / "unet" / "config.json").write_text('{"widths": [64]}\n')
    (model / "normal.bin").write_bytes(bytes(range(256)))
    return model


@pytest.fixture
def figures(folder: Path) -> dict[str, Any]:
    """An evaluation of that folder in which every floor is held."""
    ratio = {"model": 10.0, "training": 10.5, "ratio": 0.952}
    return {
        "model": card.fingerprint(card.files(folder)),
        "pictures": 480,
        "tokens": 60,
        "size": 512,
        "steps": 20,
        "fidelity": {"pictures": 60, "worst": 36.1, "median": 44.25},
        "classifier": {
            "taught": 2500,
            "model": 0.975,
            "training": 1.0,
            "confusion": [[60 * (row == column) for column in range(8)] for row in range(8)],
        },
        "diversity": {"features": ratio, "pixels": ratio},
        "crispness": {"laplacian": ratio, "fine": ratio},
        "composition": {"same": 0.53, "other": 0.03, "found": 0.999},
    }


@pytest.fixture
def facts(folder: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """All that a card tells."""
    return {
        "data": {"pictures": 3200, "size": 512},
        "parameters": 4_812_345,
        "training": [
            {"stage": "autoencoder", "steps": 2200, "seconds": 5400, "loss": 0.0412, "psnr": 30.25},
            {"stage": "diffusion", "steps": 10_000, "seconds": 9000, "loss": 0.1987},
        ],
        "files": card.files(folder),
        "figures": figures,
    }
