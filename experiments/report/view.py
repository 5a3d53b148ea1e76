"""What the pages show, as plain values: one :class:`EntryView` a claim, one :class:`PaperView` a paper."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounds.claims import Finding, Paper, Status
from experiments.falsify.search import SEARCHED
from experiments.report.mathml import bound_latex
from tabular.errors import ParameterError

if TYPE_CHECKING:
    import sympy

    from bounds.ledger import Entry, Ledger
    from experiments.falsify import Searched
    from experiments.study import Study

__all__ = [
    "EntryView",
    "FigureView",
    "PaperView",
    "SearchView",
    "entry_views",
    "figure_views",
    "paper_views",
    "status_counts",
    "versions",
]

ORDER = (Status.REFUTED, Status.INCONCLUSIVE, Status.SKIPPED, Status.SUPPORTED)
"""Statuses as the table sorts them: what wants attention first."""

_PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "cvxpy", "highspy", "sympy", "matplotlib")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(r"[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*")
_LABELS: Mapping[str, tuple[str, str]] = {
    "IdentityJudge": ("worst relative error", "tolerance"),
    "InequalityJudge": ("worst excess over the bound", "rounding allowance"),
    "LowerBoundJudge": ("worst excess over the risk", "rounding allowance"),
    "CoverageJudge": ("worst violation rate", "delta"),
    "RateJudge": ("measured exponent", "claimed exponent"),
    "SeparationJudge": ("smallest difference", "margin"),
    "AllOf": ("statistic of the worst part", "threshold of that part"),
}


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding; `page` is its write-up as an address below the built docs."""

    title: str
    text: str
    docs: str
    page: str


@dataclass(frozen=True, slots=True)
class ControlView:
    """The broken variant and what the judge said of it."""

    name: str
    description: str
    status: str
    statistic: float
    threshold: float
    p_value: float | None
    n: int
    reason: str


@dataclass(frozen=True, slots=True)
class ConstantView:
    """A constant of a bound: where its value comes from."""

    name: str
    word: str
    source: str


@dataclass(frozen=True, slots=True)
class ProvenanceView:
    """Origin of a statement and of its constants; `word` is the weakest of them."""

    word: str
    statement: str
    source: str
    constants: tuple[ConstantView, ...]


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study that supplies evidence; title, cells and seed where the study is known."""

    id: str
    title: str = ""
    cells: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FigureView:
    """A rendered figure, with addresses relative to the site's root."""

    id: str
    slug: str
    name: str
    title: str
    caption: str
    scale: str
    differences: tuple[str, ...]
    claim_ids: tuple[str, ...]
    claims: tuple[Mapping[str, str], ...]
    width: int
    height: int

    @property
    def anchor(self) -> str:
        """Fragment of the figure on its paper's page."""
        return f"figure-{self.name}"

    def _file(self, suffix: str) -> str:
        return f"figures/{self.id}{suffix}"

    @property
    def png(self) -> str:
        """Address of the picture."""
        return self._file(".png")

    @property
    def pdf(self) -> str:
        """Address of the vector drawing."""
        return self._file(".pdf")

    @property
    def csv(self) -> str:
        """Address of the plotted numbers."""
        return self._file(".csv")

    @property
    def json(self) -> str:
        """Address of the note."""
        return self._file(".json")


@dataclass(frozen=True, slots=True)
class SearchView:
    """What the searches for a counterexample found, and how much they looked at."""

    ratio: float | None
    instances: int
    over: str
    searches: int
    seconds: float
    refuted: bool
    exact: bool | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of the ledger, with everything that its article shows."""

    id: str
    slug: str
    name: str
    reference: str
    kind: str
    statement: str
    status: str
    statistic: float
    threshold: float
    p_value: float | None
    n: int
    tightness: float | None
    vacuous: bool
    informative_from: str
    worst: str
    reason: str
    labels: tuple[str, str]
    control: ControlView
    provenance: ProvenanceView
    bound: str
    assumptions: tuple[Mapping[str, str], ...]
    finding: FindingView | None
    unexplained: bool
    unrefuted: bool
    studies: tuple[StudyView, ...]
    figures: tuple[FigureView, ...] = ()
    searchable: bool = False
    search: SearchView | None = None

    @property
    def href(self) -> str:
        """Address of the claim, from the site's root."""
        return f"papers/{self.slug}.html#{self.name}"

    @property
    def rank(self) -> int:
        """Place of the status when the table is sorted by it."""
        return ORDER.index(Status(self.status))

    @property
    def flags(self) -> str:
        """Flags that the ledger can be filtered by."""
        marks = {"vacuous": self.vacuous, "finding": self.finding, "recalled": self.provenance.word == "recalled"}
        return " ".join(name for name, on in marks.items() if on)

    @property
    def text(self) -> str:
        """What the free-text filter looks at, in lower case."""
        parts = [self.id, self.reference, self.kind, self.status, self.control.name, self.provenance.word]
        parts += [self.finding.title, "finding"] if self.finding else []
        parts += ["vacuous"] if self.vacuous else []
        return " ".join(parts).lower()

    @property
    def gauge(self) -> float:
        """Tightness in percent, cut to the gauge."""
        return round(100 * min(max(self.tightness or 0.0, 0.0), 1.0), 1)


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper with its entries and figures."""

    slug: str
    title: str
    authors: str
    year: int
    summary: str
    entries: tuple[EntryView, ...]
    figures: tuple[FigureView, ...]
    counts: tuple[tuple[str, int], ...] = field(default=())


def _finding(finding: Finding | None) -> FindingView | None:
    if finding is None:
        return None
    page, hash_, anchor = finding.docs.partition("#")
    return FindingView(finding.title, finding.text, finding.docs, page.removesuffix(".md") + ".html" + hash_ + anchor)


def _bound(bound: sympy.Expr | None) -> str:
    return "" if bound is None else bound_latex(bound)


def _study(id: str, known: Mapping[str, Study], scale: str) -> StudyView:
    study = known.get(id)
    return StudyView(id) if study is None else StudyView(id, study.title, len(study.cells(scale)), study.seed)


def _search(found: Searched | None) -> SearchView | None:
    if found is None:
        return None
    return SearchView(
        found.ratio, found.instances, found.over, found.searches, found.seconds, found.refuted, found.exact
    )


def _entry(
    entry: Entry,
    known: Mapping[str, Study],
    scale: str,
    figures: Sequence[FigureView],
    searched: Mapping[str, Searched],
) -> EntryView:
    claim, verdict, control = entry.claim, entry.verdict, entry.control
    name = claim.id.partition("/")[2]
    if not _SLUG.fullmatch(claim.slug) or not _NAME.fullmatch(name):
        raise ParameterError(f"claim id {claim.id!r} does not make an address; ids look like 'some-paper/some-claim'")
    constants = []
    for constant, origin in claim.provenance.constants.items():
        word, _, source = origin.partition(":")
        constants.append(ConstantView(constant, word, source.strip()))
    return EntryView(
        id=claim.id,
        slug=claim.slug,
        name=name,
        reference=claim.paper,
        kind=str(claim.kind),
        statement=claim.statement,
        status=str(entry.status),
        statistic=verdict.statistic,
        threshold=verdict.threshold,
        p_value=verdict.p_value,
        n=verdict.n,
        tightness=verdict.tightness,
        vacuous=verdict.vacuous,
        informative_from=verdict.informative_from,
        worst=verdict.worst,
        reason=verdict.reason,
        labels=_LABELS.get(type(claim.judge).__name__, ("statistic", "threshold")),
        control=ControlView(
            claim.control.name,
            claim.control.description,
            str(control.status),
            control.statistic,
            control.threshold,
            control.p_value,
            control.n,
            control.reason,
        ),
        provenance=ProvenanceView(
            str(claim.provenance), claim.provenance.statement, claim.provenance.source, tuple(constants)
        ),
        bound=_bound(claim.bound),
        assumptions=tuple({"name": a.name, "statement": a.statement} for a in claim.assumptions),
        finding=_finding(claim.finding),
        unexplained=entry.status is Status.REFUTED and not entry.explained,
        unrefuted=entry.status is not Status.SKIPPED and control.status is not Status.REFUTED,
        studies=tuple(_study(study, known, scale) for study in claim.studies),
        figures=tuple(figure for figure in figures if claim.id in figure.claim_ids),
        searchable=claim.kind in SEARCHED,
        search=_search(searched.get(claim.id)),
    )


def entry_views(
    ledger: Ledger,
    *,
    scale: str,
    studies: Mapping[str, Study],
    figures: Sequence[FigureView],
    searched: Mapping[str, Searched] | None = None,
) -> tuple[EntryView, ...]:
    """Return the entries of a ledger in its order.

    Parameters
    ----------
    ledger : Ledger
    scale : str
    studies : mapping
        Id to Study; an unknown id is shown bare.
    figures : sequence of FigureView
    searched : mapping, optional
        Id of a claim to what the searches for a counterexample found; claims that are absent were never searched.

    Raises
    ------
    ParameterError
        If a claim's id cannot be part of an address.
    """
    return tuple(_entry(entry, studies, scale, figures, searched or {}) for entry in ledger.entries)


def figure_views(folder: Path | None, slugs: Sequence[str], claims: Sequence[str]) -> tuple[FigureView, ...]:
    """Return the figures of some papers that are complete in a folder, sorted by id.

    Parameters
    ----------
    folder : Path or None
        Root of what `paper_figures.render` wrote; None or a missing folder holds no figure.
    slugs : sequence of str
    claims : sequence of str
        Ids of the claims that have an article to link to.
    """
    found = []
    for slug in slugs:
        for path in sorted((folder / slug).glob("*.json")) if folder is not None else ():
            note = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(note, dict) or note.get("id") != f"{slug}/{path.stem}" or not _NAME.fullmatch(path.stem):
                continue
            if all(path.with_suffix(suffix).is_file() for suffix in (".png", ".pdf", ".csv")):
                found.append(_figure(note, slug, path.stem, claims))
    return tuple(found)


def _figure(note: Mapping[str, Any], slug: str, name: str, claims: Sequence[str]) -> FigureView:
    width, height = note["size"]
    illustrated = tuple(note["claims"])
    return FigureView(
        id=note["id"],
        slug=slug,
        name=name,
        title=note["title"].rstrip("."),
        caption=note["caption"],
        scale=note.get("scale", ""),
        differences=tuple(text.rstrip(".") for text in note["differences"]),
        claim_ids=illustrated,
        claims=tuple(
            {"name": claim.partition("/")[2], "href": f"{claim.partition('/')[0]}.html#{claim.partition('/')[2]}"}
            for claim in illustrated
            if claim in claims
        ),
        width=int(width) // 2,
        height=int(height) // 2,
    )


def status_counts(entries: Sequence[EntryView]) -> tuple[tuple[str, int], ...]:
    """Return how many entries have each status, in the order supported, refuted, inconclusive, skipped."""
    return tuple((str(status), sum(entry.status == status for entry in entries)) for status in Status)


def paper_views(
    papers: Mapping[str, Paper], entries: Sequence[EntryView], figures: Sequence[FigureView]
) -> tuple[PaperView, ...]:
    """Return the papers of the entries, in the order in which the ledger reaches them.

    Raises
    ------
    ParameterError
        If the paper of an entry is not among `papers`.
    """
    views = []
    for slug in dict.fromkeys(entry.slug for entry in entries):
        if slug not in papers:
            raise ParameterError(f"no paper describes the claims of {slug!r}")
        paper = papers[slug]
        own = tuple(entry for entry in entries if entry.slug == slug)
        drawn = tuple(figure for figure in figures if figure.slug == slug)
        views.append(
            PaperView(slug, paper.title, paper.authors, paper.year, paper.summary, own, drawn, status_counts(own))
        )
    return tuple(views)


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions that the evidence depends on; packages that are not installed are left out."""
    found = [("python", platform.python_version())]
    for name in ("rl-theorems", *_PACKAGES):
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)
