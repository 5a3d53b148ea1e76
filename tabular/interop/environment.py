"""A Gymnasium environment that plays a model; import it only where Gymnasium is installed."""

from typing import Any

import gymnasium
import numpy as np

from ..errors import ParameterError
from ..models import DiscountedMDP, EpisodicMDP
from ..simulation._tables import tables
from ..simulation.offline import _reward
from ..simulation.sampling import _draw, _draw_sparse

__all__ = ["TabularEnv"]


class TabularEnv(gymnasium.Env):
    """Plays an `EpisodicMDP` or a `DiscountedMDP`; made by `tabular.interop.to_gymnasium`.

    Attributes
    ----------
    model : EpisodicMDP or DiscountedMDP
        What is played.
    initial_state_distrib : array, shape (S,)
        Distribution of the first state.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  (Gymnasium's own declaration)

    def __init__(self, model: EpisodicMDP | DiscountedMDP, stop: str, noise_code: int, std: float) -> None:
        self.model = model
        self.observation_space = gymnasium.spaces.Discrete(model.S)
        self.action_space = gymnasium.spaces.Discrete(model.A)
        self.initial_state_distrib = model.mu0
        self._tables = tables(model)
        self._noise = noise_code
        self._std = std
        self._survival = model.gamma if isinstance(model, DiscountedMDP) and stop == "discount" else 1.0
        self._horizon = model.H if isinstance(model, EpisodicMDP) else None
        self._s = -1
        self._h = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Draw the first state; ``seed`` restarts the stream of randomness. ``options`` is not used."""
        super().reset(seed=seed)
        self._s = int(_draw(self.model.mu0, self.np_random.random()))
        self._h = 0
        return self._s, {"h": 0}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Play one action; ParameterError for one out of range, or once the episode is over."""
        if self._s < 0:
            raise ParameterError("step was called before reset or after the end of the episode; call reset first")
        if not self.action_space.contains(action):
            raise ParameterError(f"action is {action!r}; it must lie in 0..{self.model.A - 1}")
        flat = self._tables
        cell = (self._h * flat.S + self._s) * flat.A + int(action)
        reward = float(_reward(flat.r[cell % flat.r.shape[0]], self._std, self._noise, self.np_random))
        u = self.np_random.random()
        s_next = int(_draw_sparse(flat.data, flat.indices, flat.indptr, cell % flat.rows, flat.S, u))
        self._h += 1
        over = self._h == self._horizon or (self._survival < 1.0 and self.np_random.random() >= self._survival)
        self._s = -1 if over else s_next
        return s_next, reward, over, False, {"h": self._h}

    @property
    def P(self) -> dict[int, dict[int, list[tuple[float, int, float, bool]]]]:
        """Transitions as toy-text environments list them: ``P[s][a] = [(probability, s', reward, terminated)]``.

        Rewards are means. With ``stop="discount"`` each successor occurs twice: with probability
        ``gamma`` the episode goes on, with ``1 - gamma`` it terminates. The end of a finite
        horizon does not show. AttributeError for a model that changes from step to step.
        """
        if isinstance(self.model, EpisodicMDP):
            if not self.model.stationary:
                raise AttributeError("P: transitions that depend on the step have no table of this form")
            P, r = self.model.P[0], self.model.r[0]
        else:
            P, r = self.model.dense_P(), self.model.r
        go, end = self._survival, 1.0 - self._survival
        table: dict[int, dict[int, list[tuple[float, int, float, bool]]]] = {}
        for s in range(self.model.S):
            table[s] = {}
            for a in range(self.model.A):
                successors = [int(t) for t in np.flatnonzero(P[s, a])]
                rows = [(float(P[s, a, t]) * go, t, float(r[s, a]), False) for t in successors if go > 0.0]
                rows += [(float(P[s, a, t]) * end, t, float(r[s, a]), True) for t in successors if end > 0.0]
                table[s][a] = rows
        return table
