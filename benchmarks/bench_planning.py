"""Discounted planning: time, sweeps and error of our solvers beside those of other packages.

python benchmarks/bench_planning.py [--threads 1|2] [--instances dense:1000x10,banded:100000x4x5] [--large]

Peers are used where they can be imported (extra ``bench``). Errors are distances in sup norm to a policy-iteration
solution; a width is the certified enclosure. Nothing is asserted.
"""

import argparse
import resource

import common
import numpy as np
import scipy.sparse as sp

from tabular import DiscountedMDP, NotConverged
from tabular.planning import backward_induction, modified_policy_iteration, policy_iteration, value_iteration

GAMMA, TOL = 0.95, 1e-8


def dense_instance(S, A, seed=0):
    """Rows uniform on the simplex, rewards uniform on [0, 1]: mixes fast."""
    rng = np.random.default_rng((seed, S, A))
    P = rng.standard_exponential((S, A, S))
    P /= P.sum(axis=2, keepdims=True)
    return P, rng.random((S, A))


def banded_instance(S, A, k, reach=50, seed=0):
    """k successors within ``reach`` states of s: mixes slowly. CSR of shape (S*A, S), int32 indices."""
    rng = np.random.default_rng((seed, S, A, k))
    near = rng.integers(-reach, reach + 1, (S, A, k), dtype=np.int32)
    columns = np.clip(np.arange(S, dtype=np.int32)[:, None, None] + near, 0, S - 1)
    weights = rng.standard_exponential((S, A, k))
    weights /= weights.sum(axis=2, keepdims=True)
    pointers = np.arange(0, S * A * k + 1, k, dtype=np.int32)
    P = sp.csr_array((weights.ravel(), columns.ravel(), pointers), shape=(S * A, S))
    P.sum_duplicates()
    return P, rng.random((S, A))


def ours(mdp, slow):
    """Our solvers as (name, call)."""
    yield "value iteration", lambda: value_iteration(mdp, tol=TOL)
    yield "modified policy iteration", lambda: modified_policy_iteration(mdp, tol=TOL)
    yield "policy iteration", lambda: policy_iteration(mdp)
    if slow:
        yield "value iteration, Gauss-Seidel", lambda: value_iteration(mdp, tol=TOL, update="gauss-seidel")


def peers(P, r):
    """Solvers of other packages as (name, call returning (values, iterations))."""
    S, A = r.shape
    if common.optional("quantecon"):
        from quantecon.markov import DiscreteDP

        if sp.issparse(P):
            pairs = np.repeat(np.arange(S), A), np.tile(np.arange(A), S)
            model = DiscreteDP(r.ravel(), sp.csr_matrix(P), GAMMA, *pairs)
        else:
            model = DiscreteDP(r, P, GAMMA)
        for method in ("modified_policy_iteration", "policy_iteration"):

            def solve(method=method):
                options = {"epsilon": TOL, "max_iter": 100_000} if method.startswith("mod") else {"max_iter": 10_000}
                answer = model.solve(method=method, **options)
                return answer.v, answer.num_iter

            yield f"quantecon {method.replace('_', ' ')}", solve
    if common.optional("mdptoolbox") and not sp.issparse(P):
        from mdptoolbox import mdp as toolbox

        by_action = np.ascontiguousarray(P.transpose(1, 0, 2))

        def run(kind=toolbox.PolicyIterationModified):
            solver = kind(by_action, r, GAMMA, epsilon=TOL, max_iter=100_000)
            solver.run()
            return np.array(solver.V), solver.iter

        yield "pymdptoolbox modified policy iteration", run
    if common.optional("mdpsolver") and (sp.issparse(P) or S <= 1000):
        import mdpsolver

        model = mdpsolver.model()
        if sp.issparse(P):

            def nested(part):
                rows = [row.tolist() for row in np.split(part, P.indptr[1:-1])]
                return [rows[s * A : (s + 1) * A] for s in range(S)]

            model.mdp(discount=GAMMA, rewards=r.tolist(), tranMatProbs=nested(P.data), tranMatColumns=nested(P.indices))
        else:
            model.mdp(discount=GAMMA, rewards=r.tolist(), tranMatWithZeros=P.tolist())

        def solve_mpi():
            model.solve(algorithm="mpi", tolerance=TOL, parallel=False, verbose=False, initValueVector=[0.0] * S)
            return np.array(model.getValueVector()), None

        yield "mdpsolver modified policy iteration", solve_mpi


def compare(label, P, r):
    """Measure one instance and print its table."""
    mdp = DiscountedMDP(P, r, GAMMA)
    truth = policy_iteration(mdp).V
    rows = []
    wall = "-"
    if not mdp.sparse:
        rate = common.bandwidth(mdp.P)
        wall = f"{1e3 * mdp.P.nbytes / rate:.2f} ms a sweep at {rate / 1e9:.1f} GB/s"
    for name, call in ours(mdp, slow=mdp.S <= 300):
        elapsed, plan = common.seconds(call, 3)
        error, width = np.abs(plan.V - truth).max(), plan.width
        rows.append((name, f"{1e3 * elapsed:.2f}", str(plan.sweeps), f"{error:.1e}", f"{width:.1e}"))
    for name, call in peers(P, r):
        elapsed, (values, iterations) = common.seconds(call, 3)
        error = np.abs(np.asarray(values) - truth).max()
        rows.append((name, f"{1e3 * elapsed:.2f}", str(iterations or "-"), f"{error:.1e}", "none"))
    common.table(
        f"{label}, gamma {GAMMA}, tol {TOL:g}; wall: {wall}", ("solver", "ms", "sweeps", "error", "width"), rows
    )
    if not mdp.sparse:
        sweep_time(mdp, rate)


def sweep_time(mdp, rate):
    """Time of one value-iteration sweep, as a share of the measured bandwidth: four sweeps less one."""

    def several(sweeps):
        try:
            value_iteration(mdp, tol=TOL, max_sweeps=sweeps)
        except NotConverged:
            return
        raise AssertionError(f"{sweeps} sweeps certified {TOL:g}; a harder instance is needed to time a sweep")

    four, one = (common.seconds(lambda n=n: several(n), 5)[0] for n in (4, 1))
    sweep = (four - one) / 3
    print(f"value iteration: {1e3 * sweep:.2f} ms a sweep, {100 * mdp.P.nbytes / sweep / rate:.0f} % of the bandwidth")


def large():
    """A million states, four actions, five successors: time and peak memory of the whole process."""
    P, r = banded_instance(1_000_000, 4, 5)
    mdp = DiscountedMDP(P, r, GAMMA)
    del P
    elapsed, plan = common.seconds(lambda: modified_policy_iteration(mdp, tol=1e-6), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"banded 1e6 x 4 x 5 to 1e-6: {elapsed:.2f} s, width {plan.width:.1e}, peak memory {peak:.2f} GiB")


def episodic():
    """Backward induction, S = 200, A = 10, H = 100, stationary tables."""
    from tabular import EpisodicMDP

    P, r = dense_instance(200, 10)
    mdp = EpisodicMDP(P, r, H=100)
    elapsed, _ = common.seconds(lambda: backward_induction(mdp))
    print(f"backward induction 200 x 10 x 100: {1e3 * elapsed:.2f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--instances", default="dense:100x10,dense:1000x10,banded:100000x4x5")
    parser.add_argument("--large", action="store_true", help="also a million states")
    options = parser.parse_args()
    common.single_core(options.threads)
    with common.limited(options.threads):
        for instance in options.instances.split(","):
            kind, _, size = instance.partition(":")
            numbers = [int(n) for n in size.split("x")]
            build = dense_instance if kind == "dense" else banded_instance
            compare(f"{instance}, {options.threads} thread(s)", *build(*numbers))
        episodic()
        if options.large:
            large()


if __name__ == "__main__":
    main()
