"""Classes of average-reward theory against their definitions, by enumeration of policies."""

import naive_average
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from experiments import instances
from tabular import planning
from tabular.errors import ModelError
from tabular.models import AverageRewardMDP

TABLES = naive_average.dyadic_tables(max_states=5, max_actions=2, rewards=False)


@settings(max_examples=200)
@given(TABLES)
def test_classification_equals_the_definitions(tables):
    P, _ = tables
    found = planning.classify(P)
    flags = found.recurrent, found.communicating, found.weakly_communicating, found.unichain
    assert flags == naive_average.classify(P)


@given(TABLES)
def test_hierarchy(tables):
    P, r = tables
    found = planning.classify(AverageRewardMDP(P, r))
    assert not found.recurrent or (found.unichain and found.communicating)
    assert not found.unichain or found.weakly_communicating
    assert not found.communicating or found.weakly_communicating
    sparse = planning.classify(sp.csr_array(P.reshape(-1, P.shape[0])))
    assert sparse.unichain == found.unichain
    assert sparse.weakly_communicating == found.weakly_communicating


@given(TABLES)
def test_end_components_are_the_states_that_some_policy_makes_recurrent(tables):
    P, _ = tables
    S, A = P.shape[:2]
    ends = planning.maximal_end_components(P)
    together = set()
    for p in naive_average.policies(S, A):
        classes = naive_average.recurrent_states([[P[s, a, t] > 0 for t in range(S)] for s, a in enumerate(p)])
        together |= {(s, t) for s, c in classes.items() for t in c}
    assert {s for s, _ in together} == set(np.flatnonzero(ends.labels >= 0).tolist())
    assert all(ends.labels[s] == ends.labels[t] for s, t in together)
    for s, a in np.argwhere(ends.actions):
        assert (ends.labels[P[s, a] > 0] == ends.labels[s]).all()
    for c in range(ends.count):
        inside = np.flatnonzero(ends.labels == c)
        edges = [[any(ends.actions[s, a] and P[s, a, t] > 0 for a in range(A)) for t in inside] for s in inside]
        assert naive_average.closure(edges).all()
    first = [int(np.argmax(ends.labels == c)) for c in range(ends.count)]
    assert first == sorted(first)


def one_closed_class(P):
    """Broken: calls a model weakly communicating as soon as the graph of all actions has one closed component."""
    graph = (P > 0).any(axis=1)
    parts, label = connected_components(sp.csr_array(graph), directed=True, connection="strong")
    leaves = {label[s] for s in range(len(P)) for t in range(len(P)) if graph[s, t] and label[s] != label[t]}
    return parts - len(leaves) == 1


def test_the_one_closed_class_shortcut_is_caught():
    P = np.zeros((3, 2, 3))
    P[0, :, 1] = P[1, :, 0] = 1.0
    P[2, 0, 2] = P[2, 1, 0] = 1.0
    assert one_closed_class(P)
    assert not planning.classify(P).weakly_communicating
    assert not naive_average.classify(P)[2]
    gain = planning.average_reward(AverageRewardMDP(P, [[0, 0], [0.5, 0.5], [1, 0]])).gain
    assert gain.tolist() == [0.25, 0.25, 1.0]


def test_structured_instances():
    river = planning.classify(instances.riverswim(6))
    assert (river.recurrent, river.communicating, river.unichain) == (False, True, True)
    assert planning.classify(instances.two_cycle()).recurrent
    islands = planning.classify(instances.islands())
    assert (islands.weakly_communicating, islands.unichain) == (False, False)
    tree = planning.classify(instances.joa_tree(4, 2, 0.1, 0.1))
    assert (tree.communicating, tree.unichain, tree.recurrent) == (True, False, False)


@given(st.integers(2, 6))
def test_weakly_communicating_model_with_a_transient_state(n):
    P = np.zeros((n, 1, n))
    for s in range(n):
        P[s, 0, max(s - 1, 0)] = 1.0
    found = planning.classify(P)
    assert (found.communicating, found.weakly_communicating, found.unichain) == (False, True, True)


def test_unichain_is_left_open_rather_than_guessed():
    # Any state can be left for any other or kept: no state is unavoidable, too many policies to enumerate.
    S = 12
    P = np.zeros((S, 3, S))
    for s in range(S):
        P[s, 0, [(s + 1) % S, (s + 3) % S]] = 0.5
        P[s, 1, [(s + 2) % S, (s + 5) % S]] = 0.5
        P[s, 2, [(s + 4) % S, (s + 7) % S]] = 0.5
    found = planning.classify(P, max_policies=1000)
    assert found.unichain is None
    assert "undecided" in found.unichain_reason


@pytest.mark.parametrize("bad", [np.ones((2, 2)), np.ones((2, 1, 3)), np.zeros((1, 1, 1)), sp.csr_array((3, 2))])
def test_refusals(bad):
    with pytest.raises(ModelError):
        planning.maximal_end_components(bad)
