"""Robust dynamic programming over a finite horizon: the planner against an adversary that picks the kernels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ParameterError
from ..models import DiscountedMDP, EpisodicMDP, LinearMDP
from ._backup import require
from ._robust_backup import DualStep, ambiguity, d_backup, require_simplex, sa_backup
from ._robust_s import s_backup
from .robust_discounted import discounted
from .robust_results import RobustEvaluation, RobustPlan

__all__ = ["robust_backward_induction", "robust_evaluate"]

Array = npt.NDArray[np.float64]


def robust_backward_induction(
    model: EpisodicMDP | LinearMDP,
    *,
    divergence: str,
    penalty: npt.ArrayLike | None = None,
    radius: npt.ArrayLike | None = None,
    rectangularity: str = "d",
    support: bool = False,
) -> RobustPlan:
    r"""Optimal robust values and an optimal policy of a finite-horizon model.

    With :math:`V_H = 0` and the one-step operator :math:`\mathrm{Op}` of `worst_case`,

    * ``"d"``: a linear MDP whose features and measures are distributions. The adversary chooses the d measures,
      :math:`z_{h,i} = \mathrm{Op}_{\mu_{h,i}}(V_{h+1})`, and :math:`Q_h = \phi^\top(\theta_h + z_h)` [1]_;
    * ``"sa"``: a distribution for each pair, :math:`Q_h(s,a) = r_h(s,a) + \mathrm{Op}_{P_h(\cdot\mid s,a)}(V_{h+1})`;
    * ``"s"``: a distribution for each pair too, with one price or one budget for the sum of the divergences over the
      actions of a state. The policy may have to mix: :math:`V_h(s)` is
      :math:`\max_x\min_p\sum_a x_a(r_h(s,a) + p_a\cdot V_{h+1}) + \lambda\sum_a D(p_a\,\|\,P_h(\cdot\mid s,a))`, or the
      same within :math:`\sum_a D\le\rho` [2]_.

    Parameters
    ----------
    model : EpisodicMDP or LinearMDP
        The nominal model; ``"d"`` takes a `LinearMDP` with ``simplex``, the others also take its tabular form.
    divergence : {"tv", "kl", "chi2"}
        Half the L1 distance, relative entropy of the adversary's choice to the nominal one, chi-squared.
    penalty : float or array
        Price > 0 of a unit of divergence; broadcast to (H, d), (H, S, A) or (H, S) by rectangularity.
    radius : float or array
        Largest divergence >= 0; as ``penalty``. Exactly one of the two.
    rectangularity : {"d", "sa", "s"}
        What the adversary chooses independently.
    support : bool
        Confines the adversary of total variation to the support of the nominal distribution.

    Returns
    -------
    RobustPlan
        ``V[h,s]``, ``Q[h,s,a]``, ``policy`` (``"s"``: probabilities), the ``worst`` kernels, and the enclosure.

    Raises
    ------
    ParameterError
        A model, divergence, penalty, radius or option that is not accepted, naming the entry.

    Notes
    -----
    ``lower`` and ``upper`` are ``V`` plus and minus the accumulated rounding, about ``(H-h) (8 S + 64) eps max|V|``
    with the operators' errors as `worst_case` states them, and for ``"s"`` half the certified duality gap of each
    step (about 1e-15 of the spread of ``V``, where prices and radii are between 1e-8 and 1e8). Cost: H d (``"d"``) or
    H S A one-step problems of O(S log S), and O(H S A d); ``"s"`` solves about 50 of them for each pair.

    References
    ----------
    .. [1] Tang, Liu and Xu (2025), Robust Offline Reinforcement Learning with Linearly Structured f-Divergence
       Regularization, section 3.
    .. [2] Wiesemann, Kuhn and Rustem (2013), Robust Markov decision processes.

    Examples
    --------
    >>> from tabular import LinearMDP
    >>> phi = [[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]]
    >>> mdp = LinearMDP(phi, mu=[[1.0, 0.0], [0.0, 1.0]], theta=[0.0, 1.0], mu0=[1.0, 0.0], H=2)
    >>> plan = robust_backward_induction(mdp, divergence="tv", radius=0.25)
    >>> plan.V.tolist()
    [[1.1875, 1.875], [0.5, 1.0], [0.0, 0.0]]
    >>> plan.worst[0].tolist()
    [[1.0, 0.0], [0.25, 0.75]]
    """
    found = _induction(
        model,
        None,
        "robust_backward_induction",
        divergence=divergence,
        penalty=penalty,
        radius=radius,
        rectangularity=rectangularity,
        support=support,
    )
    return RobustPlan(**found, sweeps=model.H, converged=True)


def robust_evaluate(
    model: EpisodicMDP | LinearMDP | DiscountedMDP,
    policy: npt.ArrayLike,
    *,
    divergence: str,
    penalty: npt.ArrayLike | None = None,
    radius: npt.ArrayLike | None = None,
    rectangularity: str = "d",
    support: bool = False,
    tol: float = 1e-9,
) -> RobustEvaluation:
    """Robust values of a policy, deterministic or stochastic, against the best reply of the adversary.

    Parameters
    ----------
    model : EpisodicMDP, LinearMDP or DiscountedMDP
        The nominal model; for a discounted one the values are those of `robust_value_iteration`'s adversary.
    policy : array
        Integers (H, S) or (S,), or probabilities with a last axis A. The adversary knows the policy and, except for
        ``"s"``, where it answers the mixture, also the action drawn.
    divergence, penalty, radius, rectangularity, support
        As `robust_backward_induction`, or for discounted models `robust_value_iteration`.
    tol : float
        Largest accepted width of the enclosure; only discounted models need it.

    Returns
    -------
    RobustEvaluation
        ``V``, ``Q``, ``value``, ``lower``, ``upper``, ``worst``, ``dual``.

    Raises
    ------
    ParameterError, PolicyError
        As `robust_backward_induction`; a policy that is not one of the model.
    NotConverged
        Discounted models: the enclosure is wider than ``tol``.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], [1.0, 0.0], H=2)
    >>> robust_evaluate(mdp, [0, 0], divergence="chi2", radius=1.0, rectangularity="sa").V.tolist()
    [[0.0, 2.0], [0.0, 1.0], [0.0, 0.0]]
    """
    options = {
        "divergence": divergence,
        "penalty": penalty,
        "radius": radius,
        "rectangularity": rectangularity,
        "support": support,
    }
    if isinstance(model, DiscountedMDP):
        tol = check.number(tol, "tol", low=0.0, open_low=True)
        plan = discounted(model, model.policy(policy), "robust-evaluate", tol, 1_000_000, **options)
        return RobustEvaluation(
            V=plan.V,
            Q=plan.Q,
            value=plan.value,
            lower=plan.lower,
            upper=plan.upper,
            worst=plan.worst,
            dual=plan.dual,
        )
    found = _induction(model, policy, "robust_evaluate", **options)
    del found["policy"], found["method"]
    return RobustEvaluation(**found)


def _induction(model: Any, policy: npt.ArrayLike | None, solver: str, **options: Any) -> dict[str, Any]:
    """Backward induction against the adversary, for the greedy policy (None) or a given one."""
    require(model, EpisodicMDP, LinearMDP, solver=solver)
    H, S, A = model.H, model.S, model.A
    shapes: dict[str, tuple[int, ...]] = {"sa": (H, S, A), "s": (H, S)}
    if isinstance(model, LinearMDP):
        shapes["d"] = (H, model.d)
    elif options["rectangularity"] == "d":
        raise ParameterError(f"{solver}: rectangularity 'd' takes a LinearMDP, not {type(model).__name__}")
    nature = ambiguity(shapes, **options)
    pi = None if policy is None else model.policy(policy)
    if nature.rectangularity == "d":
        require_simplex(model)
    elif isinstance(model, LinearMDP):
        model = model.to_episodic()

    def step(h: int, V: Array, error: float) -> DualStep:
        at = None if pi is None else pi[h]
        if nature.rectangularity == "d":
            return d_backup(model, h, V, nature, at, error)
        backup = s_backup if nature.rectangularity == "s" else sa_backup
        return backup(model.P[h], model.r[h], V, nature, nature.levels[h], at, error)

    V, errors = np.zeros((H + 1, S)), np.zeros((H + 1, 1))
    steps: list[DualStep] = []
    for h in range(H - 1, -1, -1):
        with np.errstate(over="ignore", invalid="ignore"):
            found = step(h, V[h + 1], float(errors[h + 1, 0]))
            spread = found.V.max() - found.V.min() + found.error
        if not np.isfinite(spread):
            raise ParameterError(f"{solver}: the values of step {h} overflow; rescale the rewards")
        V[h], errors[h] = found.V, found.error
        steps.insert(0, found)
    return {
        "V": V,
        "Q": np.stack([found.Q for found in steps]),
        "value": float(model.mu0 @ V[0]),
        "lower": V - errors,
        "upper": V + errors,
        "worst": np.stack([found.worst for found in steps]),
        "dual": np.stack([found.dual for found in steps]),
        "policy": np.stack([found.policy for found in steps]),
        "method": f"robust-backward-induction/{nature.label}",
    }
