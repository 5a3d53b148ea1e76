"""Claims of Dai, Luo, Wei and Zimmert: log-barrier FTRL and magnitude-reduced estimates for adversarial MDPs."""

from bounds.claims import Paper

from . import _ftrl_estimates, _ftrl_regret, _ftrl_steps

__all__ = ["CLAIMS", "PAPER"]

PAPER = Paper(
    slug="ftrl-log-barrier",
    title="Refined Regret for Adversarial MDPs with Linear Function Approximation",
    authors="Yan Dai, Haipeng Luo, Chen-Yu Wei, Julian Zimmert",
    year=2023,
    key="dai2023",
    room="adversarial",
    summary=(
        "The regret of follow-the-regularised-leader with the log barrier is bounded for losses of any sign and size, "
        "where Hedge needs losses that are not too negative. With dilated bonuses, or with estimates made less "
        "negative instead, this gives square-root regret in adversarial MDPs with linear Q-functions and a simulator, "
        "where the previous rate was K^(2/3)."
    ),
)

CLAIMS = (*_ftrl_steps.CLAIMS, *_ftrl_estimates.CLAIMS, *_ftrl_regret.CLAIMS)
