r"""Formulas of the report as MathML, and the prose around them as HTML.

A statement is prose with formulas between dollar signs, or one formula without any. Everything that reaches a page is
either escaped text or a tree of MathML elements built here: the converter's output is parsed, checked against a list
of elements and attributes, tidied for how browsers set MathML Core, and written out again.
"""

from __future__ import annotations

import html
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert
from markupsafe import Markup

from tabular.errors import ParameterError

if TYPE_CHECKING:
    import sympy

__all__ = ["bound_latex", "broken_math", "math", "prose"]


def _names(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_ELEMENTS = _names(
    "math mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle mpadded mphantom msub msup msubsup munder mover "
    "munderover mmultiscripts mtable mtr mtd menclose"
)
_ATTRIBUTES = _names(
    "display accent accentunder movablelimits stretchy fence form minsize maxsize largeop symmetric lspace rspace "
    "width height depth displaystyle scriptlevel linethickness mathvariant columnalign class"
)
_FUNCTIONS = _names(
    "log ln exp sin cos tan tanh sinh cosh arctan arcsin arccos det dim lg sgn sign tr Tr rank diag span sp supp Var "
    "Cov KL kl TV poly polylog"
)
_ARITY = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
_OPENING = frozenset("([{⌈⌊⟨|∥‖")
_ORDINARY = frozenset("∞∅⊤⊥∂∇")
_GLYPHS = {"~": "∼", "\u29f5": "∖"}
_ACCENTS = {"^": "\u02c6", "~": "\u02dc"}
_RELATIONS = frozenset("=≤≥<>≲≳≠≈∼≡→⇒⟹⟺⇔↦∝≪≫∈")
_SUMS = frozenset("+−")
_BRACKETS = {"(": 1, "[": 1, "⟨": 1, "⌈": 1, "⌊": 1, ")": -1, "]": -1, "⟩": -1, "⌉": -1, "⌋": -1}
_CLOSING = frozenset(")]}⟩⌉⌋|‖")
_LONG = 40
_BOLD_UPPER, _BOLD_LOWER, _BOLD_DIGIT = 0x1D400, 0x1D41A, 0x1D7CE
_NAMESPACE = "http://www.w3.org/1998/Math/MathML"


def _bold(text: str) -> str:
    """Map letters and digits to their bold forms, which MathML Core has instead of ``mathvariant``."""
    shifted = []
    for character in text:
        if "A" <= character <= "Z":
            shifted.append(chr(_BOLD_UPPER + ord(character) - ord("A")))
        elif "a" <= character <= "z":
            shifted.append(chr(_BOLD_LOWER + ord(character) - ord("a")))
        elif "0" <= character <= "9":
            shifted.append(chr(_BOLD_DIGIT + ord(character) - ord("0")))
        else:
            shifted.append(character)
    return "".join(shifted)


def _reclass(element: ET.Element) -> None:
    """Make relations and brackets operators, and symbols that stand for things identifiers, whatever they came as."""
    text = element.text or ""
    if len(text) != 1:
        return
    if element.tag == "mo" and text in "/|":
        element.set("lspace", "0em")
        element.set("rspace", "0em")
    if element.tag == "mo" and text in _ORDINARY:
        element.tag = "mi"
        element.attrib.clear()
    elif element.tag == "mi" and (text in _GLYPHS or text == ":" or unicodedata.category(text) in ("Sm", "Ps", "Pe")):
        if text in _ORDINARY:
            return
        element.tag, element.text = "mo", _GLYPHS.get(text, text)
        if unicodedata.category(text) in ("Ps", "Pe"):
            element.set("form", "prefix" if unicodedata.category(text) == "Ps" else "postfix")
            element.set("stretchy", "false")


def _merge_upright(parent: ET.Element) -> None:
    r"""Join the letters of ``\mathrm{span}`` into one identifier."""
    merged: list[ET.Element] = []
    for child in parent:
        last = merged[-1] if merged else None
        if (
            last is not None
            and parent.tag == "mrow"
            and child.tag == last.tag == "mi"
            and child.get("mathvariant") == last.get("mathvariant") == "normal"
        ):
            last.text = (last.text or "") + (child.text or "")
        else:
            merged.append(child)
    parent[:] = merged
    if parent.tag == "mrow" and len(merged) == 1 and merged[0].tag == "mi" and len(merged[0].text or "") > 1:
        only = merged[0]
        parent[:] = []
        parent.tag, parent.text = "mi", only.text
        parent.attrib.clear()


def _core(element: ET.Element) -> ET.Element:
    """Return the element that carries the operator or function name of a scripted one."""
    while element.tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover") and len(element):
        element = element[0]
    return element


def _opens(element: ET.Element | None) -> bool:
    """Whether an element begins with an opening bracket, so that no space is wanted before it."""
    while element is not None and len(element) and element.tag in ("mrow", "msup", "msub", "msubsup"):
        element = element[0]
    return element is not None and element.tag == "mo" and (element.text or "") in _OPENING


def _space_names(parent: ET.Element) -> None:
    """Set names of functions and operators apart as a typesetter does: ``log x``, but ``log(x)``."""
    spaced: list[ET.Element] = []
    children = list(parent)
    for position, child in enumerate(children):
        spaced.append(child)
        following = children[position + 1] if position + 1 < len(children) else None
        core = _core(child)
        text = (core.text or "").strip()
        if core.tag == "mo" and len(text) > 1 and text.replace("\u2009", "").isalpha():
            tight = following is None or _opens(following)
            core.set("lspace", "0.1667em" if position else "0em")
            core.set("rspace", "0em" if tight else "0.1667em")
            core.set("movablelimits", "true")
        elif core.tag == "mi" and text in _FUNCTIONS:
            if position and children[position - 1].tag not in ("mo", "mspace"):
                spaced.insert(-1, ET.Element("mspace", width="0.1667em"))
            if following is not None and following.tag not in ("mo", "mspace") and not _opens(following):
                spaced.append(ET.Element("mspace", width="0.1667em"))
    if parent.tag in ("mrow", "math", "mtd", "msqrt", "mstyle"):
        parent[:] = spaced


def _tidy(element: ET.Element) -> None:
    """Check an element and its descendants, and set them for MathML Core."""
    element.tag = element.tag.rpartition("}")[2]
    if element.tag not in _ELEMENTS:
        raise ParameterError(f"unexpected MathML element {element.tag!r}")
    if len(element) != _ARITY.get(element.tag, len(element)):
        raise ParameterError(f"{element.tag} takes {_ARITY[element.tag]} arguments, got {len(element)}")
    for name in set(element.attrib) - _ATTRIBUTES:
        del element.attrib[name]
    variant = element.get("mathvariant")
    if variant in ("bold", "bold-italic"):
        element.text = _bold(element.text or "")
    if variant is not None and (variant != "normal" or element.tag != "mi"):
        del element.attrib["mathvariant"]
    if "\\" in (element.text or ""):
        raise ParameterError(f"unknown LaTeX command {element.text!r}")
    if element.tag == "mover" and len(element) == 2 and element[1].text in _ACCENTS:
        element[1].text = _ACCENTS[element[1].text or ""]
        element[1].set("stretchy", "false")
    _reclass(element)
    for child in element:
        _tidy(child)
    _merge_upright(element)
    _space_names(element)


def _tree(latex: str, *, block: bool) -> ET.Element:
    """Return a formula as a checked and tidied tree."""
    source = " ".join(latex.split())
    try:
        tree = ET.fromstring(_escape_ampersands(convert(source, display="block" if block else "inline")))
    except Exception as error:
        raise ParameterError(f"not understood as LaTeX: {latex!r} ({type(error).__name__})") from error
    _tidy(tree)
    return tree


def _written(children: Sequence[ET.Element], *, block: bool, display_style: bool) -> Markup:
    """Return elements as one ``math`` element."""
    attributes = {"xmlns": _NAMESPACE, "display": "block" if block else "inline"}
    if display_style and not block:
        attributes["displaystyle"] = "true"
    root = ET.Element("math", attributes)
    row = ET.SubElement(root, "mrow")
    row.extend(children)
    return Markup(ET.tostring(root, encoding="unicode", short_empty_elements=False))


def math(latex: str, *, block: bool = False) -> Markup:
    """Return a formula as one MathML element.

    Parameters
    ----------
    latex : str
        One formula, without dollar signs.
    block : bool
        Whether it stands on a line of its own.

    Raises
    ------
    ParameterError
        If the formula is not understood, naming the command or the LaTeX.
    """
    return _written(list(_tree(latex, block=block)), block=block, display_style=block)


def _ends_operand(current: Sequence[ET.Element]) -> bool:
    """Whether the last element can stand before a relation: it is no operator, or it closes a bracket."""
    return bool(current) and (current[-1].tag != "mo" or (current[-1].text or "") in _CLOSING)


def broken_math(latex: str, *, display_style: bool = False, sums: bool = False) -> Markup:
    """Return a formula in pieces between which a line may end: browsers do not break a formula themselves.

    Breaks are offered before relations outside all brackets but braces, after commas there, at wide spaces, and around
    words (which become ordinary text).

    Parameters
    ----------
    latex : str
        One formula, without dollar signs.
    display_style : bool
        Whether fractions and limits are set large.
    sums : bool
        Whether a line may also end before a plus or minus.

    Raises
    ------
    ParameterError
        If the formula is not understood.
    """
    tree = _tree(latex, block=False)
    row = tree[0] if len(tree) == 1 and tree[0].tag == "mrow" else tree
    breaks = _RELATIONS | _SUMS if sums else _RELATIONS
    pieces: list[str] = []
    current: list[ET.Element] = []
    depth = 0

    def close(after: str = "<wbr>") -> None:
        if current:
            pieces.append(_written(current, block=False, display_style=display_style) + Markup(after))
            current.clear()

    for child in row:
        text = child.text or ""
        if depth == 0 and child.tag == "mtext":
            close("")
            pieces.append(html.escape(text.replace("\u00a0", " "), quote=False))
            continue
        if depth == 0 and child.tag == "mspace" and child.get("width") in ("1em", "2em"):
            close("")
            pieces.append("\u2003 ")
            continue
        if depth == 0 and child.tag == "mo" and text in breaks and _ends_operand(current):
            close()
        current.append(child)
        if child.tag == "mo" and text in _BRACKETS:
            depth = max(0, depth + _BRACKETS[text])
        if depth == 0 and child.tag == "mo" and text == ",":
            close(" ")
    close("")
    return Markup("".join(pieces))


def _escape_ampersands(xml: str) -> str:
    """Escape the ampersands that do not begin a numeric or a named XML entity."""
    return re.sub(r"&(?!#x?[0-9A-Fa-f]+;|(?:amp|lt|gt|quot|apos);)", "&amp;", xml)


_PIECES = re.compile(
    r"\$\$(.+?)\$\$|\$(.+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]|(?<!`)(?:``([^`']+)``|`([^`]+)`)(?!`)", re.DOTALL
)
_QUOTES = (
    ("``", "“"),
    ("''", "”"),
    ("---", "—"),
    ("--", "–"),
    ("~", "\u00a0"),
    ("\\%", "%"),
    ("\\&", "&"),
    ("\\_", "_"),
)


def _is_formula(text: str) -> bool:
    """Whether a statement without any dollar sign is a formula: it has a command, a script or a relation."""
    if "$" in text or "\\(" in text or "\\[" in text or "`" in text:
        return False
    return "\\" in text or (re.search(r"[A-Za-z)][_^]|[=<>≤≥]", text) is not None and " " not in text.strip())


def _words(text: str) -> str:
    """Return escaped prose with emphasis and the punctuation of LaTeX."""
    for source, target in _QUOTES:
        text = text.replace(source, target)
    text = html.escape(unicodedata.normalize("NFC", text), quote=False)
    text = re.sub(r"\\(?:emph|textit)\{([^{}]*)\}", r"<em>\1</em>", text)
    text = re.sub(r"\\textbf\{([^{}]*)\}", r"<strong>\1</strong>", text)
    text = re.sub(r"\\text(?:rm|sf|normal)?\{([^{}]*)\}", r"\1", text)
    return re.sub(r"\\texttt\{([^{}]*)\}", r"<code>\1</code>", text)


def prose(text: str, *, block: bool = False) -> Markup:
    r"""Return prose with formulas as HTML and MathML.

    Parameters
    ----------
    text : str
        Prose with formulas between dollar signs (doubled for a line of their own), code between backticks and
        ``\emph{...}``; or one bare formula.
    block : bool
        Whether a bare formula is set large, as on a line of its own.

    Raises
    ------
    ParameterError
        If a formula is not understood.
    """
    text = text.strip()
    if _is_formula(text):
        return broken_math(text, display_style=block)
    pieces, end = [], 0
    for match in _PIECES.finditer(text):
        pieces.append(_words(text[end : match.start()]))
        displayed, inline, round_, square, *code = match.groups()
        if any(code):
            pieces.append(f"<code>{html.escape(code[0] or code[1])}</code>")
        else:
            formula = displayed or inline or round_ or square
            if displayed or square or len(formula) <= _LONG:
                pieces.append(math(formula, block=bool(displayed or square)))
            else:
                pieces.append(broken_math(formula))
        end = match.end()
    pieces.append(_words(text[end:]))
    return Markup("".join(pieces))


def bound_latex(expression: sympy.Expr) -> str:
    r"""Return a bound as LaTeX with its square roots gathered: ``\sqrt{2 \ln(1/\delta) / n}``."""
    import sympy
    from sympy.printing.latex import LatexPrinter
    from sympy.printing.precedence import PRECEDENCE

    half, product = sympy.Rational(1, 2), PRECEDENCE["Mul"]

    class Printer(LatexPrinter):
        def _print_Mul(self, expr: Any) -> str:
            inside, outside = [], []
            for factor in expr.args:
                base, power = factor.as_base_exp()
                if power in (half, -half) and base.is_nonnegative is not False:
                    inside.append(base ** sympy.sign(power))
                else:
                    outside.append(factor)
            if len(inside) < 2:
                return str(super()._print_Mul(expr))
            if expr.could_extract_minus_sign():
                return f"- {self._print(-expr)}"
            root = rf"\sqrt{{{self._print(sympy.Mul(*inside))}}}"
            if not outside:
                return root
            rest = sympy.Mul(*outside)
            return f"{self.parenthesize(rest, product, strict=True)} {root}"

    return str(Printer({"ln_notation": True, "fold_frac_powers": True}).doprint(expression))
