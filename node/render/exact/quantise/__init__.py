"""From the float checkpoints to the model folder: integers only, with every bound checked."""

from __future__ import annotations

from node.render.exact.quantise.export import load, quantise
from node.render.exact.quantise.fidelity import Fidelity, fidelity

__all__ = ["Fidelity", "fidelity", "load", "quantise"]
