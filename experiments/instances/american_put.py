r"""American put option on a binomial price lattice (Tang, Liu and Xu 2025, figures 1(d) and 2).

The price is multiplied by 1.02 with probability `up` (1/2 nominally), else by 0.98. At each of H = 20 steps the holder
holds (action 0) or exercises (action 1), which pays ``max(strike - price, 0)`` and ends the episode. Values of holding
are linear in hat features of the price; the payoff of exercising is known.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.learning.robust import FeatureData, RobustOfflineResult
from tabular.models import EpisodicMDP
from tabular.planning import evaluate
from tabular.simulation import OfflineDataset, sample_trajectories
from tabular.streams import generator

__all__ = ["EVALUATION_START", "AmericanPut"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator

#: Price at which the paper evaluates: the first draw of NumPy's legacy generator with seed 1, uniform on [95, 105].
EVALUATION_START = 99.17022004702574

HOLD, EXERCISE = 0, 1
#: Interval of start prices, and of the anchors of the features.
_STARTS, _ANCHORS = (95.0, 105.0), (80.0, 180.0)


@dataclass(frozen=True, slots=True)
class AmericanPut:
    """The option from one start price, on its lattice.

    Nodes are numbered by step and then by the number of rises: ``k (k + 1) / 2 + j``; the last state is "exercised".

    Parameters
    ----------
    d : int
        Number of anchors of the features, at ``80 + j * 100 / d``, j = 0..d-1.
    start : float
        First price, > 0.
    H : int
        Steps at which the option may be exercised.
    strike, rise, fall : float
        Strike price and the two factors of the price, > 0.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Examples
    --------
    >>> from tabular.planning import backward_induction
    >>> round(backward_induction(AmericanPut().model(0.5)).value, 4)
    3.9054
    """

    d: int = 30
    start: float = EVALUATION_START
    H: int = 20
    strike: float = 100.0
    rise: float = 1.02
    fall: float = 0.98

    def __post_init__(self) -> None:
        check.count(self.d, "d")
        check.count(self.H, "H")
        for name in ("start", "strike", "rise", "fall"):
            check.number(getattr(self, name), name, low=0.0, open_low=True)

    @property
    def prices(self) -> Floats:
        """Price of every node, shape ((H + 1) (H + 2) / 2,); the last H + 1 follow the last decision."""
        step, rises = _nodes(self.H)
        return self.start * self.rise**rises * self.fall ** (step - rises)

    def payoffs(self, prices: npt.ArrayLike) -> Floats:
        """Rewards of holding and exercising, shape (n, 2)."""
        s = np.asarray(prices, dtype=np.float64)
        return np.stack([np.zeros_like(s), np.maximum(self.strike - s, 0.0)], axis=-1)

    def features(self, prices: npt.ArrayLike) -> sp.csr_array:
        """Hat features of holding, none of exercising: CSR of shape (2 n, d); row ``2 i`` is holding at price i.

        They sum to 1 between the first and the last anchor, and fall to 0 within one spacing outside.
        """
        s = np.asarray(prices, dtype=np.float64)
        low, high = _ANCHORS
        spacing = (high - low) / self.d
        place = (s - low) / spacing
        left = np.floor(place)
        share = place - left
        index = np.stack([left, left + 1.0], axis=-1)
        entry = np.stack([1.0 - share, share], axis=-1)
        inside = (index >= 0.0) & (index < self.d) & (entry > 0.0)
        row = np.broadcast_to(2 * np.arange(s.size)[:, None], index.shape)
        parts = (entry[inside], (row[inside], index[inside].astype(np.int64)))
        return sp.csr_array(sp.coo_array(parts, shape=(2 * s.size, self.d)))

    def model(self, up: float = 0.5) -> EpisodicMDP:
        """Return the option on its lattice as a model with prices rising with probability `up`."""
        up = check.number(up, "up", low=0.0, high=1.0)
        step, _ = _nodes(self.H)
        n = step.size
        live = np.flatnonzero(step < self.H)
        P = np.zeros((n + 1, 2, n + 1))
        ahead = live + step[live] + 1
        P[live, HOLD, ahead] = 1.0 - up
        P[live, HOLD, ahead + 1] = up
        P[live, EXERCISE, n] = 1.0
        P[np.flatnonzero(step == self.H), :, n] = 1.0
        P[n, :, n] = 1.0
        r = np.zeros((n + 1, 2))
        r[live] = self.payoffs(self.prices[live])
        mu0 = np.zeros(n + 1)
        mu0[0] = 1.0
        return EpisodicMDP(P, r, mu0, self.H)

    def view(self, data: OfflineDataset) -> FeatureData:
        """Return data of `model` as a learner sees them: features of the prices, known payoffs, ends worth 0."""
        n = self.prices.size
        if data.A != 2 or n != data.S - 1:
            raise ParameterError(f"data has S={data.S}, A={data.A}; the lattice has S={n + 1}, A=2")
        phi = sp.vstack([self.features(self.prices), sp.csr_array((2, self.d))], format="csr")
        step, _ = _nodes(self.H)
        r = np.append(self.payoffs(self.prices), [[0.0, 0.0]], axis=0)
        return FeatureData(data, phi, r=r, fail=[*np.flatnonzero(step == self.H).tolist(), n], partial=True)

    def sample(self, episodes: int, rng: Seed, *, up: float = 0.5) -> FeatureData:
        """Draw trajectories that never exercise, all from `start` (as in the released code)."""
        hold = np.zeros(self.prices.size + 1, dtype=np.int64)
        model = self.model(up)
        return self.view(sample_trajectories(model, hold, episodes=episodes, reward_noise="none", rng=rng))

    def sample_own_starts(self, episodes: int, rng: Seed, *, up: float = 0.5) -> FeatureData:
        """Draw trajectories that never exercise, each from its own uniform start in [95, 105]: no two prices agree."""
        random, K, H = generator(rng), check.count(episodes, "episodes"), self.H
        up = check.number(up, "up", low=0.0, high=1.0)
        start = _STARTS[0] + (_STARTS[1] - _STARTS[0]) * random.random(K)
        rises = np.concatenate([np.zeros((K, 1)), (random.random((K, H)) < up).cumsum(axis=1)], axis=1)
        prices = (start[:, None] * self.rise**rises * self.fall ** (np.arange(H + 1) - rises)).ravel()
        point = np.arange(prices.size).reshape(K, H + 1)
        s, s_next = point[:, :-1].ravel(), point[:, 1:].ravel()
        zeros = np.zeros(s.size, dtype=np.int64)
        data = OfflineDataset(s, zeros, np.zeros(s.size), s_next, prices.size, 2, np.tile(np.arange(H), K), H)
        return FeatureData(
            data, self.features(prices), r=self.payoffs(prices), fail=point[:, -1].tolist(), partial=True
        )  # fmt: skip

    def policy(self, learned: RobustOfflineResult) -> Ints:
        """Return what a learned rule does on this lattice, shape (H, S), whatever prices it was learned from."""
        n = self.prices.size
        step, _ = _nodes(self.H)
        choice = np.zeros((self.H, n + 1), dtype=np.int64)
        for h in range(self.H):
            here = np.flatnonzero(step == h)
            prices = self.prices[here]
            values = learned.action_values(h, self.features(prices), self.payoffs(prices))
            choice[h, here] = values.argmax(axis=-1)
        return choice

    def value(self, rule: "RobustOfflineResult | npt.ArrayLike", up: float) -> float:
        """Return the exact value from `start` of a learned rule, or a policy of `model`, at rise probability `up`."""
        policy = self.policy(rule) if isinstance(rule, RobustOfflineResult) else rule
        return evaluate(self.model(up), policy).value


def _nodes(H: int) -> tuple[Ints, Ints]:
    """Return the step and the number of rises of every node."""
    step = np.repeat(np.arange(H + 1), np.arange(1, H + 2))
    return step, np.arange(step.size) - step * (step + 1) // 2
