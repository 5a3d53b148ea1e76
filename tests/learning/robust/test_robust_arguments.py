"""Whatever a robust learner is given wrongly, it names it."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from tabular.errors import ModelError, ParameterError
from tabular.learning.robust import (
    FeatureData,
    drpvi,
    drvi_chi2,
    drvi_l,
    p2mpo,
    pevi,
    r2pvi,
    r2pvi_width,
    va_drpvi,
    va_r2pvi,
)
from tabular.simulation import OfflineDataset

PHI = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.25, 0.75]]])
THETA = np.array([0.0, 1.0])
DATA = OfflineDataset([0, 1, 0, 1], [0, 1, 1, 0], [0.5, 0.75, 0.0, 1.0], [1, 0, 1, 1], 2, 2, h=[0, 1, 0, 1])
LEARNERS = {
    "r2pvi-tv": lambda data=DATA, phi=PHI, theta=THETA, **o: r2pvi(
        data, phi, theta, **{"divergence": "tv", "penalty": 0.1, "beta": 0.1, **o}
    ),
    "va-r2pvi": lambda data=DATA, phi=PHI, theta=THETA, **o: va_r2pvi(
        data, phi, theta, **{"penalty": 0.1, "beta": 0.1, **o}
    ),
    "pevi": lambda data=DATA, phi=PHI, theta=THETA, **o: pevi(data, phi, theta, **{"beta": 0.1, **o}),
    "drpvi": lambda data=DATA, phi=PHI, theta=THETA, **o: drpvi(data, phi, theta, **{"beta": 0.1, "radius": 0.1, **o}),
    "drvi-l": lambda data=DATA, phi=PHI, theta=THETA, **o: drvi_l(
        data, phi, theta, **{"beta": 0.1, "radius": 0.1, **o}
    ),
    "drvi-chi2": lambda data=DATA, phi=PHI, theta=THETA, **o: drvi_chi2(
        data, phi, theta, **{"beta": 0.1, "radius": 0.1, **o}
    ),
    "va-drpvi": lambda data=DATA, phi=PHI, theta=THETA, **o: va_drpvi(
        data, phi, theta, **{"beta": 0.1, "radius": 0.1, **o}
    ),
}
every = pytest.mark.parametrize("name", sorted(LEARNERS))
PENALISED = ("r2pvi-tv", "va-r2pvi")
CONSTRAINED = ("drpvi", "drvi-l", "drvi-chi2", "va-drpvi")


def without_steps():
    return OfflineDataset(DATA.s, DATA.a, DATA.r, DATA.s_next, 2, 2)


@every
def test_good_arguments_are_accepted(name):
    assert LEARNERS[name]().policy.shape == (2, 2)


BAD = [
    ({"data": without_steps()}, ModelError, "data has no steps"),
    ({"data": [1, 2]}, ParameterError, "data is a list"),
    ({"phi": None}, ParameterError, "phi or theta is missing"),
    ({"theta": None}, ParameterError, "phi or theta is missing"),
    ({"phi": PHI - 0.1}, ModelError, r"phi\[0, 1, 1\] is -0\.1.*; features must be >= 0"),
    ({"phi": PHI * 1.5}, ModelError, r"phi\[0, 0\] sums to 1\.5; features must sum to 1"),
    ({"phi": PHI * 0.5}, ModelError, r"phi\[0, 0\] sums to 0\.5; features must sum to 1"),
    ({"phi": PHI[:1]}, ModelError, r"phi has shape \(1, 2, 2\); \(2, 2, d\) is needed"),
    ({"phi": PHI[0]}, ModelError, "phi has shape"),
    ({"phi": np.full((2, 2, 2), np.nan)}, ModelError, r"phi\[0, 0, 0\] is nan"),
    ({"theta": [0.0, 1.0, 2.0]}, ModelError, r"theta has shape \(3,\)"),
    ({"theta": np.zeros((3, 2))}, ModelError, r"theta has shape \(3, 2\)"),
    ({"ridge": 0.0}, ParameterError, "ridge is 0; it must be > 0: without it the covariance is singular"),
    ({"ridge": -1.0}, ParameterError, "ridge is -1.0"),
    ({"ridge": math.nan}, ParameterError, "ridge is nan"),
    ({"beta": -0.1}, ParameterError, "beta is -0.1"),
    ({"cap": "steps"}, ParameterError, "cap is 'steps'"),
    ({"cap": np.ones(3)}, ParameterError, "cap does not broadcast"),
    ({"cap": -1.0}, ParameterError, r"cap\[0, 0\] is -1\.0"),
    ({"cap": math.nan}, ParameterError, r"cap\[0, 0\] is nan"),
    ({"floor": math.inf}, ParameterError, "floor is inf"),
    ({"combine": "max"}, ParameterError, "combine is 'max'"),
]


@every
@pytest.mark.parametrize(("wrong", "error", "message"), BAD, ids=[f"{i}-{next(iter(w[0]))}" for i, w in enumerate(BAD)])
def test_bad_arguments_are_named(name, wrong, error, message):
    with pytest.raises(error, match=message):
        LEARNERS[name](**wrong)


@pytest.mark.parametrize("name", PENALISED)
@pytest.mark.parametrize("penalty", [0.0, -1.0, math.inf, "0.1"])
def test_the_penalty_is_positive(name, penalty):
    with pytest.raises(ParameterError, match="penalty is"):
        LEARNERS[name](penalty=penalty)


@pytest.mark.parametrize("name", CONSTRAINED)
@pytest.mark.parametrize(
    ("radius", "message"),
    [
        (-0.1, "radius is -0.1"),
        ([0.1, -0.2], r"radius\[1\] is -0\.2"),
        ([[0.1, 0.1], [-1.0, 0.0]], r"radius\[1, 0\] is -1"),
        ([0.1] * 3, r"radius has shape \(3,\)"),
        (math.inf, "radius is inf"),
    ],
)
def test_radii_are_nonnegative_and_fit(name, radius, message):
    with pytest.raises(ParameterError, match=message):
        LEARNERS[name](radius=radius)


def test_other_options():
    for wrong, message in [
        ({"divergence": "l1"}, "divergence is 'l1'"),
        ({"minimum": "none"}, "minimum is 'none'"),
        ({"minimum": math.inf}, "minimum is inf"),
        ({"search": "minimum"}, "search is 'minimum'"),
        ({"search": "released-minimum"}, "which is chi2 without clip"),
        ({"ceiling": 0.0}, "ceiling is 0.0"),
        ({"beta": "published"}, "beta is 'published'"),
        ({"beta": "theorem", "delta": 1.0}, "delta is 1.0"),
        ({"data": FeatureData(DATA, PHI, THETA)}, "give no phi and no theta"),
    ]:
        with pytest.raises(ParameterError, match=message):
            LEARNERS["r2pvi-tv"](**wrong)
    with pytest.raises(ParameterError, match="rewards is 'given'"):
        LEARNERS["pevi"](rewards="given")
    with pytest.raises(ParameterError, match="variance is 'two'"):
        LEARNERS["va-drpvi"](variance="two")
    with pytest.raises(ParameterError, match="K is 0"):
        r2pvi_width("tv", d=1, H=1, K=0, penalty=1.0, delta=0.1)


def test_feature_data():
    for wrong, error, message in [
        ({"theta": None}, ParameterError, "give exactly one of theta"),
        ({"r": np.zeros((2, 2))}, ParameterError, "give exactly one of theta"),
        ({"theta": None, "r": np.zeros((2, 3))}, ModelError, r"r has shape \(2, 3\)"),
        ({"theta": None, "r": np.zeros((3, 2, 2))}, ModelError, r"r has shape \(3, 2, 2\)"),
        ({"fail": [2]}, ParameterError, r"fail\[0\] is 2"),
        ({"phi": PHI * 1.5, "partial": True}, ModelError, "features must sum to at most 1"),
        ({"phi": sp.csr_array(np.ones((3, 1)))}, ModelError, "sparse phi has 3 rows"),
        ({"phi": sp.csr_array(np.full((4, 1), np.inf))}, ModelError, "sparse phi has an entry that is not finite"),
    ]:
        with pytest.raises(error, match=message):
            FeatureData(**{"data": DATA, "phi": PHI, "theta": THETA, **wrong})
    dense, sparse = FeatureData(DATA, PHI, THETA), FeatureData(DATA, sp.csr_array(PHI.reshape(4, 2)), THETA)
    first, second = (r2pvi(view, divergence="kl", penalty=0.2, beta=0.1).Q for view in (dense, sparse))
    np.testing.assert_array_equal(first, second)
    half = FeatureData(DATA, PHI / 2, THETA, partial=True)
    assert (
        r2pvi(half, divergence="tv", penalty=9.0, beta=0.0).Q <= r2pvi(dense, divergence="tv", penalty=9.0, beta=0.0).Q
    ).all()
    with pytest.raises(ValueError, match="read-only"):
        dense.points.entry[0] = 1.0


def test_states_beyond_the_model_are_refused_where_the_data_are_built():
    with pytest.raises(ModelError, match=r"s_next\[0\] is 2; it must lie in 0\.\.1"):
        OfflineDataset([0], [0], [0.0], [2], 2, 2, h=[0])
    larger = OfflineDataset(DATA.s, DATA.a, DATA.r, DATA.s_next, 3, 2, h=DATA.h)
    with pytest.raises(ModelError, match="phi has shape"):
        LEARNERS["drpvi"](data=larger)


def test_no_data_at_all():
    """Without a row the regressions are 0, and relative entropy knows nothing: its dual values are cut at H."""
    empty = OfflineDataset([], [], [], [], 2, 2, h=[], H=2)
    for learner in LEARNERS.values():
        found = learner(data=empty, ridge=0.25)
        assert np.isfinite(found.Q).all()
        np.testing.assert_allclose(found.inverse, np.broadcast_to(4.0 * np.eye(2), (2, 2, 2)))
    assert LEARNERS["r2pvi-tv"](data=empty, divergence="kl").weights[0].tolist() == [2.0, 2.0]


def test_action_values_refuse_what_does_not_fit():
    found = LEARNERS["pevi"]()
    for h, phi, r, message in [
        (2, PHI, None, "h is 2"),
        (0, PHI[..., :1], None, "phi has 1 features; d is 2"),
        (0, PHI[:, :1], None, "phi has shape"),
        (0, PHI + 1.0, None, "features must sum to at most 1"),
        (0, PHI, np.zeros((3, 2)), r"r has shape \(3, 2\)"),
    ]:
        with pytest.raises(ParameterError, match=message):
            found.action_values(h, phi, r)


def test_p2mpo_names_what_is_wrong():
    for wrong, error, message in [
        ({"data": PHI}, ParameterError, "data is a ndarray"),
        ({"data": without_steps()}, ModelError, "data has no steps"),
        ({"r": np.zeros((2, 1))}, ModelError, "r has shape"),
        ({"radius": -0.1}, ParameterError, "radius is -0.1"),
        ({"radius": [0.1]}, ParameterError, "radius has shape"),
        ({"width": -1.0}, ParameterError, "width is -1.0"),
        ({"delta": 0.0}, ParameterError, "delta is 0.0"),
        ({"fail": (5,)}, ParameterError, r"fail\[0\] is 5"),
    ]:
        with pytest.raises(error, match=message):
            p2mpo(**{"data": DATA, "r": np.zeros((2, 2)), "radius": 0.1, **wrong})
