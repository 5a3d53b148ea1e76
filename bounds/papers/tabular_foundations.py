"""The reference layer: exact planning, identities of values, and concentration, which every other paper stands on."""

from bounds.claims import Paper

from . import (
    _foundations_average,
    _foundations_bandits,
    _foundations_concentration,
    _foundations_discounted,
    _foundations_episodic,
    _foundations_learning,
    _foundations_policies,
)

__all__ = ["CLAIMS", "PAPER"]

PAPER = Paper(
    slug="tabular-foundations",
    title="Foundations of finite reinforcement learning",
    authors="Puterman; Lattimore and Szepesvári; Jaksch, Ortner and Auer; and others",
    year=1994,
    key="puterman1994",
    room=None,
    summary=(
        "Not one paper but the exact statements that the others stand on: Bellman operators and the certificates of "
        "planners, linear programs, performance differences, average reward, and concentration inequalities. "
        "Planning claims are tried on hundreds of random models and on the classic structured ones; concentration "
        "inequalities by their exact failure probabilities."
    ),
)

CLAIMS = (
    *_foundations_discounted.CLAIMS,
    *_foundations_policies.CLAIMS,
    *_foundations_average.CLAIMS,
    *_foundations_concentration.CLAIMS,
    *_foundations_learning.CLAIMS,
    *_foundations_episodic.CLAIMS,
    *_foundations_bandits.CLAIMS,
)
