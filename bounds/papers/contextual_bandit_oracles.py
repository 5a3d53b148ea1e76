"""Claims of Vangara and Egg, and of the contextual bandits with regression oracles they deploy."""

from bounds.claims import Paper

from . import _contextual_loop, _contextual_regret, _contextual_rounds

__all__ = ["CLAIMS", "PAPER"]

PAPER = Paper(
    slug="contextual-bandit-oracles",
    title="Contextual Bandits in Payment Processing: Non-uniform Exploration and Supervised Learning",
    authors="Akhila Vangara, Alex Egg",
    year=2024,
    key="vangara2024",
    room="bandit",
    summary=(
        "A contextual bandit can be built on regression: predict every action's reward, and play actions with "
        "probabilities that fall with their predicted gap to the best (SquareCB, FastCB, FALCON). The inequality "
        "behind it holds for every prediction and every truth. Deployed in batches, refitted on logs of its own "
        "making, such a system can oscillate."
    ),
)

CLAIMS = (*_contextual_rounds.CLAIMS, *_contextual_regret.CLAIMS, *_contextual_loop.CLAIMS)
