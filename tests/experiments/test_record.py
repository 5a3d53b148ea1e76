"""Keys and codec: equal things have equal keys, different things different ones, bytes come back exactly."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experiments.engine.record import canonical, checksum, decode, encode, normal_cell, run_key
from tabular.errors import ParameterError, StoreError

scalars = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
cells = st.dictionaries(st.text(max_size=4), st.one_of(scalars, st.tuples(scalars, scalars)), max_size=4)
arrays = st.dictionaries(
    st.text(max_size=6),
    hnp.arrays(
        dtype=st.sampled_from(["<f8", "<i8", "|b1", "<U3", ">f8"]),
        shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    max_size=3,
)


def test_order_of_names_does_not_matter():
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})


def test_numbers_of_other_types_or_neighbouring_floats_differ():
    texts = [
        canonical({"x": x}) for x in (1, 1.0, True, "1", (1,), ((1,),), np.nextafter(1.0, 2.0), 0.0, -0.0, "0x1.0p+0")
    ]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("numpy_value", "plain"), [(np.float64(0.1), 0.1), (np.int64(3), 3), (np.bool_(True), True), ([1, 2], (1, 2))]
)
def test_numpy_scalars_and_lists_are_the_values_they_hold(numpy_value, plain):
    assert canonical({"x": numpy_value}) == canonical({"x": plain})
    assert normal_cell({"x": numpy_value}) == {"x": plain}
    assert type(normal_cell({"x": numpy_value})["x"]) is type(plain)


@pytest.mark.parametrize("value", [float("nan"), None, {"a": 1}, np.zeros(2), b"x", 1j, (1, float("nan"))])
def test_what_cannot_identify_a_run_is_refused(value):
    with pytest.raises(ParameterError, match=r"cell\['x'\]"):
        canonical({"x": value})


@given(cells, cells)
def test_cells_share_a_text_only_if_equal(one, other):
    if canonical(one) == canonical(other):
        assert one == other


def test_every_field_is_in_the_key():
    base = {"study": "a/b", "cell": "{}", "seed": 0, "source": "s", "versions": "v"}
    changed = [{"study": "a/c"}, {"cell": "{1}"}, {"seed": 1}, {"source": "t"}, {"versions": "w"}]
    assert len({run_key(**{**base, **change}) for change in [{}, *changed]}) == 6


def test_schema_is_in_the_key(monkeypatch):
    before = run_key("a/b", "{}", 0, "s")
    monkeypatch.setattr("experiments.engine.record.SCHEMA", 2)
    assert run_key("a/b", "{}", 0, "s") != before


@given(arrays)
def test_arrays_come_back_exactly(given_arrays):
    back = decode(encode(given_arrays, "here"))
    assert list(back) == list(given_arrays)
    for name, array in given_arrays.items():
        assert back[name].shape == array.shape
        assert back[name].dtype == array.dtype.newbyteorder("=")
        assert back[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()
        assert not back[name].flags.writeable


def test_fortran_order_and_strides_do_not_matter():
    x = np.arange(12.0).reshape(3, 4)
    for view in (np.asfortranarray(x), x[::-1, ::2], x.T):
        np.testing.assert_array_equal(decode(encode({"x": view}, ""))["x"], view)
    assert encode({"x": np.asfortranarray(x)}, "") == encode({"x": x}, "")


@pytest.mark.parametrize(
    "bad", [np.zeros(2, np.float32), np.zeros(2, np.int32), np.array([None]), np.array([b"x"]), 1j]
)
def test_other_dtypes_are_refused(bad):
    with pytest.raises(ParameterError, match=r"cell 7 returned 'x'"):
        encode({"x": bad}, "cell 7")


def test_every_truncation_and_every_continuation_is_refused():
    data = encode({"x": np.arange(3.0), "name": np.array(["ab"])}, "")
    for size in range(len(data)):
        with pytest.raises(StoreError):
            decode(data[:size])
    with pytest.raises(StoreError):
        decode(data + b"\0")


def test_objects_are_never_read():
    data = b"RLT1" + struct.pack("<I", 1) + struct.pack("<HHB", 1, 2, 0) + b"x" + b"|O" + b"\0" * 8
    with pytest.raises(StoreError, match="dtype"):
        decode(data)


def test_checksum_sees_where_parts_begin():
    assert checksum(b"ab", b"c") != checksum(b"a", b"bc")
