"""How many different pictures a set really holds: the Vendi score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


def vendi(similarity: Rows) -> float:
    """The effective number of different items behind a kernel matrix (n, n), between 1 and n.

    exp of the entropy of the eigenvalues of K/n, for a positive semidefinite K with ones on its diagonal: D. Friedman
    and A. B. Dieng, "The Vendi Score: A Diversity Evaluation Metric for Machine Learning", TMLR 2023, definition 3.1.
    """
    count = len(similarity)
    if similarity.shape != (count, count) or not count or not np.allclose(np.diag(similarity), 1):
        raise ValueError("a kernel matrix is square, with ones on its diagonal")
    shares = np.clip(np.linalg.eigvalsh(similarity / count), 0, None)
    shares = shares[shares > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def cosine(features: Rows, centre: Rows) -> Rows:
    """The kernel of features (n, d) seen from `centre` (d,): the cosine of the angle between two rows, (n, n).

    Without the centre all pictures of a mood would point the same way, and no set would look diverse.
    """
    rows = np.asarray(features, np.float64) - centre
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    # A row that lies on the centre has no direction; it gets the first, the same for all such rows.
    rows = np.where(length > 0, rows, np.eye(1, rows.shape[1]))
    rows = rows / np.where(length > 0, length, 1)
    kernel = rows @ rows.T
    np.fill_diagonal(kernel, 1)
    return np.asarray(kernel, np.float64)


def against(features: Rows, reference: Rows) -> tuple[float, float]:
    """Vendi scores of a set and of as many reference items, both seen from the reference's mean."""
    if len(features) != len(reference):
        raise ValueError(f"{len(features)} items against {len(reference)}: the score grows with the count")
    centre = np.asarray(reference, np.float64).mean(0)
    return vendi(cosine(features, centre)), vendi(cosine(reference, centre))
