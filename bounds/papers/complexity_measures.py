"""Complexity of an instance: coverage, spanning capacity, times of chains, gaps, variances, function classes."""

from bounds.claims import Paper

from . import (
    _complexity_coverage,
    _complexity_functions,
    _complexity_gaps,
    _complexity_information,
    _complexity_times,
)

__all__ = ["CLAIMS", "PAPER"]

PAPER = Paper(
    slug="complexity-measures",
    title="Complexity measures of finite instances",
    authors="Xie, Foster, Bai, Jiang and Kakade; Jia, Li, Rakhlin, Sekhari and Srebro; and others",
    year=2023,
    key="xie2023",
    room=None,
    summary=(
        "Not one paper but the constants that others plug into their bounds, each computed exactly or enclosed: "
        "coverability and concentrability, spanning capacity, diameters, mixing, gaps and variances; eluder and "
        "Bellman dimensions, designs, revealing constants. What is claimed of them is tried on hundreds of random "
        "instances."
    ),
)

CLAIMS = (
    *_complexity_coverage.CLAIMS,
    *_complexity_times.CLAIMS,
    *_complexity_gaps.CLAIMS,
    *_complexity_functions.CLAIMS,
    *_complexity_information.CLAIMS,
)
