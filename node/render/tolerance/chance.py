"""Gives a pipeline our own noise wherever it asks torch for noise, so that the token's seed decides every draw."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from node.errors import RenderError
from node.render import noise

_TAG: Final = b"patina/pipeline-noise/1"
_PLACED: Final = ("dtype", "device")


def noise_seed(seed: bytes, band: int | None) -> bytes:
    """The seed of a picture's noise: the token's for life, or another one in each band."""
    return hashlib.sha256(_TAG + seed + (b"" if band is None else bytes([band]))).digest()


class OwnNoise(TorchFunctionMode):
    """While it is entered, `torch.randn` and `torch.randn_like` return the draws of a seed, whatever their generator.

    Draw k is `noise.normal(sha256(seed ++ k), size)` in the order of the array: the same numbers on every device and
    in every release of torch. A random number drawn in any other way raises RenderError on leaving.
    """

    def __init__(self, seed: bytes) -> None:
        super().__init__()
        self._seed = seed
        self._draws = 0
        self._before: tuple[object, ...] = ()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Answer the two functions that draw normal noise, and pass on all others."""
        named = dict(kwargs or {})
        if func is torch.randn:
            sizes = args[0] if len(args) == 1 and not isinstance(args[0], int) else args or named.get("size", ())
            return self._draw(tuple(int(size) for size in sizes), named)
        if func is torch.randn_like:
            like: Tensor = args[0] if args else named["input"]
            return self._draw(tuple(like.shape), {"dtype": like.dtype, "device": like.device} | _given(named))
        return func(*args, **named)

    def _draw(self, shape: tuple[int, ...], named: Mapping[str, Any]) -> Tensor:
        seed = hashlib.sha256(self._seed + self._draws.to_bytes(4, "big")).digest()
        self._draws += 1
        count = int(np.prod(shape, dtype=np.int64))
        drawn = noise.normal(seed, count).astype(np.float32) / np.float32(noise.SCALE)
        return torch.from_numpy(drawn.reshape(shape)).to(**_given(named))

    def __enter__(self) -> OwnNoise:
        self._before = _states()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        if kind is None and _states() != self._before:
            raise RenderError("the pipeline draws random numbers that no seed decides: it cannot be agreed upon")


def _given(named: Mapping[str, Any]) -> dict[str, Any]:
    return {key: named[key] for key in _PLACED if named.get(key) is not None}


def _states() -> tuple[object, ...]:
    """The states of all generators that a pipeline could draw from without a seed."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    drawn: Any = np.random.get_state()
    numbers = (drawn[0], drawn[1].tobytes(), *drawn[2:])
    return (*(state.numpy().tobytes() for state in [torch.get_rng_state(), *devices]), numbers, random.getstate())
