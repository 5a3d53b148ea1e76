"""Evidence on gap-visitation programs and on one-step variances."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import complexity
from experiments.study import Cell
from tabular.models import EpisodicMDP

from ._complexity_models import SIZES, episodic_model, occupancies
from ._table import Table

__all__ = ["no_variance", "run_variances", "run_visitation", "vary"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

ACCURACIES = (0.05, 0.5)


def _mixture(every: Array, c: Array) -> float:
    """Return the least of the largest c/d over mixtures of policies: every (n, pairs) occupancies, c (pairs,).

    By an interior-point method on ``max u: d >= u c``, evaluated at the mixture that it returns.
    """
    import cvxpy as cp

    wanted = c > 0.0
    weights, rate = cp.Variable(every.shape[0], nonneg=True), cp.Variable()
    shares = every[:, wanted].T
    problem = cp.Problem(cp.Maximize(rate), [cp.sum(weights) == 1, shares @ weights >= rate * (c[wanted] / c.max())])
    problem.solve(solver=cp.CLARABEL)
    mixture = np.maximum(weights.value, 0.0)
    return float((c[wanted] / (shares @ (mixture / mixture.sum()))).max())


def run_visitation(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Solve the programs of random models, and the same over mixtures of all deterministic policies."""
    program = Table("program", "lower", "upper", "mixture", "uniform")
    for i in range(cell["count"]):
        S, A, H = SIZES[int(rng.integers(len(SIZES)))]
        model = episodic_model(S, A, H, rng)
        eps = ACCURACIES[int(rng.integers(2))]
        c = complexity.visitation_weights(model, eps)
        found = complexity.gap_visitation(model, eps)
        every = occupancies(model)
        uniform = occupancies(model, [np.full((H, S, A), 1.0 / A)])[0]
        active = [h for h in range(H) if c[h].any()]
        program.add(
            f"model {i} (S={S}, A={A}, H={H}), eps={eps:g}",
            lower=found.lower,
            upper=found.upper,
            mixture=sum(_mixture(every[:, h].reshape(len(every), -1), c[h].reshape(-1)) for h in active),
            uniform=sum(float((c[h][c[h] > 0.0] / uniform[h][c[h] > 0.0]).max()) for h in active),
        )
    return program.arrays()


def _fair_coin(H: int) -> EpisodicMDP:
    """Return a coin that decides between reward 1 and reward 0 at every later step: the extreme variance."""
    P = np.zeros((3, 1, 3))
    P[0, 0, 1:] = 0.5
    P[1, 0, 1] = P[2, 0, 2] = 1.0
    return EpisodicMDP(P, np.array([[0.5], [1.0], [0.0]]), np.eye(3)[0], H=H)


def run_variances(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure variances of the next optimal value against spans and horizons, and on deterministic models."""
    spread = Table("spread", "variance", "span")
    horizon = Table("horizon", "optimal", "steps", "reward_range")
    sure = Table("sure", "norm", "optimal", "returns")
    models = [(f"fair coin, H={H}", _fair_coin(H)) for H in (2, 6)]
    for i in range(cell["count"]):
        S, A, H = (int(rng.integers(low, high)) for low, high in ((1, 6), (1, 4), (1, 7)))
        models.append((f"model {i} (S={S}, A={A}, H={H})", episodic_model(S, A, H, rng)))
        moves = np.eye(S)[rng.integers(S, size=(H, S, A))]
        plain = EpisodicMDP(moves, rng.random((H, S, A)), np.eye(S)[int(rng.integers(S))])
        no_variance(f"deterministic {i} (S={S}, A={A}, H={H})", plain, rng.integers(A, size=(H, S)), sure)
    for name, mdp in models:
        vary(name, mdp, spread, horizon)
    return {**spread.arrays(), **horizon.arrays(), **sure.arrays()}


def vary(name: str, mdp: EpisodicMDP, spread: Table, horizon: Table) -> None:
    """Add the variances of one model to the tables against its span and against its horizon."""
    spans = np.append(np.asarray(complexity.value_span(mdp).value)[1:], 0.0)
    spread.add(name, variance=complexity.value_norm(mdp).value ** 2, span=float(spans.max()))
    for noise in ("none", "bernoulli"):
        horizon.add(
            f"{name}, rewards {noise}",
            optimal=complexity.optimal_variance(mdp, reward_noise=noise).value,
            steps=mdp.r.shape[0],
            reward_range=1.0,
        )


def no_variance(name: str, mdp: EpisodicMDP, policy: npt.NDArray[np.int64], sure: Table) -> None:
    """Add the variances of one deterministic model, and of the return of a policy in it, to their table."""
    sure.add(
        name,
        norm=complexity.value_norm(mdp).lower,
        optimal=complexity.optimal_variance(mdp).lower,
        returns=complexity.policy_return_variance(mdp, policy).lower,
    )
