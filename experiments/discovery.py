"""Studies, probes and figures, found by looking into their packages; there is no list to keep."""

import difflib
import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from tabular.errors import ParameterError

from .study import Study

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["figures", "probe", "probes", "slugs", "studies", "study", "unknown"]

#: Modules of `paper_figures` that are machinery rather than papers.
_NOT_PAPERS = frozenset({"figure", "render", "style"})


def unknown(what: str, name: str, known: "Iterable[str]") -> ParameterError:
    """Return the error for a name that does not exist, with close matches."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(known) or 'none'}"
    return ParameterError(f"unknown {what} {name!r}; {hint}")


@functools.cache
def slugs(package: str = "experiments.papers") -> tuple[str, ...]:
    """Return the slugs of the modules of a package, sorted; modules are named, not imported."""
    path = importlib.import_module(package).__path__
    names = (module.name for module in pkgutil.iter_modules(path))
    return tuple(sorted(n.replace("_", "-") for n in names if not n.startswith("_") and n not in _NOT_PAPERS))


@functools.cache
def _exported(package: str, slug: str, what: str) -> tuple[Any, ...]:
    """Import one paper's module of ``package`` and return what it exports under ``what``, ids checked."""
    module = importlib.import_module(f"{package}.{slug.replace('-', '_')}")
    if not hasattr(module, what):
        raise ParameterError(f"{module.__name__} exports no {what}")
    found = tuple(getattr(module, what))
    ids = [one.id for one in found]
    for id in ids:
        if not id.startswith(f"{slug}/") or id == f"{slug}/" or ids.count(id) > 1:
            raise ParameterError(f"{module.__name__}: id {id!r} must be '{slug}/<name>' and unique")
    return found


def _collect(package: str, slug: str | None, what: str) -> tuple[Any, ...]:
    known = slugs(package)
    if slug is not None and slug not in known:
        raise unknown("paper", slug, known)
    return tuple(one for each in (known if slug is None else (slug,)) for one in _exported(package, each, what))


def studies(slug: str | None = None) -> tuple[Study, ...]:
    """Return the studies of one paper in the order of its module, or of all papers.

    Raises
    ------
    ParameterError
        If there is no such paper; the message lists close matches.
    """
    return _collect("experiments.papers", slug, "STUDIES")


def study(id: str) -> Study:
    """Return the study ``<slug>/<name>``.

    Raises
    ------
    ParameterError
        If there is none; the message lists close matches.
    """
    slug = id.partition("/")[0]
    known = studies(slug if slug in slugs() else None)
    for one in known:
        if one.id == id:
            return one
    raise unknown("study", id, (one.id for one in known))


def probes(slug: str | None = None) -> dict[str, Any]:
    """Return the probes of one paper, or of all papers, by the id of their claim (`experiments.falsify.Probe`).

    Raises
    ------
    ParameterError
        If the paper has none.
    """
    return {probe.id: probe for probe in _collect("experiments.probes", slug, "PROBES")}


def probe(claim: str) -> Any:
    """Return the probe of a claim, or None where it has none."""
    slug = claim.partition("/")[0]
    return probes(slug).get(claim) if slug in slugs("experiments.probes") else None


def figures(slug: str | None = None) -> tuple[Any, ...]:
    """Return the figures of one paper, or of all papers, as `paper_figures.figure.Figure`.

    Raises
    ------
    ParameterError
        If there is no such paper; the message lists close matches.
    """
    return _collect("paper_figures", slug, "FIGURES")
