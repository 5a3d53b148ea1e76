"""Claims of Zouitine, Geist and Rachelson: a robust policy from a sequence of static problems."""

from bounds.claims import Paper

from . import _iwocs_sequence, _iwocs_sets

__all__ = ["CLAIMS", "PAPER"]

PAPER = Paper(
    slug="robust-static-iwocs",
    title="Solving robust MDPs as a sequence of static RL problems",
    authors="Adil Zouitine, Matthieu Geist, Emmanuel Rachelson",
    year=2024,
    key="zouitine2024",
    room="robust",
    summary=(
        "A robust policy is sought by solving ordinary decision problems, each for the worst kernel of the last "
        "policy. On rectangular sets a closed gap certifies the policy. Everything is computed exactly on small sets; "
        "whether the gap closes depends on the instance, for every way of completing the worst kernel."
    ),
)

CLAIMS = (*_iwocs_sets.CLAIMS, *_iwocs_sequence.CLAIMS)
