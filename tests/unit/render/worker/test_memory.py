"""Which errors are a failed allocation."""

from __future__ import annotations

import pytest

from node.errors import RenderError
from node.render.worker.memory import is_full


def test_is_full__what_torch_and_python_say__and_no_other_error() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_full(caught.value)
    assert is_full(MemoryError())
    assert not is_full(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_full(RenderError("out of memory"))
