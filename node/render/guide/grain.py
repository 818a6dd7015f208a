"""Textures from the seed: value noise on hashed lattices, in integers."""

from __future__ import annotations

import hashlib

import numpy as np

from node.render.guide.canvas import Field


def lattice(seed: bytes, tag: bytes, rows: int, columns: int) -> Field:
    """Bytes of SHA-256 in counter mode as a (rows, columns) lattice of integers 0..255."""
    count = rows * columns
    head = tag + seed
    stream = b"".join(hashlib.sha256(head + block.to_bytes(4, "big")).digest() for block in range(-(-count // 32)))
    return np.frombuffer(stream, np.uint8)[:count].astype(np.int64).reshape(rows, columns)


def _ease(part: Field) -> Field:
    """Smoothstep 3t^2 - 2t^3 of t in 0..256."""
    return np.asarray(part * part * (768 - 2 * part) >> 16, np.int64)


def sample(knots: Field, row: Field, column: Field) -> Field:
    """The lattice at (row, column), both in 1/256 of a cell and within it, eased between knots: 0..255."""
    i, j = row >> 8, column >> 8
    v, u = _ease(row & 255), _ease(column & 255)
    top = knots[i, j] * (256 - u) + knots[i, j + 1] * u
    bottom = knots[i + 1, j] * (256 - u) + knots[i + 1, j + 1] * u
    return np.asarray(top * (256 - v) + bottom * v + 32768 >> 16, np.int64)


def noise(seed: bytes, tag: bytes, row: Field, column: Field, octaves: int) -> Field:
    """Fractal value noise -128..127 at coordinates in 1/256 of the coarsest cell, each octave half as big and strong.

    `row` has shape (H, 1) or (H, W), `column` (1, W) or (H, W); neither may be negative.
    """
    total = np.zeros(np.broadcast_shapes(row.shape, column.shape), np.int64)
    weight = 0
    for octave in range(octaves):
        fine_row, fine_column = row << octave, column << octave
        knots = lattice(seed, tag + bytes([octave]), int(fine_row.max() >> 8) + 2, int(fine_column.max() >> 8) + 2)
        share = 1 << (octaves - 1 - octave)
        total += share * (sample(knots, fine_row, fine_column) - 128)
        weight += share
    return total * 2 // weight
