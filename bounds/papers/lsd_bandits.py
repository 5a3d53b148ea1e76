"""Claims of Foussoul, Goyal, Papadigenopoulos and Zeevi: planning and learning last-switch-dependent bandits."""

from bounds.claims import Paper

from . import _lsd_planning, _lsd_running

__all__ = ["CLAIMS", "PAPER"]

PAPER = Paper(
    slug="lsd-bandits",
    title="Last Switch Dependent Bandits with Monotone Payoff Functions",
    authors="Ayoub Foussoul, Vineet Goyal, Orestis Papadigenopoulos, Assaf Zeevi",
    year=2023,
    key="foussoul2023",
    room="bandit",
    summary=(
        "What an arm pays depends on how long it has been idle, or pulled in a row. Planning is hard; a linear program "
        "over the arms' occupancies bounds the optimum, and rounding it through virtual states keeps the fraction "
        "1 - (1 - 1/n)^n of it when payoffs are monotone. Everything is computed exactly on small instances."
    ),
)

CLAIMS = (*_lsd_planning.CLAIMS, *_lsd_running.CLAIMS)
