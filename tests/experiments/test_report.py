"""The report as files: nothing unescaped, no dead link, nothing from elsewhere, and the ledger's own numbers."""

import dataclasses
import html.parser
import itertools
import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import sympy as sp
from report_ledger import ATLAS, HOSTILE, LEDGER, PAPERS, STUDIES, write_figure

import bounds
from bounds.claims import Status
from bounds.ledger import Ledger
from experiments.report import site
from experiments.report.mathml import bound_latex, broken_math, math, prose
from experiments.report.site import build
from tabular.errors import ParameterError

STATIC = Path(site.__file__).parent / "static"


def build_fake(out, figures, ledger=LEDGER, **changes):
    given = {"out": out, "figures": figures, "scale": "quick", "papers": PAPERS, "studies": STUDIES, "atlas": ATLAS}
    return build(ledger, **{**given, **changes})


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_figure(folder / "figures")
    return build_fake(folder / "site", folder / "figures").parent


class Page(html.parser.HTMLParser):
    """What a page holds: ids, links, sources, tags, and whether every element is closed in order."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "wbr"})

    def __init__(self, path):
        super().__init__()
        self.path, self.ids, self.refs, self.tags, self.open, self.text = path, [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == [], f"unclosed {self.open}"

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.refs += [attributes[name] for name in ("href", "src") if name in attributes]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> crosses another element"

    def handle_data(self, data):
        self.text.append(data)


def pages(folder):
    return [Page(path) for path in sorted(folder.rglob("*.html"))]


def test_every_page_is_well_formed_with_unique_ids(report):
    found = pages(report)
    assert {page.path.name for page in found} == {
        "index.html",
        "atlas.html",
        "exact-planning.html",
        "lower-confidence.html",
    }
    for page in found:
        assert len(page.ids) == len(set(page.ids)), page.path
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
        assert dict(page.tags[0][1])["lang"] == "en"
        assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")


def test_every_link_leads_somewhere_inside_the_folder(report):
    known = {page.path.resolve(): page for page in pages(report)}
    for page in known.values():
        assert page.refs
        for ref in page.refs:
            assert not re.match(r"[a-z]+:|//", ref), f"{ref} leaves the folder"
            address, _, fragment = ref.partition("#")
            target = (page.path.parent / address).resolve() if address else page.path.resolve()
            assert target.is_file(), f"{page.path.name} links to {ref}"
            assert report.resolve() in target.parents
            if fragment and "=" not in fragment:
                assert fragment in known[target].ids, f"{page.path.name} links to {ref}"


def test_nothing_is_fetched_from_anywhere(report):
    for path in [*report.rglob("*.html"), *report.rglob("*.css"), *report.rglob("*.js"), *report.rglob("*.svg")]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/1998/Math/MathML", "")
        text = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttpRequest|WebSocket", text), path


def test_hostile_text_stays_text(report):
    for page in pages(report):
        scripts = [attributes for tag, attributes in page.tags if tag == "script"]
        assert all(set(attributes) == {"src", "defer"} for attributes in scripts)
        assert len(scripts) == (page.path.name == "index.html")
        assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
        assert all(attributes["src"].endswith(".png") for tag, attributes in page.tags if tag == "img")
    shown = " ".join("".join(Page(report / "papers/exact-planning.html").text).split())
    assert " ".join(HOSTILE.split()) in shown


def test_control_the_parser_sees_hostile_text_that_is_not_escaped(tmp_path):
    (tmp_path / "bad.html").write_text(f"<p>{HOSTILE}</p>")
    bad = Page(tmp_path / "bad.html")
    assert any("onerror" in attributes for _, attributes in bad.tags)
    (tmp_path / "open.html").write_text("<p><b>x</p>")
    with pytest.raises(AssertionError, match="crosses"):
        Page(tmp_path / "open.html")


def test_front_page_opens_with_the_findings_and_says_what_fails(report):
    text = (report / "index.html").read_text(encoding="utf-8")
    assert text.index('id="attention"') < text.index('id="findings"') < text.index('id="ledger"')
    attention = text[text.index('id="attention"') : text.index('id="findings"')]
    assert "lower-confidence/lcb-upper</a>: refuted, and no finding explains it" in attention
    assert "lower-confidence/broken-formula</a>: its control was supported" in attention
    assert attention.count("<li>") == 2
    findings = text[text.index('id="findings"') : text.index('id="ledger"')]
    assert findings.count('<li class="finding') == sum(entry.claim.finding is not None for entry in LEDGER)


def test_a_run_that_passes_does_not_raise_alarm(tmp_path):
    fine = Ledger(tuple(entry for entry in LEDGER if entry.claim.id.endswith(("vi-stop", "bandit-lower"))))
    assert fine.ok
    text = build_fake(tmp_path / "site", tmp_path / "none", fine).read_text(encoding="utf-8")
    assert "does not pass" not in text
    assert "every control was refuted" in text


def test_counts_are_those_of_the_ledger(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    for status in Status:
        count = sum(entry.status is status for entry in LEDGER)
        assert re.search(rf'data-filter-status="{status}"><span class="count">{count}</span>', page), status
    assert '<span class="count">1</span>' in page[page.index('data-filter-flag="vacuous"') :]
    assert page.count('<tr role="row" data-paper=') == len(LEDGER)


def test_ledger_json_is_the_ledger(report):
    assert json.loads((report / "ledger.json").read_text(encoding="utf-8")) == json.loads(json.dumps(LEDGER.to_json()))


def test_every_claim_has_its_article(report):
    for entry in LEDGER:
        slug, _, name = entry.claim.id.partition("/")
        text = (report / f"papers/{slug}.html").read_text(encoding="utf-8")
        start = text.index(f'<article class="claim {entry.status}" id="{name}"')
        article = text[start : text.index("</article>", start)]
        assert f"rl-theorems verify {entry.claim.id} --scale quick" in article
        assert f"control {entry.control.status}" in article
        assert entry.claim.paper in article
        assert f"{slug}/grid" in article
        assert "48 cells, root seed 0" in article
        assert ("vacuous</span>" in article) == entry.verdict.vacuous
        if entry.claim.bound is not None:
            assert article.count("<math") >= 2
    assert "Informative from n = 2000" in text.replace("\n", " ") or "Informative from n = 2000" in (
        report / "papers/exact-planning.html"
    ).read_text(encoding="utf-8")


def test_a_formula_that_is_not_understood_shows_its_source(report):
    text = (report / "papers/lower-confidence.html").read_text(encoding="utf-8")
    assert '<code class="source">\\unheardof{x} = 1</code>' in text
    assert text.count('class="source">\\') == 1


def test_figures_are_copied_and_linked_both_ways(report):
    text = (report / "papers/lower-confidence.html").read_text(encoding="utf-8")
    for suffix in ("png", "pdf", "csv", "json"):
        assert (report / f"figures/lower-confidence/fig_rates.{suffix}").is_file()
        assert f"../figures/lower-confidence/fig_rates.{suffix}" in text
    assert 'href="#figure-fig_rates"' in text
    assert 'href="lower-confidence.html#rate-half"' in text
    assert "somewhere" not in text


@pytest.mark.parametrize("damage", ["missing pdf", "foreign note"])
def test_incomplete_figures_are_not_shown(tmp_path, damage):
    write_figure(tmp_path / "figures")
    folder = tmp_path / "figures/lower-confidence"
    if damage == "missing pdf":
        (folder / "fig_rates.pdf").unlink()
    else:
        (folder / "fig_rates.json").write_text('["not a note"]')
    out = build_fake(tmp_path / "site", tmp_path / "figures").parent
    assert "<figure" not in (out / "papers/lower-confidence.html").read_text(encoding="utf-8")
    assert not (out / "figures").exists()


def test_a_figure_at_another_scale_says_so(tmp_path):
    write_figure(tmp_path / "figures", scale="paper")
    out = build_fake(tmp_path / "site", tmp_path / "figures").parent
    assert "drawn at paper scale" in (out / "papers/lower-confidence.html").read_text(encoding="utf-8")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_input_same_bytes(report, tmp_path):
    write_figure(tmp_path / "figures")
    out = build_fake(tmp_path / "site", tmp_path / "figures").parent
    assert contents(out) == contents(report)


def test_a_second_report_replaces_its_own_files_and_leaves_others(tmp_path):
    out = tmp_path / "site"
    write_figure(tmp_path / "figures")
    build_fake(out, tmp_path / "figures")
    (out / "docs").mkdir()
    (out / "docs" / "index.html").write_text("the book")
    (out / "notes.txt").write_text("mine")
    less = Ledger(tuple(entry for entry in LEDGER if entry.claim.slug == "exact-planning"))
    build_fake(out, tmp_path / "figures", less)
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "docs" / "index.html").read_text() == "the book"
    assert not (out / "papers/lower-confidence.html").exists()
    assert not (out / "figures").exists()
    assert 'href="docs/papers/exact-planning.html#reachability-stop"' in (out / "index.html").read_text(
        encoding="utf-8"
    )
    assert not list(out.glob(".building-*"))


def test_figures_that_lie_in_the_site_stay(tmp_path):
    out = tmp_path / "site"
    write_figure(tmp_path / "elsewhere")
    build_fake(out, tmp_path / "elsewhere")
    write_figure(out / "figures")
    build_fake(out, out / "figures")
    less = Ledger(tuple(entry for entry in LEDGER if entry.claim.slug == "exact-planning"))
    build_fake(out, out / "figures", less)
    assert (out / "figures/lower-confidence/fig_rates.png").is_file()


def test_a_foreign_file_is_never_overwritten(tmp_path):
    (tmp_path / "index.html").write_text("my homepage")
    with pytest.raises(ParameterError, match=r"index\.html"):
        build_fake(tmp_path, tmp_path / "none")
    assert contents(tmp_path) == {"index.html": b"my homepage"}


def test_a_failed_build_leaves_the_old_site_alone(tmp_path, monkeypatch):
    out = build_fake(tmp_path / "site", tmp_path / "none").parent
    before = contents(out)

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="no space"):
        build_fake(out, tmp_path / "none", Ledger(LEDGER.entries[:1]))
    assert contents(out) == before


@pytest.mark.parametrize("id", ["../etc/passwd", "Slug/x", "a/b c", 'a/"><script>', "a/"])
def test_ids_that_are_no_addresses_are_refused(tmp_path, id):
    entry = LEDGER.entries[0]
    odd = Ledger((dataclasses.replace(entry, claim=dataclasses.replace(entry.claim, id=id)),))
    with pytest.raises(ParameterError):
        build_fake(
            tmp_path / "site", tmp_path / "none", odd, papers={odd.entries[0].claim.slug: PAPERS["exact-planning"]}
        )
    assert not (tmp_path / "site").exists()


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast_aa(scheme):
    css = (STATIC / "report.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css.split(":root {")[scheme + 1]))
    grounds = ("paper", "card")
    for name in ("ink", "muted", "accent", "supported", "refuted", "inconclusive", "skipped"):
        for ground in (*grounds, "code") if name in ("ink", "muted") else grounds:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        if f"{name}-tint" in colours:
            assert contrast(colours[name], colours[f"{name}-tint"]) >= 4.5, name
    for ground in grounds:
        assert contrast(colours["edge"], colours[ground]) >= 3.0
    assert contrast("#777777", "#ffffff") < 4.5


def flat(element):
    return "".join(element.itertext())


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\|x\|_1 \le \sqrt{2\ln(1/\delta)/n}", "‖x‖1≤2ln(1/δ)/n"),
        (r"\mathrm{span}(V)", "span(V)"),
        (r"\mathbf{1}\{s = s'\}", "𝟏{s=s′}"),
        (r"a \pm b \sim \infty", "a±b∼∞"),
        (r"\hat\pi", "πˆ"),
        (r"a & b", "a&b"),
        (r"x < y > z", "x<y>z"),
        (r"\Pr\{A\} \le \operatorname{sp}(h)", "Pr{A}≤sp(h)"),
    ],
)
def test_formulas_become_mathml(latex, text):
    tree = ET.fromstring(math(latex))
    assert tree.tag == "{http://www.w3.org/1998/Math/MathML}math"
    assert flat(tree) == text


def test_function_names_are_set_apart():
    spaced, tight = math(r"c\log n"), math(r"\log(n)")
    assert spaced.count("<mspace") == 2
    assert "<mspace" not in tight
    assert "<mi>span</mi>" in math(r"\mathrm{span}(x)")


def test_relations_are_operators_and_infinity_is_not():
    assert "<mo>±</mo>" in math(r"a \pm b")
    assert "<mi>∞</mi>" in math(r"C < \infty")


@pytest.mark.parametrize(
    "latex", [r"\unheardof{x}", r"\frac{1}", r"\text{<script>x</script>}", r"{", r"\text{</math>}"]
)
def test_formulas_that_are_not_understood_are_refused(latex):
    with pytest.raises(ParameterError):
        math(latex)


def test_prose_and_formulas_mix():
    out = prose(r"At most $\delta$ of ``all'' \emph{runs}---or \(n\) `code $x$` <b>&amp; $$x=1$$")
    assert prose("``x`` and `y`") == "<code>x</code> and <code>y</code>"
    assert out.count("<math") == 3
    assert out.count('display="block"') == 1
    assert "“all” <em>runs</em>—or " in out
    assert "<code>code $x$</code>" in out
    assert "&lt;b&gt;&amp;amp;" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"\pi \le 1", ""),
        ("x<=y", ""),
        ("Policy iteration stops", "Policy iteration stops"),
        ("It costs x <= y in all", "It costs x &lt;= y in all"),
        ("V_n", ""),
        ("$a$ and $b$", " and "),
        ("the ratio C* grows, and C* = 2", "the ratio C* grows, and C* = 2"),
    ],
)
def test_a_bare_formula_is_told_from_prose(text, words):
    assert re.sub(r"<math.*?</math>|<wbr>", "", prose(text)) == words


def pieces(markup):
    return [flat(ET.fromstring(piece)) for piece in re.findall(r"<math.*?</math>", markup)]


def test_long_formulas_offer_breaks_outside_brackets_only():
    out = broken_math(r"f(a, b = c) \le g, \quad h = \frac{x = y}{z} \text{ for all } s < \infty")
    assert pieces(out) == ["f(a,b=c)", "≤g,", "h", "=x=yz", "s", "<∞"]
    assert " for all " in re.sub(r"<math.*?</math>", "", out)
    assert pieces(broken_math("a + b - c", sums=True)) == ["a", "+b", "−c"]
    assert pieces(broken_math("a + b - c")) == ["a+b−c"]
    assert pieces(broken_math("x = -1", sums=True)) == ["x", "=−1"]


def test_breaking_loses_nothing():
    for entry in LEDGER:
        latex = entry.claim.statement
        if "$" in latex or "unheardof" in latex:
            continue
        whole = flat(ET.fromstring(math(latex)))
        broken = "".join(pieces(broken_math(latex, sums=True)))
        assert broken == whole


def test_bounds_gather_their_square_roots():
    n, S, delta = sp.symbols("n S delta", positive=True)
    assert bound_latex(sp.sqrt(2 * sp.log(S / delta) / n)).startswith(r"\sqrt{\frac{2 ")
    assert bound_latex(sp.sqrt(n * S) / 27) == r"\frac{1}{27} \sqrt{S n}"
    assert bound_latex(-sp.sqrt(n * S)) == r"- \sqrt{S n}"
    assert bound_latex(sp.Rational(3, 2) * n) == r"\frac{3 n}{2}"
    for bound in (sp.sqrt(n * S) * (1 + n) / 3, sp.sqrt(n) / sp.sqrt(S), 20 * sp.sqrt(n * S) ** 3 * sp.log(n)):
        math(bound_latex(bound))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.93249, "0.932"),
        (1200, "1\u202f200"),
        (-0.5, "−0.5"),
        (3e-8, "3.0\u202f×\u202f10<sup>−8</sup>"),
        (2.5e7, "2.5\u202f×\u202f10<sup>7</sup>"),
        (0.0, "0"),
        (1.0, "1"),
    ],
)
def test_numbers_are_short_and_honest(value, shown):
    assert str(site._number(value)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the penalty is added", "The penalty is added."),
        ("a term less", "A term less."),
        ("c = 0.2", "c = 0.2."),
        ("$x$ grows", "$x$ grows."),
        ("held at all 3 points!", "Held at all 3 points!"),
        ("v_n(s) is read", "v_n(s) is read."),
        ("", ""),
    ],
)
def test_sentences_keep_symbols_as_they_are(text, shown):
    assert site._sentence(text) == shown


def test_a_p_value_is_never_called_zero():
    assert "10" in site._p_value(0.0)
    assert str(site._p_value(0.18)) == "0.18"


def test_every_claim_of_ours_is_set_without_fallback():
    claims = bounds.claims()
    assert claims
    for claim in claims:
        texts = [claim.statement, claim.control.description, claim.provenance.source]
        texts += [assumption.statement for assumption in claim.assumptions]
        texts += [text.partition(":")[2] for text in claim.provenance.constants.values()]
        texts += [claim.finding.title, claim.finding.text] if claim.finding else []
        for text in texts:
            prose(text)
        if claim.bound is not None:
            math(bound_latex(claim.bound))
    for paper in bounds.papers():
        prose(paper.summary)


def test_the_page_shows_what_was_searched_and_nothing_where_nothing_was(tmp_path):
    from experiments.falsify import SEARCHED, Searched

    searchable = [entry.claim for entry in LEDGER.entries if entry.claim.kind in SEARCHED]
    first, *others = searchable
    found = Searched(first.id, 3, 12345, 41.5, 0.98765, False, None, "instances", {})
    out = build_fake(tmp_path / "site", tmp_path / "figures", searched={first.id: found}).parent
    pages = {entry.claim.slug for entry in LEDGER.entries}
    text = "".join((out / "papers" / f"{slug}.html").read_text() for slug in pages)
    assert text.count("Search for a counterexample: none found among 12\u202f345 instances") == 1
    assert "tightest measured/bound 0.988" in text
    assert "(3 searches, 41.5 s)" in text
    assert text.count("No search for a counterexample has been made") == len(others)
    broken = dataclasses.replace(found, refuted=True, exact=True, searches=1)
    out = build_fake(tmp_path / "site", tmp_path / "figures", searched={first.id: broken}).parent
    text = (out / "papers" / f"{first.slug}.html").read_text()
    assert "<strong>found</strong>, confirmed in rational arithmetic among" in text
    assert "(1 search, " in text
