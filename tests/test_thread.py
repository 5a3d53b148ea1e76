"""Every slug has its module in each room, its tests, its docs page and its reference."""

import re
from pathlib import Path

import pytest

import bounds
from bounds.claims import Claim, Paper

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "bandit",
    "online",
    "offline",
    "adversarial",
    "robust",
    "average_reward",
    "reward_free",
    "partially_observed",
    "preference",
    "policy_gradient",
    "games",
)


def missing_files(paper: Paper, root: Path) -> list[str]:
    """Files of the thread that ``paper`` lacks under ``root``."""
    module = paper.slug.replace("-", "_")
    wanted = [
        f"bounds/papers/{module}.py",
        f"experiments/papers/{module}.py",
        f"paper_figures/{module}.py",
        f"tests/papers/test_{module}.py",
        f"docs/papers/{paper.slug}.md",
    ]
    if paper.room is not None:
        wanted.append(f"tabular/learning/{paper.room}/{module}.py")
    return [name for name in wanted if not (root / name).is_file()]


@pytest.fixture(params=bounds.papers(), ids=lambda paper: paper.slug)
def paper(request):
    return request.param


def claims_of(paper: Paper) -> tuple[Claim, ...]:
    return bounds.claims(paper.slug)


def test_there_are_papers():
    assert {"pessimism-lcb", "tabular-foundations"} <= {paper.slug for paper in bounds.papers()}


def test_thread_is_whole(paper):
    assert missing_files(paper, ROOT) == []
    assert paper.room is None or paper.room in ROOMS


def test_control_a_broken_thread_is_seen(paper, tmp_path):
    assert missing_files(paper, tmp_path)


def test_every_module_of_a_paper_room_is_on_the_thread():
    slugs = {paper.slug for paper in bounds.papers()}
    for folder in ("bounds/papers", "experiments/papers"):
        for file in (ROOT / folder).glob("[!_]*.py"):
            assert file.stem.replace("_", "-") in slugs, file
    for page in (ROOT / "docs/papers").glob("*.md"):
        assert page.stem in slugs, page


def test_reference_is_in_the_bibliography(paper):
    keys = set(re.findall(r"@\w+\{\s*([^,\s]+)\s*,", (ROOT / "references.bib").read_text()))
    assert paper.key in keys


def test_claims_are_well_formed(paper):
    from experiments import discovery

    studies = {study.id for study in discovery.studies(paper.slug)}
    claims = claims_of(paper)
    assert claims
    assert len({claim.id for claim in claims}) == len(claims)
    page = (ROOT / f"docs/papers/{paper.slug}.md").read_text()
    for claim in claims:
        name = claim.id.partition("/")[2]
        assert claim.slug == paper.slug, claim.id
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), claim.id
        assert claim.statement.strip(), claim.id
        assert claim.paper.strip(), claim.id
        assert claim.control.description.strip(), claim.id
        assert claim.provenance.source.strip(), claim.id
        assert claim.studies, claim.id
        assert set(claim.studies) <= studies, claim.id
        assert name in page, f"{claim.id} is not explained in docs/papers/{paper.slug}.md"
        if claim.finding is not None:
            target, _, anchor = claim.finding.docs.partition("#")
            text = (ROOT / "docs" / target).read_text()
            anchors = {
                re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-")
                for h in re.findall(r"^#+ (.*)$", text, re.M)
            }
            assert not anchor or anchor in anchors or f"({anchor})=" in text, claim.finding.docs


def test_study_and_figure_ids_belong_to_the_slug(paper):
    from experiments import discovery

    studies = discovery.studies(paper.slug)
    assert studies
    assert len({study.id for study in studies}) == len(studies)
    for study in studies:
        assert study.id.startswith(f"{paper.slug}/")
        assert study.run.__module__.startswith("experiments.papers"), study.id
    figures = discovery.figures(paper.slug)
    assert figures
    for figure in figures:
        assert figure.id.startswith(f"{paper.slug}/")
        assert set(figure.studies) <= {study.id for study in studies}
