r"""Radii of confidence sets around the empirical transitions of a finite-horizon model, uniform over time.

With ``n`` visits of a pair, on one event of probability at least ``1 - delta`` for all pairs and all ``n``:
:math:`n\,\mathrm{KL}(\hat P_n\|P)\le\beta_{KL}(n)`. The other two are those of Menard, Domingues, Jonsson, Kaufmann,
Leurent and Valko (2021).
"""

import math

from ..._jit import kernel


@kernel
def _beta(n: float, delta: float, S: int, A: int, H: int) -> float:
    """``log(3SAH/delta) + S log(8e(n+1))``."""
    return math.log(3.0 * S * A * H / max(delta, 1e-300)) + S * (math.log(8.0 * (n + 1.0)) + 1.0)


@kernel
def _beta_star(n: float, delta: float, S: int, A: int, H: int) -> float:
    """``log(3SAH/delta) + log(8e(n+1))``: for one fixed function of the successor."""
    return math.log(3.0 * S * A * H / max(delta, 1e-300)) + math.log(8.0 * (n + 1.0)) + 1.0


@kernel
def _beta_kl(n: float, delta: float, S: int, A: int, H: int) -> float:
    """``log(SAH/delta) + (S-1) log(e(1+n/(S-1)))``; with S = 1 there is nothing to estimate and 0 remains."""
    if S == 1:
        return 0.0
    return math.log(1.0 * S * A * H / max(delta, 1e-300)) + (S - 1.0) * (1.0 + math.log1p(n / max(S - 1.0, 1.0)))
