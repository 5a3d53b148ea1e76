"""Measures of models with rewards: coverage, gaps, variances, horizons, diameters."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import complexity
from bounds.complexity import Certified
from tabular import planning
from tabular.models import LinearMDP
from tabular.streams import stream

from ._instances import AverageModel
from ._measure import Measure, largest

__all__ = ["MODEL_MEASURES"]

Array = npt.NDArray[np.float64]

EPSILON = 0.1
FUNCTIONS = 8


def _model(instance: Any) -> Any:
    """Return the model of an instance whose criterion is a sum of rewards."""
    return instance.to_episodic() if isinstance(instance, LinearMDP) else instance


def _uniform(model: Any) -> Array:
    """Return the law of data that visits all pairs alike, at every step."""
    return np.full(model.r.shape, 1.0 / (model.S * model.A))


def _optimal(model: Any) -> npt.NDArray[np.int64]:
    solve = planning.backward_induction if hasattr(model, "H") else planning.policy_iteration
    return np.asarray(solve(model).policy)


def _value_functions(instance: Any) -> Array:
    """Return eight random action-value functions, shape (8, H, S, A); linear ones where the instance has features."""
    model = _model(instance)
    rng = stream(0, "atlas", "functions")
    if isinstance(instance, LinearMDP):
        return np.asarray(np.einsum("sad,fhd->fhsa", instance.phi, rng.random((FUNCTIONS, model.H, instance.d))))
    return rng.random((FUNCTIONS, model.H, model.S, model.A))


def _coverability(x: Any) -> Certified:
    return complexity.coverability(_model(x))


def _one_policy(x: Any) -> Certified:
    model = _model(x)
    return complexity.single_policy_concentrability(model, _uniform(model))


def _all_policies(x: Any) -> Certified:
    model = _model(x)
    return complexity.all_policy_concentrability(model, _uniform(model))


def _features(x: LinearMDP) -> Certified:
    model = x.to_episodic()
    return complexity.feature_coverage(model, _uniform(model), _optimal(model), x.phi)


def _visitation(x: Any) -> Certified:
    return complexity.gap_visitation(_model(x), EPSILON)


def _of_gaps(measure: Callable[..., Certified]) -> Callable[[Any], Certified]:
    def of(x: Any) -> Certified:
        if isinstance(x, AverageModel):
            return measure(x.mdp, max_denominator=x.denominator)
        return measure(_model(x))

    return of


def _of_model(measure: Callable[..., Certified]) -> Callable[[Any], Certified]:
    def of(x: Any) -> Certified:
        return measure(x.mdp if isinstance(x, AverageModel) else _model(x))

    return of


def _value_span(x: Any) -> Certified:
    found = complexity.value_span(_model(x))
    return largest(found, "steps") if np.ndim(found.lower) else found


def _return_variance(x: Any) -> Certified:
    model = _model(x)
    return complexity.policy_return_variance(model, _optimal(model))


def _bellman_rank(kind: str) -> Callable[[Any], Certified]:
    def of(x: Any) -> Certified:
        return complexity.bellman_rank(_model(x), _value_functions(x), kind=kind)

    return of


def _bellman_eluder(x: Any) -> Certified:
    return complexity.bellman_eluder_dimension(_model(x), _value_functions(x), EPSILON)


def _closure(x: Any) -> Certified:
    return complexity.inherent_bellman_error(_model(x), _value_functions(x))


def _linear_closure(x: LinearMDP) -> Certified:
    return complexity.linear_bellman_error(x.to_episodic(), x.phi, 1.0, max_boxes=20)


def _diameter(x: AverageModel) -> Certified:
    return complexity.diameter(x.mdp, max_denominator=x.denominator)


def _bias_span(x: AverageModel) -> Certified:
    return complexity.bias_span(x.mdp, max_denominator=x.denominator)


def _empowerment(x: AverageModel) -> Certified:
    return largest(complexity.empowerment(x.mdp), "states")


_SUMS = ("episodic", "linear", "discounted")
_LAYERED = ("episodic", "linear")
_ALL = ("episodic", "linear", "discounted", "average")

MODEL_MEASURES: tuple[Measure, ...] = (
    Measure(
        "coverability",
        r"$C_{\mathrm{cov}}$",
        "coverability",
        _SUMS,
        "coverability",
        "xie2023",
        r"the least coverage of all policies that any law of data can have, $\max_h\sum_{s,a}\max_\pi d_h^\pi(s,a)$",
        _coverability,
    ),
    Measure(
        "one-policy-concentrability",
        r"$C^{\pi^*}$",
        "concentrability, one policy",
        _SUMS,
        "single_policy_concentrability",
        "rashidinejad2021",
        r"$\max d_h^\pi/\mu_h$ of the optimal policy that uniform data $\mu$ cover best",
        _one_policy,
    ),
    Measure(
        "all-policy-concentrability",
        r"$C_{\mathrm{conc}}$",
        "concentrability, all policies",
        _SUMS,
        "all_policy_concentrability",
        "munos2008fitted",
        r"$\max_\pi\max d_h^\pi/\mu_h$ under uniform data $\mu$",
        _all_policies,
    ),
    Measure(
        "feature-coverage",
        r"$C_\phi$",
        "coverage of features",
        ("linear",),
        "feature_coverage",
        "",
        r"the largest $\mathbb{E}_{d^\pi}(\theta^\top\phi)^2/\mathbb{E}_\mu(\theta^\top\phi)^2$ over $\theta$ and "
        r"steps, for an optimal policy and uniform data $\mu$",
        _features,
    ),
    Measure(
        "diameter",
        r"$D$",
        "diameter",
        ("average",),
        "diameter",
        "jaksch2010",
        "the longest of the least expected times between two states",
        _diameter,
    ),
    Measure(
        "bias-span",
        r"$\mathrm{sp}(h^*)$",
        "span of the bias",
        ("average",),
        "bias_span",
        "jaksch2010",
        r"$\max h^*-\min h^*$ of the optimal bias",
        _bias_span,
    ),
    Measure(
        "value-span",
        r"$\mathrm{sp}(V^*)$",
        "span of values",
        _SUMS,
        "value_span",
        "",
        r"$\max V_h^*-\min V_h^*$, the largest over steps",
        _value_span,
    ),
    Measure(
        "smallest-gap",
        r"$\Delta_{\min}$",
        "smallest gap",
        _ALL,
        "smallest_gap",
        "",
        r"the least positive $\Delta_h(s,a)=V_h^*(s)-Q_h^*(s,a)$ among pairs that can be visited; "
        "with the gain and the bias for average reward",
        _of_gaps(complexity.smallest_gap),
    ),
    Measure(
        "inverse-gaps",
        r"$\sum 1/\Delta$",
        "sum of inverse gaps",
        _ALL,
        "inverse_gap_sum",
        "",
        "over the positive gaps of pairs that can be visited, with nothing added to them",
        _of_gaps(complexity.inverse_gap_sum),
    ),
    Measure(
        "tied-pairs",
        r"$|Z_{\mathrm{mul}}|$",
        "tied optimal pairs",
        _ALL,
        "tied_optimal_pairs",
        "",
        "pairs that are optimal in a state with several optimal actions",
        _of_gaps(complexity.tied_optimal_pairs),
    ),
    Measure(
        "gap-visitation",
        r"$\mathcal{C}(\epsilon)$",
        "gap-visitation",
        _LAYERED,
        "gap_visitation",
        "wagenmaker2022",
        r"$\sum_h\inf_\pi\max_{s,a}c_h(s,a)/d_h^\pi(s,a)$ with $c=\min(1/\Delta^2,W^2/\epsilon^2)$, $W_h(s)$ "
        r"the largest probability of visiting s, and $\epsilon=0.1$",
        _visitation,
    ),
    Measure(
        "value-norm",
        r"$\sigma(V^*)$",
        "environmental norm",
        _ALL,
        "value_norm",
        "maillard2014, zanette2019",
        r"the largest standard deviation of $V_{h+1}^*(s')$ over pairs and steps; of the bias for average reward",
        _of_model(complexity.value_norm),
    ),
    Measure(
        "optimal-variance",
        r"$\mathbb{Q}^*$",
        "largest one-step variance",
        _ALL,
        "optimal_variance",
        "zanette2019",
        r"$\max\mathrm{Var}\,V_{h+1}^*(s')$, the square of the norm as rewards are certain here",
        _of_model(complexity.optimal_variance),
    ),
    Measure(
        "return-variance",
        r"$\mathrm{Var}(G)$",
        "variance of the return",
        _LAYERED,
        "policy_return_variance",
        "sobel1982",
        "of an optimal policy over an episode",
        _return_variance,
    ),
    Measure(
        "qvi-depth",
        r"$k^*$",
        "depth of Q-value iteration",
        _LAYERED,
        "qvi_depth",
        "laidlaw2024",
        "the least number of backups of the values of uniform play after which every greedy policy is optimal",
        _of_model(complexity.qvi_depth),
    ),
    Measure(
        "effective-horizon",
        r"$\bar H$",
        "effective horizon, stochastic",
        _LAYERED,
        "effective_horizon",
        "laidlaw2024",
        r"$\min_kk+\log_A(1/\Delta_k^2)$, with the gaps after k backups and returns scaled to [0, 1]",
        _of_model(complexity.effective_horizon),
    ),
    Measure(
        "gorp-horizon",
        r"$H_{\mathrm{GORP}}$",
        "effective horizon, deterministic",
        ("episodic",),
        "gorp_horizon",
        "laidlaw2024",
        r"$\min_kk+\log_Am_k$, with the random continuations that greedy over random policies needs",
        _of_model(complexity.gorp_horizon),
    ),
    Measure(
        "bellman-rank-v",
        r"rank$_V$",
        "Bellman rank, V-type",
        _LAYERED,
        "bellman_rank",
        "jiang2017",
        "of eight random functions, linear ones where there are features",
        _bellman_rank("V"),
    ),
    Measure(
        "bellman-rank-q",
        r"rank$_Q$",
        "Bellman rank, Q-type",
        _LAYERED,
        "bellman_rank",
        "jin2021bellman",
        "of the same functions",
        _bellman_rank("Q"),
    ),
    Measure(
        "bellman-eluder",
        r"$d_{\mathrm{BE}}$",
        "Bellman eluder dimension",
        _LAYERED,
        "bellman_eluder_dimension",
        "jin2021bellman",
        r"of the Bellman errors of the same functions at $\epsilon=0.1$, the lesser of two families of distributions",
        _bellman_eluder,
    ),
    Measure(
        "bellman-error",
        r"$\mathcal{I}(F)$",
        "inherent Bellman error",
        ("episodic",),
        "inherent_bellman_error",
        "munos2008fitted",
        r"$\max_h\max_f\min_g\|g-T_hf\|_\infty$ over the same functions",
        _closure,
    ),
    Measure(
        "linear-bellman-error",
        r"$\mathcal{I}_\phi$",
        "inherent Bellman error, linear",
        ("linear",),
        "linear_bellman_error",
        "munos2008fitted",
        "of all functions linear in the features with parameters in [-1, 1], by at most 20 boxes of parameters a step; "
        "0 in a linear MDP, and the search is not told",
        _linear_closure,
    ),
    Measure(
        "empowerment",
        r"$\mathfrak{E}$",
        "empowerment",
        ("average",),
        "empowerment",
        "",
        "the capacity, in nats, from the action to the next state; the largest over states",
        _empowerment,
    ),
    Measure(
        "worst-mixing-time",
        r"$\max_\pi t_{\mathrm{mix}}$",
        "worst mixing time",
        ("average",),
        "worst_policy_mixing_time",
        "levin2017",
        "the largest mixing time of a deterministic stationary policy, to total-variation distance 1/4",
        lambda x: complexity.worst_policy_mixing_time(x.mdp),
    ),
    Measure(
        "worst-hitting-time",
        r"$\max_\pi T$",
        "worst hitting time",
        ("average",),
        "worst_policy_hitting_time",
        "",
        "the largest expected time between two states over all policies",
        lambda x: complexity.worst_policy_hitting_time(x.mdp),
    ),
)
