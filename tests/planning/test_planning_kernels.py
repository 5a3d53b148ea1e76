"""Compiled loops by themselves, on tables small enough to work out by hand."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from tabular.planning import _kernels as kernels
from tabular.planning import _static_kernels as static
from tabular.planning import average_reward_arithmetic as arithmetic
from tabular.planning import classification


def csr(rows):
    """``(indptr, indices, data)`` of rows given as ``{column: entry}``."""
    indptr = np.cumsum([0, *(len(row) for row in rows)]).astype(np.uint32)
    indices = np.array([column for row in rows for column in row], dtype=np.uint32)
    return indptr, indices, np.array([entry for row in rows for entry in row.values()], dtype=np.float64)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 255, 256, 257, 519, 520, 1040])
def test_every_entry_of_a_long_row_is_counted_once(n):
    """Whole numbers: each sum is exact, in whatever order."""
    rows = np.arange(1.0, 2 * n + 1).reshape(2, n) ** 2
    rows[1] *= -1.0
    sums = rows.sum(axis=1)
    assert kernels._row_sum_error_dense(rows[:1]) == sums[0] - 1.0
    assert kernels._row_sum_error_dense(rows[1:]) == 1.0 - sums[1]
    assert kernels._row_sum_error_dense(rows) == max(sums[0] - 1.0, 1.0 - sums[1])
    assert kernels._row_sum_error_dense(rows[::-1]) == max(sums[0] - 1.0, 1.0 - sums[1])
    assert kernels._row_sum_error_dense(np.full((2, n), 0.75 / n)) == pytest.approx(0.25, abs=1e-15)
    if n <= 256:
        assert kernels._chunk_sum(rows[0]) == sums[0]


def test_the_eight_partial_sums_are_added_as_the_error_bound_says():
    """Of eight numbers the neighbours are added first: 1 + 2^-53 is 1, twice 2^-53 is not lost."""
    assert kernels._chunk_sum(np.array([1.0, 0.0, 2.0**-53, 2.0**-53, 0.0, 0.0, 0.0, 0.0])) == 1.0 + 2.0**-52
    assert kernels._chunk_sum(np.array([1.0, 2.0**-53, 2.0**-53, 0.0, 0.0, 0.0, 0.0, 0.0])) == 1.0


@pytest.mark.parametrize(
    "row",
    [
        [1.0],
        [2.0**-60, 1.0],
        [0.5, 2.0**-70, 0.5],
        [2.0**-40, 2.0**60, -(2.0**60), 1.0],
        [3.0, -(2.0**80), 5.0, 2.0**80, -7.0],
        [0.1] * 10,
    ],
)
def test_row_sums_with_compensation_lose_nothing(row):
    """Against fractions; a plain sum errs on most of these rows."""
    error = float(abs(sum(map(Fraction, row)) - 1))
    assert kernels._row_sum_error_compensated(np.array([row])) == error
    indptr, _, data = csr([dict(enumerate(row)), {0: 1.0}])
    assert kernels._row_sum_error_csr(indptr, data) == error
    assert kernels._row_sum_error_csr(*csr([{0: 1.0}, dict(enumerate(row))])[::2]) == error
    assert kernels._row_sum_error_compensated(np.array([row, row])) == error


def test_a_backup_takes_the_smallest_of_the_best_actions():
    indptr, indices, data = csr([{0: 0.5, 2: 0.5}, {1: 1.0}, {}, {2: 1.0}, {0: 0.25, 1: 0.75}, {1: 1.0}])
    r, w = np.array([[1.0, 0.0], [2.0, 3.0], [7.0, 6.0]]), np.array([4.0, 8.0, -2.0])
    q, y, policy = np.zeros((3, 2)), np.zeros(3), np.full(3, -1)
    kernels._backup_csr(indptr, indices, data, r, 0.5, w, q, y, policy)
    assert q.tolist() == [[1.5, 4.0], [2.0, 2.0], [10.5, 10.0]]
    assert (y.tolist(), policy.tolist()) == ([4.0, 2.0, 10.5], [1, 0, 0])
    y[:], policy[:] = 0.0, -1
    kernels._greedy(q, y, policy)
    assert (y.tolist(), policy.tolist()) == ([4.0, 2.0, 10.5], [1, 0, 0])


def test_one_policy_is_applied_and_its_change_measured():
    indptr, indices, data = csr([{0: 0.5, 2: 0.5}, {1: 1.0}, {0: 1.0}])
    w, c, out = np.array([4.0, 8.0, -2.0]), np.array([1.0, -1.0, 2.0]), np.zeros(3)
    assert kernels._apply_csr(indptr, indices, data, c, 0.5, w, out) == (-5.0, 6.0)
    assert out.tolist() == [1.5, 3.0, 4.0]
    assert kernels._change(w, out) == (-5.0, 6.0)
    assert kernels._extent(w, out) == (-5.0, 6.0, 8.0, 4.0)


def test_extents_have_the_signs_of_their_entries():
    w, y = np.array([-3.0, 1.0]), np.array([-7.0, -2.0])
    assert kernels._extent(w, y) == (-4.0, -3.0, 3.0, 7.0)
    assert kernels._change(w, y) == (-4.0, -3.0)
    assert kernels._extent(y, w) == (3.0, 4.0, 7.0, 3.0)
    assert kernels._change(y, w) == (3.0, 4.0)


def test_the_middle_of_the_range_is_taken_out():
    y, w = np.array([3.0, 9.0, -1.0, 5.0]), np.zeros(4)
    assert kernels._centre(y, w) == 4.0
    assert (w.tolist(), y.tolist()) == ([-1.0, 5.0, -5.0, 1.0], [3.0, 9.0, -1.0, 5.0])
    assert kernels._centre(np.array([2.0, 4.0, 8.0]), w) == 5.0


def test_rows_are_gathered_in_the_order_asked_for():
    indptr, indices, data = csr([{0: 0.5, 2: 0.5}, {1: 1.0}, {}, {0: 0.25, 1: 0.5, 2: 0.25}])
    chosen, out_ptr = np.array([3, 2, 0]), np.array([0, 3, 3, 5], dtype=np.uint32)
    out_indices, out_data = np.zeros(5, dtype=np.uint32), np.zeros(5)
    kernels._gather_csr(indptr, indices, data, chosen, out_ptr, out_indices, out_data)
    assert out_indices.tolist() == [0, 1, 2, 0, 2]
    assert out_data.tolist() == [0.25, 0.5, 0.25, 0.5, 0.5]


def test_a_sweep_uses_what_it_has_just_found():
    rows = [{0: 0.5, 1: 0.5}, {1: 1.0}, {0: 1.0}, {0: 0.25, 1: 0.75}]
    r, start = np.array([[1.0, 0.0], [-4.0, -3.0]]), [2.0, 4.0]
    table = np.zeros((2, 2, 2))
    for i, row in enumerate(rows):
        for column, entry in row.items():
            table[i // 2, i % 2, column] = entry
    dense, sparse = np.array(start), np.array(start)
    kernels._gauss_seidel_dense(table, r, 0.5, dense)
    kernels._gauss_seidel_csr(*csr(rows), r, 0.5, sparse)
    # state 0: max(1 + 3 / 2, 4 / 2) = 2.5; then state 1: max(-4 + 2.5 / 2, -3 + (2.5 + 12) / 8)
    assert dense.tolist() == sparse.tolist() == [2.5, -1.1875]


def test_a_set_grows_by_the_states_all_of_whose_actions_may_lead_into_it():
    """0 -> 1 by both actions; 1 -> 3 by both; 2 -> 3 by one action only; 4 -> 0 and 4 -> 2."""
    predecessors = [[8], [0, 1], [5, 9], [2, 3, 4], []]
    indptr = np.cumsum([0, *map(len, predecessors)])
    rows = np.array([row for of_state in predecessors for row in of_state])
    hit = np.zeros(10, dtype=np.bool_)
    members, queue = np.array([False, False, False, True, False]), np.zeros(5, dtype=np.int64)
    missing = np.full(5, 2)
    kernels._attract(indptr, rows, missing, hit, members, queue)
    assert members.tolist() == [True, True, False, True, False]
    assert hit.nonzero()[0].tolist() == [0, 1, 2, 3, 4, 8]
    assert missing.tolist() == [0, 0, 1, 2, 1]
    assert queue[:3].tolist() == [3, 1, 0]


def test_a_row_that_leads_into_the_set_twice_is_one_action():
    predecessors = [[], [2], [2, 3, 0]]  # the only action of state 1 that counts is row 2, into 1 and into 2
    indptr = np.cumsum([0, *map(len, predecessors)])
    rows = np.array([row for of_state in predecessors for row in of_state])
    members, queue = np.array([False, False, True]), np.zeros(3, dtype=np.int64)
    missing, hit = np.full(3, 2), np.zeros(6, dtype=np.bool_)
    kernels._attract(indptr, rows, missing, hit, members, queue)
    assert members.tolist() == [False, True, True]
    assert missing.tolist() == [1, 0, 2]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize("outward", [-0.125, 0.125])
def test_a_bound_only_tightens(forward, maximise, outward):
    """Two blocks with two rows each, in either order; the second bound is already tighter than what is found."""
    start, gain = np.array([0, 2, 4]), np.array([1.0, 0.0, 0.5, 2.0])
    rows = [{1: 0.5}, {0: 0.5, 1: 0.5}, {0: 1.0}, {0: 0.5}]
    sign = -1.0 if outward < 0.0 else 1.0
    x = np.array([sign * 40.0, 4.0])
    choose, beyond = (max, min)[not maximise], (max if outward < 0.0 else min)
    expected, largest = x.copy(), 0.0
    for b in (0, 1) if forward else (1, 0):
        totals = [gain[row] + sum(p * expected[j] for j, p in rows[row].items()) for row in range(2 * b, 2 * b + 2)]
        new = beyond(choose(totals) + outward, expected[b])
        largest, expected[b] = max(largest, abs(new - expected[b])), new
    found = kernels._tighten_bound(start, *csr(rows), gain, x, maximise, forward, outward)
    assert (found, x.tolist()) == (largest, expected.tolist())
    assert largest > 0.0


def test_a_stationary_law_by_state_reduction():
    P = np.array([[0.5, 0.25, 0.25], [0.5, 0.0, 0.5], [0.25, 0.75, 0.0]])
    law = np.empty(3)
    arithmetic._gth(P.copy(), law)
    table = [[Fraction(entry) for entry in row] for row in P.tolist()]
    exact = arithmetic.RATIONAL.stationary(np.array(table, dtype=object))
    assert law.tolist() == pytest.approx([float(x) for x in exact], rel=4e-16)
    rare = np.array([[1.0, 1e-300], [1.0, 0.0]])
    arithmetic._gth(rare, law[:2])
    assert law[:2].tolist() == [1.0, 1e-300]


def test_a_transient_part_by_state_reduction():
    Q = np.array([[0.25, 0.5, 0.0], [0.0, 0.5, 0.25], [0.5, 0.125, 0.0]])
    leave, b = 1.0 - Q.sum(axis=1), np.array([1.0, -2.0, 3.0])
    x = b.copy()
    arithmetic._reduce(Q.copy(), leave.copy(), x)
    assert x.tolist() == pytest.approx(np.linalg.solve(np.eye(3) - Q, b).tolist(), rel=1e-14)
    held = np.array([1.0])
    arithmetic._reduce(np.array([[1.0]]), np.array([1e-200]), held)  # a chain that is hardly ever left
    assert held[0] == 1e200


def test_elimination_solves_what_lapack_solves():
    """Among the factors are 0, 1 and -1."""
    M = np.array([[0.5, -0.25, 0.0, -0.125], [0.5, 1.0, -0.25, 0.0], [-0.5, -0.25, 1.5, -0.25], [0.0, 0.0, 0.0, 0.125]])
    b = np.array([1.0, -2.0, 3.0, 0.5])
    x = b.copy()
    static._solve(M.copy(), x)
    assert x.tolist() == pytest.approx(np.linalg.solve(M, b).tolist(), rel=1e-13)


TWO = np.array([[[[1.0, 0.0], [0.0, 1.0]]] * 2, [[[0.0, 1.0], [0.5, 0.5]]] * 2])  # two kernels, the same in each state
REWARDS, LEVEL = np.array([[1.0, 3.0], [0.0, 2.0]]), np.zeros((2, 2))


@pytest.mark.parametrize("first", [0, 1])
def test_a_joint_choice_is_one_for_all_actions_of_a_state(first):
    """Values 8 and 4: the kernels move (1/2, 1/2) to 6 and to 5, and row by row the adversary gets 4."""
    pi, V, out, work = np.full((2, 2), 0.5), np.array([8.0, 4.0]), np.empty(2), np.empty(2)
    P = TWO if first == 0 else TWO[::-1].copy()
    static._dynamic_backup(True, static.VERTICES, P, LEVEL, REWARDS, 0.5, pi, V, P[0].copy(), out, work)
    assert out.tolist() == [4.5, 3.5]
    static._dynamic_backup(False, static.VERTICES, P, LEVEL, REWARDS, 0.5, pi, V, P[0].copy(), out, work)
    assert out.tolist() == [4.0, 3.0]
    static._dynamic_backup(True, static.VERTICES, P, LEVEL, REWARDS, 0.5, pi, -V, P[0].copy(), out, work)
    assert out.tolist() == [-1.0, -2.0]


def test_the_adversary_answers_the_actions_not_taken_when_it_is_told_to():
    pi, V, work = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([8.0, 4.0]), np.empty(2)
    T = TWO[0].copy()
    static._complete(static.VERTICES, TWO, LEVEL, pi, V, T, work)
    assert T.tolist() == [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]
    static._complete(static.VERTICES, TWO, LEVEL, pi, -V, T, work)
    assert T.tolist() == [[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]]


def test_rows_that_differ_by_rounding_stay():
    T, V, work = TWO[0].copy(), np.array([1.0, 1.0 - 4e-16]), np.empty(2)
    static._complete(static.VERTICES, TWO, LEVEL, np.zeros((2, 2)), V, T, work)
    assert T.tolist() == TWO[0].tolist()
    V[1] = 1.0 - 1e-9
    static._complete(static.VERTICES, TWO, LEVEL, np.zeros((2, 2)), V, T, work)
    assert T.tolist() == [[[0.0, 1.0], [0.0, 1.0]]] * 2


def test_among_equal_actions_the_smallest_and_only_gains_change_a_policy():
    Q = np.array([[1.0, 1.0 + 1e-15, 0.5], [2.0, 3.0, 3.0], [-5.0, -5.0 - 1e-15, -9.0]])
    policy = np.array([2, 2, 2])
    static._greedy_policy(Q, policy)
    assert policy.tolist() == [0, 1, 0]
    policy[:] = [1, 0, 0]
    assert static._improve(Q, 0.5, policy)
    assert policy.tolist() == [1, 1, 0]
    assert not static._improve(Q, 0.5, policy)
    assert static._improve(Q, 0.0, np.array([0, 1, 0]))


def closed_classes(graph):
    """Number of closed classes of a chain whose state s may move to the states where ``graph[s]``."""
    reach = graph | np.eye(len(graph), dtype=bool)
    for _ in graph:
        reach = reach @ reach
    return len({tuple(row) for row, back in zip(reach, reach.T, strict=True) if np.all(back[row])})


def test_a_choice_with_two_closed_classes_is_found_if_there_is_one():
    """Against all choices, on 300 random graphs."""
    rng, found = np.random.default_rng(15), 0
    for _ in range(300):
        S, most = int(rng.integers(2, 5)), int(rng.integers(1, 4))
        counts = rng.integers(1, most + 1, S)
        edges = rng.random((S, most, S)) < rng.uniform(0.0, 0.4)
        edges[np.arange(S), :, rng.integers(0, S, S)] = True
        choice, stack, seen = np.empty(S, np.int64), np.empty(S, np.int64), np.empty(S, np.bool_)
        split = classification._two_closed_classes(edges, counts, choice, stack, seen)
        chains = (edges[np.arange(S), list(c)] for c in itertools.product(*map(range, counts)))
        assert split == any(closed_classes(chain) > 1 for chain in chains)
        found += split
        assert not split or closed_classes(edges[np.arange(S), choice]) > 1
    assert 50 < found < 250


@pytest.mark.parametrize(("start", "evaluations"), [(1, 1), (0, 2)])
def test_policy_iteration_counts_its_evaluations(start, evaluations):
    """One state, rewards 0 and 1, discount 1/2: the values are 2, the actions worth 1 and 2."""
    P, r, level = np.ones((1, 1, 2, 1)), np.array([[0.0, 1.0]]), np.zeros((1, 2))
    pi, V, Q, M, work = np.empty((1, 2)), np.empty(1), np.empty((1, 2)), np.empty((1, 1)), np.empty(1)
    policy = np.array([start])
    assert static._optimal_values(P[0], r, 0.5, policy, pi, V, Q, M) == evaluations
    assert (policy.tolist(), V.tolist(), Q.tolist()) == ([1], [2.0], [[1.0, 2.0]])
    policy = np.array([start])
    arguments = (static.VERTICES, P, level, r, 0.5, policy, pi, P[0].copy(), V, Q, M, work)
    assert static._robust_optimum(*arguments) == evaluations
    assert (policy.tolist(), V.tolist(), Q.tolist()) == ([1], [2.0], [[1.0, 2.0]])


@pytest.mark.parametrize(("start", "evaluations"), [(1, 1), (0, 2)])
def test_the_adversary_counts_its_evaluations(start, evaluations):
    """State 0 pays 1 and is kept or left for the state that pays nothing."""
    P = np.zeros((2, 2, 1, 2))
    P[0, 0, 0, 0] = P[1, 0, 0, 1] = P[:, 1, 0, 1] = 1.0
    T, V, M, work = P[start].copy(), np.empty(2), np.empty((2, 2)), np.empty(2)
    r, level, pi = np.array([[1.0], [0.0]]), np.zeros((2, 1)), np.ones((2, 1))
    assert static._adversary(static.VERTICES, P, level, r, 0.5, pi, T, V, M, work) == evaluations
    assert (T.tolist(), V.tolist()) == (P[1].tolist(), [1.0, 0.0])


@pytest.mark.parametrize(("sign", "evaluations", "value"), [(1.0, 2, 3.0), (-1.0, 1, 5.0)])
def test_weights_within_bounds_are_optimised(sign, evaluations, value):
    """One state, components that pay 3 and 1, weights between 1/4 and 3/4: 2.5 at most and 1.5 at least."""
    R, D = np.array([[3.0, 1.0]]), np.ones((1, 2, 1))
    low, high, w, V, M = np.full((1, 2), 0.25), np.full((1, 2), 0.75), np.array([[0.75, 0.25]]), np.empty(1), np.eye(1)
    assert static._box_program(R, D, 0.5, low, high, sign, w, V, M) == evaluations
    assert V.tolist() == [value]
    assert w.tolist() == [[0.25, 0.75] if sign > 0.0 else [0.75, 0.25]]
