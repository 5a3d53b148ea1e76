"""The ledger: every claim judged on its evidence, every control, and the one rule that makes statuses final.

The rule. Each judge gives a preliminary status and, where chance is involved, a p-value. Over the p-values of
all claims Holm's procedure at level alpha decides which are significant; over those of all controls it
decides again, separately. Then a claim is

- refuted if an exact counterexample was found, or if its p-value is significant after Holm;
- supported if its judge's criterion of support held, and its control was refuted in the same run;
- inconclusive otherwise;
- skipped if an assumption failed on every record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tabular import _check as check
from tabular.errors import ParameterError

from .claims import Claim, Evidence, Status, Verdict
from .statistics import holm

__all__ = ["Entry", "Ledger", "judge_ledger"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger.

    Attributes
    ----------
    claim : Claim
    verdict : Verdict
        Final: after the correction for multiplicity, and after the control.
    control : Verdict
        Final verdict on the broken variant; anything but ``refuted`` means that the judge could not tell.
    status : Status
        ``verdict.status``.
    """

    claim: Claim
    verdict: Verdict
    control: Verdict
    status: Status

    @property
    def explained(self) -> bool:
        """Whether the claim's finding accounts for the status."""
        return self.claim.finding is not None and self.claim.finding.explains == self.status

    def to_json(self) -> dict[str, Any]:
        """Return the line as numbers, strings, booleans and None."""
        verdict, finding = self.verdict, self.claim.finding
        return {
            "claim": self.claim.id,
            "kind": str(self.claim.kind),
            "status": str(self.status),
            "statement": self.claim.statement,
            "statistic": verdict.statistic,
            "threshold": verdict.threshold,
            "p_value": verdict.p_value,
            "n": verdict.n,
            "tightness": verdict.tightness,
            "vacuous": verdict.vacuous,
            "informative_from": verdict.informative_from,
            "worst": verdict.worst,
            "reason": verdict.reason,
            "control_status": str(self.control.status),
            "provenance": str(self.claim.provenance),
            "finding": None
            if finding is None
            else {"title": finding.title, "text": finding.text, "docs": finding.docs, "explains": finding.explains},
        }


@dataclass(frozen=True, slots=True)
class Ledger:
    """The final verdicts of one run.

    Attributes
    ----------
    entries : tuple of Entry
        In the order of the claims.
    alpha : float
        Family-wise level: the chance that any true claim with a p-value is refuted is at most this.
    """

    entries: tuple[Entry, ...]
    alpha: float = 0.05

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, id: str) -> Entry:
        """Return the entry of claim ``id``."""
        for entry in self.entries:
            if entry.claim.id == id:
                return entry
        raise KeyError(id)

    @property
    def unrefuted_controls(self) -> tuple[Entry, ...]:
        """Entries whose judge let the broken variant pass (a skipped claim asserts nothing and is left out)."""
        return tuple(
            entry
            for entry in self.entries
            if entry.status is not Status.SKIPPED and entry.control.status is not Status.REFUTED
        )

    @property
    def unexplained_refutations(self) -> tuple[Entry, ...]:
        """Refuted entries without a finding that explains them."""
        return tuple(entry for entry in self.entries if entry.status is Status.REFUTED and not entry.explained)

    @property
    def ok(self) -> bool:
        """Whether every control was refuted and no refutation is unexplained."""
        return not self.unrefuted_controls and not self.unexplained_refutations

    def to_json(self) -> list[dict[str, Any]]:
        """Return the entries as dicts of plain values, fit for `json.dumps`."""
        return [entry.to_json() for entry in self.entries]


def judge_ledger(claims: Sequence[Claim], evidence: Callable[[Claim], Evidence], alpha: float = 0.05) -> Ledger:
    """Judge every claim and its control, and make the statuses final.

    Records on which an assumption of the claim fails are left out, for the claim and for its control.

    Parameters
    ----------
    claims : sequence of Claim
        At least one; ids differ.
    evidence : callable
        ``Claim -> Evidence``: the records of the claim's studies.
    alpha : float
        Family-wise level of the claims' refutations, and of the controls'.

    Returns
    -------
    Ledger

    Raises
    ------
    ParameterError
        If there is no claim, an id repeats, a claim has no evidence at all, or a sample is not fit to be judged.
    """
    check.fraction(alpha, "alpha")
    ids = [claim.id for claim in claims]
    if not ids:
        raise ParameterError("there is no claim to judge")
    repeated = sorted({id for id in ids if ids.count(id) > 1})
    if repeated:
        raise ParameterError(f"claim ids repeat: {', '.join(repeated)}")
    drafts = [_draft(claim, evidence) for claim in claims]
    verdicts = _after_holm([verdict for verdict, _ in drafts], alpha)
    controls = _after_holm([control for _, control in drafts], alpha)
    entries = []
    for claim, verdict, control in zip(claims, verdicts, controls, strict=True):
        final = _after_control(claim, verdict, control)
        entries.append(Entry(claim, final, control, final.status))
    return Ledger(tuple(entries), alpha)


def _draft(claim: Claim, evidence: Callable[[Claim], Evidence]) -> tuple[Verdict, Verdict]:
    """Return the preliminary verdicts on a claim and on its control."""
    try:
        records = evidence(claim)
        if len(records) == 0:
            raise ParameterError("there is no record to judge on")
        kept = tuple(r for r in records if all(assumption.holds(r) for assumption in claim.assumptions))
        if not kept:
            failing = [a.name for a in claim.assumptions if not all(a.holds(r) for r in records)]
            skipped = Verdict(
                status=Status.SKIPPED,
                statistic=0.0,
                threshold=0.0,
                p_value=None,
                n=0,
                reason=f"no record satisfies the assumptions; failing: {', '.join(failing)}",
            )
            return skipped, skipped
        usable = Evidence(kept)
        return claim.judge.judge(claim.measure(usable)), claim.judge.judge(claim.control.measure(usable))
    except Exception as problem:
        problem.add_note(f"while judging {claim.id}")
        raise


def _after_holm(verdicts: Sequence[Verdict], alpha: float) -> list[Verdict]:
    """Return the verdicts with the statuses that Holm's procedure over their p-values leaves them."""
    significant = iter(holm([v.p_value for v in verdicts if v.p_value is not None], alpha))
    final = []
    for verdict in verdicts:
        if verdict.p_value is None:
            final.append(verdict)
        elif next(significant):
            final.append(replace(verdict, status=Status.REFUTED))
        elif verdict.status is Status.REFUTED:
            reason = f"{verdict.reason}; p = {verdict.p_value:.2g} is not significant after Holm's correction"
            final.append(replace(verdict, status=Status.INCONCLUSIVE, reason=reason))
        else:
            final.append(verdict)
    return final


def _after_control(claim: Claim, verdict: Verdict, control: Verdict) -> Verdict:
    """Return the verdict, without support if the judge let the broken variant pass."""
    if verdict.status is not Status.SUPPORTED or control.status is Status.REFUTED:
        return verdict
    reason = (
        f"the control {claim.control.name!r} was {control.status}, not refuted, so that the judge's support"
        f" says nothing; of the claim itself: {verdict.reason}"
    )
    return replace(verdict, status=Status.INCONCLUSIVE, reason=reason)
