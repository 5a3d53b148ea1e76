"""A ledger as a table for the terminal."""

from collections import Counter

from bounds.ledger import Ledger

__all__ = ["show"]

_WIDE = 140  # of a file or a pipe, which does not wrap
_STYLE = {"supported": "green", "refuted": "red", "inconclusive": "yellow", "skipped": "dim"}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def show(ledger: Ledger) -> None:
    """Print one row a claim, then the findings, what failed, and one line of counts."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("claim", overflow="fold")
    table.add_column("kind")
    table.add_column("status")
    for name in ("n", "p", "tightness"):
        table.add_column(name, justify="right")
    table.add_column("control")
    table.add_column("provenance")
    for entry in ledger:
        verdict, status = entry.verdict, entry.status.value
        table.add_row(
            escape(entry.claim.id),
            entry.claim.kind.value,
            f"[{_STYLE[status]}]{status}[/]" + (" (vacuous)" if verdict.vacuous else ""),
            str(verdict.n),
            _number(verdict.p_value),
            _number(verdict.tightness),
            entry.control.status.value,
            str(entry.claim.provenance),
        )
    console.print(table)
    for entry in ledger:
        if entry.claim.finding is not None:
            console.print(f"finding: {entry.claim.id}: {entry.claim.finding.title}", markup=False, soft_wrap=True)
    for entry in ledger.unrefuted_controls:
        console.print(
            f"control not refuted: {entry.claim.id}: {entry.control.reason}", markup=False, soft_wrap=True, style="red"
        )
    for entry in ledger.unexplained_refutations:
        line = f"unexplained refutation: {entry.claim.id}: {entry.verdict.reason} (worst: {entry.verdict.worst})"
        console.print(line, markup=False, soft_wrap=True, style="red")
    counts = Counter(entry.status.value for entry in ledger)
    vacuous = sum(entry.verdict.vacuous for entry in ledger)
    line = ", ".join(f"{counts[name]} {name}" for name in _STYLE if counts[name]) or "no claims"
    console.print(f"{len(ledger)} claims: {line}; {vacuous} vacuous", highlight=False)
