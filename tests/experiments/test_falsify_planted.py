"""The search breaks planted false bounds, and breaks no true one, with the same number of instances.

A planted bound is a registered claim with a constant halved (on one side of one of its parts) or a term dropped.
"""

import functools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import bounds
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
        p = policies.Points(evidence, "policy-iteration", "rate")
        half = np.array([Fraction(1, 2) ** int(k) for k in p["iteration"]], dtype=object)
        rate = sample[1]
        right = rate.right * (half if rate.right.dtype == object else half.astype(np.float64))
        return (sample[0], replace(rate, right=right), *sample[2:])

    return replace(claim, measure=measure)


HALF = Fraction(1, 2)
F, L = "tabular-foundations/", "pessimism-lcb/"
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
