"""MDP studies of pessimism-lcb."""

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.exact_risk import bayes_risk_one_unknown_arm, missing_mass
from experiments.instances import pessimism as families
from experiments.study import Cell, Scale
from tabular.errors import MissingExtra
from tabular.learning.offline import cb_imitation, cb_lcb, empirical_value_iteration, vi_lcb
from tabular.learning.offline.pessimism_lcb import PUBLISHED_CONSTANT, vi_lcb_width
from tabular.models import DiscountedMDP
from tabular.planning import evaluate, occupancy, policy_iteration
from tabular.simulation import OfflineDataset, sample_dataset

from ._pessimism_bandit import FLOOR
from ._pessimism_runs import _vi_audits, _vi_risks, outcomes

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def iterations(N: int, gamma: float) -> int:
    """Return the iterations of VI-LCB, ceil(log N / (1-gamma))."""
    return math.ceil(math.log(N) / (1.0 - gamma))


def _concentrability(d: Floats, mu: Floats) -> float:
    """Return max d/mu with 0/0 = 0."""
    return float(np.max(np.divide(d, mu, out=np.where(d > 0, np.inf, 0.0), where=mu > 0)))


def coverage_cells(scale: Scale) -> list[Cell]:
    """Shapes of random MDPs."""
    shapes = ((1, 2), (3, 2), (5, 3), (8, 4))
    return [dict(S=S, A=A, instances=50 if scale == "quick" else 400) for S, A in shapes]


def coverage(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Off-policy data mass and C* of an optimal policy; data between its occupancy and a random distribution.

    ``state_ratio`` is the largest ratio of the state marginals, blind to actions.
    """
    off, largest, blind = [], [], []
    for _ in range(cell["instances"]):
        mdp, mu = families.random_mdp(cell["S"], cell["A"], float(rng.uniform(0.0, 0.95)), rng)
        policy = policy_iteration(mdp).policy
        d = occupancy(mdp, policy)
        part = float(rng.choice([0.0, 0.01, 0.1, 0.5, 0.9, 1.0]))
        mu = part * mu + (1.0 - part) * d
        chosen = np.arange(mdp.S), policy
        off.append(mu.sum() - mu[chosen].sum())
        largest.append(_concentrability(d, mu))
        blind.append(_concentrability(d.sum(axis=1), mu.sum(axis=1)))
    return {"off_mass": np.array(off), "concentrability": np.array(largest), "state_ratio": np.array(blind)}


def audit_cells(scale: Scale) -> list[Cell]:
    """Sizes, blocks of instances, and the monotone update on or off."""
    blocks, instances = (2, 100) if scale == "quick" else (10, 200)
    found: list[Cell] = [
        dict(N=N, block=block, monotone=True, split=True, instances=instances)
        for N in (200_000, 20_000_000, 2_000_000_000)
        for block in range(blocks)
    ]
    return [*found, dict(N=2_000_000_000, block=0, monotone=False, split=True, instances=instances // 4)]


def _parts(N: int, T: int, K: int, split: bool) -> tuple[int, int, npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Rows of part 0 and of each other part, and where each part's outcomes begin and end.

    Copies of the outcome table.
    """
    if not split:
        return N, N, np.zeros(T, dtype=np.int64), np.full(T, K, dtype=np.int64), 1
    first = K * np.arange(T, dtype=np.int64)
    return N // 2, N // (2 * T), first, first + K, T


def _run_audits(
    mdp: DiscountedMDP, mu: Floats, N: int, widths: Floats, runs: int, split: bool, monotone: bool,
    rng: np.random.Generator,
) -> Floats:  # fmt: skip
    law, s, a, r, s_next = outcomes(mdp, mu, noise=True)
    T = iterations(N, mdp.gamma)
    half, size, start, stop, copies = _parts(N, T, law.shape[0], split)
    plan = policy_iteration(mdp)
    out = np.empty((runs, widths.shape[0], 9))
    _vi_audits(
        half, size, law, np.tile(s, copies), np.tile(a, copies), np.tile(r, copies), np.tile(s_next, copies), start,
        stop, mdp.dense_P(), mdp.r, mdp.gamma, mdp.mu0, plan.policy, np.ascontiguousarray(plan.V), widths, monotone,
        rng, out,
    )  # fmt: skip
    return out


def audit(cell: Cell, rng: np.random.Generator) -> Arrays:
    """One run of VI-LCB (c = 1, delta = 1/N) on each of many random MDPs (S = 5, A = 3, gamma = 0.8), fully audited."""
    S, A, gamma, N = 5, 3, 0.8, cell["N"]
    width = vi_lcb_width(S, A, iterations(N, gamma), 1.0 / N)
    rows = []
    for _ in range(cell["instances"]):
        mdp, mu = families.random_mdp(S, A, gamma, rng)
        rows.append(_run_audits(mdp, mu, N, np.array([width]), 1, cell["split"], cell["monotone"], rng)[0, 0])
    found = np.array(rows)
    names = ("event", "increase", "below_policy", "below_optimal", "backup", "risk", "bias", "penalty", "value")
    return {name: np.ascontiguousarray(found[:, j]) for j, name in enumerate(names)}


def event_cells(scale: Scale) -> list[Cell]:
    """Discounts and sizes, with and without data splitting."""
    runs = 2000 if scale == "quick" else 20000
    return [
        dict(gamma=gamma, N=N, split=split, runs=runs, delta=0.05)
        for gamma, N in ((0.5, 2000), (0.8, 20000))
        for split in (True, False)
    ]


def event(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count the runs in which the event of VI-LCB fails, at c = 1 and at c = 0.2, on one random MDP (S = 5, A = 3)."""
    mdp, mu = families.random_mdp(5, 3, cell["gamma"], rng)
    width = vi_lcb_width(5, 3, iterations(cell["N"], cell["gamma"]), cell["delta"])
    widths = np.array([width, 0.2 * width])
    out = _run_audits(mdp, mu, cell["N"], widths, cell["runs"], cell["split"], True, rng)
    failed = np.count_nonzero(out[:, :, 0] > 1e-9, axis=0)
    return {"count": failed[:1], "count_small": failed[1:]}


HARD = 9


def risk_cells(scale: Scale) -> list[Cell]:
    """F7 at C* = 1 and C* > 1."""
    near = (2000, 8000, 32000) if scale == "quick" else (2000, 8000, 32000, 128000, 512000)
    far = (2000, 32000, 500_000, 4_000_000) if scale == "quick" else (2000, 32000, 500_000, 4_000_000, 32_000_000)
    runs = 200 if scale == "quick" else 2000
    pairs = (
        (0.5, 1.0),
        (0.8, 1.0),
        (0.8, 1.05),
        (0.8, 1.5),
        (0.9, 1.0),
        (0.9, 1.05),
        (0.9, 1.5),
        (0.9, 2.0),
        (0.9, 4.0),
    )
    return [dict(gamma=gamma, C=C, N=N, runs=runs) for gamma, C in pairs for N in (near if C == 1.0 else far)]


WIDEST = 0.25


def decision_gap(gamma: float, C: float, N: int) -> float:
    """Gap of F7 retuned with N: 0.6 over the root of the expected count of a decisive pair, at most `WIDEST`."""
    mass = families.hard_decisions(HARD, C, gamma, WIDEST, 1.0).mass
    return min(WIDEST, 0.6 / math.sqrt(N * mass))


def risk(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Exact risk of the policies of VI-LCB (c = 1) and of imitation on datasets of F7.

    Random signs for each block of runs.
    """
    gamma, C, N, runs = cell["gamma"], cell["C"], cell["N"], cell["runs"]
    T = iterations(N, gamma)
    width = vi_lcb_width(HARD + 3, 2, T, 1.0 / N)
    d = 0.5 if C == 1.0 else decision_gap(gamma, C, N)
    blocks, found = 20, []
    for _ in range(blocks):
        if C == 1.0:
            family = families.expert_decisions(HARD, gamma, N, rng.integers(0, 2, size=HARD))
        else:
            signs = rng.choice([-1.0, 1.0], size=HARD)
            family = families.hard_decisions(HARD, C, gamma, d, signs, widest=WIDEST)
        mdp = family.mdp
        law, s, a, r, s_next = outcomes(mdp, family.mu, noise=False)
        half, size, start, stop, copies = _parts(N, T, law.shape[0], True)
        optimal = policy_iteration(mdp).value
        out = np.empty((3, runs // blocks))
        _vi_risks(
            half, size, law, np.tile(s, copies), np.tile(a, copies), np.tile(r, copies), np.tile(s_next, copies), start,
            stop, mdp.dense_P(), mdp.r, gamma, mdp.mu0, optimal, width, rng, out,
        )  # fmt: skip
        found.append(out)
    risks = np.concatenate(found, axis=1)
    if C == 1.0:
        bayes = gamma / (1 - gamma) * 0.5 * missing_mass(N, [family.rho_hard / HARD] * HARD, [1.0 / N] * HARD)
    else:
        bayes = gamma / (1 - gamma) * family.rho_hard * bayes_risk_one_unknown_arm(N, family.mass, d, floor=FLOOR)
    S, m = HARD + 3, N // (2 * T)
    bound = 2.0 * math.sqrt(2.0 * width**2 * S * C / m) / (1 - gamma) ** 2 + (1.0 / N + gamma**T) / (1 - gamma)
    return {
        "risk": risks[0],
        "imitation_half": risks[1],
        "imitation": risks[2],
        "gap": np.array([d]),
        "bayes": np.array([bayes]),
        "bound": np.array([bound]),
    }


def bayes_cells(scale: Scale) -> list[Cell]:
    """Discount, C*, hard states and N of F7."""
    sizes = (2000, 8000, 32000) if scale == "quick" else (2000, 8000, 32000, 128000)
    axes = product((0.5, 0.8, 0.95), (1.0, 1.05, 1.5, 4.0), (4, 32), sizes)
    return [dict(gamma=gamma, C=C, hard=hard, N=N) for gamma, C, hard, N in axes]


def bayes(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Largest exact Bayes risk of F7 over d <= 1/4, and C* of both signs computed from the occupancy."""
    gamma, C, hard, N = cell["gamma"], cell["C"], cell["hard"], cell["N"]
    if C == 1.0:
        family = families.expert_decisions(hard, gamma, N, np.zeros(hard, dtype=np.int64))
        value = gamma / (1 - gamma) * 0.5 * missing_mass(N, [family.rho_hard / hard] * hard, [1.0 / N] * hard)
        kinds = [family]
    else:
        limit = min(0.25, (1.0 - gamma) / (2.0 * gamma))
        value, best = 0.0, limit
        for x in np.geomspace(0.05, 3.0, 24):
            trial = families.hard_decisions(hard, C, gamma, limit, 1.0)
            d = min(limit, x / math.sqrt(N * trial.mass))
            trial = families.hard_decisions(hard, C, gamma, d, 1.0)
            risk = gamma / (1 - gamma) * trial.rho_hard * bayes_risk_one_unknown_arm(N, trial.mass, d, floor=FLOOR)
            value, best = max((value, best), (risk, d))
        kinds = [families.hard_decisions(hard, C, gamma, best, sign) for sign in (1.0, -1.0)]
    seen = []
    for family in kinds:
        d_star = occupancy(family.mdp, policy_iteration(family.mdp).policy)
        seen.append(_concentrability(d_star, family.mu))
    return {"bayes": np.array([value]), "concentrability": np.array([max(seen)])}


def _count(flags: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(flags))


def published_cells(scale: Scale) -> list[Cell]:
    """Sizes below the published constant."""
    return [dict(N=N, instances=20 if scale == "quick" else 200) for N in (500, 5000, 50000)]


def published(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Where the published penalty lets A6 leave imitation, or A4 choose a played action over an unplayed one.

    ``moved``: states in which VI-LCB differs from the most-played action of part 0, with the published penalty and with
    0.02 Hoeffding widths. ``played``: contexts with an unplayed action and counts below L/4 in which CB-LCB as
    published
    chooses a played action; ``never`` counts the same with ``unseen="never"``. ``half``: what CB-LCB as published
    chooses between an action that paid 1 in all of L/2 rows (0) and an unplayed one (1).
    """
    S, A, gamma, N = 5, 3, 0.8, cell["N"]
    T = iterations(N, gamma)
    L = PUBLISHED_CONSTANT * math.log(2.0 * (T + 1) * S * A * N)
    moved: list[int] = []
    small: list[int] = []
    played: list[int] = []
    never: list[int] = []
    largest: list[float] = []
    for _ in range(cell["instances"]):
        mdp, mu = families.random_mdp(S, A, gamma, rng)
        data = sample_dataset(mdp, mu, N, rng=rng)
        part = N // 2
        first = OfflineDataset(data.s[:part], data.a[:part], data.r[:part], data.s_next[:part], S, A)
        start = cb_imitation(first).policy
        moved.append(_count(vi_lcb(data, gamma=gamma, penalty="published").policy != start))
        small.append(_count(vi_lcb(data, gamma=gamma, c=0.02).policy != start))
        largest.append(max(1.0, N / (2 * T)) / L)
        bandit, law = families.random_contexts(20, 5, rng)
        law = np.where(rng.random(law.shape) < 0.3, 0.0, law)
        rows = sample_dataset(bandit, law / law.sum(), N, rng=rng)
        n = rows.counts()
        eligible = (n == 0).any(axis=1) & (n < PUBLISHED_CONSTANT * math.log(2.0 * 100 * N) / 4).all(axis=1)
        for found, unseen in ((played, "published"), (never, "never")):
            policy = cb_lcb(rows, penalty="published", unseen=unseen).policy
            found.append(_count(eligible & (n[np.arange(20), policy] > 0)))
    half = int(PUBLISHED_CONSTANT * math.log(4.0 * 10500) / 2)
    sure = OfflineDataset(np.zeros(half, int), np.zeros(half, int), np.ones(half), np.zeros(half, int), 1, 2)
    return {
        "moved": np.array(moved, dtype=np.int64),
        "moved_small": np.array(small, dtype=np.int64),
        "played": np.array(played, dtype=np.int64),
        "played_never": np.array(never, dtype=np.int64),
        "largest": np.array(largest),
        "half": cb_lcb(sure, penalty="published", unseen="published").policy,
    }


def world_cells(scale: Scale) -> list[Cell]:
    """Environments with a sweep of the share of uniform data at one size, and of the size at one share."""
    seeds, middle = (10, 16_000) if scale == "quick" else (40, 64_000)
    shares = (0.0, 0.05, 0.2, 0.5, 0.8, 1.0) if scale == "quick" else (0.0, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0)
    sizes = [1000 * 4**k for k in range(4 if scale == "quick" else 6)]
    grid = dict.fromkeys([(share, middle) for share in shares] + [(0.5, N) for N in sizes])
    return [dict(env=env, share=share, N=N, seeds=seeds) for env in WORLD_GAMMA for share, N in grid]


WORLD_GAMMA = {"FrozenLake": 0.95, "Taxi": 0.9}


@lru_cache(maxsize=2)
def _world(env: str) -> tuple[DiscountedMDP, float, float, Floats, Floats]:
    """Gymnasium's own transition table as a discounted MDP with rewards rescaled to [0, 1].

    Beside it: the optimal value, the uniform policy's value, and the occupancies of both policies.
    """
    try:
        import gymnasium
    except ImportError:
        raise MissingExtra("gymnasium", "interop", "the study pessimism-lcb/grid-worlds") from None
    from tabular.interop import from_gymnasium

    options = {"map_name": "8x8"} if env == "FrozenLake" else {}
    version = max(spec.version or 0 for spec in gymnasium.registry.values() if spec.name == env)
    made = gymnasium.make(f"{env}-v{version}", **options)
    model = from_gymnasium(made, gamma=WORLD_GAMMA[env])
    made.close()
    low, high = model.reward_range
    mdp = DiscountedMDP(model.P, (model.r - low) / (high - low), WORLD_GAMMA[env], model.mu0)
    plan = policy_iteration(mdp)
    uniform = np.full((mdp.S, mdp.A), 1.0 / mdp.A)
    base = evaluate(mdp, uniform).value
    return mdp, float(plan.value), float(base), occupancy(mdp, plan.policy), occupancy(mdp, uniform)


def world(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Value, as a share of the optimal one above the uniform policy's, of what each learner returns.

    Data: i.i.d. rows from (1 - share) d* + share d_uniform, rewards without noise, rescaled to [0, 1].
    """
    mdp, best, base, d_star, d_uniform = _world(cell["env"])
    mu = (1.0 - cell["share"]) * d_star + cell["share"] * d_uniform
    learners = {
        "vi_lcb": lambda data: vi_lcb(data, gamma=mdp.gamma, rng=rng),
        "vi_lcb_small": lambda data: vi_lcb(data, gamma=mdp.gamma, c=0.01, split=False, rng=rng),
        "empirical": lambda data: empirical_value_iteration(data, gamma=mdp.gamma, rng=rng),
        "imitation": lambda data: cb_imitation(data, rng=rng),
    }
    found: dict[str, list[float]] = {name: [] for name in learners}
    for _ in range(cell["seeds"]):
        data = sample_dataset(mdp, mu / mu.sum(), cell["N"], reward_noise="none", rng=rng)
        for name, learn in learners.items():
            value = evaluate(mdp, learn(data).policy).value
            found[name].append((value - base) / (best - base))
    return {name: np.array(values) for name, values in found.items()} | {
        "concentrability": np.array([_concentrability(d_star, mu)])
    }
