"""A probe: one claim on one instance, with the spaces that the instance is searched in.

A probe turns an instance into the records that the claim's own studies would
have made of it. The claim's own measure and judge then decide, so that what is
attacked is what the ledger rests on, constants included. An exact twin makes the
same records of Fractions, and the same measure compares them without rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds.claims import Claim, Evidence, Judge, Record, Status, Verdict
from bounds.judges import AllOf, Comparison, IdentityJudge, Violations
from tabular.errors import CertificateError, NotConverged, ParameterError

from .spaces import Instance, Space

__all__ = ["Probe", "Trial", "attempt", "judge", "settle", "tensions"]

Records = tuple[Record, ...]

#: Bounds below this fraction of the scale are left out of ratios: there measured and bound are both rounding.
_TELLING = 1e-6
#: A break in floating point by more than this multiple of the scale is not the work of rounding.
_ROUNDING = 1e-6
#: Arrays of at most this many numbers are written out in a label.
_WRITTEN = 12


@dataclass(frozen=True, slots=True)
class Probe:
    """A claim on one instance.

    Attributes
    ----------
    id : str
        Id of the claim.
    sizes : mapping
        For each axis its smallest and largest length.
    spaces : mapping
        For each array of an instance the space it is taken from.
    evidence : callable
        ``Instance -> records`` of the claim's studies, one each. A module-level pure function.
    exact : callable or None
        The same in rational arithmetic: columns that hold Fractions. None where a quantity is irrational.
    """

    id: str
    sizes: Mapping[str, tuple[int, int]]
    spaces: Mapping[str, Space]
    evidence: Callable[[Instance], Records]
    exact: Callable[[Instance], Records] | None = None

    def check(self, instance: Instance) -> Instance:
        """Return an instance with every array checked against its space.

        Raises
        ------
        ParameterError
            If a name is missing or foreign, a length or a value lies outside what is declared.
        """
        for what, given, known in (("axes", instance.size, self.sizes), ("arrays", instance.values, self.spaces)):
            if set(given) != set(known):
                raise ParameterError(f"an instance of {self.id} has the {what} {sorted(known)}, not {sorted(given)}")
        for axis, (low, high) in self.sizes.items():
            if not low <= instance.size[axis] <= high:
                raise ParameterError(f"{axis} is {instance.size[axis]}; it must lie between {low} and {high}")
        checked = {name: space.check(instance.values[name], instance.size, name) for name, space in self.spaces.items()}
        return Instance(dict(instance.size), checked)


@dataclass(frozen=True, slots=True)
class Trial:
    """A claim judged on one instance.

    Attributes
    ----------
    instance : Instance
    verdict : Verdict
    tensions : tuple of float
        Measured/bound of each aspect of the claim, as in `tensions`.
    exact : bool
        Whether the verdict was reached in rational arithmetic.
    """

    instance: Instance
    verdict: Verdict
    tensions: tuple[float, ...]
    exact: bool = False

    @property
    def refuted(self) -> bool:
        """Whether the instance breaks the claim."""
        return self.verdict.status is Status.REFUTED

    @property
    def label(self) -> str:
        """The instance in one line: its sizes, and its arrays where they are short."""
        size = [f"{axis}={length}" for axis, length in self.instance.size.items()]
        values = []
        for name, value in self.instance.values.items():
            if value.size <= _WRITTEN:
                text = np.array2string(value, separator=",", formatter={"float_kind": lambda x: f"{x:.6g}"})
                values.append(f"{name}={' '.join(text.split())}".replace(" ", ""))
            else:
                values.append(f"{name} of shape {value.shape}")
        return ", ".join([*size, *values])

    @property
    def ratio(self) -> float:
        """Largest measured/bound among the aspects."""
        return max(self.tensions, default=-math.inf)


def _groups(sample: Comparison) -> list[slice]:
    """Return the rows of each of the pairs that were joined into a comparison: their labels repeat."""
    labels = tuple(sample.labels)
    points = len(labels)
    period = next((i for i in range(1, points) if labels[i] == labels[0]), points)
    whole = points % period == 0 and labels == labels[:period] * (points // period)
    return [slice(i, i + period) for i in range(0, points, period)] if whole else [slice(0, points)]


def tensions(judge: Judge, sample: Any) -> tuple[float, ...]:
    """Return measured/bound for each aspect of a claim: each part of it, and each pair of sides within a part.

    For an identity the measured quantity is the difference of the sides and its bound the tolerance of the judge; for a
    count of violations the rate and its level. -inf stands for an aspect that no row speaks about.
    """
    if isinstance(judge, AllOf):
        return tuple(value for inner, part in zip(judge.judges, sample, strict=True) for value in tensions(inner, part))
    if isinstance(sample, Comparison):
        return tuple(_tension(judge, sample, rows) for rows in _groups(sample))
    if isinstance(sample, Violations):
        return (float(np.max(sample.count / sample.runs / sample.delta)),)
    return ()


def _tension(judge: Judge, sample: Comparison, rows: slice) -> float:
    left = sample.left[rows].astype(np.float64)
    right = sample.right[rows].astype(np.float64)
    scale = sample.scale[rows]
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(judge, IdentityJudge):
            error = np.abs(left - right) / np.maximum(scale, np.maximum(np.abs(left), np.abs(right)))
            return float(np.max(error)) / max(judge.tolerance, 1e-15)
        telling = right > _TELLING * scale
        return float(np.max(left[telling] / right[telling])) if telling.any() else -math.inf


def judge(claim: Claim, records: Records) -> tuple[Verdict, tuple[float, ...]] | None:
    """Judge a claim on some records; None where an assumption fails or the claim says nothing about these records."""
    records = tuple(record for record in records if record.study in claim.studies)
    if not all(assumption.holds(record) for assumption in claim.assumptions for record in records):
        return None
    try:
        sample = claim.measure(Evidence(records))
    except ParameterError:  # an empty selection: no row is of the kind that the claim speaks about
        return None
    verdict = claim.judge.judge(sample)
    return None if verdict.status is Status.SKIPPED else (verdict, tensions(claim.judge, sample))


def attempt(claim: Claim, probe: Probe, instance: Instance, *, exact: bool = False) -> Trial | None:
    """Judge a claim on one instance, in floating point or in rational arithmetic.

    Returns
    -------
    Trial or None
        None where an assumption fails, or a solver gives up on the instance.
    """
    make = probe.exact if exact else probe.evidence
    if make is None:
        raise ParameterError(f"{probe.id} has quantities that are not rational")
    try:
        found = judge(claim, make(instance))
    except (CertificateError, NotConverged, ZeroDivisionError, np.linalg.LinAlgError):
        return None
    return None if found is None else Trial(instance, *found, exact=exact)


def settle(claim: Claim, probe: Probe, instance: Instance) -> tuple[Trial | None, bool]:
    """Judge a claim on one instance, a break in rational arithmetic too, where that is possible.

    Returns
    -------
    Trial or None
        The trial in rational arithmetic, if floating point breaks the claim and there is such arithmetic. Where both
        disagree by more than rounding can explain, what measures in floating point is at fault: then it is the
        floating-point trial, which breaks the claim and is not exact.
    bool
        Whether rounding alone broke the claim.
    """
    trial = attempt(claim, probe, instance)
    if trial is None or not trial.refuted or probe.exact is None:
        return trial, False
    certain = attempt(claim, probe, instance, exact=True)
    if certain is None or certain.refuted:
        return certain, False
    if trial.verdict.statistic - trial.verdict.threshold > _ROUNDING:
        return trial, False
    return certain, True
