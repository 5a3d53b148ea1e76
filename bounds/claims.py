"""Claims as data: a statement, its constants, how it is measured, and what must fail.

A :class:`Claim` names the studies that supply its :class:`Evidence`, a function
that turns the evidence into the sample its judge understands, and a
:class:`Control`: a broken variant that the same judge must refute. Nothing in
this module runs an experiment.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from tabular.errors import ParameterError

if TYPE_CHECKING:
    import sympy

__all__ = [
    "Assumption",
    "Claim",
    "Control",
    "Evidence",
    "Finding",
    "Judge",
    "Kind",
    "Paper",
    "Provenance",
    "Record",
    "Sample",
    "Status",
    "Verdict",
]

Sample = Any


class Kind(enum.StrEnum):
    """What sort of statement a claim makes, hence which judge may judge it."""

    IDENTITY = "identity"
    INEQUALITY = "inequality"
    HIGH_PROBABILITY = "high-probability"
    RATE = "rate"
    LOWER_BOUND = "lower-bound"
    SEPARATION = "separation"


class Status(enum.StrEnum):
    """Outcome of a judgement; what each word means is fixed in docs/verdicts.md."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Record:
    """What one cell of a study measured.

    Attributes
    ----------
    study : str
        Id of the study, ``<slug>/<name>``.
    params : mapping
        The cell: names to numbers, strings, booleans or tuples of them.
    arrays : mapping
        Measured arrays by name.
    seed : int
        Root seed; with ``study`` and ``params`` it reproduces the cell.
    """

    study: str
    params: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]
    seed: int = 0

    def __getitem__(self, name: str) -> Any:
        """Return a parameter or a measured array by name (parameters first)."""
        if name in self.params:
            return self.params[name]
        if name in self.arrays:
            return self.arrays[name]
        known = ", ".join([*self.params, *self.arrays])
        raise KeyError(f"record of {self.study} has no {name!r}; it has {known}")

    @property
    def label(self) -> str:
        """The cell in one line, enough to run it again."""
        cell = ", ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in self.params.items())
        return f"{self.study}({cell}; seed={self.seed})"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The records of one or several studies, in the order of their grids."""

    records: tuple[Record, ...]

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def where(self, study: str | None = None, /, **params: Any) -> Evidence:
        """Return the records of ``study`` whose parameters equal those given; never an empty selection.

        Raises
        ------
        ParameterError
            If nothing matches: a claim must not be judged on nothing.
        """
        kept = tuple(
            record
            for record in self.records
            if (study is None or record.study == study)
            and all(name in record.params and record.params[name] == value for name, value in params.items())
        )
        if not kept:
            raise ParameterError(f"no record of {study or 'any study'} matches {params}")
        return Evidence(kept)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return parameter or array ``name`` of all records, arrays concatenated along their first axis."""
        return np.concatenate([np.atleast_1d(np.asarray(record[name])) for record in self.records])

    def groups(self, *names: str) -> Iterator[tuple[tuple[Any, ...], Evidence]]:
        """Yield the records grouped by the values of parameters ``names``, in order of first appearance."""
        grouped: dict[tuple[Any, ...], list[Record]] = {}
        for record in self.records:
            grouped.setdefault(tuple(record.params.get(name) for name in names), []).append(record)
        for key, members in grouped.items():
            yield key, Evidence(tuple(members))


@dataclass(frozen=True, slots=True)
class Assumption:
    """A premise of the theorem, with an executable check of it on a record's instance.

    Attributes
    ----------
    name : str
    statement : str
        LaTeX.
    holds : callable
        ``Record -> bool``. Records on which it fails are left out; when none is left the verdict is ``skipped``.
    """

    name: str
    statement: str
    holds: Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the statement and each of its constants come from.

    Attributes
    ----------
    statement : str
        One of ``confirmed``, ``derived``, ``recalled``.
    source : str
        The source seen, or where the proof stands.
    constants : mapping
        Name of a constant to the same three words followed by a colon and the source.
    """

    statement: str
    source: str
    constants: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word in (self.statement, *(text.partition(":")[0] for text in self.constants.values())):
            if word not in ("confirmed", "derived", "recalled"):
                raise ParameterError(f"provenance is {word!r}; choose confirmed, derived or recalled")

    def __str__(self) -> str:
        """Return the weakest word among the statement and its constants."""
        words = {self.statement, *(text.partition(":")[0] for text in self.constants.values())}
        return next(word for word in ("recalled", "derived", "confirmed") if word in words)


@dataclass(frozen=True, slots=True)
class Control:
    """A broken variant of the claim that the same judge must refute.

    Attributes
    ----------
    name : str
    description : str
        What was broken.
    measure : callable
        ``Evidence -> Sample``, like the claim's.
    """

    name: str
    description: str
    measure: Callable[[Evidence], Sample]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader should know about a published statement.

    Attributes
    ----------
    title : str
        One line, shown at the top of the report.
    text : str
        What was found and how to see it.
    docs : str
        Page of docs with the write-up, ``papers/<slug>.md#anchor``.
    explains : Status or None
        The status that the finding accounts for (a refutation with a finding does not fail a run).
    """

    title: str
    text: str
    docs: str
    explains: Status | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A source of claims.

    Attributes
    ----------
    slug : str
        The thread through the house: module names, claim ids, docs page.
    title, authors : str
    year : int
    key : str
        Entry of references.bib.
    room : str or None
        Folder of ``tabular/learning`` that holds its learner; None where the paper has none.
    summary : str
        Two or three sentences for the report.
    """

    slug: str
    title: str
    authors: str
    year: int
    key: str
    room: str | None
    summary: str


class Judge(Protocol):
    """What turns a sample into a verdict; `bounds.judges` holds one for each kind."""

    def judge(self, sample: Any) -> Verdict:
        """Judge one sample on its own, before the correction for multiplicity."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge found.

    Attributes
    ----------
    status : Status
        Final only after the ledger has applied the correction for multiplicity.
    statistic, threshold : float
        What was measured and what it was held against; both are finite.
    p_value : float or None
        Probability, were the claim true, of evidence at least this much against it; None for deterministic judgements.
    n : int
        Number of instances, runs or points the verdict rests on.
    tightness : float or None
        Worst measured/bound; 1 means that the bound is attained.
    vacuous : bool
        Whether the bound is no better than the trivial one everywhere it was tried.
    informative_from : str
        For a vacuous bound: the size at which it starts to say something; empty otherwise.
    worst : str
        The worst instance, reproducible from its label.
    reason : str
        One sentence: why this status, and for ``inconclusive`` how much more evidence would decide.
    """

    status: Status
    statistic: float
    threshold: float
    p_value: float | None
    n: int
    tightness: float | None = None
    vacuous: bool = False
    informative_from: str = ""
    worst: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of one paper, ready to be judged.

    Attributes
    ----------
    id : str
        ``<slug>/<name>``.
    paper : str
        Theorem, lemma or section of the source, with its key in references.bib: ``"rashidinejad2021, Thm 1"``.
    kind : Kind
    statement : str
        LaTeX.
    judge : Judge
        Configured with every level and tolerance, fixed before any run.
    studies : tuple of str
        Ids of the studies that supply the evidence (``experiments/papers/<slug>.py``).
    measure : callable
        ``Evidence -> Sample`` in the judge's terms.
    control : Control
    provenance : Provenance
    bound : sympy.Expr or None
        The right-hand side with its constants; None where the source gives only an order.
    assumptions : tuple of Assumption
    finding : Finding or None
    """

    id: str
    paper: str
    kind: Kind
    statement: str
    judge: Judge
    studies: tuple[str, ...]
    measure: Callable[[Evidence], Sample]
    control: Control
    provenance: Provenance
    bound: sympy.Expr | None = None
    assumptions: tuple[Assumption, ...] = ()
    finding: Finding | None = None

    @property
    def slug(self) -> str:
        """Slug of the paper."""
        return self.id.partition("/")[0]
