"""A ledger that looks like a real one, with every status and some hostile text, for the tests of the report."""

import json
import math
import struct
import zlib

import sympy as sp

from bounds.claims import Assumption, Claim, Control, Finding, Kind, Paper, Provenance, Status, Verdict
from bounds.judges import CoverageJudge, IdentityJudge, InequalityJudge, LowerBoundJudge, RateJudge, SeparationJudge
from bounds.ledger import Entry, Ledger
from experiments.atlas.numbers import Atlas, Number
from experiments.study import Study

HOSTILE = '<script>document.title="owned"</script><img src=x onerror=alert(1)>'

n, S, A, H, T, delta, gamma, C = sp.symbols("n S A H T delta gamma C", positive=True)

PAPERS = {
    "lower-confidence": Paper(
        "lower-confidence",
        "Offline learning and a tale of pessimism",
        "Rashid, Zhu, Ma, Jiao & Russell",
        2021,
        "tale2021",
        "offline",
        "A lower confidence bound adapts to the coverage of the data: its risk falls as $\\sqrt{C^\\star/n}$ in "
        "general and faster when $C^\\star$ is close to one.",
    ),
    "exact-planning": Paper(
        "exact-planning",
        "Exact planning: certificates, identities, concentration",
        "Puterman; Lattimore & Szepesvári; and others",
        1994,
        "puterman1994",
        None,
        "The statements that every other paper stands on, each with a certificate or an exact law.",
    ),
}


def _records(_):
    raise AssertionError("the report judges nothing")


def _claim(id, paper, kind, statement, judge, *, bound=None, finding=None, provenance=None, assumptions=(), control=""):
    slug = id.partition("/")[0]
    return Claim(
        id=id,
        paper=paper,
        kind=kind,
        statement=statement,
        judge=judge,
        studies=(f"{slug}/grid",),
        measure=_records,
        control=Control(
            control or "one-factor-dropped", f"The factor in front of the bound is dropped. {HOSTILE}", _records
        ),
        provenance=provenance or Provenance("confirmed", "read in the source, section 6.3"),
        bound=bound,
        assumptions=assumptions,
        finding=finding,
    )


def _verdict(status, **given):
    defaults = {"statistic": -0.0123, "threshold": 1e-10, "p_value": None, "n": 1200}
    return Verdict(status, **{**defaults, **given})


REFUTED = _verdict(
    Status.REFUTED, statistic=0.31, n=1200, reason="violated at 37 of 1200 points, by 0.31 of the scale at worst"
)

ENTRIES = (
    (
        _claim(
            "exact-planning/vi-stop",
            "puterman1994, Thm 6.3.1",
            Kind.INEQUALITY,
            r"\|V^{\pi_{v_{n+1}}}-V^\star\|_\infty \le \frac{2\gamma}{1-\gamma}\,\|v_{n+1}-v_n\|_\infty",
            InequalityJudge(),
            bound=2 * gamma * sp.Symbol("Delta", positive=True) / (1 - gamma),
            control="naive-stop",
        ),
        _verdict(
            Status.SUPPORTED,
            tightness=0.932,
            reason="held at all 1200 points",
            worst="exact-planning/grid(family=garnet, S=12, A=3, gamma=0.99; seed=0)",
        ),
        REFUTED,
    ),
    (
        _claim(
            "exact-planning/linear-program",
            "puterman1994, Thm 6.9.1",
            Kind.IDENTITY,
            "The primal and the dual agree: $\\min_v \\rho^\\top v = \\max_x \\sum_{s,a} x(s,a)\\,r(s,a)$, and "
            "$x(s,a)\\,\\bigl(V^\\star - r - \\gamma P V^\\star\\bigr)(s,a) = 0$ for every pair.",
            IdentityJudge(),
        ),
        _verdict(
            Status.SUPPORTED,
            statistic=3.1e-15,
            threshold=1e-9,
            reason="the sides agree at all 1200 points within 1e-09 relative",
        ),
        REFUTED,
    ),
    (
        _claim(
            "exact-planning/l1-deviation",
            "weissman2003, Thm 2.1",
            Kind.HIGH_PROBABILITY,
            r"\Pr\{\|\hat P_n - P\|_1 \ge \varepsilon\} \le \delta",
            CoverageJudge(),
            bound=sp.sqrt(2 * sp.log((2**S - 2) / delta) / n),
        ),
        _verdict(
            Status.SUPPORTED,
            statistic=0.006,
            threshold=0.1,
            p_value=1.0,
            n=4000,
            tightness=0.71,
            vacuous=True,
            informative_from="n = 2000",
            reason="upper limit of the violation rate at most delta at all 4 points; largest 0.011",
        ),
        REFUTED,
    ),
    (
        _claim(
            "exact-planning/reachability-stop",
            "haddad2018, Sec 3",
            Kind.SEPARATION,
            "Value iteration that stops when nothing changes by more than $\\varepsilon$ returns $0$ where the truth "
            f"is $\\tfrac12$. {HOSTILE}",
            SeparationJudge(),
            finding=Finding(
                f"A naive stopping rule is wrong by one half {HOSTILE}",
                "On the slow chain of length $n$, sweep $k$ changes values by at most $2^{-k}$, so any "
                "$\\varepsilon > 2^{-n}$ stops at once. Interval iteration is right on the same chain.",
                "papers/exact-planning.md#reachability-stop",
            ),
        ),
        _verdict(Status.SUPPORTED, statistic=0.5, threshold=0.0, n=12, reason="larger at all 12 points"),
        REFUTED,
    ),
    (
        _claim(
            "exact-planning/bandit-lower",
            "lattimore2020, Thm 15.2",
            Kind.LOWER_BOUND,
            r"\sup_\nu R_n(\pi,\nu) \ge \frac{\sqrt{(k-1)\,n}}{27}",
            LowerBoundJudge(),
            bound=sp.sqrt((sp.Symbol("k", positive=True) - 1) * n) / 27,
            provenance=Provenance("confirmed", "statement", {"1/27": "recalled: lecture notes"}),
        ),
        _verdict(
            Status.SKIPPED,
            statistic=0.0,
            threshold=0.0,
            n=0,
            reason="no record satisfies the assumptions; failing: n at least k",
        ),
        _verdict(Status.SKIPPED, statistic=0.0, threshold=0.0, n=0, reason="no record satisfies the assumptions"),
    ),
    (
        _claim(
            "lower-confidence/lcb-upper",
            "tale2021, Thm 1",
            Kind.INEQUALITY,
            r"\mathbb{E}\bigl[r(\pi^\star) - r(\hat\pi)\bigr] \lesssim "
            r"\min\Bigl(1, \sqrt{\tfrac{S\,(C^\star-1)}{n}} + \tfrac{S}{n}\Bigr)",
            InequalityJudge(),
            bound=20 * H ** sp.Rational(3, 2) * sp.sqrt(S * A * T) * sp.log(5 * H * S * A * T / delta)
            + 250 * H**2 * S**2 * A * sp.log(5 * H * S * A * T / delta) ** 2
            + sp.Min(1, C * sp.sqrt(S / n)),
            assumptions=(Assumption("coverage", "$C^\\star < \\infty$ under the data distribution $\\mu$", bool),),
            provenance=Provenance("derived", "docs", {"20": "derived: proof in the docs", "250": "recalled: lecture"}),
        ),
        _verdict(
            Status.REFUTED,
            statistic=0.117,
            n=480,
            tightness=1.117,
            reason="violated at 3 of 480 points, by 0.117 of the scale at worst",
        ),
        REFUTED,
    ),
    (
        _claim(
            "lower-confidence/rate-half",
            "tale2021, Thm 2",
            Kind.RATE,
            "The risk of the lower confidence bound falls at least as fast as $n^{-1/2}$.",
            RateJudge(-0.5),
            finding=Finding(
                "The logarithm is visible at every size tried",
                "The fitted exponent is $-0.46 \\pm 0.05$; with the factor $\\sqrt{\\log n}$ divided out it is "
                "$-0.50$.",
                "papers/lower-confidence.md",
                explains=Status.INCONCLUSIVE,
            ),
        ),
        _verdict(
            Status.INCONCLUSIVE,
            statistic=-0.463,
            threshold=-0.5,
            p_value=0.18,
            n=2400,
            tightness=None,
            reason="the interval [-0.52, -0.41] contains -0.5; about 6400 runs would decide",
        ),
        REFUTED,
    ),
    (
        _claim(
            "lower-confidence/broken-formula", "tale2021, Eq. 9", Kind.IDENTITY, r"\unheardof{x} = 1", IdentityJudge()
        ),
        _verdict(Status.INCONCLUSIVE, p_value=3e-8, reason="the control was supported, not refuted"),
        _verdict(Status.SUPPORTED, reason="the sides agree at all 1200 points"),
    ),
)

LEDGER = Ledger(tuple(Entry(claim, verdict, control, verdict.status) for claim, verdict, control in ENTRIES))

STUDIES = {
    f"{slug}/grid": Study(
        f"{slug}/grid", "random models, 3 families", lambda scale: [{"i": i} for i in range(48)], dict
    )
    for slug in PAPERS
}


def picture(width, height):
    """A grey PNG."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + b"\xdd" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_figure(folder, slug="lower-confidence", name="fig_rates", **changes):
    """The four files of a figure as `paper_figures.render` leaves them."""
    note = {
        "id": f"{slug}/{name}",
        "title": "Risk against samples, $C^\\star = 1.5$",
        "caption": f"Bands: 95 % bootstrap. {HOSTILE}",
        "scale": "quick",
        "claims": [f"{slug}/rate-half", "somewhere/else"],
        "differences": ["$S=10$ here"],
        "size": [1440, 518],
        **changes,
    }
    (folder / slug).mkdir(parents=True, exist_ok=True)
    (folder / slug / f"{name}.png").write_bytes(picture(1440, 518))
    for suffix in (".pdf", ".csv"):
        (folder / slug / f"{name}{suffix}").write_text("as rendered")
    (folder / slug / f"{name}.json").write_text(json.dumps(note))


def _number(family, size, instance, kind, measure, lower, upper, **given):
    defaults = {"certified": True, "fraction": "", "method": "policy iteration", "seconds": 0.002}
    return Number(family, size, instance, kind, measure, lower, upper, **{**defaults, **given})


ATLAS = Atlas(
    "quick",
    (
        _number("riverswim", 6, "RiverSwim-6", "average", "diameter", 14.5, 14.5, fraction="29/2"),
        _number("riverswim", 6, "RiverSwim-6", "average", "smallest-gap", math.inf, math.inf),
        _number("joa", 10, "two states 1/10", "average", "diameter", 9.5, 10.25, seconds=1.5),
        _number("random", 4, "random-4", "episodic", "coverability", 3.5, 3.5 + 1e-12),
        _number("random", 4, "random-4", "episodic", "gap-visitation", 40.0, math.inf),
        _number("lock", 5, "lock-5", "episodic", "gorp-horizon", 1.0, 8.14759),
        _number(
            *("arms", 5, "5 arms", "episodic", "coverability", -math.inf, math.inf),
            certified=False,
            method=f"layer 2: {HOSTILE}",
        ),
    ),
)
