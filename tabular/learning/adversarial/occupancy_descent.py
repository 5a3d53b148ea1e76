r"""Mirror descent on occupancy measures: O-REPS for known transitions, UOB-REPS for unknown ones.

O-REPS (Zimin and Neu 2013) takes
:math:`q_{k+1}=\arg\min_{q\in\Delta(P)}\eta\langle q,\hat\ell_k\rangle+\mathrm{KL}(q\|q_k)` with
importance-weighted losses. UOB-REPS (Jin, Jin, Luo, Sra and Yu 2020) replaces the transitions by a confidence set and
the weight by an upper
confidence bound on the probability of a visit. Both are baselines of the paper `ftrl-log-barrier`; on a bandit
(H = S = 1) O-REPS is EXP3.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ... import _check as check
from ...errors import NotConverged
from ...models import AdversarialMDP
from ...streams import generator
from ._comparator import run_of
from ._descent_kernels import _largest_visit, _play_o_reps
from ._linear_kernels import _occupancies, _rollout
from .results import AdversarialRun

__all__ = ["o_reps", "uob_reps"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


def o_reps(
    mdp: AdversarialMDP, *, eta: float | None = None, implicit: float = 0.0, tol: float = 1e-10, rng: Seed
) -> AdversarialRun:
    r"""O-REPS with bandit feedback and known transitions.

    Parameters
    ----------
    mdp : AdversarialMDP
    eta : float, optional
        Learning rate, > 0; :math:`\sqrt{2\ln(SA)/(KSA)}` by default, which on a bandit is that of EXP3.
    implicit : float
        Added to the probability of a visit in the importance weight, >= 0 (EXP3-IX on a bandit).
    tol : float
        Largest violation of the flow constraints at which Newton's method on the dual stops.
    rng : int, SeedSequence or Generator

    Returns
    -------
    AdversarialRun

    Raises
    ------
    ParameterError
        For a parameter out of range.
    NotConverged
        If a projection does not reach `tol` in 100 Newton steps.
    """
    size = mdp.S * mdp.A
    rate = math.sqrt(2.0 * math.log(max(size, 2)) / (mdp.K * size)) if eta is None else eta
    rate = check.number(rate, "eta", low=1e-150, high=1e150)
    implicit = check.number(implicit, "implicit", low=0.0)
    losses, policy = np.empty(mdp.K), np.empty((mdp.H, mdp.S, mdp.A))
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    failed = _play_o_reps(mdp.transitions(), mdp.mu0, mdp.losses, rate, implicit, tol, generator(rng), losses, policy)
    if failed >= 0:
        raise NotConverged(f"the projection of episode {failed} did not reach tol = {tol:g}", policy)
    return run_of(mdp, "O-REPS", {"eta": rate, "implicit": implicit}, losses, policy)


class _ConfidenceSet:
    """Entrywise intervals around empirical transitions, renewed when a count doubles."""

    def __init__(self, mdp: AdversarialMDP, delta: float) -> None:
        H, S, A = mdp.H, mdp.S, mdp.A
        self.seen = np.zeros((max(H - 1, 1), S, A, S))
        self.counted = np.zeros((max(H - 1, 1), S, A))
        self.log = math.log(mdp.K * S * A / delta)
        self.renew()

    def renew(self) -> None:
        n = self.seen.sum(axis=3)
        mean = self.seen / np.maximum(n, 1.0)[..., None]
        ahead = np.maximum(n - 1.0, 1.0)[..., None]
        width = 2.0 * np.sqrt(mean * self.log / ahead) + 14.0 * self.log / (3.0 * ahead)
        self.low = np.clip(mean - width, 0.0, 1.0)
        self.high = np.clip(mean + width, 0.0, 1.0)
        self.counted = n

    def record(self, states: npt.NDArray[np.int64], actions: npt.NDArray[np.int64]) -> None:
        for h in range(states.shape[0] - 1):
            self.seen[h, states[h], actions[h], states[h + 1]] += 1.0
        if np.any(self.seen.sum(axis=3) >= 2.0 * np.maximum(self.counted, 0.5)):
            self.renew()


def _project(
    q: Floats, last: Floats, mu0: Floats, ball: _ConfidenceSet, start: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the relative-entropy projection onto the occupancies of a confidence set, and its dual variables.

    ``q`` (H-1, S, A, S) and ``last`` (S, A) hold the weights to project; the dual has a free variable for each flow
    constraint and one >= 0 for each end of each interval, and is minimised by L-BFGS-B.
    """
    steps, S, A = q.shape[:3]
    flows, ends = (steps + 1) * S, steps * S * A * S

    def primal(x: Floats) -> tuple[Floats, Floats]:
        v = x[:flows].reshape(steps + 1, S)
        up = x[flows : flows + ends].reshape(q.shape)
        down = x[flows + ends :].reshape(q.shape)
        shared = (up * ball.high[:steps]).sum(axis=3) - (down * ball.low[:steps]).sum(axis=3)
        exponent = -v[:-1, :, None, None] + v[1:, None, None, :] - up + down + shared[..., None]
        return q * np.exp(np.minimum(exponent, 500.0)), last * np.exp(np.minimum(-v[-1][:, None], 500.0))

    def dual(x: Floats) -> tuple[float, Floats]:
        new, new_last = primal(x)
        total = new.sum(axis=3)
        out = np.concatenate((total.sum(axis=2), new_last.sum(axis=1)[None]))
        into = np.concatenate((mu0[None], new.sum(axis=(1, 2))))
        up = total[..., None] * ball.high[:steps] - new
        down = new - total[..., None] * ball.low[:steps]
        value = new.sum() + new_last.sum() + mu0 @ x[:S]
        return float(value), np.concatenate(((into - out).ravel(), up.ravel(), down.ravel()))

    bounds = [(None, None)] * flows + [(0.0, None)] * (2 * ends)
    found = minimize(dual, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 400, "ftol": 1e-12})
    new, new_last = primal(found.x)
    return new, new_last, found.x


def uob_reps(
    mdp: AdversarialMDP, *, eta: float | None = None, implicit: float | None = None, delta: float = 0.05, rng: Seed
) -> AdversarialRun:
    r"""UOB-REPS with bandit feedback and unknown transitions.

    Parameters
    ----------
    mdp : AdversarialMDP
        Its transitions are played, and not known to the learner.
    eta, implicit : float, optional
        Learning rate > 0, and what is added to the bound on the probability of a visit, >= 0;
        :math:`\sqrt{H\ln(HSA/\delta)/(KSA)}` each by default.
    delta : float
        Confidence in (0, 1).
    rng : int, SeedSequence or Generator

    Returns
    -------
    AdversarialRun

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Notes
    -----
    Every episode solves a convex programme of about 2 H S^2 A variables in Python: some milliseconds. The policy is
    that of the programme's last iterate, whatever its accuracy; its exact loss is recorded.
    """
    H, S, A = mdp.H, mdp.S, mdp.A
    delta = check.fraction(delta, "delta")
    default = math.sqrt(H * math.log(H * S * A / delta) / (mdp.K * S * A))
    rate = check.number(default if eta is None else eta, "eta", low=1e-150, high=1e150)
    bias = check.number(default if implicit is None else implicit, "implicit", low=0.0)
    random, P = generator(rng), mdp.transitions()
    ball = _ConfidenceSet(mdp, delta)
    q, last = np.full((H - 1, S, A, S), 1.0 / (S * A * S)), np.full((S, A), 1.0 / (S * A))
    x = np.zeros(H * S + 2 * (H - 1) * S * A * S)
    policy, law, losses = np.full((H, S, A), 1.0 / A), np.empty((H, S, A)), np.empty(mdp.K)
    states, actions = np.empty(H, dtype=np.int64), np.empty(H, dtype=np.int64)
    for k in range(mdp.K):
        weights = np.concatenate((q.sum(axis=3), last[None]))
        mass = weights.sum(axis=2, keepdims=True)
        policy = np.where(mass > 1e-300, weights / np.maximum(mass, 1e-300), 1.0 / A)
        policy /= policy.sum(axis=2, keepdims=True)
        _occupancies(P, mdp.mu0, policy, law)
        losses[k] = float((law * mdp.losses[k]).sum())
        _rollout(P, mdp.mu0, policy, random, states, actions)
        for h in range(H):
            s, a = int(states[h]), int(actions[h])
            u = _largest_visit(ball.low, ball.high, mdp.mu0, policy, h, s) * policy[h, s, a]
            shift = math.exp(-rate * mdp.losses[k, h, s, a] / (u + bias))
            if h + 1 < H:
                q[h, s, a] *= shift
            else:
                last[s, a] *= shift
        ball.record(states, actions)
        q, last, x = _project(q, last, mdp.mu0, ball, np.zeros_like(x))
    return run_of(mdp, "UOB-REPS", {"eta": rate, "implicit": bias, "delta": delta}, losses, policy)
