"""Claims of Rashidinejad et al., pessimism under single-policy concentrability."""

from bounds.claims import Paper

from ._pessimism_bandit import CLAIMS as _BANDIT
from ._pessimism_contextual import CLAIMS as _CONTEXTUAL
from ._pessimism_mdp import CLAIMS as _MDP

PAPER = Paper(
    slug="pessimism-lcb",
    title="Bridging Offline Reinforcement Learning and Imitation Learning: A Tale of Pessimism",
    authors="Paria Rashidinejad, Banghua Zhu, Cong Ma, Jiantao Jiao, Stuart Russell",
    year=2021,
    key="rashidinejad2021",
    room="offline",
    summary=(
        "A lower-confidence-bound learner needs data that cover one optimal policy only. Its rate runs from "
        "1/N for expert "
        "data to 1/sqrt(N), without knowing how good the data are: optimally in contextual bandits, almost "
        "in MDPs, and not "
        "in multi-armed bandits, where imitation is exponentially better for near-expert data."
    ),
)

CLAIMS = (*_BANDIT, *_CONTEXTUAL, *_MDP)
