"""The command line: ``rl-theorems list | run | verify | figures | report | atlas | falsify | export | doctor``.

Exit status: 0 as expected; 1 a verdict or a run is not as expected; 2 wrong
usage, an unknown name or a missing extra; 3 the store cannot be used; 130
interrupted. Heavy imports happen inside the commands, so that help is instant.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._commands import (
    BackendName,
    BackendOption,
    DryRunOption,
    Scale,
    ScaleOption,
    SchedulerOption,
    Slugs,
    SomeSlugs,
    StoreOption,
    WorkersOption,
    gather,
    open_store,
    say,
    tell_estimate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .engine import Store
    from .study import Study

__all__ = ["main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The theorems of reinforcement learning as programs that can be run, judged and plotted.",
    epilog="Errors are one line; with --debug they come with their traceback.",
)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List papers, claims and figures."""
    import bounds

    from . import discovery

    papers: list[dict[str, Any]] = []
    drawn = discovery.slugs("paper_figures")
    studied = discovery.slugs()
    for paper in bounds.papers():
        figures = discovery.figures(paper.slug) if paper.slug in drawn else ()
        papers.append(
            {
                "slug": paper.slug,
                "title": paper.title,
                "authors": paper.authors,
                "year": paper.year,
                "claims": [
                    {"id": claim.id, "kind": claim.kind.value, "paper": claim.paper}
                    for claim in bounds.registry.claims(paper.slug)
                ],
                "studies": [study.id for study in discovery.studies(paper.slug)] if paper.slug in studied else [],
                "figures": [{"id": figure.id, "title": figure.title} for figure in figures],
            }
        )
    if as_json:
        typer.echo(json.dumps(papers, indent=1, ensure_ascii=False))
        return
    for entry in papers:
        typer.echo(f"{entry['slug']}: {entry['title']} ({entry['authors']}, {entry['year']})")
        for claim in entry["claims"]:
            typer.echo(f"  claim   {claim['id']}  [{claim['kind']}]  {claim['paper']}")
        for figure in entry["figures"]:
            typer.echo(f"  figure  {figure['id']}  {figure['title']}")


@app.command()
def run(
    slugs: Slugs,
    scale: ScaleOption = Scale.quick,
    backend: BackendOption = BackendName.processes,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    store: StoreOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Gather the evidence of papers; what is stored already is not run again."""
    from . import discovery

    studies = [study for slug in slugs for study in discovery.studies(slug)]
    with open_store(store) as opened:
        if dry_run:
            tell_estimate(studies, opened, scale)
        else:
            gather(studies, opened, scale, backend, workers, scheduler)


@app.command()
def verify(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[SLUG | CLAIM]...", help="Papers or claims; all by default.")
    ] = None,
    scale: ScaleOption = Scale.quick,
    backend: BackendOption = BackendName.processes,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    store: StoreOption = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the ledger as JSON; - for standard output.")
    ] = None,
    instance: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Judge one instance that a search wrote, and nothing else.")
    ] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Judge claims; exit 0 if every control is refuted and no refutation is unexplained, else 1."""
    if instance is not None:
        _judge_instance(instance, targets or ())
        return
    from . import ledger_table
    from .verify import resolve, studies_of
    from .verify import verify as judge

    claims = resolve(targets or ())
    with open_store(store) as opened:
        if dry_run:
            tell_estimate(studies_of(claims), opened, scale)
            return
        gather(studies_of(claims), opened, scale, backend, workers, scheduler)
        ledger = judge([claim.id for claim in claims], scale=scale.value, store=opened, backend="serial")
    text = json.dumps(ledger.to_json(), indent=1, ensure_ascii=False) + "\n"
    if as_json is not None and str(as_json) != "-":
        as_json.write_text(text, encoding="utf-8")
    if as_json is not None and str(as_json) == "-":
        typer.echo(text, nl=False)
    else:
        ledger_table.show(ledger)
    if not ledger.ok:
        raise typer.Exit(1)


def _judge_instance(path: Path, targets: "Sequence[str]") -> None:
    """Judge the instance of a file again; exit 1 if it breaks its claim."""
    from tabular.errors import ParameterError

    from .falsify import judge_file

    if targets:
        raise ParameterError("an instance names its claim itself; give --instance alone")
    judged = judge_file(path)
    verdict = judged.verdict
    exact = " in rational arithmetic" if judged.exact else ""
    typer.echo(f"{judged.stored.claim.id}: {verdict.status} on the instance of {path}{exact}")
    typer.echo(f"{verdict.reason}; statistic {verdict.statistic:.6g} against {verdict.threshold:.6g}")
    if judged.refuted:
        raise typer.Exit(1)


def _draw(slugs: "Sequence[str]", scale: Scale, store: "Store", out: Path) -> list[Path]:
    """Draw the figures of papers through `paper_figures`, which lies to the right of this package."""
    import importlib

    drawn: list[Path] = importlib.import_module("paper_figures.render").render_all(
        slugs, scale=scale.value, store=store, out=out
    )
    return drawn


def _studies_of_figures(slugs: "Sequence[str]") -> "list[Study]":
    from . import discovery

    figures = [figure for slug in slugs for figure in discovery.figures(slug)]
    return [discovery.study(id) for id in dict.fromkeys(id for figure in figures for id in figure.studies)]


@app.command()
def figures(
    slugs: SomeSlugs = None,
    scale: ScaleOption = Scale.quick,
    backend: BackendOption = BackendName.processes,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    store: StoreOption = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the figures go.")] = Path("figures"),
    dry_run: DryRunOption = False,
) -> None:
    """Draw figures as PNG and PDF, with the plotted numbers as CSV beside each."""
    from . import discovery

    chosen = slugs or discovery.slugs("paper_figures")
    studies = _studies_of_figures(chosen)
    with open_store(store) as opened:
        if dry_run:
            tell_estimate(studies, opened, scale)
            return
        gather(studies, opened, scale, backend, workers, scheduler)
        for path in _draw(chosen, scale, opened, out):
            typer.echo(str(path))


@app.command()
def report(
    scale: ScaleOption = Scale.quick,
    backend: BackendOption = BackendName.processes,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    store: StoreOption = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the site goes.")] = Path("site"),
    figures_out: Annotated[Path, typer.Option("--figures", metavar="DIR", help="Where its figures are drawn.")] = Path(
        "figures"
    ),
    dry_run: DryRunOption = False,
) -> None:
    """Write the report, a static site: findings, ledger, a page a paper with its figures."""
    from . import discovery
    from .atlas import numbers
    from .falsify import Searches
    from .report import site
    from .verify import resolve, studies_of
    from .verify import verify as judge

    drawn = discovery.slugs("paper_figures")
    atlas_studies = [numbers.choose()] if numbers.SLUG in discovery.slugs() else []
    studies = [*studies_of(resolve(())), *_studies_of_figures(drawn), *atlas_studies]
    with open_store(store) as opened:
        if dry_run:
            tell_estimate(studies, opened, scale)
            return
        gather(studies, opened, scale, backend, workers, scheduler)
        ledger = judge((), scale=scale.value, store=opened, backend="serial")
        _draw(drawn, scale, opened, figures_out)
        searches = Searches(opened.path)
        searched = searches.of([entry.claim for entry in ledger.entries])
        tables = [numbers.collect(study, scale=scale.value, store=opened) for study in atlas_studies]
        page = site.build(
            ledger,
            out=out,
            scale=scale.value,
            figures=figures_out,
            searched=searched,
            atlas=tables[0] if tables else None,
        )
    typer.echo(str(page))


@app.command()
def atlas(
    family: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A family of instances; may be repeated; all by default.")
    ] = None,
    measure: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A measure; may be repeated; all by default.")
    ] = None,
    scale: ScaleOption = Scale.quick,
    backend: BackendOption = BackendName.processes,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    store: StoreOption = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON; - for standard output.")
    ] = None,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the numbers as CSV; - for standard output.")
    ] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Tabulate complexity measures of families of instances: which numbers are exact, and how long each took."""
    from .atlas import numbers, table

    study = numbers.choose(family or (), measure or ())
    with open_store(store) as opened:
        if dry_run:
            tell_estimate([study], opened, scale)
            return
        gather([study], opened, scale, backend, workers, scheduler)
        found = numbers.collect(study, scale=scale.value, store=opened)
    files = [(path, text) for path, text in ((as_json, found.json()), (as_csv, found.csv())) if path is not None]
    for path, text in files:
        if str(path) == "-":
            typer.echo(text, nl=False)
        else:
            path.write_text(text, encoding="utf-8")
    if all(str(path) != "-" for path, _ in files):
        table.show(found)


@app.command()
def falsify(
    claims: Annotated[
        list[str] | None, typer.Argument(metavar="[SLUG | CLAIM]...", help="Papers or claims; all by default.")
    ] = None,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Time to search, shared among the claims.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the search.")] = 0,
    scale: ScaleOption = Scale.quick,
    store: StoreOption = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where counterexamples are written.")] = Path("falsified"),
    keep: Annotated[bool, typer.Option("--keep", help="Write the tightest instance of every claim too.")] = False,
) -> None:
    """Search for the instances that come closest to breaking claims; exit 1 if one is broken without a finding."""
    import math

    from tabular.errors import ParameterError

    from .falsify import SEARCHED, Searches
    from .falsify import falsify as search
    from .verify import resolve

    if not (budget > 0.0 and math.isfinite(budget)):
        raise ParameterError(f"budget is {budget}; it must be a positive number of seconds")
    alone = claims is not None and len(claims) == 1 and "/" in claims[0]
    chosen = [claim for claim in resolve(claims or ()) if alone or claim.kind in SEARCHED]
    if not chosen:
        raise ParameterError("none of these claims is of a kind that one instance can contradict")
    broken = False
    with open_store(store) as opened:
        searches = Searches(opened.path)
        for claim in chosen:
            try:
                found = search(claim, budget=budget / len(chosen), seed=seed, scale=scale.value)
            except ParameterError as problem:
                if alone:
                    raise
                typer.echo(f"{claim.id}: not searched; {problem}")
                continue
            searches.add(found, claim)
            _tell_search(found, out if found.refuted or keep else None)
            explained = claim.finding is not None and claim.finding.explains == "refuted"
            broken = broken or (found.refuted and not explained)
    if broken:
        raise typer.Exit(1)


def _tell_search(found: "Any", out: Path | None) -> None:
    """Print what a search found, and write its instance where it is told to."""
    from .falsify import write_instance

    best = found.best
    rounding = f", {found.rounding} broken by rounding alone" if found.rounding else ""
    typer.echo(
        f"{found.claim}: {found.attempts} {found.over} tried in {found.seconds:.0f} s "
        f"({found.skipped} not applicable{rounding})"
    )
    ratio = "unknown" if found.ratio is None else f"{found.ratio:.6g}"
    exact = {True: ", in rational arithmetic too", False: " in floating point only, by more than rounding", None: ""}[
        found.exact
    ]
    typer.echo(f"{'refuted' + exact if found.refuted else 'not refuted'}; tightest measured/bound {ratio}")
    typer.echo(f"instance: {best.label}")
    typer.echo(f"verdict: {best.verdict.reason}")
    if out is not None:
        path = write_instance(found, out / (found.claim.replace("/", "--") + ".json"))
        typer.echo(f"again: rl-theorems verify --instance {path}")


@app.command()
def export(
    slugs: Slugs,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the tables go.")] = Path("export"),
    scale: ScaleOption = Scale.quick,
    store: StoreOption = None,
) -> None:
    """Write stored evidence as one CSV a study (long format), with a JSON note and its SHA-256."""
    from . import discovery
    from .export import export as write

    studies = [study for slug in slugs for study in discovery.studies(slug)]
    with open_store(store) as opened:
        for path in write(studies, scale=scale.value, store=opened, out=out):
            typer.echo(str(path))


@app.command()
def doctor(store: StoreOption = None) -> None:
    """Print versions, CPU, BLAS, threads and folders, and check a few known answers; exit 1 if one is wrong."""
    from .doctor import examine

    healthy = examine(store)
    if not healthy:
        raise typer.Exit(1)


def _execute(arguments: list[str]) -> int:
    """Run one command; every error a user can cause is one line and an exit status."""
    from tabular.errors import Infeasible, MissingExtra, NotConverged, ParameterError, StoreError

    from .errors import CellError

    debug = "--debug" in arguments
    try:
        result = app([one for one in arguments if one != "--debug"], prog_name="rl-theorems", standalone_mode=False)
    except typer.Exit as stop:
        result = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = 130
    except (ParameterError, MissingExtra) as problem:
        return _fail(problem, 2, debug)
    except StoreError as problem:
        return _fail(problem, 3, debug)
    except (CellError, NotConverged, Infeasible, OSError) as problem:
        return _fail(problem, 1, debug)
    except Exception as problem:
        if not (hasattr(problem, "show") and hasattr(problem, "exit_code")):
            raise
        problem.show()  # a wrong option or argument, in typer's own words
        return int(problem.exit_code)
    if result == 130:
        say("rl-theorems: interrupted; finished runs are kept, the same command goes on from there")
    return result if isinstance(result, int) else 0


def _fail(problem: BaseException, status: int, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(problem)
        for _, _, details in getattr(problem, "failures", ()):
            say(details)
    say(f"rl-theorems: {problem}")
    return status


def main() -> None:
    """Entry point of ``rl-theorems``."""
    status = _execute(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    if status == 130:
        os._exit(130)  # threads in the middle of a run cannot be stopped otherwise
    sys.exit(status)
