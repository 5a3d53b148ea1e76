"""The ledger: its family-wise level, the rule that makes statuses final, controls, assumptions and findings."""

import dataclasses
import json
import math

import numpy as np
import pytest

from bounds.claims import (
    Assumption,
    Claim,
    Control,
    Evidence,
    Finding,
    Kind,
    Provenance,
    Record,
    Status,
    Verdict,
)
from bounds.judges import (
    Comparison,
    CoverageJudge,
    Curve,
    Curves,
    InequalityJudge,
    RateJudge,
    SeparationJudge,
    TwoSamples,
    Violations,
)
from bounds.ledger import judge_ledger
from tabular.errors import ParameterError
from tabular.streams import stream

NOTHING = Evidence((Record("paper/study", {"n": 1}, {}),))
HOLDS, FAILS = Comparison([0.0], [1.0]), Comparison([1.0], [0.0])


@dataclasses.dataclass(frozen=True)
class Says:
    """A judge that returns the verdict it is given."""

    def judge(self, sample):
        return sample


def verdict(status, p_value):
    return Verdict(status, 1.0, 2.0, p_value, 3, reason="because")


REFUTED = verdict(Status.REFUTED, None)


def claim(id, judge, sample, control=None, **more):
    broken = FAILS if control is None and isinstance(judge, InequalityJudge) else control
    return Claim(
        id=f"paper/{id}",
        paper="key2024, Theorem 1",
        kind=more.pop("kind", Kind.INEQUALITY),
        statement="a \\le b",
        judge=judge,
        studies=("paper/study",),
        measure=sample if callable(sample) else lambda evidence: sample,
        control=Control("broken", "b is negated", broken if callable(broken) else lambda evidence: broken),
        provenance=Provenance("derived", "by hand"),
        **more,
    )


def statuses(*verdicts, control=REFUTED):
    claims = [claim(str(i), Says(), one, control) for i, one in enumerate(verdicts)]
    return [entry.status for entry in judge_ledger(claims, lambda c: NOTHING)]


def test_holm_over_the_ledger_decides_what_is_refuted():
    weak, strong = verdict(Status.REFUTED, 0.03), verdict(Status.REFUTED, 0.001)
    quiet = verdict(Status.SUPPORTED, 0.9)
    assert statuses(weak) == [Status.REFUTED]
    assert statuses(weak, quiet) == [Status.INCONCLUSIVE, Status.SUPPORTED]
    assert statuses(weak, strong) == [Status.REFUTED, Status.REFUTED]
    assert statuses(weak, strong, quiet) == [Status.INCONCLUSIVE, Status.REFUTED, Status.SUPPORTED]


def test_exact_counterexamples_neither_need_nor_dilute_the_correction():
    exact, weak = verdict(Status.REFUTED, None), verdict(Status.REFUTED, 0.03)
    held = verdict(Status.SUPPORTED, None)
    assert statuses(exact, held, held, weak) == [Status.REFUTED, Status.SUPPORTED, Status.SUPPORTED, Status.REFUTED]


def test_a_significant_p_value_refutes_whatever_the_judge_said_first():
    assert statuses(verdict(Status.INCONCLUSIVE, 0.01)) == [Status.REFUTED]


@pytest.mark.parametrize("status", [Status.SUPPORTED, Status.INCONCLUSIVE, Status.SKIPPED])
@pytest.mark.parametrize("p_value", [None, 0.5])
def test_support_never_survives_a_control_that_was_not_refuted(status, p_value):
    held = claim("held", Says(), verdict(Status.SUPPORTED, None), verdict(status, p_value))
    ledger = judge_ledger([held], lambda c: NOTHING)
    entry = ledger["paper/held"]
    assert (entry.status, entry.verdict.status) == (Status.INCONCLUSIVE, Status.INCONCLUSIVE)
    assert "control 'broken'" in entry.verdict.reason
    assert not ledger.ok
    assert ledger.unrefuted_controls == (entry,)


def test_a_refutation_stands_without_its_control():
    assert statuses(verdict(Status.REFUTED, None), control=verdict(Status.SUPPORTED, None)) == [Status.REFUTED]


def test_controls_are_corrected_among_themselves():
    """A control at p = 0.03 convicts alone, not beside another that is not significant."""
    marginal = verdict(Status.REFUTED, 0.03)
    held = verdict(Status.SUPPORTED, 0.9)
    alone = [claim("a", Says(), held, marginal)]
    assert judge_ledger(alone, lambda c: NOTHING).ok
    both = [*alone, claim("b", Says(), held, verdict(Status.REFUTED, 0.04))]
    ledger = judge_ledger(both, lambda c: NOTHING)
    assert [e.control.status for e in ledger] == [Status.INCONCLUSIVE] * 2
    assert [e.status for e in ledger] == [Status.INCONCLUSIVE] * 2


def test_only_a_finding_that_explains_refutation_excuses_it():
    def run(finding):
        return judge_ledger([claim("x", InequalityJudge(), FAILS, finding=finding)], lambda c: NOTHING)

    note = Finding("false as printed", "a sign", "papers/x.md#sign")
    assert not run(None).ok
    assert not run(note).ok
    assert not run(dataclasses.replace(note, explains=Status.SUPPORTED)).ok
    excused = run(dataclasses.replace(note, explains=Status.REFUTED))
    assert excused.ok
    assert excused["paper/x"].status is Status.REFUTED


SMALL = Assumption("small-n", "n \\le 5", lambda record: record["n"] <= 5)
TWO_SIZES = Evidence(
    (
        Record("paper/study", {"n": 1}, {"left": np.array([0.0])}),
        Record("paper/study", {"n": 9}, {"left": np.array([2.0])}),
    )
)


def compare(evidence):
    left = evidence.column("left")
    return Comparison(left, np.ones(left.size))


def test_records_that_break_an_assumption_are_left_out_and_without_the_check_the_claim_fails_on_them():
    def run(assumptions):
        one = claim("x", InequalityJudge(), compare, FAILS, assumptions=assumptions)
        return judge_ledger([one], lambda c: TWO_SIZES)["paper/x"]

    assert (run((SMALL,)).status, run((SMALL,)).verdict.n) == (Status.SUPPORTED, 1)
    assert run(()).status is Status.REFUTED


def test_the_control_sees_the_same_records():
    one = claim("x", InequalityJudge(), lambda e: HOLDS, compare, assumptions=(SMALL,))
    assert judge_ledger([one], lambda c: TWO_SIZES)["paper/x"].control.status is Status.SUPPORTED


def test_skipped_names_the_assumption_and_only_those_that_fail():
    never = Assumption("never", "\\bot", lambda record: False)
    always = Assumption("always", "\\top", lambda record: True)
    one = claim("x", InequalityJudge(), compare, FAILS, assumptions=(always, never))
    ledger = judge_ledger([one], lambda c: TWO_SIZES)
    entry = ledger["paper/x"]
    assert (entry.status, entry.control.status, entry.verdict.n) == (Status.SKIPPED, Status.SKIPPED, 0)
    assert "never" in entry.verdict.reason
    assert "always" not in entry.verdict.reason
    assert ledger.ok


def test_judging_on_nothing_is_refused():
    one = claim("x", InequalityJudge(), HOLDS)
    with pytest.raises(ParameterError, match="no claim"):
        judge_ledger([], lambda c: NOTHING)
    with pytest.raises(ParameterError, match="no record"):
        judge_ledger([one], lambda c: Evidence(()))
    with pytest.raises(ParameterError, match="repeat"):
        judge_ledger([one, one], lambda c: NOTHING)
    with pytest.raises(ParameterError):
        judge_ledger([one], lambda c: NOTHING, alpha=0.0)


def test_an_error_in_a_measure_names_the_claim():
    def broken(evidence):
        raise KeyError("regret")

    with pytest.raises(KeyError) as caught:
        judge_ledger([claim("x", InequalityJudge(), broken)], lambda c: NOTHING)
    assert "while judging paper/x" in caught.value.__notes__


def test_json_holds_plain_values_and_every_promised_key():
    finding = Finding("vacuous", "the constant is 2000", "papers/x.md", explains=None)
    claims = [
        claim("a", InequalityJudge(), HOLDS, finding=finding),
        claim("b", CoverageJudge(), Violations([0], [400], 0.05), Violations([90], [400], 0.05)),
    ]
    ledger = judge_ledger(claims, lambda c: NOTHING)
    lines = json.loads(json.dumps(ledger.to_json(), allow_nan=False))
    promised = "claim kind status statistic threshold p_value n tightness vacuous control_status provenance finding"
    for line in lines:
        assert set(promised.split()) | {"reason", "worst", "statement", "informative_from"} <= set(line)
    assert [line["status"] for line in lines] == ["supported", "supported"]
    assert lines[0]["finding"]["title"] == "vacuous"
    assert lines[1]["finding"] is None
    assert lines[1]["control_status"] == "refuted"


def true_claims_at_the_edge(rng, repetitions):
    """Samples of true statements that hold with nothing to spare, one array a claim, and the claims that judge them."""
    x = np.array([10.0, 20.0, 40.0, 80.0])
    rare = rng.binomial(200, 0.05, (repetitions, 4))
    frequent = rng.binomial(1000, 0.2, (repetitions, 1))
    equal = rng.standard_normal((repetitions, 2, 1, 15))
    curves = (x**-0.5)[:, None] * (1 + 0.3 * rng.standard_normal((repetitions, 4, 25)))
    now = {"i": 0}
    bad = Violations([150], [200], 0.05)
    claims = [
        claim("rare", CoverageJudge(), lambda e: Violations(rare[now["i"]], 200, 0.05), bad),
        claim("frequent", CoverageJudge(), lambda e: Violations(frequent[now["i"]], 1000, 0.2), bad),
        claim(
            "equal",
            SeparationJudge(),
            lambda e: TwoSamples(*equal[now["i"]]),
            TwoSamples([0.0], [1.0]),
        ),
        claim(
            "rate",
            RateJudge(-0.5, "at-most", resamples=100),
            lambda e: Curves((Curve(x, curves[now["i"]]),)),
            Curves((Curve(x, x**0.5 * (1 + 1e-3 * np.sin(x))),)),
        ),
    ]
    return claims, now


@pytest.mark.statistical
def test_family_wise_level_over_two_thousand_ledgers_of_true_claims():
    """Any false refutation in at most 5 % of the ledgers, support of a claim at its edge in at most 5 %; 3 sd."""
    repetitions = 2000
    claims, now = true_claims_at_the_edge(stream(0, "ledgers of true claims"), repetitions)
    refuted, supported = 0, np.zeros(len(claims))
    for now["i"] in range(repetitions):
        found = [entry.status for entry in judge_ledger(claims, lambda c: NOTHING)]
        refuted += Status.REFUTED in found
        supported += [status is Status.SUPPORTED for status in found]
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / repetitions)
    assert refuted / repetitions <= allowed
    assert refuted > 0.02 * repetitions
    assert np.all(supported / repetitions <= allowed)
