"""The commands that make the model: `python -m node.render.train STEP`; every step continues where it was cut off."""

from __future__ import annotations

from pathlib import Path

import click
import torch

from node.render.train import autoencoder, dataset, decoder, diffusion, export, sheet

_WORK = Path(".training")
_MODEL = Path(__file__).parents[1] / "model"


@click.group()
@click.option("--folder", type=click.Path(path_type=Path), default=_WORK, show_default=True, help="Working folder.")
@click.option("--threads", default=2, show_default=True, help="Threads (and generating processes) to use.")
@click.pass_context
def main(context: click.Context, folder: Path, threads: int) -> None:
    """Train the model: dataset, autoencoder, latents, diffusion, decoder, export; `sheet` draws what there is."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    context.obj = (folder, threads)


@main.command("dataset")
@click.option("--parts", default=9, show_default=True, help="Parts of 500 pictures.")
@click.pass_obj
def make_dataset(work: tuple[Path, int], parts: int) -> None:
    """Paint the training pictures."""
    dataset.make(work[0] / "set", parts, work[1])


@main.command("autoencoder")
@click.option("--steps", default=2200, show_default=True)
@click.pass_obj
def train_autoencoder(work: tuple[Path, int], steps: int) -> None:
    """Train encoder and decoder."""
    autoencoder.train(work[0] / "set", work[0] / "autoencoder.pt", steps)


@main.command("latents")
@click.pass_obj
def encode(work: tuple[Path, int]) -> None:
    """Encode the training pictures."""
    autoencoder.encode(work[0] / "set", work[0] / "autoencoder.pt", work[0] / "latents.pt")


@main.command("diffusion")
@click.option("--steps", default=5000, show_default=True)
@click.pass_obj
def train_diffusion(work: tuple[Path, int], steps: int) -> None:
    """Train the UNet on the latents."""
    diffusion.train(work[0] / "set", work[0] / "latents.pt", work[0] / "diffusion.pt", steps)


@main.command("decoder")
@click.option("--steps", default=3000, show_default=True)
@click.pass_obj
def train_decoder(work: tuple[Path, int], steps: int) -> None:
    """Train the decoder on what the UNet predicts."""
    folder = work[0]
    decoder.train(folder / "set", folder, folder / "decoder.pt", steps)


@main.command("export")
@click.option("--model", type=click.Path(path_type=Path), default=_MODEL, show_default="the model that ships")
@click.pass_obj
def write_model(work: tuple[Path, int], model: Path) -> None:
    """Write the weights, the noise table and the model's settings."""
    folder = work[0]
    export.export(folder / "decoder.pt", folder / "latents.pt", folder / "diffusion.pt", model)


@main.command("sheet")
@click.option("--tokens", default=6, show_default=True)
@click.option("--training", is_flag=True, help="Draw training pictures instead of the model's.")
@click.argument("target", type=click.Path(path_type=Path))
def draw_sheet(target: Path, tokens: int, training: bool) -> None:
    """Draw a contact sheet: one row per token, one column per mood."""
    sheet.draw(target, tokens, training)


if __name__ == "__main__":
    main()
