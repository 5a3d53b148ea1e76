"""Whatever a constructor is given, it builds a valid model or raises ModelError; nothing else, and no warning."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tabular
from tabular import (
    AdversarialBandit,
    AverageRewardMDP,
    BernoulliBandit,
    ContextualBandit,
    DiscountedMDP,
    EpisodicMDP,
    GaussianBandit,
    LastSwitchBandit,
    MatrixGame,
    ModelError,
)
from tabular.simulation import OfflineDataset

P = np.array([[[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]] * 2])
r = np.arange(6.0).reshape(3, 2) / 8
mu0 = np.array([0.5, 0.5, 0.0])

#: Each builder takes one replaced argument; `good` is what it replaces.
BUILDERS = {
    "EpisodicMDP.P": (lambda x: EpisodicMDP(x, r, mu0, H=2), P),
    "EpisodicMDP.P[h]": (lambda x: EpisodicMDP(x, r, mu0), np.stack([P, P])),
    "EpisodicMDP.r": (lambda x: EpisodicMDP(P, x, mu0, H=2), r),
    "EpisodicMDP.mu0": (lambda x: EpisodicMDP(P, r, x, H=2), mu0),
    "DiscountedMDP.P": (lambda x: DiscountedMDP(x, r, 0.5, mu0), P),
    "DiscountedMDP.r": (lambda x: DiscountedMDP(P, x, 0.5, mu0), r),
    "DiscountedMDP.mu0": (lambda x: DiscountedMDP(P, r, 0.5, x), mu0),
    "AverageRewardMDP.P": (lambda x: AverageRewardMDP(x, r, mu0), P),
    "AverageRewardMDP.r": (lambda x: AverageRewardMDP(P, x, mu0), r),
    "AverageRewardMDP.mu0": (lambda x: AverageRewardMDP(P, r, x), mu0),
    "BernoulliBandit.means": (lambda x: BernoulliBandit(x), mu0),
    "GaussianBandit.means": (lambda x: GaussianBandit(x), mu0),
    "GaussianBandit.std": (lambda x: GaussianBandit(mu0, x), mu0),
    "ContextualBandit.context_distribution": (lambda x: ContextualBandit(x, r), mu0),
    "ContextualBandit.means": (lambda x: ContextualBandit(mu0, x), r),
    "AdversarialBandit.losses": (lambda x: AdversarialBandit(x), r),
    "LastSwitchBandit.payoffs": (lambda x: LastSwitchBandit(x, 1), r),
    "MatrixGame.payoff": (lambda x: MatrixGame(x), r),
}
PROBABILITIES = [name for name in BUILDERS if ".P" in name or "mu0" in name or "distribution" in name]
each = pytest.mark.parametrize("name", list(BUILDERS))


def test_every_builder_accepts_what_is_good():
    for build, good in BUILDERS.values():
        assert build(good).fingerprint()


@each
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_entries_are_named(name, value):
    build, good = BUILDERS[name]
    for flat in (0, good.size // 2, good.size - 1):
        bad = good.copy()
        bad.flat[flat] = value
        index = ", ".join(str(int(i)) for i in np.unravel_index(flat, good.shape))
        field = name.split(".")[1].removesuffix("[h]")
        with pytest.raises(ModelError) as caught:
            build(bad)
        assert f"{field}[{index}] is {value}" in str(caught.value)
        assert "finite" in str(caught.value)


@pytest.mark.parametrize("name", PROBABILITIES)
@pytest.mark.parametrize("value", [-1e-17, -5e-324, -1e-9, -0.5])
def test_negative_probabilities_are_named_however_small(name, value):
    build, good = BUILDERS[name]
    bad = good.copy()
    where = np.argwhere(good == 0.0)[-1]
    bad[tuple(where)] = value
    with pytest.raises(ModelError, match=r"must be >= 0") as caught:
        build(bad)
    assert f"[{', '.join(str(int(i)) for i in where)}]" in str(caught.value)


@pytest.mark.parametrize("name", PROBABILITIES)
@pytest.mark.parametrize("error", [1e-12, 1e-10, 0.9e-8, 1.1e-8, 1e-7, 1e-6, 0.4, -1.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_row_sums_are_accepted_within_1e_8_and_nowhere_else(name, error, sign):
    build, good = BUILDERS[name]
    bad = good.copy()
    row = bad[(-1,) * (bad.ndim - 1)]
    row *= 1.0 + sign * error if error > 0 else 0.0
    if 0 < error < 1e-8:
        model = build(bad)
        if ".P" in name:
            assert model.row_error == pytest.approx(error, rel=1e-3)
    else:
        with pytest.raises(ModelError, match=r"sums to .*expected 1 within 1e-08 \(use tabular\.normalise"):
            build(bad)


def test_the_sparse_form_refuses_what_the_dense_form_refuses():
    for flat, value, words in [
        (0, math.nan, "finite"),
        (17, math.inf, "finite"),
        (1, -0.25, ">= 0"),
        (0, 0.75, "sums"),
    ]:
        bad = P.reshape(6, 3).copy()
        bad.flat[flat] = value
        messages = []
        for given_P in (sp.csr_array(bad), bad.reshape(3, 2, 3)):
            with pytest.raises(ModelError, match=words) as caught:
                DiscountedMDP(given_P, r, 0.5)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


@each
def test_wrong_rank_is_refused_with_the_shape_found(name):
    build, good = BUILDERS[name]
    for bad in (
        good[None, None],
        np.float64(0.5) if name != "GaussianBandit.std" else good[None],
        good[..., None, None],
    ):
        with pytest.raises(ModelError) as caught:
            build(bad)
        assert str(np.shape(bad)) in str(caught.value)


@each
def test_empty_axes_are_refused(name):
    build, good = BUILDERS[name]
    for axis in range(good.ndim):
        shape = list(good.shape)
        shape[axis] = 0
        with pytest.raises(ModelError, match="shape"):
            build(np.empty(shape))


@pytest.mark.parametrize("name", [n for n in BUILDERS if n.endswith(".P") or n.endswith(".r")])
def test_swapped_axes_are_refused(name):
    build, good = BUILDERS[name]
    with pytest.raises(ModelError, match="shape"):
        build(np.swapaxes(good, 0, 1))


def test_mismatched_steps_are_refused():
    with pytest.raises(ModelError, match="P has 2 steps but H is 3"):
        EpisodicMDP(np.stack([P, P]), r, H=3)
    with pytest.raises(ModelError, match="give the horizon H"):
        EpisodicMDP(P, r)
    with pytest.raises(ModelError, match=r"r has shape \(3, 3, 2\)"):
        EpisodicMDP(np.stack([P, P]), np.stack([r] * 3))


@pytest.mark.parametrize(
    "gamma", [-0.1, 1, 1.0, math.nan, math.inf, "0.5", None, True, 0.5j, [0.5], np.array([0.5]), 10**400]
)
def test_discounts_outside_the_range_are_refused(gamma):
    with pytest.raises(ModelError, match=r"gamma is .* \[0, 1\)"):
        DiscountedMDP(P, r, gamma)


@pytest.mark.parametrize("gamma", [0, 0.0, 1 - 2.0**-53, Fraction(1, 2), np.float32(0.5), np.array(0.5)])
def test_discounts_inside_the_range_are_kept_exactly(gamma):
    model = DiscountedMDP(P, r, gamma)
    assert model.gamma == float(gamma)
    assert type(model.gamma) is float


@pytest.mark.parametrize(
    "H",
    [0, -1, 2.5, 2.0, True, "3", 2**63, 2**53 + 1, 10**5000, math.nan, np.bool_(True)],
    ids=lambda H: type(H).__name__,
)
def test_horizons_that_are_no_count_are_refused(H):
    with pytest.raises(ModelError, match=r"^H is "):
        EpisodicMDP(P, r, H=H)


def test_a_table_too_large_to_address_is_refused():
    with pytest.raises(ModelError, match="cannot be addressed"):
        EpisodicMDP(np.tile(np.eye(64)[:, None], (1, 8, 1)), np.zeros((64, 8)), H=2**53)


def test_a_huge_stationary_horizon_costs_nothing():
    model = EpisodicMDP(P, r, H=10**6)
    assert model.P.base is not None
    assert model.P.strides[0] == 0
    assert model.stationary
    assert model.row_error == 0.0
    assert model.reward_range == (0.0, 0.625)
    assert model.fingerprint() != EpisodicMDP(P, r, H=10**6 + 1).fingerprint()


FORMS = {
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "fractions": lambda x: np.vectorize(Fraction, otypes=[object])(x),
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.astype(np.float16),
    "longdouble": lambda x: x.astype(np.longdouble),
    "big endian": lambda x: x.astype(">f8"),
    "fortran": np.asfortranarray,
    "negative strides": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    "sliced": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "unaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(x.shape),
}


@each
@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_of_the_same_numbers_is_the_same_model(name, form):
    build, good = BUILDERS[name]
    assert build(FORMS[form](good)).fingerprint() == build(good).fingerprint()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_, np.int64, np.uint64])
def test_integers_are_values_not_bit_patterns(dtype):
    table = np.array([[1, 0], [0, 1]])
    assert MatrixGame(table.astype(dtype)).fingerprint() == MatrixGame(table.astype(float)).fingerprint()
    assert MatrixGame(np.array([[-128, 127]], dtype=np.int8)).payoff.tolist() == [[-128.0, 127.0]]


@each
@pytest.mark.parametrize(
    "form", ["complex", "string", "object of strings", "none", "masked", "datetime", "dict", "ragged"]
)
def test_what_is_no_real_array_is_refused(name, form):
    build, good = BUILDERS[name]
    bad = {
        "complex": good.astype(complex),
        "string": good.astype(str),
        "object of strings": good.astype(str).astype(object),
        "none": np.full(good.shape, None),
        "masked": np.ma.masked_array(good, mask=good == good.max()),
        "datetime": good.astype("M8[s]"),
        "dict": {0: good},
        "ragged": [[0.5], [0.5, 0.5]],
    }[form]
    with pytest.raises(ModelError):
        build(bad)


def test_sparse_forms_are_the_same_model_and_duplicates_add_up():
    flat = P.reshape(6, 3)
    wanted = DiscountedMDP(sp.csr_array(flat), r, 0.5).fingerprint()
    for form in ("coo", "csc", "csr", "lil", "dok", "bsr"):
        assert DiscountedMDP(sp.csr_array(flat).asformat(form), r, 0.5).fingerprint() == wanted
    rows, columns = np.nonzero(flat)
    halves = sp.coo_array(
        (np.tile(flat[rows, columns] / 2, 2), (np.tile(rows, 2), np.tile(columns, 2))), shape=flat.shape
    )
    assert DiscountedMDP(halves, r, 0.5).fingerprint() == wanted
    assert DiscountedMDP(sp.csr_matrix(flat.astype(np.float32)), r, 0.5).fingerprint() == wanted
    unsorted = sp.csr_array((np.array([0.25, 0.5, 0.25]), np.array([2, 0, 1]), np.array([0, 3])), shape=(1, 3))
    rest = sp.csr_array(flat[1:])
    assert DiscountedMDP(sp.vstack([unsorted, rest]), r, 0.5).fingerprint() == wanted


def test_malformed_sparse_arrays_are_refused():
    good = sp.csr_array(P.reshape(6, 3))
    corrupt = good.copy()
    corrupt.indices[-1] = 7
    with pytest.raises(ModelError, match="malformed"):
        DiscountedMDP(corrupt, r, 0.5)
    for bad in (good.astype(complex), good.T, sp.csr_array((0, 3)), sp.csr_array((3, 0)), good[:5], sp.coo_array(mu0)):
        with pytest.raises(ModelError, match="sparse P"):
            DiscountedMDP(bad, r, 0.5)
    with pytest.raises(ModelError, match="P is sparse"):
        EpisodicMDP(good, r, H=2)
    with pytest.raises(ModelError):
        MatrixGame(good)


@each
def test_the_callers_array_is_neither_kept_nor_touched(name):
    build, good = BUILDERS[name]
    mine = good.copy()
    model = build(mine)
    before = model.fingerprint()
    assert mine.flags.writeable
    mine[...] = -7.0
    assert model.fingerprint() == before
    frozen = good.copy()
    frozen.setflags(write=False)
    assert build(frozen).fingerprint() == before


def test_a_sparse_array_of_the_caller_is_neither_kept_nor_touched():
    mine = sp.csr_array(P.reshape(6, 3))
    model = DiscountedMDP(mine, r, 0.5)
    before = model.fingerprint()
    mine.data[:] = -7.0
    mine.indices[:] = 0
    assert model.fingerprint() == before
    for part in (model.P.data, model.P.indices, model.P.indptr):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1


@each
def test_writing_into_a_model_is_an_error(name):
    build, good = BUILDERS[name]
    model = build(good)
    array = getattr(model, name.split(".")[1].removesuffix("[h]"))
    with pytest.raises(ValueError, match="read-only"):
        array[(0,) * array.ndim] = 0.5
    with pytest.raises(AttributeError):
        setattr(model, name.split(".")[1].removesuffix("[h]"), good)


def test_bandit_means_and_deviations_out_of_range_are_named():
    with pytest.raises(ModelError, match=r"means\[1\] is 1\.0000000000000002"):
        BernoulliBandit([0.5, math.nextafter(1.0, 2.0)])
    with pytest.raises(ModelError, match=r"means\[1, 0\] is -1e-300"):
        ContextualBandit([0.5, 0.5], [[0.0], [-1e-300]])
    with pytest.raises(ModelError, match=r"std\[2\] is -1"):
        GaussianBandit([0.0, 0.0, 0.0], [0.0, 1.0, -1.0])
    with pytest.raises(ModelError, match=r"std has shape \(2,\)"):
        GaussianBandit([0.0, 0.0, 0.0], [0.0, 1.0])


HUGE = st.sampled_from([400, 5000]).map(lambda digits: 10**digits)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(2**63, 2**70), HUGE, st.floats(),
    st.text(max_size=3), st.binary(max_size=3), st.fractions(), st.complex_numbers(), st.decimals(), st.datetimes(),
    st.just(np.complex64(1j)), st.just(object()), st.just(Ellipsis), st.just(np.longdouble("1e4000")),
)  # fmt: skip
NESTED = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.tuples(inner, inner)), max_leaves=12
)
ARRAYS = hnp.arrays(
    dtype=st.one_of(hnp.scalar_dtypes(), hnp.array_dtypes(max_size=2), st.just(np.dtype(object))),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
) | hnp.arrays(dtype=np.float64, shape=st.sampled_from([(1,), (1, 1), (1, 1, 1), (2, 1, 2), (2, 2), (1, 1, 1, 1)]),
               elements=st.sampled_from([0.0, 1.0, 0.5, 1e308, -1e308, 5e-324]))  # fmt: skip
CONTAINERS = st.one_of(
    st.dictionaries(st.integers(0, 3), SCALARS, max_size=2), st.sets(st.integers(), max_size=2), st.just(range(2)),
    st.just(sp.csr_array(np.eye(2))), st.just(sp.coo_array(np.full((2, 2), np.longdouble(1e308)))), st.just(iter([1])),
    st.just(np.ma.masked_all((1, 1))), st.just(np.matrix([[1.0]])), st.just(memoryview(b"ab")),
)  # fmt: skip
GARBAGE = st.one_of(SCALARS, NESTED, ARRAYS, CONTAINERS)
CONSTRUCTORS = [
    (EpisodicMDP, 4),
    (DiscountedMDP, 4),
    (AverageRewardMDP, 3),
    (BernoulliBandit, 1),
    (GaussianBandit, 2),
    (ContextualBandit, 2),
    (AdversarialBandit, 1),
    (MatrixGame, 1),
    (OfflineDataset, 8),
    (tabular.normalise, 1),
]


@pytest.mark.parametrize(("constructor", "arguments"), CONSTRUCTORS, ids=lambda x: getattr(x, "__name__", x))
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_garbage_makes_a_model_or_a_model_error(constructor, arguments, data):
    given_arguments = data.draw(st.lists(GARBAGE, min_size=arguments, max_size=arguments))
    try:
        built = constructor(*given_arguments)
    except ModelError:
        return
    assert constructor is tabular.normalise or built.fingerprint()


@each
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(garbage=GARBAGE)
def test_garbage_in_one_argument_makes_a_model_or_a_model_error(name, garbage):
    try:
        model = BUILDERS[name][0](garbage)
    except ModelError:
        return
    assert model.fingerprint()


def test_a_list_that_contains_itself_is_refused():
    loop: list = []
    loop.append(loop)
    deep: list = [1.0]
    for _ in range(5000):
        deep = [deep]
    for bad in (loop, deep):
        with pytest.raises(ModelError):
            MatrixGame(bad)
