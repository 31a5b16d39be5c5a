"""The numbers of a rule as Python text."""

from __future__ import annotations

import ast
from copy import deepcopy

from lightgen.rules.language import FUNCTIONS
from lightgen.rules.numbers import number_call, parsed


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
        return parsed(texts.get(node.id, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return parsed("len(shape)" if node.attr == "ndim" else "shape")

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        arguments = [self.visit(each) for each in node.args]
        if node.func.id not in FUNCTIONS:
            return ast.Call(node.func, arguments, [])
        return number_call(node.func.id, arguments)
