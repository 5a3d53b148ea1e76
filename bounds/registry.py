"""Papers and their claims, found by looking into `bounds.papers`; there is no list to keep."""

import difflib
import functools
import importlib
import pkgutil

from tabular.errors import ParameterError

from .claims import Claim, Paper

__all__ = ["claim", "claims", "paper", "papers"]


@functools.lru_cache(maxsize=1)
def _slugs() -> tuple[str, ...]:
    """Slugs of the modules of `bounds.papers`, sorted; modules are named, not imported."""
    package = importlib.import_module("bounds.papers")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name.replace("_", "-") for name in found if not name.startswith("_")))


@functools.cache
def _module(slug: str) -> tuple[Paper, tuple[Claim, ...]]:
    """Import one paper's module and check what it exports."""
    module = importlib.import_module(f"bounds.papers.{slug.replace('-', '_')}")
    missing = [name for name in ("PAPER", "CLAIMS") if not hasattr(module, name)]
    if missing:
        raise ParameterError(f"{module.__name__} exports no {' and no '.join(missing)}")
    described: Paper = module.PAPER
    found: tuple[Claim, ...] = tuple(module.CLAIMS)
    if described.slug != slug:
        raise ParameterError(f"{module.__name__}.PAPER has slug {described.slug!r}; the module is named for {slug!r}")
    ids = [one.id for one in found]
    for one in found:
        if one.slug != slug or one.id == f"{slug}/" or ids.count(one.id) > 1:
            raise ParameterError(f"{module.__name__}: claim id {one.id!r} must be '{slug}/<name>' and unique")
    return described, found


def _unknown(what: str, name: str, known: tuple[str, ...]) -> ParameterError:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(known) or 'none'}"
    return ParameterError(f"unknown {what} {name!r}; {hint}")


def paper(slug: str) -> Paper:
    """Return the paper with this slug.

    Raises
    ------
    ParameterError
        If there is none; the message lists close matches.
    """
    if slug not in _slugs():
        raise _unknown("paper", slug, _slugs())
    return _module(slug)[0]


def papers() -> tuple[Paper, ...]:
    """Return every paper, in the order of their slugs."""
    return tuple(_module(slug)[0] for slug in _slugs())


def claims(slug: str | None = None) -> tuple[Claim, ...]:
    """Return the claims of one paper in the order of its module, or of all papers.

    Parameters
    ----------
    slug : str or None
        Slug of a paper; None for every claim there is.

    Raises
    ------
    ParameterError
        If there is no such paper; the message lists close matches.
    """
    if slug is None:
        return tuple(one for known in _slugs() for one in _module(known)[1])
    paper(slug)
    return _module(slug)[1]


def claim(id: str) -> Claim:
    """Return the claim ``<slug>/<name>``.

    Raises
    ------
    ParameterError
        If there is none; the message lists close matches.
    """
    slug, _, name = id.partition("/")
    if slug not in _slugs():
        if name:
            raise _unknown("paper", slug, _slugs())
        raise _unknown("claim", id, tuple(one.id for one in claims()))
    for one in _module(slug)[1]:
        if one.id == id:
            return one
    raise _unknown("claim", id, tuple(one.id for one in _module(slug)[1]))
