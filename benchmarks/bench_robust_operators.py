"""One-step robust operators: microseconds, beside the same problem through cvxpy, and growth with the states.

python benchmarks/bench_robust_operators.py [--states 100]

cvxpy (Clarabel) is timed twice: building and solving the problem, as one would write it, and solving again a problem
that was built once with parameters for ``q`` and ``V`` (DPP, so that canonicalisation is not repeated). The second is
the fairer rival inside a loop. The largest difference of the values is printed too. "Kernel" is what a planner
pays, without the public function's validation. Growth: the time at 100 to 100,000
states, and over S log S relative to the smallest.
"""

import argparse

import common
import numpy as np

from tabular.planning import worst_case
from tabular.planning._robust_kernels import _worst_rows
from tabular.planning.robust_operators import operator

KINDS = ("tv", "kl", "chi2")
LEVELS = {"penalty": 0.3, "radius": 0.2}


def instances(S, count, rng):
    """Distributions with full support and values in [0, 1]."""
    return [(rng.random(S), rng.dirichlet(np.ones(S))) for _ in range(count)]


def program(kind, form, S, fixed=None):
    """The adversary's problem; parameters for values and ``q`` where ``fixed`` is not given as ``(values, q)``."""
    import cvxpy as cp

    mu = cp.Variable(S, nonneg=True)
    if fixed is None:
        values, q, root = cp.Parameter(S), cp.Parameter(S, nonneg=True), cp.Parameter(S, nonneg=True)
    else:
        values, q, root = fixed[0], fixed[1], fixed[1] ** -0.5
    if kind == "tv":
        spent = 0.5 * cp.norm1(mu - q)
    elif kind == "kl":
        # sum mu log(mu / q) with log q a parameter: entropy plus a linear term keeps the problem DPP.
        spent = None
    else:
        # On the simplex chi2 is sum mu^2 / q - 1; 1 / sqrt(q) is a parameter of its own.
        spent = cp.sum_squares(cp.multiply(root, mu)) - 1.0
    log_q = None
    if kind == "kl":
        log_q = cp.Parameter(S) if fixed is None else np.log(fixed[1])
        spent = cp.sum(-cp.entr(mu)) - mu @ log_q
    rules, cost = [cp.sum(mu) == 1.0], mu @ values
    if form == "penalty":
        cost = cost + LEVELS[form] * spent
    else:
        rules.append(spent <= LEVELS[form])
    return cp.Problem(cp.Minimize(cost), rules), values, q, root, log_q


def solve(problem):
    import cvxpy as cp

    return problem.solve(solver=cp.CLARABEL)


def rivals(kind, form, problems):
    """Seconds a problem and values: built each time, and built once."""
    S = len(problems[0][0])
    built, found = common.seconds(lambda: [solve(program(kind, form, S, problem)[0]) for problem in problems], 3)
    once, values, q, root, log_q = program(kind, form, S)

    def again():
        answers = []
        for v, p in problems:
            values.value = v
            if kind == "tv":
                q.value = p
            elif kind == "kl":
                log_q.value = np.log(p)
            else:
                root.value = p**-0.5
            answers.append(solve(once))
        return answers

    reused, _ = common.seconds(again, 3)
    return built / len(problems), reused / len(problems), np.array(found)


def ours(kind, form, problems, repeats=9):
    """Seconds a problem through the public function, validation included, and values."""

    def run():
        return [worst_case(v, q, divergence=kind, **{form: LEVELS[form]}).value for v, q in problems]

    elapsed, found = common.seconds(run, repeats)
    return elapsed / len(problems), np.array(found)


def kernel(kind, form, S, rng, rows=500):
    """Seconds a problem of the compiled loop over rows."""
    code, _ = operator(kind, *(LEVELS[form] if form == name else None for name in LEVELS))
    q, v = rng.dirichlet(np.ones(S), rows), rng.random(S)
    levels, values, duals, out = np.full(rows, LEVELS[form]), np.empty(rows), np.empty(rows), np.empty((rows, S))
    return common.seconds(lambda: _worst_rows(code, q, v, levels, False, values, duals, out))[0] / rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=100)
    arguments = parser.parse_args()
    common.single_core(1)
    rng = np.random.default_rng(0)
    with common.limited(1):
        problems = instances(arguments.states, 5, rng)
        rows = []
        for kind in KINDS:
            for form in LEVELS:
                mine, values = ours(kind, form, problems)
                built, reused, theirs = rivals(kind, form, problems)
                rows.append(
                    [
                        f"{kind}, {form}",
                        f"{1e6 * kernel(kind, form, arguments.states, rng):.2f}",
                        f"{1e6 * mine:.1f}",
                        f"{1e6 * built:.0f} ({built / mine:.0f}x)",
                        f"{1e6 * reused:.0f} ({reused / mine:.0f}x)",
                        f"{np.abs(values - theirs).max():.0e}",
                    ]
                )
        columns = ["operator", "kernel", "ours", "cvxpy, built", "cvxpy, reused", "difference"]
        common.table(f"microseconds a problem, S = {arguments.states}", columns, rows)
        sizes, rows = (100, 1000, 10_000, 100_000), []
        for kind in KINDS:
            for form in LEVELS:
                times = [ours(kind, form, instances(S, 3, rng), 5)[0] for S in sizes]
                unit = [t / (S * np.log(S)) for t, S in zip(times, sizes, strict=True)]
                rows.append(
                    [
                        f"{kind}, {form}",
                        *(f"{1e6 * t:.0f} ({u / unit[0]:.2f})" for t, u in zip(times, unit, strict=True)),
                    ]
                )
        common.table("microseconds a problem (over S log S)", ["operator", *(f"S = {S}" for S in sizes)], rows)


if __name__ == "__main__":
    main()
