"""The report: a folder of static pages that needs no network and no server.

``index.html`` opens with the findings, those on refuted claims first, and holds the ledger; ``papers/<slug>.html`` has
one article a claim; ``atlas.html`` tabulates complexity measures. The same ledger, atlas, figures and versions give the
same bytes.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from experiments.report import atlas_view, mathml, view
from tabular.errors import ParameterError

if TYPE_CHECKING:
    from bounds.claims import Paper
    from bounds.ledger import Ledger
    from experiments.atlas.numbers import Atlas
    from experiments.falsify import Searched
    from experiments.study import Study

__all__ = ["build"]

_HERE = Path(__file__).resolve().parent
_MANIFEST = ".rl-theorems-report.json"
_COLUMNS = (
    ("text", "Claim"),
    ("text", "Paper"),
    ("text", "Kind"),
    ("text", "Status"),
    ("text", "Control"),
    ("number", "n"),
    ("number", "p"),
    ("number", "Tightness"),
    ("text", "Provenance"),
)


def _prose(text: str) -> Markup:
    """Return prose as HTML; a formula that is not understood shows the text as it was written."""
    try:
        return mathml.prose(text)
    except ParameterError:
        return Markup('<code class="source">{}</code>').format(text)


def _statement(text: str) -> Markup:
    """Return a statement; a bare formula is set large."""
    try:
        return mathml.prose(text, block=True)
    except ParameterError:
        return Markup('<code class="source">{}</code>').format(text)


def _formula(latex: str) -> Markup:
    """Return a bound, set large, in pieces between which a line may end."""
    try:
        return mathml.broken_math(latex, display_style=True, sums=True)
    except ParameterError:
        return Markup('<code class="source">{}</code>').format(latex)


def _number(value: float | None) -> Markup:
    """Return three significant digits; very large and very small numbers as powers of ten, None as a dash."""
    if value is None:
        return Markup('<span class="muted" aria-label="none">–</span>')
    if value == 0 or not math.isfinite(value):
        return escape(f"{value:g}")
    if 1e-3 <= abs(value) < 1e5:
        text = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}".replace(",", "\u202f")
        return escape(text.replace("-", "−"))
    mantissa, exponent = f"{value:.1e}".split("e")
    mantissa, power = mantissa.replace("-", "−"), str(int(exponent)).replace("-", "−")
    return Markup("{}\u202f×\u202f10<sup>{}</sup>").format(mantissa, power)


def _p_value(value: float | None) -> Markup:
    """Return a p-value; one too small for a float is not called zero."""
    return Markup("&lt;\u202f10<sup>−300</sup>") if value == 0 else _number(value)


def _count(value: int) -> str:
    """Return an integer with its thousands set apart."""
    return f"{value:,}".replace(",", "\u202f")


def _sentence(text: str) -> str:
    """Return text with a full stop, and a capital unless it begins with a symbol (``c = 0.2`` is not ``C``)."""
    text = text.strip()
    if re.match(r"[a-z]{2,}[ ,:]|a ", text):
        text = text[0].upper() + text[1:]
    return text + ("" if not text or text[-1] in ".!?" else ".")


def _plain(text: str) -> str:
    """Return text for an attribute, without dollar signs and backslashes."""
    return text.replace("$", "").replace("\\", "")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        prose=_prose,
        statement=_statement,
        formula=_formula,
        number=_number,
        count=_count,
        p_value=_p_value,
        sentence=_sentence,
        plain=_plain,
    )
    return environment


def _known_papers(ledger: Ledger) -> dict[str, Paper]:
    import bounds

    return {slug: bounds.paper(slug) for slug in dict.fromkeys(entry.claim.slug for entry in ledger.entries)}


def _known_studies(ledger: Ledger) -> dict[str, Study]:
    from experiments import discovery

    wanted = dict.fromkeys(study for entry in ledger.entries for study in entry.claim.studies)
    return {id: discovery.study(id) for id in wanted}


def _pages(
    ledger: Ledger,
    scale: str,
    papers: Mapping[str, Paper],
    studies: Mapping[str, Study],
    figures: Path,
    docs: str,
    searched: Mapping[str, Searched],
    atlas: Atlas | None,
) -> tuple[dict[str, str], tuple[view.FigureView, ...]]:
    """Return every text file of the site by its address, and the figures that it shows."""
    slugs = list(dict.fromkeys(entry.claim.slug for entry in ledger.entries))
    drawn = view.figure_views(figures, slugs, [entry.claim.id for entry in ledger.entries])
    entries = view.entry_views(ledger, scale=scale, studies=studies, figures=drawn, searched=searched)
    views = view.paper_views(papers, entries, drawn)
    with_p = sum(entry.p_value is not None for entry in entries)
    versions = view.versions()
    version = dict(versions).get("rl-theorems", "")
    shared: dict[str, Any] = {"scale": scale, "docs": docs, "version": version, "atlas": atlas}
    environment = _environment()
    pages = {
        "index.html": environment.get_template("index.html").render(
            **shared,
            root="",
            entries=entries,
            papers=views,
            total=len(entries),
            counts=view.status_counts(entries),
            vacuous=sum(entry.vacuous for entry in entries),
            kinds=sorted({entry.kind for entry in entries}),
            columns=_COLUMNS,
            findings=sorted((one for one in entries if one.finding), key=lambda one: one.status != "refuted"),
            attention=[entry for entry in entries if entry.unexplained or entry.unrefuted],
            failed_controls=[entry for entry in entries if entry.unrefuted],
            alpha=f"{ledger.alpha:g}",
            with_p=with_p,
            by_chance=f"{with_p * ledger.alpha:.2g}",
            versions=versions,
            example=entries[0].id if entries else "",
        )
    }
    template = environment.get_template("paper.html")
    for paper in views:
        address = f"papers/{paper.slug}.html"
        pages[address] = template.render(**shared, root="../", paper=paper, entries=paper.entries)
    if atlas is not None:
        pages |= _atlas_pages(environment, shared, atlas)
    pages["ledger.json"] = json.dumps(ledger.to_json(), indent=1, ensure_ascii=False) + "\n"
    return pages, drawn


def _atlas_pages(environment: Environment, shared: Mapping[str, Any], atlas: Atlas) -> dict[str, str]:
    """Return the page of the atlas, and its numbers as data."""
    counts = atlas.counts()
    page = environment.get_template("atlas.html").render(
        **shared,
        root="",
        kinds=atlas_view.atlas_views(atlas),
        statuses=atlas_view.STATUSES,
        signs=[(status, sign) for status, sign in atlas_view.SIGNS.items() if counts[status]],
        counts=counts,
        failed=[number for number in atlas.numbers if not number.certified],
    )
    return {"atlas.html": page, "atlas.json": atlas.json(), "atlas.csv": atlas.csv()}


def _previous(out: Path, addresses: set[str]) -> set[str]:
    """Return what the last report wrote into `out`; refuse to overwrite anything else."""
    manifest = out / _MANIFEST
    written = set(json.loads(manifest.read_text(encoding="utf-8"))["files"]) if manifest.is_file() else set()
    foreign = sorted(address for address in addresses - written if (out / address).exists())
    if foreign:
        raise ParameterError(f"{out} holds {foreign[0]}, which no report has written; choose another folder")
    return written


def _install(staged: Path, out: Path, addresses: set[str], stale: set[str]) -> None:
    """Move the staged files into place one by one, the front page last, then drop what no page needs any more."""
    for address in sorted(addresses, key=lambda name: (name == "index.html", name)):
        target = out / address
        target.parent.mkdir(parents=True, exist_ok=True)
        (staged / address).replace(target)
    for address in sorted(stale):
        target = out / address
        target.unlink(missing_ok=True)
        for folder in target.parents:
            if folder == out or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


def build(
    ledger: Ledger,
    *,
    out: Path,
    scale: str,
    figures: Path,
    papers: Mapping[str, Paper] | None = None,
    studies: Mapping[str, Study] | None = None,
    searched: Mapping[str, Searched] | None = None,
    atlas: Atlas | None = None,
) -> Path:
    """Write the report.

    Parameters
    ----------
    ledger : Ledger
    out : Path
        Folder of the site, made if missing. Files of an earlier report are replaced, each in one step, or removed;
        whatever else lies there (built docs, say) stays.
    scale : str
        Scale of the evidence, ``quick`` or ``paper``.
    figures : Path
        Root of the rendered figures (`paper_figures.render`); those of the ledger's papers are copied.
    papers, studies : mapping, optional
        Slug to Paper and id to Study; by default what `bounds` and `experiments.discovery` find.
    searched : mapping, optional
        Id of a claim to what the searches for a counterexample found (`experiments.falsify.Searches.of`).
    atlas : Atlas, optional
        Complexity measures of instances; the site has their page where it is given.

    Returns
    -------
    Path
        The front page.

    Raises
    ------
    ParameterError
        If `out` holds a file of someone else's under a name that the report needs, or a claim's id cannot be part
        of an address.
    """
    out, figures = Path(out).resolve(), Path(figures).resolve()
    papers = _known_papers(ledger) if papers is None else papers
    studies = _known_studies(ledger) if studies is None else studies
    docs = "docs/" if (out / "docs" / "index.html").is_file() else ""
    pages, drawn = _pages(ledger, scale, papers, studies, figures, docs, searched or {}, atlas)
    copies = {f"assets/{path.name}": path for path in sorted((_HERE / "static").iterdir()) if path.is_file()}
    if figures != out / "figures":
        for figure in drawn:
            for suffix in (".png", ".pdf", ".csv", ".json"):
                copies[f"figures/{figure.id}{suffix}"] = figures / f"{figure.id}{suffix}"
    addresses = set(pages) | set(copies)
    out.mkdir(parents=True, exist_ok=True)
    written = _previous(out, addresses)
    with tempfile.TemporaryDirectory(dir=out, prefix=".building-") as folder:
        staged = Path(folder)
        for address, text in pages.items():
            target = staged / address
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        for address, source in copies.items():
            target = staged / address
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        manifest = staged / _MANIFEST
        manifest.write_text(json.dumps({"files": sorted(addresses | written)}, indent=1) + "\n", encoding="utf-8")
        manifest.replace(out / _MANIFEST)
        stale = {name for name in written - addresses if figures != out / "figures" or not name.startswith("figures/")}
        _install(staged, out, addresses, stale)
        manifest.write_text(json.dumps({"files": sorted(addresses)}, indent=1) + "\n", encoding="utf-8")
        manifest.replace(out / _MANIFEST)
    return out / "index.html"
