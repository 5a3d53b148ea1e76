"""Models with uncertain kernels: random garnets, and small ones on which a sequence of static problems goes wrong."""

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.models import DiscountedMDP
from tabular.planning import KernelSet, VertexSet
from tabular.streams import generator

from .random_mdp import dirichlet_rows

__all__ = ["deterministic_vertices", "robust_garnet", "split_promise", "stuck_nominal", "stuck_sequence"]

Array = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


def _first_state(S: int) -> Array:
    return np.eye(S)[0]


def robust_garnet(
    S: int, A: int, m: int, gamma: float, *, branching: int | None = None, rng: Seed
) -> tuple[DiscountedMDP, VertexSet]:
    """Return a random model and ``m`` random rows at each state-action pair.

    Parameters
    ----------
    S, A, m : int
        States, actions, vertices.
    gamma : float
        Discount in [0, 1).
    branching : int, optional
        Successors of a row, drawn without replacement; all states by default. Their probabilities are uniform on the
        simplex.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    mdp : DiscountedMDP
        Kernel of the first vertices, rewards uniform on [0, 1], start in state 0.
    uncertainty : VertexSet
    """
    random = generator(rng)
    S, A, m = check.count(S, "S"), check.count(A, "A"), check.count(m, "m")
    branching = S if branching is None else check.count(branching, "branching", high=S)
    if branching == S:
        P = dirichlet_rows((m, S, A, S), 1.0, random)
    else:
        P = np.zeros((m, S, A, S))
        chosen = np.argsort(random.random(P.shape), axis=-1)[..., :branching]
        np.put_along_axis(P, chosen, dirichlet_rows((m, S, A, branching), 1.0, random), axis=-1)
    return DiscountedMDP(P[0], random.random((S, A)), gamma, _first_state(S)), VertexSet(P)


def deterministic_vertices(S: int, A: int, m: int, gamma: float, *, rng: Seed) -> tuple[DiscountedMDP, VertexSet]:
    """Return a model whose adversary picks the next state among ``m`` random ones; rewards are whole numbers to 5."""
    random = generator(rng)
    following = random.integers(0, check.count(S, "S"), (check.count(m, "m"), S, check.count(A, "A")))
    P = np.eye(S)[following]
    return DiscountedMDP(P[0], random.integers(0, 6, (S, A)).astype(float), gamma, _first_state(S)), VertexSet(P)


def _moves(*tables: list[list[int]]) -> Array:
    following = np.array(tables)
    return np.eye(following.shape[1])[following]


def stuck_sequence(gamma: float = 0.8) -> tuple[DiscountedMDP, VertexSet]:
    """Return three states on which IWOCS repeats a kernel at a suboptimal policy, whatever the completion rule.

    Two rows are uncertain: action 1 of state 1 leads to 1 or to 2, action 0 of state 2 back to 2 or to 0. Every policy
    of the sequence takes both, so that no uncertain row is ever free. At discount 4/5 the robust values are 6, 6, 5 and
    the sequence stops at a policy worth 280/61.
    """
    P = _moves([[1, 2], [1, 1], [2, 2]], [[1, 2], [1, 2], [0, 2]])
    return DiscountedMDP(P[0], np.array([[0.0, 2.0], [1.0, 2.0], [1.0, 0.0]]), gamma, _first_state(3)), VertexSet(P)


def stuck_nominal() -> tuple[DiscountedMDP, VertexSet]:
    """Return two states on which resetting free rows to the first kernel gets stuck, and keeping them does not.

    Both actions of state 1 stay or return to state 0; the adversary spoils one, and the reset repairs the other. The
    robust value of state 0 is 2.
    """
    P = _moves([[1, 0], [1, 1]], [[1, 0], [0, 0]])
    return DiscountedMDP(P[0], np.array([[0.25, 1.0], [2.0, 1.9]]), 0.5, _first_state(2)), VertexSet(P)


def split_promise(gamma: float = 0.5, tilt: float = 1.0) -> tuple[DiscountedMDP, KernelSet]:
    """Return two kernels that swap what the two actions of state 0 do: reach the reward, or stay.

    At tilt 1, from state 0, each kernel is worth ``gamma / (1 - gamma)``, a deterministic policy guarantees 0, a fair
    coin ``gamma / (2 - gamma) / (1 - gamma)``, and ``max_a min_j Q*_j(0, a)`` is ``gamma**2 / (1 - gamma)``.

    Parameters
    ----------
    gamma : float
        Discount in [0, 1).
    tilt : float
        In [0, 1]: the action that a kernel favours reaches the reward with probability ``(1 + tilt) / 2``, the other
        one with the rest.
    """
    tilt = check.number(tilt, "tilt", low=0.0, high=1.0)
    pure = _moves([[1, 0], [1, 1]], [[0, 1], [1, 1]])
    P = 0.5 * (1.0 + tilt) * pure + 0.5 * (1.0 - tilt) * pure[::-1]
    return DiscountedMDP(P[0], np.array([[0.0, 0.0], [1.0, 1.0]]), gamma, _first_state(2)), KernelSet(P)
