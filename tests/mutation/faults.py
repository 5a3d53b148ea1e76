"""Every deliberate fault that can be planted in a kernel or a judge.

The edits are those of cosmic-ray (a sign, an operation, a negated comparison, an off-by-one, a negated condition, an
empty loop, a break) and one of our own: a term dropped from a sum. They are applied to source text; nothing is
executed. A strict comparison is not made weak: between real numbers that is hardly ever a fault.
"""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.number_replacer import NumberReplacer
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).resolve().parents[2]

_EDITS = (
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul", "Mod_Mul")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_GtE", "LtE_Gt", "Gt_LtE", "GtE_Lt", "Eq_NotEq", "NotEq_Eq")),
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "AddNot",
    "ZeroIterationForLoop",
)


class ReplaceNumber(NumberReplacer):
    """One more or one less; not ``shape[-1]`` for ``shape[0]``, the same of a vector and ``shape[1]`` of a matrix."""

    def mutation_positions(self, node):
        places = list(super().mutation_positions(node))
        leaf = node.get_previous_leaf() if places else None
        size = leaf is not None and leaf.value == "[" and leaf.get_previous_leaf().value == "shape"
        yield from places[:1] if size and node.value == "0" else places


class DropTerm(Operator):
    """Drop one summand, but not the first, from a sum."""

    def mutation_positions(self, node):
        if node.type == "arith_expr":
            for sign, term in zip(node.children[1::2], node.children[2::2], strict=True):
                yield sign.start_pos, term.end_pos

    def mutate(self, node, index):
        del node.children[1 + 2 * index : 3 + 2 * index]
        return node

    @classmethod
    def examples(cls):
        return ()


_OWN = {"NumberReplacer": ReplaceNumber, "DropTerm": DropTerm}


@functools.cache
def _operator(name: str) -> Operator:
    return _OWN[name]() if name in _OWN else get_operator(f"core/{name}")()


@dataclass(frozen=True, slots=True)
class Fault:
    """One edit of one function.

    Attributes
    ----------
    module : str
        Path of the file from the root of the repository.
    function : str
        Its outermost function, dotted where that is a method.
    edit : str
        Name of the operator.
    occurrence : int
        Which of the places in the file where the operator applies.
    line : int
    before : str
        The changed line, stripped.
    """

    module: str
    function: str
    edit: str
    occurrence: int
    line: int
    before: str

    def source(self) -> str:
        """Return the text of the module with the fault in it."""
        source = (ROOT / self.module).read_text(encoding="utf-8")
        changed = mutate_code(source, _operator(self.edit), self.occurrence)
        assert changed is not None, self
        return changed

    @property
    def after(self) -> str:
        """The line with the fault, stripped; where the edit joined lines, all of them."""
        before = (ROOT / self.module).read_text(encoding="utf-8").splitlines()
        after = self.source().splitlines()
        return " ".join(line.strip() for line in after[self.line - 1 : self.line + max(len(after) - len(before), 0)])

    @property
    def label(self) -> str:
        """What was changed where."""
        return f"{self.module}:{self.line} {self.function} [{self.edit}]\n    - {self.before}\n    + {self.after}"


def _is_kernel(node: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "kernel" for one in node.decorator_list)


def _functions(tree: ast.Module, every: bool) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions to damage: the kernels, or ``every`` function and method."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and (every or _is_kernel(node)):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and every:
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _executed_lines(function: ast.FunctionDef) -> set[int]:
    """Lines whose meaning a test can observe: the body without the docstring and without the texts of errors."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    lines = {line for node in body for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    for node in ast.walk(function):
        if isinstance(node, ast.Raise):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def faults_of(module: str) -> list[Fault]:
    """Return every fault of one file: of its kernels; of all functions where the file belongs to the judges."""
    source = (ROOT / module).read_text(encoding="utf-8")
    owner: dict[int, str] = {}
    for name, function in _functions(ast.parse(source), every=module.startswith("bounds/judges/")):
        owner.update(dict.fromkeys(_executed_lines(function), name))
    if not owner:
        return []
    tree, lines, found = parso.parse(source), source.splitlines(), []
    for edit in (*_EDITS, *_OWN):
        places = (place for node in ast_nodes(tree) for place in _operator(edit).mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            line = start[0]
            if line in owner:
                found.append(Fault(module, owner[line], edit, occurrence, line, lines[line - 1].strip()))
    return found


def modules(roots: tuple[str, ...] = ("tabular", "bounds/judges")) -> list[str]:
    """Return the files under ``roots``, by path."""
    found: list[Path] = []
    for root in roots:
        path = ROOT / root
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [path.relative_to(ROOT).as_posix() for path in found]
