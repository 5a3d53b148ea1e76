"""The README is true: its Python runs, its commands and files exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_runs_as_it_stands(number, capsys):
    exec(compile(BLOCKS[number], f"README.md, block {number}", "exec"), {})


def test_it_shows_a_planner_a_learner_and_a_check():
    assert [word in "".join(BLOCKS) for word in ("vi_lcb", "stepmix", "check_offline_learner")] == [True] * 3


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z]+)", TEXT):
        assert re.search(rf"^{target}(:|-%:)", makefile, flags=re.MULTILINE), target


def test_commands_exist():
    from experiments.cli import app

    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert set(re.findall(r"`rl-theorems ([a-z]+)", TEXT)) <= names


def test_linked_files_exist():
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert link.startswith("http") or (ROOT / link).exists(), link
