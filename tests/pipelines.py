"""Tiny random diffusers pipelines, built here and saved to folders: nothing of them comes from anywhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from node.render.tolerance.folder import pipeline_digest
from node.render.tolerance.recipe import PipelineRecipe

SIDE = 32
SIGNALS = (5 * 10**15, 10**16, 2 * 10**16)
LETTERS = "abcdefghijklmnopqrstuvwxyz,."


def tokenizer(folder: Path) -> Any:
    """A CLIP tokenizer of single letters."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    words = [*LETTERS, *(letter + "</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(str(folder), model_max_length=77)


def scheduler() -> Any:
    from diffusers import DDIMScheduler

    return DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False,
                         set_alpha_to_one=False, steps_offset=1)  # fmt: skip


def autoencoder() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(block_out_channels=(32, 32), latent_channels=4, norm_num_groups=8, sample_size=SIDE,
                         down_block_types=("DownEncoderBlock2D",) * 2,
                         up_block_types=("UpDecoderBlock2D",) * 2)  # fmt: skip


def stable_diffusion(folder: Path) -> Path:
    """Text to picture: text encoder, UNet with cross-attention, autoencoder, DDIM."""
    import torch
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(7)
    words = tokenizer(folder.parent / f"{folder.name}-words")
    config = CLIPTextConfig(vocab_size=len(words), hidden_size=32, intermediate_size=37, num_hidden_layers=2,
                            num_attention_heads=4, bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id,
                            pad_token_id=words.eos_token_id)  # fmt: skip
    unet = UNet2DConditionModel(sample_size=SIDE // 2, in_channels=4, out_channels=4, layers_per_block=1,
                                block_out_channels=(32, 64), norm_num_groups=8, cross_attention_dim=32,
                                attention_head_dim=8, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
                                up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"))  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae=autoencoder(), text_encoder=CLIPTextModel(config), tokenizer=words, unet=unet, scheduler=scheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(str(folder), safe_serialization=True)
    return folder


def transformer(folder: Path) -> Path:
    """Class label to picture, without any text: a diffusion transformer."""
    import torch
    from diffusers import DiTPipeline, DiTTransformer2DModel

    torch.manual_seed(7)
    model = DiTTransformer2DModel(sample_size=SIDE // 2, num_layers=2, patch_size=4, attention_head_dim=8,
                                  num_attention_heads=2, in_channels=4, out_channels=8,
                                  num_embeds_ada_norm=1000)  # fmt: skip
    DiTPipeline(transformer=model, vae=autoencoder(), scheduler=scheduler()).save_pretrained(str(folder))
    return folder


def unconditional(folder: Path) -> Path:
    """Noise to picture, in pixels, with noise at every step: DDPM."""
    import torch
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(7)
    unet = UNet2DModel(sample_size=SIDE, in_channels=3, out_channels=3, layers_per_block=1, norm_num_groups=8,
                       block_out_channels=(32, 64), down_block_types=("DownBlock2D", "AttnDownBlock2D"),
                       up_block_types=("AttnUpBlock2D", "UpBlock2D"))  # fmt: skip
    DDPMPipeline(unet=unet, scheduler=DDPMScheduler()).save_pretrained(str(folder))
    return folder


def document(folder: Path, **changes: Any) -> dict[str, Any]:
    """A recipe of two bands for a text pipeline, as a JSON object."""
    prompt = "a {volatility} harbour, the water {flow}, {drawdown}"
    bands = [
        {"mood": mood, "prompt": f"{mood}, {prompt}", "negative_prompt": "a frame", "class_label": None}
        for mood in ("storm", "dawn", "golden")
    ]
    pipeline = {"digest": pipeline_digest(folder).hex(), "precision": "float32", "width": SIDE, "height": SIDE,
                "steps": 8, "guidance": "7.5", "noise": "token"}  # fmt: skip
    words = {"volatility": ["calm", "restless", "wild"], "drawdown": ["lush", "bare"], "flow": ["low", "even", "high"]}
    scale = {"volatility": 2 * 10**16, "drawdown": 5 * 10**16, "flow": 10**17}
    base: dict[str, Any] = {
        "format": "patina-pipeline-recipe/1",
        "name": "Harbour in oil",
        "pipeline": pipeline | changes.pop("pipeline", {}),
        "bands": bands,
        "signals": {key: {"full_scale": str(scale[key]), "words": words[key]} for key in words},
        "tolerance": {"psnr_floor_db": "58"},
    }
    return base | changes


def recipe(folder: Path, **changes: Any) -> PipelineRecipe:
    """That recipe, read."""
    return PipelineRecipe.from_json(json.dumps(document(folder, **changes)).encode())


def textless(label: bool) -> list[dict[str, Any]]:
    """Bands for a pipeline without text: by label, or not told at all."""
    return [
        {"mood": mood, "prompt": None, "negative_prompt": None, "class_label": place if label else None}
        for place, mood in enumerate(("storm", "dawn", "golden"))
    ]
