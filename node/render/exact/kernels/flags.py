"""Holds torch to plain float32 sums while a picture is drawn: no short mantissas, no transformed convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch

from node.errors import RenderError

_MKLDNN: Final[Any] = torch.backends.mkldnn
_CUDNN: Final[Any] = torch.backends.cudnn
# The places where torch 2.13 lets float32 products be rounded to TF32 or bfloat16, or leaves it to a global default.
_ROUNDED: Final[tuple[Any, ...]] = (
    _MKLDNN.matmul,
    _MKLDNN.conv,
    torch.backends.cuda.matmul,
    _CUDNN.conv,
)
_PLAIN = "ieee"


@contextmanager
def threads(count: int) -> Iterator[None]:
    """At most so many threads for what the calling thread has torch do, and as many as before afterwards.

    Torch takes every core. Its threads wait for each other in a loop at the end of each small layer: where anything
    else wants a core, two of them take many times as long as one, and on an idle machine hardly less.
    """
    if count < 1:
        raise RenderError(f"{count} threads: 1 is the least")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def pinned() -> Iterator[None]:
    """Full float32 products, no NNPACK (its Winograd transform is off on integers), no autocast, no gradients.

    All settings are as they were afterwards. Thread counts and memory formats need no pinning: sums of integers below
    2**24 do not depend on their order.
    """
    before = [place.fp32_precision for place in _ROUNDED]
    with (
        torch.backends.nnpack.flags(enabled=False),
        torch.autocast("cpu", enabled=False),
        torch.inference_mode(),
    ):
        try:
            for place in _ROUNDED:
                place.fp32_precision = _PLAIN
            yield
        finally:
            for place, value in zip(_ROUNDED, before, strict=True):
                place.fp32_precision = value
