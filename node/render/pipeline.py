"""The exact renderer as a diffusers pipeline: modules that hold integers, a scheduler in int64, pictures by seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput, ModelMixin, SchedulerMixin
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.schedulers.scheduling_utils import SchedulerOutput
from torch import Tensor, nn

from node.errors import RenderError
from node.render import asked
from node.render.exact import kernels
from node.render.exact.decoder import Decoder
from node.render.exact.inputs import Inputs, drawn_from
from node.render.exact.layers import Stored
from node.render.exact.renderer import Renderer
from node.render.exact.scheduler import Schedule
from node.render.exact.tensors import Tensors
from node.render.exact.unet import UNet
from node.render.scene import WHOLE

# Their own types are not complete: to a checker they are anything.
_Model: Any = ModelMixin
_Config: Any = ConfigMixin
_Scheduler: Any = SchedulerMixin
_Pipeline: Any = DiffusionPipeline

MODEL: Final = Path(__file__).parent / "model"
"""The folder of the model that ships."""
Shapes = Mapping[str, Sequence[Any]]
"""Each array's name with its integer type's name and its shape."""


class _Integers(_Model, _Config):  # type: ignore[misc]
    """A module whose buffers are a network's integer arrays, nested as the dots in their names say."""

    config_name = "config.json"

    def place(self, arrays: Shapes) -> None:
        """Make room for the arrays."""
        for name, (kind, shape) in arrays.items():
            *path, last = name.split(".")
            owner: nn.Module = self
            for part in path:
                if not hasattr(owner, part):
                    owner.add_module(part, nn.Module())
                owner = getattr(owner, part)
            owner.register_buffer(last, torch.zeros(tuple(shape), dtype=getattr(torch, kind)))

    def layers(self) -> Stored:
        """The layers that the buffers are."""
        return Stored({name: buffer.cpu().numpy() for name, buffer in self.named_buffers()})


class ExactUNet(_Integers):
    """The UNet's integers: the levels' widths and the norms' groups, and the arrays' types and shapes."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, widths: Sequence[int], groups: int, arrays: Shapes) -> None:  # noqa: ARG002 - kept by the config
        super().__init__()
        self.place(arrays)

    def forward(self, sample: Tensor, timestep: int, layout: Tensor, conditions: Tensor) -> Tensor:
        """The velocity in 2**-12, int64, for latents in 2**-16, a timestep, layouts and conditions, all integers."""
        on, pinned = arithmetic(sample.device)
        with pinned, torch.inference_mode():
            network = UNet(self.layers(), on, self.config["widths"], self.config["groups"])
            rows = network.embedding.rows([int(timestep)], conditions.cpu().numpy().astype(np.int64))[0]
            places = network.layout(layout.cpu().numpy())
            velocity = network.velocity(sample.cpu().numpy(), places, rows)
        return torch.from_numpy(velocity).to(sample.device)


class ExactDecoder(_Integers):
    """The decoder's integers: the arrays' types and shapes."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, arrays: Shapes) -> None:
        super().__init__()
        self.place(arrays)

    def forward(self, latent: Tensor, layout: Tensor, conditions: Tensor, guide: Tensor) -> Tensor:
        """Pictures, uint8 (N, H, W, 3), for latents in 2**-16, layouts, conditions and guides, all integers."""
        on, pinned = arithmetic(latent.device)
        with pinned, torch.inference_mode():
            network = Decoder(self.layers(), on)
            inputs = (value.cpu().numpy() for value in (layout, conditions, guide))
            pictures = network.pixels(latent.cpu().numpy(), *inputs)
        return torch.from_numpy(pictures).to(latent.device)


class ExactScheduler(_Scheduler, _Config):  # type: ignore[misc]
    """DDIM in int64: `signal` and `spread` are the roots of the cumulative alphas and their complements in 2**-30."""

    order = 1
    init_noise_sigma = 1

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, signal: Sequence[int], spread: Sequence[int]) -> None:
        self.schedule = Schedule.of(signal, spread)
        self.num_inference_steps = 0
        self.timesteps = torch.arange(len(signal) - 1, -1, -1)

    def set_timesteps(self, num_inference_steps: int, device: str | torch.device | None = None) -> None:
        """Choose the timesteps; RenderError for a number of steps that there cannot be."""
        self.timesteps = torch.tensor(self.schedule.timesteps(num_inference_steps), device=device)
        self.num_inference_steps = num_inference_steps

    def scale_model_input(self, sample: Tensor, timestep: int | None = None) -> Tensor:  # noqa: ARG002
        """The sample as it is."""
        return sample

    def step(
        self, model_output: Tensor, timestep: int, sample: Tensor, *, return_dict: bool = True
    ) -> SchedulerOutput | tuple[Tensor]:
        """One step from integer velocities and latents to the latents before."""
        if not self.num_inference_steps:
            raise RenderError("scheduler: set_timesteps comes before the first step")
        moved = self.schedule.step(
            model_output.cpu().numpy(), int(timestep), self.num_inference_steps, sample.cpu().numpy()
        )
        before = torch.from_numpy(moved).to(sample.device)
        return SchedulerOutput(prev_sample=before) if return_dict else (before,)


class PatinaPipeline(_Pipeline):  # type: ignore[misc]
    """Draws pictures from seeds: the same bytes on every machine that the kernels are right on.

    pipe = PatinaPipeline.from_pretrained()    # the model that ships, or a folder
    image = pipe(seed=bytes(32), mood="storm").images[0]
    """

    model_cpu_offload_seq = "unet->decoder"
    _callback_tensor_inputs = ("latents",)

    def __init__(self, unet: ExactUNet, decoder: ExactDecoder, scheduler: ExactScheduler) -> None:
        super().__init__()
        self.register_modules(unet=unet, decoder=decoder, scheduler=scheduler)
        self._opened: tuple[str, Renderer] | None = None

    @classmethod
    def from_pretrained(cls, folder: str | Path = MODEL, **options: Any) -> Any:
        """The pipeline in a local folder; nothing is ever downloaded. RenderError where there is none."""
        if not (Path(folder) / "model_index.json").is_file():
            raise RenderError(
                f"pipeline: there is no model in {folder}; without a folder, the one that ships is opened"
            )
        # Whole weights are read at once: they are a few megabytes, and accelerate need not be there.
        return super().from_pretrained(str(folder), **{"low_cpu_mem_usage": False, "local_files_only": True, **options})

    @torch.no_grad()
    def __call__(
        self,
        seed: bytes | Sequence[bytes],
        mood: str | Sequence[str] = "clear",
        *,
        volatility: int = 40,
        drawdown: int = 0,
        flow: int = 128,
        hue: tuple[int, int] = WHOLE,
        accent: tuple[int, int] = WHOLE,
        num_inference_steps: int = 20,
        threads: int = 1,
        generator: object = None,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: Callable[[Any, int, int, dict[str, Any]], dict[str, Any] | None] | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> ImagePipelineOutput | tuple[Any]:
        """Draw one picture for each 32-byte seed, or for each mood of one seed, in one batch.

        The levels are 0..255, `hue` and `accent` ranges of such. `output_type` is "pil", "np" (uint8, (N, 512, 512, 3))
        or "latent" (int64 in 2**-16). A callback sees int64 latents and may return others. `threads` is how many torch
        may use meanwhile: more of them are slower wherever something else wants a core. RenderError for a generator:
        noise comes from the seed alone; and for anything else that cannot be drawn.
        """
        if generator is not None:
            raise RenderError("pipeline: a generator decides nothing here, the noise comes from the seed: pass another")
        if output_type not in ("pil", "np", "latent"):
            raise RenderError(f"pipeline: output_type {output_type!r} is none of pil, np, latent")
        if set(callback_on_step_end_tensor_inputs) - set(self._callback_tensor_inputs):
            raise RenderError("pipeline: a callback can be given latents only")
        levels = asked.level("volatility", volatility), asked.level("drawdown", drawdown), asked.level("flow", flow)
        palette = asked.span("hue", hue), asked.span("accent", accent)
        steps = asked.steps(num_inference_steps)
        pictures = [drawn_from(one, index, levels, *palette) for one, index in asked.paired(seed, mood)]
        kept: list[Any] = []

        def after(index: int, time: int, latent: Any) -> Any:
            kept[:] = [latent]
            bar.update()
            if callback_on_step_end is None:
                return None
            given = {"latents": torch.from_numpy(latent)} if callback_on_step_end_tensor_inputs else {}
            changed = (callback_on_step_end(self, index, time, given) or {}).get("latents")
            if changed is None:
                return None
            if changed.dtype != torch.int64 or tuple(changed.shape) != latent.shape:
                raise RenderError("pipeline: a callback's latents must stay int64 and of their shape")
            kept[:] = [changed.numpy()]
            return kept[0]

        with kernels.threads(threads), self.progress_bar(total=steps) as bar:
            images: Any = self._draw(pictures, steps, after)
        if output_type == "latent":
            images = torch.from_numpy(kept[0])
        elif output_type == "pil":
            images = self.numpy_to_pil(np.stack(images).astype(np.float64) / 255)
        else:
            images = np.stack(images)
        return ImagePipelineOutput(images=images) if return_dict else (images,)  # type: ignore[no-untyped-call]

    def _draw(self, pictures: list[Inputs], steps: int, after: Callable[[int, int, Any], Any]) -> Any:
        device = self.unet.device
        on, pinned = arithmetic(device)
        with pinned:
            if self._opened is None or self._opened[0] != str(device):
                unet = UNet(self.unet.layers(), on, self.unet.config["widths"], self.unet.config["groups"])
                decoder = Decoder(self.decoder.layers(), on)
                self._opened = str(device), Renderer(unet, decoder, self.scheduler.schedule)
            return self._opened[1].draw(pictures, steps, after)


def arithmetic(device: torch.device) -> tuple[Tensors, Any]:
    """The arithmetic for a device with the best kernel that is right there, and what must be held while it works."""
    from node.render.exact.kernels.witness import Witnessed

    refused: list[str] = []
    for name in ("cuda",) if device.type == "cuda" else ("int8", "float32"):
        try:
            return Tensors(Witnessed(kernels.build(name))), kernels.pinned()
        except RenderError as error:
            refused.append(str(error))
    raise RenderError(f"pipeline: no kernel for {device}: {'; '.join(refused)}")
