"""Numbers read off the figures of the paper: compared with and drawn beside ours, never used in a result."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "DIGITS", "EPISODES", "ERRORS", "OPTION", "REPLICATIONS", "SIMULATOR", "TIME_OVER_D", "TIME_OVER_N", "UP",
]  # fmt: skip

#: Each point of Figure 1(a) to (c) is a mean over this many datasets, and over this many test episodes for each.
REPLICATIONS, EPISODES = 20, 100

#: A published point is reproduced if it lies within this many standard errors of ours; theirs and ours both count.
ERRORS = 3.0

#: Published points are given to three digits.
DIGITS = 5e-4

#: Price-up probabilities of Figure 1(d).
UP = (0.2, 0.4, 0.6, 0.8, 1.0)

#: Figure 1(a) to (c), read from the vector graphics: (figure, curve, level) -> {target shift q: average return}.
SIMULATOR: Mapping[tuple[str, str, float], Mapping[float, float]] = MappingProxyType(
    {
        ("1a", "PEVI", 0.0): {0.0: 1.545, 1.0: 0.747},
        ("1a", "R2PVI-TV", 0.1): {0.0: 1.390, 1.0: 1.004},
        ("1a", "R2PVI-KL", 0.1): {0.0: 1.397, 1.0: 1.000},
        ("1a", "R2PVI-chi2", 0.1): {0.0: 1.350, 1.0: 1.084},
        ("1b", "R2PVI-TV", 0.1): {0.0: 1.574, 1.0: 1.096},
        ("1b", "R2PVI-TV", 0.2): {0.0: 1.608, 1.0: 0.993},
        ("1b", "R2PVI-TV", 0.3): {0.0: 1.659, 1.0: 0.874},
        ("1b", "R2PVI-TV", 0.6): {0.0: 1.723, 1.0: 0.698},
        ("1c", "DRPVI", 0.0): {0.9: 0.769},
        ("1c", "DRPVI", 1.0): {0.9: 1.029},
        ("1c", "R2PVI-TV", 0.0): {0.9: 1.066},
        ("1c", "R2PVI-TV", 1.0): {0.9: 0.760},
    }
)

#: Figure 1(d), from the plotting notebook: mean over 3 replications at each price-up probability of `UP`. The radii of
#: the DRPVI curves are not stated; the curves are named after the lambda of R2PVI-TV that each overlays.
OPTION: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "PEVI": (6.279, 5.020, 2.199, 0.295, 0.0),
        "R2PVI-TV, 1": (1.407, 1.318, 1.140, 0.877, 0.553),
        "R2PVI-TV, 3": (3.798, 3.304, 2.121, 0.870, 0.0),
        "R2PVI-TV, 5": (4.769, 4.319, 2.211, 0.572, 0.0),
        "DRPVI, over 1": (1.493, 1.419, 1.203, 0.883, 0.553),
        "DRPVI, over 3": (3.852, 3.278, 2.105, 0.841, 0.0),
        "DRPVI, over 5": (4.960, 4.328, 2.164, 0.397, 0.0),
    }
)

#: Figure 2(a): seconds at N = 1000 trajectories over the number of features.
TIME_OVER_D: Mapping[str, Mapping[int, float]] = MappingProxyType(
    {
        "PEVI": {30: 0.804, 60: 1.838, 120: 5.558},
        "R2PVI-TV": {30: 1.078, 60: 1.953, 120: 4.975},
        "R2PVI-KL": {30: 1.041, 60: 1.786, 120: 6.306},
        "DRPVI": {30: 1.702, 60: 3.493, 120: 16.662},
        "DRVI-L": {30: 1.643, 60: 4.120, 120: 16.195},
    }
)

#: Figure 2(b): seconds at d = 30 over the number of trajectories.
TIME_OVER_N: Mapping[str, Mapping[int, float]] = MappingProxyType(
    {
        "PEVI": {1000: 0.804, 5000: 4.066, 10000: 8.153},
        "R2PVI-TV": {1000: 1.078, 5000: 5.048, 10000: 8.993},
        "R2PVI-KL": {1000: 1.041, 5000: 5.019, 10000: 9.032},
        "DRPVI": {1000: 1.702, 5000: 6.773, 10000: 13.396},
        "DRVI-L": {1000: 1.643, 5000: 7.013, 10000: 15.044},
    }
)
