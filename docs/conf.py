"""Sphinx configuration: pages in Markdown, the API from its docstrings, formulas as MathML without any network."""

import html
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

project = "rl-theorems"
author = "The rl-theorems developers"
project_copyright = author
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 4
numpydoc_show_class_members = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False

html_theme = "alabaster"
html_theme_options = {"description": "The theorems of reinforcement learning, held against evidence."}
html_math_renderer = "mathml"
html_show_sourcelink = False

_log = logging.getLogger(__name__)


def _mathml(node, *, block):
    from experiments.report.mathml import math
    from tabular.errors import ParameterError

    try:
        return str(math(node.astext(), block=block))
    except ParameterError as error:
        _log.warning("formula not set: %s", error, location=node)
        return f"<code>{html.escape(node.astext())}</code>"


def _inline(translator, node):
    translator.body.append(_mathml(node, block=False))
    raise nodes.SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="math">{_mathml(node, block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the formulas' renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}
