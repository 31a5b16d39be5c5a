"""What the printers of kernels share: a body of entries as lines, with the words of a language."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lightgen.rules.fused.kernel import Number
from lightgen.rules.numbers import filled_in

_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


@dataclass(frozen=True)
class Language:
    """How calls, constants and names of a rule are written.

    `words` maps a function of the language of rules to what is called, `texts` to an expression
    over {0}, {1}, ...; `spelled` keeps names apart from those of the language.
    """

    words: Mapping[str, str]
    texts: Mapping[str, str]
    constant: Callable[[float], str]
    spelled: Callable[[str], str]

    def expression(self, node: ast.expr) -> str:
        """The expression; the precedence of its operators is the same in all languages here."""
        return ast.unparse(ast.fix_missing_locations(_Say(self).visit(_copy(node))))

    def assignment(self, name: str, value: ast.expr) -> str:
        """name = value, or name += value where that says the same."""
        match value:
            case ast.BinOp(left=ast.Name(id=left), op=op, right=right):
                if left == name and type(op) in _SIGNS:
                    return f"{self.spelled(name)} {_SIGNS[type(op)]}= {self.expression(right)}"
        return f"{self.spelled(name)} = {self.expression(value)}"


class _Say(ast.NodeTransformer):
    """Puts the words of the language in the places of those of the rule."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def said(self, node: ast.expr) -> ast.expr:
        """The expression in the words of the language."""
        made: ast.expr = self.visit(node)
        return made

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _name(self.language.spelled(node.id))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        assert isinstance(node.value, int | float)
        return _name(self.language.constant(node.value))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        left, right = self.said(node.left), self.said(node.comparators[0])
        return ast.Compare(left, node.ops, [right])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        if node.func.id == "clamp":
            return self.said(_clamped(*node.args))
        return self._called(node.func.id, [self.said(each) for each in node.args])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.Pow):
            return self.said(_power(node.left, node.right))
        return ast.BinOp(self.said(node.left), node.op, self.said(node.right))

    def _called(self, name: str, arguments: list[ast.expr]) -> ast.expr:
        if name in self.language.texts:
            return filled_in(self.language.texts[name], arguments)
        return ast.Call(_name(self.language.words[name]), arguments, [])


def _clamped(value: ast.expr, least: ast.expr, most: ast.expr | None = None) -> ast.expr:
    """A clamp as torch does it: the upper bound last, and NaN stays."""
    for name, bound in (("maximum", least), ("minimum", most)):
        if bound is not None and not (isinstance(bound, ast.Constant) and bound.value is None):
            value = ast.Call(_name(name), [value, bound], [])
    return value


def _power(base: ast.expr, exponent: ast.expr) -> ast.expr:
    """A power; torch computes some of them otherwise than by logarithms, and so do kernels."""
    names = {0.5: "sqrt", 2: "square", -0.5: "rsqrt", -1: "reciprocal"}
    value = _constant(exponent)
    if value in names:
        return ast.Call(_name(names[value]), [base], [])
    if value == 3:
        return ast.BinOp(ast.Call(_name("square"), [base], []), ast.Mult(), _copy(base))
    return ast.Call(_name("pow"), [base, exponent], [])


def _constant(node: ast.expr) -> float | None:
    """The number of a constant, or of one with a sign; None for what is none."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return None


def formula(number: Number) -> str:
    """How a number is computed, for a comment."""
    return number.text.replace(" ** ", "**").replace("math.", "")


def folded(text: str, indent: int, width: int = 88) -> list[str]:
    """A statement, on several lines if it is too long for one."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _copy(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(ast.fix_missing_locations(node)), mode="eval").body


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())
