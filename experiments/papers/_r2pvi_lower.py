r"""Exact Bayes risk of the hypercube family of r2pvi, bit by bit.

d bit states start an episode; action 1 leads to reward 1 with probability 1/2 and action 0 with probability
:math:`1/2\pm g_i`, sign unknown, seen :math:`n_i` times. Risk and posterior split over bits, so a family of bits with
gaps of their own is an average of families of one bit. The Bayes risk under fair signs is below every learner's worst.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import hypercube_family
from experiments.study import Cell, Scale

__all__ = ["hypercube", "hypercube_cells", "slope_at_zero"]

Arrays = Mapping[str, npt.NDArray[Any]]

ROOT = np.sqrt(3.0) / 8.0


def slope_at_zero(kind: str, lam: float) -> float:
    """Return the derivative at chance 0 of a coin's regularised worst-case chance: its smallest, by convexity."""
    if kind == "tv":
        return min(1.0, lam)
    if kind == "kl":
        return -lam * float(np.expm1(-1.0 / lam))
    return lam if lam <= 0.5 else 1.0 - 0.25 / lam


def hypercube_cells(scale: Scale) -> list[Cell]:
    """Return divergences, prices, numbers of bits and of observations of the first bit; ``even`` or growing counts."""
    sizes = tuple(10 * 4**j for j in range(7 if scale == "paper" else 4))
    bits = (1, 2, 4, 8) if scale == "paper" else (1, 4)
    return [
        {"divergence": kind, "lam": lam, "d": d, "even": even, "sizes": sizes}
        for kind in ("tv", "kl", "chi2")
        for lam in (0.1, 0.5, 2.0)
        for d in bits
        for even in ((True, False) if d > 1 else (True,))
    ]


def hypercube(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure Bayes risk and coverage term over sizes; with ``_one``, all data are given to the first bit.

    Bit i has ``n_i = n`` or ``n (i + 1)`` observations and gap ``sqrt(3) / (8 sqrt(n_i))``. ``cover`` is the coverage
    term of the model whose signs are all 1, over both steps, ridge 1; the second step has seen each outcome as often
    as all bits together. ``factor`` is ``slope sqrt(3) / 64``.
    """
    kind, lam, d = cell["divergence"], cell["lam"], cell["d"]
    out: dict[str, list[float]] = {name: [] for name in ("bayes", "cover", "bayes_one", "cover_one")}
    for size in cell["sizes"]:
        counts = np.array([size if cell["even"] else size * (i + 1) for i in range(d)])
        last = 1.0 / np.sqrt(counts.sum() + 1.0)
        single = np.zeros(d, dtype=np.int64)
        single[0] = counts.sum()
        for name, seen in (("", counts), ("_one", single)):
            bits = [hypercube_family(1, ROOT / np.sqrt(n)) for n in counts]
            risks = [bit.bayes_risk(np.array([m]), kind, lam) for bit, m in zip(bits, seen, strict=True)]
            out[f"bayes{name}"].append(float(np.mean(risks)))
            out[f"cover{name}"].append(hypercube_family(d, ROOT).coverage(seen, 1.0) + last)
    arrays = {name: np.array(found) for name, found in out.items()}
    factor = slope_at_zero(kind, lam) * np.sqrt(3.0) / 64.0
    sizes = np.array(cell["sizes"], dtype=np.float64)
    return arrays | {"n": sizes, "factor": np.full(sizes.size, factor)}
