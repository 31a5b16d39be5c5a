"""The numbers of a rule as Python text."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy

from lightgen.rules.language import SCALAR_TEXT

_TEXT = {
    **SCALAR_TEXT,
    "sqrt": "math.sqrt({0})",
    "square": "{0} * {0}",
    "rsqrt": "1 / math.sqrt({0})",
    "reciprocal": "1 / {0}",
    "sigmoid": "1 / (1 + math.exp(-{0}))",
    "sign": "({0} > 0) - ({0} < 0)",
    "neg": "-{0}",
    "maximum": "max({0}, {1})",
    "minimum": "min({0}, {1})",
    "where": "{1} if {0} else {2}",
}


def number_text(node: ast.expr) -> str:
    """The expression as Python; `shape` is the shape of the parameter."""
    return ast.unparse(_Text().visit(deepcopy(node)))


def is_plain(node: ast.expr) -> bool:
    """Whether it is a constant, or one with a sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return is_plain(node.operand)
    return isinstance(node, ast.Constant)


class _Text(ast.NodeTransformer):
    """Writes the functions of the language in Python."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        texts = {"pi": "math.pi", "ndim": "len(shape)"}
        return _parsed(texts.get(node.id, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return _parsed("len(shape)" if node.attr == "ndim" else "shape")

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        arguments = [self.visit(each) for each in node.args]
        if name == "clamp":
            return self._clamp(arguments)
        if name not in _TEXT:
            return ast.Call(node.func, arguments, [])
        given = {f"argument{i}": each for i, each in enumerate(arguments)}
        return Fill(given).expression(_parsed(_TEXT[name].format(*given)))

    def _clamp(self, arguments: list[ast.expr]) -> ast.expr:
        value, *bounds = arguments
        for name, bound in zip(("max", "min"), bounds, strict=False):
            if not (isinstance(bound, ast.Constant) and bound.value is None):
                value = ast.Call(ast.Name(name, ast.Load()), [value, bound], [])
        return value


class Fill(ast.NodeTransformer):
    """Puts expressions in the places of names."""

    def __init__(self, given: Mapping[str, ast.expr]) -> None:
        self.given = given

    def expression(self, node: ast.expr) -> ast.expr:
        """The expression with the others in it."""
        filled: ast.expr = self.visit(node)
        return filled

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The expression in the place of a name."""
        return self.given.get(node.id, node)


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
