"""What identifies a run, and how its arrays are laid out in bytes.

A run is identified by everything that determines its result: study, cell, root
seed, the sources of the code it ran, the versions of the libraries underneath,
and the layout of the store. Arrays are written little-endian behind a small
header and guarded by a CRC-32; nothing here executes what it reads.
"""

import hashlib
import json
import math
import platform
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular.errors import ParameterError, StoreError

__all__ = ["SCHEMA", "canonical", "checksum", "decode", "encode", "environment", "normal_cell", "run_key"]

#: Version of the layout of the store and of the array codec; part of every key.
SCHEMA = 1

_MAGIC = b"RLT1"
_SCALARS = {"<f8": 8, "<i8": 8, "|b1": 1}


def _canonical_value(value: Any, where: str) -> Any:
    """Return ``value`` as something JSON writes in exactly one way."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            raise ParameterError(f"{where} is nan; a cell must be comparable with itself")
        return {"float": float(value).hex()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple | list):
        return [_canonical_value(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise ParameterError(f"{where} is a {type(value).__name__}; a cell holds int, float, str, bool or tuples of them")


def canonical(cell: Mapping[str, Any]) -> str:
    """Return the one JSON text of a cell.

    Names are sorted and floats written in hexadecimal, so that ``0.1`` and the
    next float differ, ``1``, ``1.0`` and ``True`` differ, and NumPy scalars
    equal the Python numbers they hold.

    Parameters
    ----------
    cell : mapping
        Names to int, float (not nan), str, bool or tuples of them.

    Raises
    ------
    ParameterError
        If a name is not a string or a value is of another type.
    """
    for name in cell:
        if not isinstance(name, str):
            raise ParameterError(f"a cell names its parameter {name!r}; names are strings")
    values = {name: _canonical_value(value, f"cell[{name!r}]") for name, value in cell.items()}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _normal_value(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_normal_value(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def normal_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell with Python scalars and tuples, in its own order; cells equal in `canonical` become equal."""
    return {name: _normal_value(value) for name, value in cell.items()}


@lru_cache(maxsize=1)
def environment() -> str:
    """Return the versions that determine results, as canonical JSON: interpreter, machine, libraries.

    Gymnasium counts where it is installed: its transition tables are input of some studies.
    """
    found = {name: metadata.version(name) for name in ("numpy", "scipy", "numba")}
    with suppress(metadata.PackageNotFoundError):
        found["gymnasium"] = metadata.version("gymnasium")
    found["python"] = ".".join(platform.python_version_tuple()[:2])
    found["machine"] = platform.machine()
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def run_key(study: str, cell: str, seed: int, source: str, versions: str | None = None) -> bytes:
    """Return the 32-byte key of a run.

    Parameters
    ----------
    study : str
    cell : str
        Canonical text of the cell.
    seed : int
        Root seed.
    source : str
        Digest of the sources that the study runs.
    versions : str, optional
        What `environment` says, unless given.
    """
    parts = [SCHEMA, study, cell, int(seed), source, environment() if versions is None else versions]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()


def encode(arrays: Mapping[str, npt.ArrayLike], where: str) -> bytes:
    """Return the bytes of named arrays.

    Layout: magic, count; for each array the lengths of name and dtype, both
    texts, the number of axes, the axes, and the values in C order; all
    integers little-endian.

    Parameters
    ----------
    arrays : mapping
        float64, int64, bool or fixed-width unicode arrays of any shape.
    where : str
        The cell, for messages.

    Raises
    ------
    ParameterError
        For any other dtype.
    """
    parts = [_MAGIC, struct.pack("<I", len(arrays))]
    for name, value in arrays.items():
        array = np.asarray(value)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        dtype = array.dtype.str
        if dtype not in _SCALARS and array.dtype.kind != "U":
            raise ParameterError(
                f"{where} returned {name!r} of dtype {array.dtype}; use float64, int64, bool or fixed-width unicode"
            )
        label, code = str(name).encode(), dtype.encode()
        parts.append(struct.pack("<HHB", len(label), len(code), array.ndim) + label + code)
        parts.append(struct.pack(f"<{array.ndim}Q", *array.shape))
        parts.append(array.tobytes(order="C"))
    return b"".join(parts)


def checksum(*parts: bytes) -> int:
    """Return the CRC-32 of parts, each preceded by its length."""
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, zlib.crc32(struct.pack("<Q", len(part)), crc))
    return crc


class _Reader:
    """Consecutive pieces of a byte string; never past its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise StoreError("stored arrays end early")
        self.at += size
        return self.data[self.at - size : self.at]

    def unpack(self, form: str) -> tuple[int, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))


def decode(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the named arrays of `encode`, read-only and in native byte order.

    Raises
    ------
    StoreError
        If the bytes are not exactly what `encode` writes.
    """
    reader = _Reader(bytes(data))
    if reader.take(4) != _MAGIC:
        raise StoreError("stored arrays do not start as arrays do")
    (count,) = reader.unpack("<I")
    arrays: dict[str, npt.NDArray[Any]] = {}
    for _ in range(count):
        n_label, n_code, ndim = reader.unpack("<HHB")
        label, code = reader.take(n_label).decode(), reader.take(n_code).decode("ascii")
        width = _SCALARS.get(code)
        if width is None:
            if not (code.startswith("<U") and code[2:].isdigit()):
                raise StoreError(f"stored array {label!r} has dtype {code!r}")
            width = 4 * int(code[2:])
        shape = reader.unpack(f"<{ndim}Q")
        flat = np.frombuffer(reader.take(width * math.prod(shape)), dtype=np.dtype(code)) if width else None
        array = np.zeros(shape, dtype=code) if flat is None else flat.reshape(shape)
        array = array.astype(array.dtype.newbyteorder("="))
        array.setflags(write=False)
        arrays[label] = array
    if reader.at != len(reader.data):
        raise StoreError("stored arrays are followed by something else")
    return arrays
