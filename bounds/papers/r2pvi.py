"""Claims of Tang, Liu and Xu: robust offline learning with linearly structured f-divergence regularisation."""

from bounds.claims import Paper

from . import _r2pvi_duals, _r2pvi_figures, _r2pvi_learning, _r2pvi_models, _r2pvi_simulator

__all__ = ["CLAIMS", "PAPER"]

PAPER = Paper(
    slug="r2pvi",
    title="Robust Offline Reinforcement Learning with Linearly Structured f-Divergence Regularization",
    authors="Cheng Tang, Zhishuai Liu, Pan Xu",
    year=2025,
    key="tang2025",
    room="robust",
    summary=(
        "An adversary may replace each of the d kernels that a linear MDP mixes, and pays for the divergence. The "
        "duals are closed forms or one search, so that pessimistic value iteration stays cheap. Robust values, "
        "worst-case kernels, coverage terms and the returns of the figures are all computed exactly here."
    ),
)

CLAIMS = (
    *_r2pvi_duals.CLAIMS,
    *_r2pvi_models.CLAIMS,
    *_r2pvi_learning.CLAIMS,
    *_r2pvi_simulator.CLAIMS,
    *_r2pvi_figures.CLAIMS,
)
