"""Models with linear losses, and oblivious adversaries that fix them.

All features lie on a simplex of d anchors (rows are non-negative and sum to 1), the adversary fixes one loss in
[0, 1] for each anchor, step and episode, and transitions are mixtures of d rows: Q-functions of all policies are then
linear in the features, with coefficients in [0, H], whose norm is at most sqrt(d) H.
"""

import math

import numpy as np
import numpy.typing as npt

from tabular.errors import ParameterError
from tabular.models import AdversarialMDP

from .random_mdp import dirichlet_rows

__all__ = ["ADVERSARIES", "FAMILIES", "adversarial_instance", "anchor_losses"]

Floats = npt.NDArray[np.float64]

ADVERSARIES = ("stochastic", "switching", "reversal", "needle")
FAMILIES = ("bandit", "contextual", "tabular", "linear")


def anchor_losses(
    adversary: str, K: int, H: int, d: int, gap: float, rng: np.random.Generator, *, noise: bool = True
) -> Floats:
    """Return losses (K, H, d) of the anchors; the last anchor is the one that learners have to find.

    Parameters
    ----------
    adversary : {"stochastic", "switching", "reversal", "needle"}
        All anchors have mean 1/2 except one better by ``gap``: always the last; one that changes eight times; another
        one for the first two fifths, and then the last. ``"needle"``: the last costs 1/2 - gap, the others 1/2 + gap.
    K, H, d : int
    gap : float
        In (0, 1/2].
    rng : Generator
    noise : bool
        Whether losses are coins with these means, or the means themselves.
    """
    if adversary not in ADVERSARIES:
        raise ParameterError(f"adversary is {adversary!r}; choose one of {', '.join(ADVERSARIES)}")
    mean = np.full((K, H, d), 0.5)
    episode = np.arange(K)
    if adversary == "needle":
        mean += gap
        mean[:, :, -1] -= 2.0 * gap
    else:
        good = np.full(K, d - 1)
        if adversary == "switching":
            good = (episode * 9 // max(K, 1)) % d
        elif adversary == "reversal":
            good = np.where(episode < 2 * K // 5, 0, d - 1)
        mean[episode, :, good] -= gap
    return (rng.random((K, H, d)) < mean).astype(np.float64) if noise else mean


def _simplex_features(S: int, A: int, d: int, rng: np.random.Generator) -> Floats:
    """Return features (S, A, d) on the simplex; the last action is the last anchor, the second of three half of it.

    With more arms than dimensions the inverse covariance has products of both signs between arms.
    """
    phi = np.zeros((S, A, d))
    if d > 1:
        phi[:, :, :-1] = dirichlet_rows((S, A, d - 1), 0.5, rng)
    phi[:, -1] = 0.0
    phi[:, -1, -1] = 1.0
    if A > 2:
        phi[:, 1] *= 0.5
        phi[:, 1, -1] += 0.5
    return phi


def adversarial_instance(
    family: str, adversary: str, *, K: int, H: int, S: int, A: int, d: int, gap: float | None = None,
    rng: np.random.Generator,
) -> tuple[AdversarialMDP, Floats]:  # fmt: skip
    """Return a model and its features (S, A, d).

    Parameters
    ----------
    family : {"bandit", "contextual", "tabular", "linear"}
        ``"bandit"`` and ``"contextual"`` have ``H = 1``; ``"tabular"`` has one-hot features, ``d = S A``.
    adversary : str
        See `anchor_losses`.
    K, H, S, A, d : int
    gap : float, optional
        ``min(1/2, sqrt(d A / K))`` by default, where a bound of order sqrt(d A K) is hardest to meet.
    rng : Generator

    Examples
    --------
    >>> mdp, phi = adversarial_instance("bandit", "needle", K=8, H=1, S=1, A=4, d=2, rng=np.random.default_rng(0))
    >>> mdp.K, phi.shape
    (8, (1, 4, 2))
    """
    if family not in FAMILIES:
        raise ParameterError(f"family is {family!r}; choose one of {', '.join(FAMILIES)}")
    if family in ("bandit", "contextual") and H != 1:
        raise ParameterError(f"H is {H}; the {family} family has one step")
    gap = min(0.5, math.sqrt(d * A / K)) if gap is None else gap
    if family == "tabular":
        if d != S * A:
            raise ParameterError(f"d is {d}; one-hot features have d = S A = {S * A}")
        phi = np.eye(d).reshape(S, A, d)
    else:
        phi = _simplex_features(S, A, d, rng)
    successors = dirichlet_rows((H, d, S), 0.5, rng)
    P = np.einsum("sad,hdt->hsat", phi, successors)
    P /= P.sum(axis=-1, keepdims=True)
    v = anchor_losses(adversary, K, H, d, gap, rng)
    losses = np.clip(np.einsum("sad,khd->khsa", phi, v), 0.0, 1.0)
    return AdversarialMDP(P, losses, dirichlet_rows((S,), 1.0, rng)), phi
