"""Measures of Markov chains, classes of functions, policies and bandits, observations, action sets and channels."""

import numpy as np
import numpy.typing as npt

from bounds import complexity
from bounds.complexity import Certified

from ._instances import Chain, FunctionClass, ModelClass, PolicyClass
from ._measure import Measure, largest

__all__ = ["OTHER_MEASURES"]

Array = npt.NDArray[np.float64]


def _kemeny(x: Chain) -> Certified:
    return complexity.kemeny_constant(x.P, max_denominator=x.denominator)


def _hitting(x: Chain) -> Certified:
    return largest(complexity.mean_hitting_times(x.P, max_denominator=x.denominator), "pairs of states")


def _mixing(x: Chain) -> Certified:
    return complexity.mixing_time(x.P)


def _absolute_gap(x: Chain) -> Certified:
    return complexity.absolute_spectral_gap(x.P)


def _cheeger(x: Chain) -> Certified:
    return complexity.cheeger_constant(x.P)


def _eluder(x: FunctionClass) -> Certified:
    return complexity.eluder_dimension(x.values, x.eps, max_denominator=100)


def _star(x: FunctionClass) -> Certified:
    return complexity.star_number(x.values, x.eps)


def _threshold(x: FunctionClass) -> Certified:
    return complexity.threshold_dimension(x.values, x.eps)


def _spanning(x: PolicyClass) -> Certified:
    return complexity.spanning_capacity(x.layers, A=x.A)


def _spectral(x: Array) -> Certified:
    return complexity.revealing_constant(x, norm="spectral")


def _dec(x: ModelClass) -> Certified:
    reference, outcomes = np.full((x.means.shape[1], 2), 0.5), complexity.bernoulli_outcomes(x.means)
    return complexity.decision_estimation_coefficient(x.means, outcomes, reference, x.gamma)


def _information_ratio(x: ModelClass) -> Certified:
    prior = np.full(x.means.shape[0], 1.0 / x.means.shape[0])
    found = complexity.posterior_regret_information(prior, x.means)
    return complexity.information_ratio(found.regret, found.information)


OTHER_MEASURES: tuple[Measure, ...] = (
    Measure(
        "mixing-time",
        r"$t_{\mathrm{mix}}(1/4)$",
        "mixing time",
        ("chain",),
        "mixing_time",
        "levin2017",
        "the first time from which the law is within total-variation distance 1/4 of the stationary one, "
        "from any start",
        _mixing,
    ),
    Measure(
        "spectral-gap",
        r"$\gamma_*$",
        "absolute spectral gap",
        ("chain",),
        "absolute_spectral_gap",
        "levin2017",
        "one minus the second largest modulus among the eigenvalues",
        _absolute_gap,
    ),
    Measure(
        "kemeny",
        r"$K$",
        "Kemeny's constant",
        ("chain",),
        "kemeny_constant",
        "kemeny1960",
        r"$\sum_j\pi_j\mathbb{E}_i[T_j]$, the same from every start; the time from a state to itself counts 0",
        _kemeny,
    ),
    Measure(
        "hitting-time",
        r"$t_{\mathrm{hit}}$",
        "largest hitting time",
        ("chain",),
        "mean_hitting_times",
        "levin2017",
        "the longest expected time between two states",
        _hitting,
    ),
    Measure(
        "cheeger",
        r"$\Phi_*$",
        "Cheeger's constant",
        ("chain",),
        "cheeger_constant",
        "levin2017",
        r"the least $Q(B,B^c)/\pi(B)$ over sets of states with $0<\pi(B)\le1/2$",
        _cheeger,
    ),
    Measure(
        "eluder",
        r"$\dim_E$",
        "eluder dimension",
        ("functions",),
        "eluder_dimension",
        "russo2013",
        r"the longest sequence of independent points over all $\epsilon'\ge\epsilon$; $\epsilon=0.5$ "
        "unless the family says otherwise",
        _eluder,
    ),
    Measure(
        "star",
        r"$\mathfrak{s}$",
        "star number",
        ("functions",),
        "star_number",
        "li2022eluder",
        "the most points on each of which alone some function differs from a common one",
        _star,
    ),
    Measure(
        "threshold",
        r"$\mathfrak{t}$",
        "threshold dimension",
        ("functions",),
        "threshold_dimension",
        "li2022eluder",
        "the longest sequence of points that functions leave a common one at, one after the other",
        _threshold,
    ),
    Measure(
        "spanning-capacity",
        r"$\mathfrak{C}(\Pi)$",
        "spanning capacity",
        ("policies",),
        "spanning_capacity",
        "jia2023",
        "the most pairs of one layer that the policies reach in a deterministic model",
        _spanning,
    ),
    Measure(
        "revealing",
        r"$\alpha_1$",
        "revealing constant",
        ("emissions",),
        "revealing_constant",
        "chen2023revealing",
        r"$1/\min\{\|L\|_{1\to1}:LE=I\}$ over all left inverses of the emissions",
        complexity.revealing_constant,
    ),
    Measure(
        "pseudo-inverse",
        r"$1/\|E^+\|_{1\to1}$",
        "the same, one left inverse",
        ("emissions",),
        "pseudo_inverse_constant",
        "liu2022scary",
        r"what the Moore-Penrose inverse proves of $\alpha_1$: a lower bound, beside an upper one by distances of "
        "columns",
        complexity.pseudo_inverse_constant,
    ),
    Measure(
        "revealing-spectral",
        r"$\alpha_\sigma$",
        "revealing constant, spectral",
        ("emissions",),
        "revealing_constant",
        "liu2022scary",
        "the least singular value of the emissions",
        _spectral,
    ),
    Measure(
        "design",
        r"$\min_p g(p)$",
        "G-optimal design",
        ("actions",),
        "least_worst_variance",
        "kiefer1960",
        r"$\min_p\max_a\|a\|^2_{V(p)^{-1}}$, which is the dimension; the upper end is a design found to 1 %",
        complexity.least_worst_variance,
    ),
    Measure(
        "log-determinant",
        r"$\ln\det V$",
        "D-optimal design",
        ("actions",),
        "log_det_information",
        "kiefer1960",
        r"$\max_p\ln\det V(p)$, found to 1 %",
        complexity.log_det_information,
    ),
    Measure(
        "dec",
        r"$\mathrm{DEC}_\gamma$",
        "decision-estimation coefficient",
        ("models",),
        "decision_estimation_coefficient",
        "foster2021dec",
        r"regret not paid for by squared Hellinger distance from fair coins, at $\gamma=200$",
        _dec,
    ),
    Measure(
        "information-ratio",
        r"$\Psi^*$",
        "information ratio",
        ("models",),
        "information_ratio",
        "russo2018ids",
        "the least squared regret a nat of information on the best arm, models equally likely",
        _information_ratio,
    ),
    Measure(
        "capacity",
        r"$C$",
        "channel capacity",
        ("channel",),
        "channel_capacity",
        "blahut1972, arimoto1972",
        r"$\max_pI(a;y)$ in nats",
        complexity.channel_capacity,
    ),
)
