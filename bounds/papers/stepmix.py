"""Claims of Li et al., conservative exploration under an episode-wise constraint."""

from bounds.claims import Paper

from ._stepmix_algebra import CLAIMS as _ALGEBRA
from ._stepmix_bpi import CLAIMS as _BPI
from ._stepmix_events import CLAIMS as _EVENTS
from ._stepmix_rates import CLAIMS as _RATES
from ._stepmix_safety import CLAIMS as _SAFETY

PAPER = Paper(
    slug="stepmix",
    title="Near-Optimal Conservative Exploration in Reinforcement Learning under Episode-Wise Constraints",
    authors="Donghao Li, Ruiquan Huang, Cong Shen, Jing Yang",
    year=2023,
    key="li2023",
    room="online",
    summary=(
        "A learner that knows a safe baseline policy and a threshold mixes the baseline with an optimistic policy, at "
        "one step (StepMix) or from episode to episode (EpsMix), just as far as a lower confidence bound allows. The "
        "value of the executed policy then stays above the threshold in every episode, and the price of that is a "
        "regret which does not grow with the number of episodes."
    ),
)

CLAIMS = (*_EVENTS, *_ALGEBRA, *_BPI, *_SAFETY, *_RATES)
