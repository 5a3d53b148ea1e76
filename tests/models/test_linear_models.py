"""Linear MDPs and linear mixture MDPs: the tabular model they imply, what they refuse, and their identity."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experiments.instances import (
    five_state_simulator,
    random_episodic,
    random_linear_mdp,
    shifted,
    tabular_as_linear,
)
from tabular import EpisodicMDP, LinearMDP, LinearMixtureMDP, ModelError, ParameterError, PolicyError
from tabular.planning import backward_induction, evaluate
from tabular.testing import episodic_mdps, linear_mdps, linear_mixture_mdps, policies

PHI = np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.25, 0.75], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]])
MU = np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
THETA = np.array([0.25, 1.0])
MU0 = np.array([0.5, 0.5, 0.0])
KERNELS = np.stack([np.broadcast_to(np.eye(3)[:, None], (3, 2, 3)), np.full((3, 2, 3), 1 / 3)], axis=-1)
R = np.arange(6.0).reshape(3, 2) / 8


def exact(values):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(values, dtype=float))


@given(linear_mdps())
def test_a_linear_mdp_implies_the_products_of_its_tables(mdp):
    """In rational arithmetic: dyadic products are exact, and so is their sum in any order."""
    model = mdp.to_episodic()
    assert (model.S, model.A, model.H) == (mdp.S, mdp.A, mdp.H)
    assert np.array_equal(model.mu0, mdp.mu0)
    phi = exact(mdp.phi)
    for h in range(mdp.H):
        assert (exact(model.P[h]) == phi @ exact(mdp.mu[h])).all()
        assert (exact(model.r[h]) == phi @ exact(mdp.theta[h])).all()
    assert model.row_error == 0.0
    assert model.stationary == mdp.stationary
    assert mdp.simplex


@given(linear_mixture_mdps())
def test_a_linear_mixture_implies_the_mixture_of_its_kernels(mdp):
    model = mdp.to_episodic()
    assert (model.S, model.A, model.H) == (mdp.S, mdp.A, mdp.H)
    for h in range(mdp.H):
        assert (exact(model.P[h]) == exact(mdp.phi) @ exact(mdp.theta[h])).all()
    assert np.array_equal(model.r, mdp.r)
    assert np.array_equal(model.mu0, mdp.mu0)
    assert model.stationary == mdp.stationary


def distance_from_linear(Q, phi):
    """Largest residual of the best linear fit of any ``Q[h]`` in the features."""
    flat = phi.reshape(-1, phi.shape[-1])
    fits = [np.linalg.lstsq(flat, q.ravel(), rcond=None)[0] for q in Q]
    return max(float(np.abs(flat @ w - q.ravel()).max()) for w, q in zip(fits, Q, strict=True))


@given(st.data())
def test_the_values_of_every_policy_are_linear_in_the_features(data):
    mdp = data.draw(linear_mdps())
    model = mdp.to_episodic()
    found = evaluate(model, data.draw(policies(model)))
    for h in range(mdp.H):
        w = mdp.theta[h] + mdp.mu[h] @ found.V[h + 1]
        np.testing.assert_allclose(mdp.phi @ w, found.Q[h], rtol=0, atol=1e-13)
    assert distance_from_linear(found.Q, mdp.phi) < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_random_linear_mdps_are_linear_and_others_are_not(seed):
    mdp = random_linear_mdp(6, 3, 4, 3, rng=seed)
    policy = np.random.default_rng(seed).integers(0, 3, (3, 6))
    assert distance_from_linear(evaluate(mdp.to_episodic(), policy).Q, mdp.phi) < 1e-12
    other = random_episodic(6, 3, 3, rng=seed)
    assert distance_from_linear(evaluate(other, policy).Q, mdp.phi) > 0.05


@given(episodic_mdps())
def test_every_tabular_model_is_a_linear_one_and_back(mdp):
    linear = tabular_as_linear(mdp)
    assert linear.d == mdp.S * mdp.A
    assert linear.simplex
    assert linear.feature_norm == 1.0
    assert linear.to_episodic().fingerprint() == mdp.fingerprint()
    assert linear.to_episodic().stationary == mdp.stationary


def test_a_tabular_model_may_change_its_rewards_only():
    mdp = EpisodicMDP(KERNELS[..., 1], np.stack([R, 1 - R]), MU0, H=2)
    linear = tabular_as_linear(mdp)
    assert linear.mu.strides[0] == 0 != linear.theta.strides[0]
    assert linear.to_episodic().fingerprint() == mdp.fingerprint()


def test_rounding_of_turned_features_is_forgiven_and_nothing_more():
    mdp = LinearMDP(np.eye(6).reshape(3, 2, 6), np.eye(3)[[0, 1, 2, 0, 1, 2]], np.linspace(0, 1, 6), H=2)
    wanted = mdp.to_episodic()
    below = 0
    for seed in range(5):
        R = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 6)))[0]
        turned = LinearMDP(mdp.phi @ R, R.T @ mdp.mu, mdp.theta @ R, H=2)
        below += int((turned.phi @ turned.mu[0] < 0).sum())
        found = turned.to_episodic()
        np.testing.assert_allclose(found.P, wanted.P, rtol=0, atol=2e-15)
        np.testing.assert_allclose(found.r, wanted.r, rtol=0, atol=2e-15)
        assert not turned.simplex
        assert turned.feature_norm == pytest.approx(1.0, abs=1e-15)
    assert below > 10  # entries that the product leaves below 0
    for error, fine in ((0.9e-12, True), (1.1e-12, False)):
        bent = np.array([[1.0 + error, -error], [0.0, 1.0]])
        if fine:
            assert LinearMDP(np.eye(2)[:, None], bent, [0, 1], H=1).to_episodic().P.min() == 0.0
        else:
            with pytest.raises(ModelError, match=r"P\[0, 0, 1\] = phi\[s, a\] \. mu is -1\.1.*e-12"):
                LinearMDP(np.eye(2)[:, None], bent, [0, 1], H=1)


def test_the_five_state_simulator_has_its_published_values():
    """1.625 before the shift and 0.625 after it are the values of the nominal policy; p = 0.001 moves the first."""
    mdp = five_state_simulator(0.2)
    assert mdp.simplex
    assert mdp.feature_norm == 1.0
    best = backward_induction(mdp.to_episodic())
    assert best.value == pytest.approx(0.5 * 0.999 * 1.24975 + 1.0, abs=1e-15)
    assert best.value == pytest.approx(1.625, abs=1e-3)
    after = evaluate(shifted(mdp, 1.0).to_episodic(), best.policy).value
    assert after == pytest.approx(0.5 * 1.24975, abs=1e-15)
    assert after == pytest.approx(0.625, abs=1e-3)


def test_per_step_and_stationary_tables():
    two, three = np.stack([MU, MU[:, ::-1]]), np.stack([MU] * 3)
    for mu, theta, H, steps, stationary in [
        (MU, THETA, 3, 3, True),
        (two, THETA, None, 2, False),
        (MU, np.stack([THETA, 1 - THETA]), None, 2, False),
        (two, np.stack([THETA, 1 - THETA]), 2, 2, False),
        (MU[None], THETA[None], None, 1, True),
    ]:
        mdp = LinearMDP(PHI, mu, theta, MU0, H)
        assert (mdp.S, mdp.A, mdp.d, mdp.H) == (3, 2, 2, steps)
        assert mdp.mu.shape == (steps, 2, 3)
        assert mdp.theta.shape == (steps, 2)
        assert mdp.stationary is stationary
        model = mdp.to_episodic()
        for h in range(steps):
            np.testing.assert_allclose(model.P[h], PHI @ (mu if mu.ndim == 2 else mu[h]), rtol=0, atol=1e-15)
            np.testing.assert_allclose(model.r[h], PHI @ (theta if theta.ndim == 1 else theta[h]), rtol=0, atol=1e-15)
    with pytest.raises(ModelError, match="mu has 3 steps but H is 2; they must agree"):
        LinearMDP(PHI, three, THETA, H=2)
    with pytest.raises(ModelError, match="theta has 2 steps but mu has 3; they must agree"):
        LinearMDP(PHI, three, np.stack([THETA] * 2))
    with pytest.raises(ModelError, match="mu and theta are stationary; give the horizon H"):
        LinearMDP(PHI, MU, THETA)
    mixture = LinearMixtureMDP(KERNELS, [[0.25, 0.75], [1.0, 0.0]], R)
    assert (mixture.S, mixture.A, mixture.d, mixture.H, mixture.stationary) == (3, 2, 2, 2, False)
    assert np.array_equal(mixture.to_episodic().P[1], KERNELS[..., 0])
    with pytest.raises(ModelError, match="r has 3 steps but theta has 2"):
        LinearMixtureMDP(KERNELS, [[0.25, 0.75]] * 2, np.stack([R] * 3))
    with pytest.raises(ModelError, match="theta and r are stationary; give the horizon H"):
        LinearMixtureMDP(KERNELS, [0.25, 0.75], R)


def test_a_huge_stationary_horizon_costs_nothing():
    for mdp in (LinearMDP(PHI, MU, THETA, H=10**6), LinearMixtureMDP(KERNELS, [0.5, 0.5], R, H=10**6)):
        assert mdp.stationary
        assert mdp.theta.strides[0] == 0
        assert len(pickle.dumps(mdp)) < 5000
        model = mdp.to_episodic()
        assert model.H == 10**6
        assert model.P.strides[0] == model.r.strides[0] == 0
    with pytest.raises(ModelError, match="cannot be addressed"):
        LinearMDP(np.tile(np.eye(64)[:, None], (1, 2, 1)), np.eye(64), np.zeros(64), H=2**53)


def test_norms_are_those_of_the_assumption():
    mdp = LinearMDP(PHI * 2, np.stack([MU, MU[:, ::-1]]) / 2, [[3.0, 4.0], [0.0, -6.0]])
    assert mdp.feature_norm == 2.0
    assert mdp.mu_norm == np.sqrt(0.5)
    assert mdp.theta_norm == 6.0
    assert not mdp.simplex
    signed = LinearMDP([[[0.5, 0.5]]] * 2, [[2.0, -1.0], [-1.0, 2.0]], [0, 0], H=1)
    assert not signed.simplex
    assert not LinearMDP([[[2.0, -1.0]]] * 2, [[0.5, 0.5]] * 2, [0, 0], H=1).simplex
    assert signed.mu_norm == pytest.approx(np.sqrt(18))  # of the total variations, not of the sums
    assert LinearMDP([[[1e300]]], [[1e-300]], [0.0], H=1).feature_norm == 1e300
    mixture = LinearMixtureMDP(KERNELS, [0.25, 0.75], R, H=1)
    assert mixture.feature_norm == pytest.approx(np.sqrt(2))
    assert mixture.theta_norm == pytest.approx(np.hypot(0.25, 0.75))


@given(st.one_of(linear_mixture_mdps(dyadic=False), linear_mixture_mdps()), st.data())
def test_the_feature_norm_of_a_mixture_bounds_that_of_every_value(mdp, data):
    V = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=mdp.S, max_size=mdp.S)))
    norms = np.linalg.norm(np.einsum("satd,t->sad", mdp.phi, V), axis=-1)
    assert norms.max() <= mdp.feature_norm * (1 + 1e-12)
    assert np.linalg.norm(mdp.phi.sum(axis=2), axis=-1).max() == pytest.approx(mdp.feature_norm)


@given(st.one_of(linear_mdps(), linear_mixture_mdps(), linear_mdps(dyadic=False)))
def test_arrays_are_read_only_and_survive_copies_as_such(mdp):
    for twin in (mdp, copy.copy(mdp), copy.deepcopy(mdp), pickle.loads(pickle.dumps(mdp))):  # noqa: S301
        assert twin.fingerprint() == mdp.fingerprint()
        assert twin.stationary == mdp.stationary
        for name in ("phi", "theta", "mu0", "mu" if isinstance(mdp, LinearMDP) else "r"):
            assert not getattr(twin, name).flags.writeable
            assert getattr(twin, name).dtype == np.float64


def test_policies_are_those_of_the_tabular_model():
    mdp = LinearMDP(PHI, MU, THETA, H=2)
    assert mdp.policy([0, 1, 0]).tolist() == [[0, 1, 0]] * 2
    assert mdp.policy(np.full((3, 2), 0.5)).shape == (2, 3, 2)
    with pytest.raises(PolicyError, match="policy\\[2\\] is 2"):
        mdp.policy([0, 1, 2])


def changed(array, index, value):
    result = np.array(array, dtype=float)
    result[index] = value
    return result


REFUSED = [
    (lambda: LinearMDP(PHI * 1.125, MU, THETA, H=2), r"P\[0, 0\] = phi\[s, a\] \. mu sums to 1\.125; expected 1"),
    (
        lambda: LinearMDP(changed(PHI, (1, 0), [0.25, 0.5]), MU, THETA, H=2),
        r"P\[1, 0\] = phi\[s, a\] \. mu sums to 0\.75; expected 1 within 1e-08",
    ),
    (
        lambda: LinearMDP(PHI, np.stack([MU, changed(MU, (1, 2), 0.9)]), THETA),
        r"P\[1, 0, 1\] = phi\[s, a\] \. mu\[1\] sums to 0\.95; expected 1 within 1e-08",
    ),
    (
        lambda: LinearMDP(PHI, np.stack([MU, changed(MU, (1, slice(None)), [0.0, -0.5, 1.5])]), THETA),
        r"P\[1, 0, 1, 1\] = phi\[s, a\] \. mu\[1\] is -0\.125; probabilities must be >= 0",
    ),
    (lambda: LinearMDP(PHI, changed(MU, (0, 0), np.inf), THETA, H=1), r"mu\[0, 0\] is inf; .* finite"),
    (lambda: LinearMDP(PHI * 1e10, changed(MU, (0, 0), 1e308), THETA, H=1), r"P\[0, 0, 0\] = .* is inf; .* finite"),
    (lambda: LinearMDP(PHI * 2, MU / 2, [1.7e308, 0], H=1), r"r\[0, 0\] = phi\[s, a\] \. theta is inf; .* finite"),
    (
        lambda: LinearMDP(PHI * 2, MU / 2, [[0, 0], [0, -1.7e308]]),
        r"r\[1, 1, 0\] = phi\[s, a\] \. theta\[1\] is -inf; every reward must be finite",
    ),
    (lambda: LinearMDP(changed(PHI, (2, 1, 0), np.nan), MU, THETA, H=1), r"phi\[2, 1, 0\] is nan"),
    (lambda: LinearMDP(PHI, MU, changed(THETA, 1, -np.inf), H=1), r"theta\[1\] is -inf"),
    (lambda: LinearMDP(PHI, MU.T, THETA, H=1), r"mu has shape \(3, 2\); its last axes must be \(2, 3\)"),
    (lambda: LinearMDP(PHI, MU, [1.0, 0.0, 0.0], H=1), r"theta has shape \(3,\); its last axes must be \(2,\)"),
    (lambda: LinearMDP(PHI[0], MU, THETA, H=1), r"phi has shape \(2, 2\); an array with 3 axes"),
    (lambda: LinearMDP(PHI, MU, THETA, [0.5, 0.5], H=1), "mu0 has 2 entries; 3"),
    (lambda: LinearMDP(PHI, MU, THETA, [0.5, 0.6, 0.0], H=1), "mu0 sums to 1.1"),
    (lambda: LinearMDP(PHI, MU, THETA, H=0), "H is 0"),
    (lambda: LinearMDP(PHI, MU, THETA, H=2.0), "H is 2.0"),
    (lambda: LinearMixtureMDP(KERNELS, [0.5, 0.25], R, H=1), r"P\[0, 0\] = phi\[s, a, s'\] \. theta sums to 0\.75"),
    (
        lambda: LinearMixtureMDP(KERNELS, [[0.5, 0.5], [1.5, -0.5]], R),
        r"P\[1, 0, 0, 1\] = phi\[s, a, s'\] \. theta\[1\] is -0\.1666",
    ),
    (lambda: LinearMixtureMDP(KERNELS, [1.0], R, H=1), r"theta has shape \(1,\); its last axes must be \(2,\)"),
    (lambda: LinearMixtureMDP(KERNELS, [0.5, 0.5], R.T, H=1), r"r has shape \(2, 3\); its last axes must be \(3, 2\)"),
    (lambda: LinearMixtureMDP(KERNELS, [0.5, 0.5], changed(R, (1, 1), np.nan), H=1), r"r\[1, 1\] is nan"),
    (
        lambda: LinearMixtureMDP(KERNELS[:2], [0.5, 0.5], R[:2], H=1),
        r"phi has shape \(2, 2, 3, 2\); its first state axis has 2 entries and its third has 3",
    ),
    (lambda: LinearMixtureMDP(KERNELS[..., 0], [0.5, 0.5], R, H=1), r"phi has shape \(3, 2, 3\); an array with 4 axes"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_no_model_is_refused_by_name_and_value(build, words):
    with pytest.raises(ModelError, match=words):
        build()


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=2), st.just(10**400))
ARRAYS = hnp.arrays(
    dtype=st.one_of(hnp.scalar_dtypes(), st.just(np.dtype(object))),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=2),
) | hnp.arrays(
    dtype=np.float64,
    shape=st.sampled_from([(1,), (1, 1), (1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 2), (1, 1, 2), (2, 1), (2,)]),
    elements=st.sampled_from([0.0, 1.0, 0.5, -0.5, 1e308, -1e308, 5e-324]),
)  # fmt: skip


@pytest.mark.parametrize("constructor", [LinearMDP, LinearMixtureMDP])
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_garbage_makes_a_model_or_a_model_error(constructor, data):
    arguments = data.draw(st.lists(SCALARS | ARRAYS, min_size=3, max_size=3))
    mu0 = data.draw(st.none() | ARRAYS)
    H = data.draw(st.sampled_from([1, 2, None]) | SCALARS)
    try:
        built = constructor(*arguments, mu0, H)
    except ModelError:
        return
    assert built.fingerprint()
    assert np.isfinite(built.to_episodic().P).all()


def test_the_callers_arrays_are_neither_kept_nor_touched():
    mine = [PHI.copy(), MU.copy(), THETA.copy(), MU0.copy()]
    mdp = LinearMDP(*mine, H=2)
    before = mdp.fingerprint()
    for array in mine:
        assert array.flags.writeable
        array[...] = -7.0
    assert mdp.fingerprint() == before
    with pytest.raises(AttributeError):
        mdp.phi = PHI


QUICK = settings(max_examples=2000, phases=[Phase.generate], derandomize=True, database=None)
CASES = [
    (linear_mdps(), lambda m: m.d == m.S * m.A > 1 and (m.phi.reshape(m.d, m.d) == np.eye(m.d)).all()),
    (linear_mdps(), lambda m: m.d == 1 and m.S * m.A > 1),
    (linear_mdps(), lambda m: 1 < m.d < m.S * m.A and set(np.unique(m.phi)) == {0.0, 1.0}),
    (linear_mdps(), lambda m: m.d > 1 and m.phi.max() < 1),
    (linear_mdps(), lambda m: m.d > m.S * m.A),
    (linear_mdps(), lambda m: m.A == m.d == 3 and np.ptp(m.phi[0], axis=0).max() == 0 < len(set(m.phi[0, 0])) - 2),
    (linear_mdps(), lambda m: m.d > 1 and (m.phi.max(axis=(0, 1)) == 0).any()),
    (linear_mdps(), lambda m: m.S > 1 and (m.to_episodic().P == 0).any()),
    (linear_mdps(), lambda m: m.S > 1 and m.d > 1 and m.to_episodic().P.min() > 0),
    (linear_mdps(), lambda m: m.H > 1 and m.stationary),
    (linear_mdps(), lambda m: m.mu.strides[0] == 0 != m.theta.strides[0]),
    (linear_mdps(), lambda m: m.theta.strides[0] == 0 != m.mu.strides[0]),
    (linear_mdps(), lambda m: {0.0, 1.0} <= set(m.to_episodic().r.ravel().tolist())),
    (linear_mixture_mdps(), lambda m: m.d == 1 and m.S > 1),
    (linear_mixture_mdps(), lambda m: m.d == 3 and (m.theta == 0).any() and (m.theta > 0).sum() > m.theta.shape[0]),
    (linear_mixture_mdps(), lambda m: m.H > 1 and m.stationary),
    (linear_mixture_mdps(), lambda m: m.S > 1 and (m.to_episodic().P == 0).any() and m.theta.max() < 1),
    (linear_mixture_mdps(), lambda m: m.A > 1 and m.S > 1 and np.ptp(m.to_episodic().P[0, 0], axis=0).max() == 0),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_strategies_contain_the_hard_cases(case):
    strategy, condition = CASES[case]
    assert find(strategy, condition, settings=QUICK) is not None


@pytest.mark.parametrize("d", [1, 4, 6])
def test_one_hot_features_spread_over_groups_of_nearly_equal_size(d):
    mdp = random_linear_mdp(3, 2, d, 2, rng=0, one_hot=True)
    assert set(np.unique(mdp.phi)) <= {0.0, 1.0}
    sizes = mdp.phi.sum(axis=(0, 1))
    assert sizes.sum() == 6
    assert np.ptp(sizes) <= 1
    assert sizes.min() >= 1
    with pytest.raises(ParameterError, match="one-hot features of 6 pairs need d <= 6"):
        random_linear_mdp(3, 2, 7, 2, rng=0, one_hot=True)


def test_random_linear_mdps_are_functions_of_their_seed():
    for options in ({}, {"one_hot": True}, {"stationary": True}):
        one, same, other = (random_linear_mdp(4, 3, 5, 3, rng=seed, **options) for seed in (1, 1, 2))
        assert one.fingerprint() == same.fingerprint() != other.fingerprint()
        assert one.simplex
        assert one.to_episodic().row_error < 1e-15
        assert one.stationary is bool(options.get("stationary"))
    with pytest.raises(ParameterError, match="mdp is a int"):
        tabular_as_linear(3)
