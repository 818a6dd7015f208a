"""PNG with bytes that depend on the pixels alone: filters, matches, one Huffman block, chunks."""

from __future__ import annotations

from node.render.png.encoder import MAX_BLOCK, encode, largest

__all__ = ["MAX_BLOCK", "encode", "largest"]
