"""Linear MDPs: random ones with features on the simplex, and any tabular model with one feature a pair."""

import numpy as np

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.models import EpisodicMDP, LinearMDP
from tabular.streams import generator

from .random_mdp import dirichlet_rows

__all__ = ["random_linear_mdp", "tabular_as_linear"]

Seed = int | np.random.SeedSequence | np.random.Generator


def random_linear_mdp(
    S: int,
    A: int,
    d: int,
    H: int,
    rng: Seed,
    *,
    alpha: float = 0.3,
    one_hot: bool = False,
    stationary: bool = False,
) -> LinearMDP:
    """Return a mixture of d random kernels over states, mixed by the features of the pair.

    Features and measures are Dirichlet(alpha), reward parameters uniform on [0, 1], the start Dirichlet(1).

    Parameters
    ----------
    S, A, d, H : int
        Numbers of states, actions, features and steps.
    rng : int, SeedSequence or Generator
        Source of randomness.
    alpha : float
        Concentration of features and measures, > 0; small values make pairs differ.
    one_hot : bool
        Whether features are unit vectors: the pairs fall, at random, into d groups whose sizes differ by at most
        one. Needs ``d <= S * A``; with ``d = S * A`` each pair has its own.
    stationary : bool
        Whether all steps share measures and reward parameters.

    Returns
    -------
    LinearMDP
        With ``simplex`` true and rewards in [0, 1].

    Raises
    ------
    ParameterError
        For a size that is no count, or one-hot features with more of them than pairs.
    """
    random = generator(rng)
    S, A, d, H = check.count(S, "S"), check.count(A, "A"), check.count(d, "d"), check.count(H, "H")
    if one_hot and d > S * A:
        raise ParameterError(f"d is {d}; one-hot features of {S * A} pairs need d <= {S * A}")
    steps = () if stationary else (H,)
    if one_hot:
        phi = np.eye(d)[random.permutation(S * A) % d].reshape(S, A, d)
    else:
        phi = dirichlet_rows((S, A, d), alpha, random)
    mu = dirichlet_rows((*steps, d, S), alpha, random)
    theta = random.random((*steps, d))
    return LinearMDP(phi, mu, theta, dirichlet_rows((S,), 1.0, random), H=H)


def tabular_as_linear(mdp: EpisodicMDP) -> LinearMDP:
    """Return ``mdp`` as a linear MDP with one feature a pair: ``d = S A``, ``phi[s, a]`` the unit vector ``s A + a``.

    Parameters
    ----------
    mdp : EpisodicMDP
        Any finite-horizon model.

    Returns
    -------
    LinearMDP
        Whose ``to_episodic()`` has the same tables, bit for bit (``-0.0`` apart).

    Raises
    ------
    ParameterError
        For anything but an `EpisodicMDP`.
    """
    if not isinstance(mdp, EpisodicMDP):
        raise ParameterError(f"mdp is a {type(mdp).__name__}; give an EpisodicMDP")
    S, A, d = mdp.S, mdp.A, mdp.S * mdp.A
    mu = mdp.P[0].reshape(d, S) if mdp.P.strides[0] == 0 else mdp.P.reshape(mdp.H, d, S)
    theta = mdp.r[0].reshape(d) if mdp.r.strides[0] == 0 else mdp.r.reshape(mdp.H, d)
    return LinearMDP(np.eye(d).reshape(S, A, d), mu, theta, mdp.mu0, H=mdp.H)
