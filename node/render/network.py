"""The two networks that ship: the conditioned UNet and the decoder from latents to pixels."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DModel
from torch import Tensor, nn

from node.render.guide import LAYOUT
from node.render.scene import CELLS

LATENT = 8
CONDITIONS = 20
GUIDES = 16


class Residual(nn.Module):
    """x + conv(relu(conv(relu(x)))): no norm, so that activations stay bounded by the weights alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, width, H, W) in and out."""
        out: Tensor = x + self.second(torch.relu(self.first(torch.relu(x))))
        return out


class Decoder(nn.Module):
    """Latent (N, 8, h, w) to picture (N, 3, 16 h, 16 w) around -1..1: convolutions, ReLU and pixel shuffles only.

    It sees the layout map (N, 34, h, w) and the conditions (N, 20), and at its finer scales the guide
    (N, 16, 8 h, 8 w), so that edges come out crisp although the latent is coarse.
    """

    def __init__(self) -> None:
        super().__init__()
        self.coarse = nn.Sequential(
            nn.Conv2d(LATENT + LAYOUT + CONDITIONS, 128, 3, padding=1),
            Residual(128),
            Residual(128),
            nn.Conv2d(128, 256, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.middle = nn.Sequential(Residual(64), Residual(64), nn.Conv2d(64, 128, 3, padding=1), nn.PixelShuffle(2))
        self.fine = nn.Sequential(
            nn.Conv2d(32 + 4 * GUIDES, 64, 3, padding=1),
            Residual(64),
            nn.ReLU(),
            nn.Conv2d(64, 128, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.last = nn.Sequential(
            nn.Conv2d(32 + GUIDES, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, latent: Tensor, layout: Tensor, conditions: Tensor, guide: Tensor) -> Tensor:
        """The picture of a latent, not clipped."""
        spread = conditions[:, :, None, None].expand(-1, -1, *latent.shape[2:])
        rough = self.middle(self.coarse(torch.cat([latent, layout, spread], 1)))
        fine = self.fine(torch.cat([rough, nn.functional.pixel_unshuffle(guide, 2)], 1))
        out: Tensor = self.last(torch.cat([fine, guide], 1))
        return out


UNET: dict[str, Any] = {
    "sample_size": CELLS,
    "in_channels": LATENT + LAYOUT,
    "out_channels": LATENT,
    "layers_per_block": 1,
    "block_out_channels": (64, 96, 128),
    "down_block_types": ("DownBlock2D", "DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D", "UpBlock2D"),
    "attention_head_dim": 32,
    "class_embed_type": "identity",
}


class Denoiser(nn.Module):
    """A diffusers UNet that sees the latent beside the layout map, and the conditions added to its time embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.unet: Any = UNet2DModel(**UNET)  # type: ignore[no-untyped-call]
        self.conditioner = nn.Sequential(nn.Linear(CONDITIONS, 256), nn.SiLU(), nn.Linear(256, 256))

    def forward(self, latent: Tensor, time: Tensor, layout: Tensor, conditions: Tensor) -> Tensor:
        """The velocity v for latents (N, 8, 32, 32), timesteps (N,), layout (N, 34, 32, 32) and conditions (N, 20)."""
        sample = torch.cat([latent, layout], 1)
        out: Tensor = self.unet(sample, time, class_labels=self.conditioner(conditions)).sample
        return out


def scaled_layout(layout: Tensor) -> Tensor:
    """uint8 layout to floats in -1..1."""
    return (layout.float() - 128) / 128


def scaled_conditions(conditions: Tensor) -> Tensor:
    """int16 conditions to floats in -1..1."""
    return conditions.float() / 128


def scaled_guide(guide: Tensor) -> Tensor:
    """uint8 guide to floats in 0..1."""
    return guide.float() / 256
