"""The search breaks planted false bounds, and breaks no true one, with the same number of instances.

A planted bound is a registered claim with a constant halved (on one side of one of its parts) or a term dropped.
"""

import functools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import bounds
from bounds.papers import _complexity_gaps as gaps
from bounds.papers import _foundations_policies as policies
from experiments import discovery
from experiments.falsify.hunt import Hunt
from experiments.falsify.probe import _groups

LIMIT = 3000
LEAST = 50
BUDGET = 30.0


def scaled(factor, part=0, group=0, side="right"):
    """Multiply one side of one pair of a claim's comparison by ``factor``."""

    def plant(claim):
        def measure(evidence):
            sample = claim.measure(evidence)
            parts = list(sample) if isinstance(sample, tuple) else [sample]
            changed = np.array(getattr(parts[part], side))
            rows = _groups(parts[part])[group]
            changed[rows] = changed[rows] * (factor if changed.dtype == object else float(factor))
            parts[part] = replace(parts[part], **{side: changed})
            return tuple(parts) if isinstance(sample, tuple) else parts[0]

        return replace(claim, measure=measure)

    return plant


def control(claim):
    """The broken variant that the claim carries."""
    return replace(claim, measure=claim.control.measure)


def simulation_without(term):
    """The simulation lemma without its reward term, or without its transition term."""
    bound = policies._SIMULATION.subs(term, 0)
    return lambda claim: replace(claim, measure=lambda evidence: policies._simulation(evidence, bound))


def rate_of_half_gamma(claim):
    """Policy iteration at the rate (gamma/2)^k."""

    def measure(evidence):
        sample = claim.measure(evidence)
        p = policies.rows_of(evidence, "policy-iteration", "rate")
        half = np.array([Fraction(1, 2) ** int(k) for k in p["iteration"]], dtype=object)
        rate = sample[1]
        right = rate.right * (half if rate.right.dtype == object else half.astype(np.float64))
        return (sample[0], replace(rate, right=right), *sample[2:])

    return replace(claim, measure=measure)


def variance_of_an_eighth(claim):
    """One-step variances against sp^2/8."""
    return replace(claim, measure=lambda evidence: gaps._variance(evidence, gaps.span**2 / 8))


HALF = Fraction(1, 2)
F, L = "tabular-foundations/", "pessimism-lcb/"
C, R, W = "complexity-measures/", "r2pvi/", "robust-static-iwocs/"
PLANTED = {
    "contraction-half-gamma": (F + "contraction", scaled(HALF)),
    "span-contraction-half-gamma": (F + "contraction", scaled(HALF, part=1)),
    "stop-policy-half": (F + "vi-stop", scaled(HALF)),
    "stop-value-half": (F + "vi-stop", scaled(HALF, group=1)),
    "stop-without-horizon": (F + "vi-stop", control),
    "span-stop-half": (F + "span-stop", scaled(HALF)),
    "macqueen-without-gamma": (F + "macqueen", control),
    "proposals-unchecked": (F + "interval-and-ovi", control),
    "improvement-hasty": (F + "pi", control),
    "improvement-half-gamma": (F + "pi", rate_of_half_gamma),
    "flow-without-gamma": (F + "flow", control),
    "performance-difference-of-the-wrong-policy": (F + "pdl", control),
    "simulation-quarter-span": (F + "simulation", control),
    "simulation-half": (F + "simulation", scaled(HALF, part=1)),
    "simulation-without-rewards": (F + "simulation", simulation_without(policies.eps_r)),
    "simulation-without-transitions": (F + "simulation", simulation_without(policies.eps_1)),
    "total-variance-without-gamma": (F + "total-variance", control),
    "middle-of-the-gain-interval": (F + "avg-bounds", control),
    "programs-with-another-occupancy": (F + "lp", control),
    "modified-from-above": (F + "mpi", control),
    "iterations-once-for-all-pairs": (F + "pi-iterations", control),
    "elliptical-closed-form-half": (F + "elliptical", scaled(HALF, group=1)),
    "majority-half": (L + "mab-mostplayed", scaled(HALF)),
    "span-half-diameter": (F + "span-diameter", scaled(HALF)),
    "discounted-span-factor-one": (F + "span-diameter", control),
    "discounted-gain-half": (F + "span-diameter", scaled(HALF, part=2, group=1)),
    "hoeffding-half": (F + "hoeffding", control),
    "bernstein-half": (F + "bernstein", control),
    "maurer-pontil-without-range": (F + "maurer-pontil", control),
    "kl-chernoff-half": (F + "kl-chernoff", control),
    "weissman-half": (F + "weissman", control),
    "elliptical-half": (F + "elliptical", control),
    "step-weights-half": (F + "q-weights", scaled(HALF, part=2)),
    "lcb-half": (L + "lcb-key", scaled(HALF)),
    "lcb-optimistic": (L + "lcb-key", control),
    "switch-half": (L + "imitation-switch", scaled(HALF)),
    "off-mass-half": (L + "offmass", scaled(HALF)),
    "off-mass-of-states": (L + "offmass", control),
    "majority-double-exponent": (L + "mab-mostplayed", control),
    "vi-without-penalties": (L + "vi-decomp", control),
    "vi-without-monotone-update": (L + "vi-invariant", control),
    "robust-tv-over-the-support": (R + "dual-tv", control),
    "robust-chi2-untruncated": (R + "dual-chi2", control),
    "robust-kl-optimistic": (R + "dual-kl", control),
    "radius-doubled": (R + "dual-con", control),
    "price-fixed": (R + "lagrange", control),
    "admissible-at-twice-the-price": (R + "admissible", scaled(2, side="left")),
    "admissible-half-the-range": (R + "admissible", scaled(HALF, part=1)),
    "mixed-half": (R + "less-conservative", scaled(HALF)),
    "mixed-of-a-dearer-adversary": (R + "less-conservative", control),
    "weights-without-shrinkage": (R + "onehot", control),
    "largest-occupancies-of-one-policy": (C + "cov-identity", control),
    "coverability-half-the-pairs": (C + "cov-bounds", scaled(HALF, group=1)),
    "concentrability-clipped-at-one": (C + "conc-order", control),
    "distance-half": (C + "conc-order", scaled(HALF, part=1)),
    "coverage-by-trace": (C + "lin-coverage", control),
    "features-half": (C + "lin-coverage", scaled(HALF)),
    "capacity-half-the-policies": (C + "span-cap-bounds", scaled(HALF)),
    "capacity-of-one-model": (C + "span-cap-bounds", control),
    "detour-half": (C + "diameter", control),
    "span-of-half-the-steps": (C + "diameter", scaled(HALF, part=3)),
    "mixing-upper-half": (C + "mixing", scaled(HALF, part=1, group=1)),
    "mixing-distance-to-the-law": (C + "mixing", control),
    "kemeny-with-return-times": (C + "kemeny", control),
    "variance-eighth": (C + "variance-sandwich", variance_of_an_eighth),
    "variance-half-of-the-horizon": (C + "variance-sandwich", scaled(HALF, part=1)),
    "eluder-without-power": (C + "eluder-sandwich", control),
    "eluder-half-the-union": (C + "eluder-sandwich", scaled(HALF, group=2)),
    "rank-by-states": (C + "bellman-rank", control),
    "closure-in-mean-square": (C + "inherent-bellman-error", control),
    "closure-half": (C + "inherent-bellman-error", scaled(HALF)),
    "design-unweighted": (C + "kw", control),
    "revealing-by-moore-penrose": (C + "revealing", control),
    "capacity-of-uniform-inputs": (C + "capacity", control),
    "greedy-information": (C + "information-ratio", control),
    "robust-q-half": (W + "prop1", scaled(HALF)),
    "certificate-half": (W + "certificate", scaled(HALF)),
    "latest-kernel-only": (W + "prop2", control),
}


def hunt(claim, limit):
    search = Hunt(claim, discovery.probe(claim.id), BUDGET, 0, limit)
    search.run()
    return search


@functools.cache
def attacked(name):
    id, plant = PLANTED[name]
    return hunt(plant(bounds.claim(id)), LIMIT)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_false_bound_is_broken(name):
    search = attacked(name)
    assert search.broken is not None
    assert search.broken.exact is (search.probe.exact is not None)


@pytest.mark.parametrize("id", sorted({id for id, _ in PLANTED.values()}))
def test_the_true_bound_is_not_broken_by_as_many_instances(id):
    needed = max(attacked(name).tried for name, (claim, _) in PLANTED.items() if claim == id)
    search = hunt(bounds.claim(id), max(needed, LEAST))
    assert search.broken is None
    assert search.tried > LEAST / 4
    assert search.best.ratio <= 1.0 + 1e-6
