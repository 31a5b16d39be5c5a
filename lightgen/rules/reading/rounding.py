"""Arithmetic in float32 for `scalar(x, float32)`: torch's NAdam keeps such a number as a tensor."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Sequence

from lightgen.rules.reading.body import augmented

ROUND = "_float32"


def with_rounding(body: Sequence[ast.stmt], singles: Collection[str]) -> tuple[ast.stmt, ...]:
    """The body, where an assignment to one of `singles` rounds what it reads and its result."""
    if not singles:
        return tuple(body)
    rewriter = _Rounding(singles)
    return tuple(ast.fix_missing_locations(rewriter.visit(copy.deepcopy(node))) for node in body)


class _Rounding(ast.NodeTransformer):
    def __init__(self, singles: Collection[str]) -> None:
        self.singles = singles

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        if isinstance(node.target, ast.Name) and node.target.id in self.singles:
            value = self.rounded(augmented(node))
            return ast.copy_location(ast.Assign([node.target], value), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        (target,) = node.targets
        if isinstance(target, ast.Name) and target.id in self.singles:
            node.value = self.rounded(node.value)
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=True)
            node.value.elts = [
                (
                    self.rounded(value)
                    if isinstance(name, ast.Name) and name.id in self.singles
                    else value
                )
                for name, value in pairs
            ]
        return node

    def rounded(self, value: ast.expr) -> ast.expr:
        read = _Read(self.singles).visit(value)
        return read if isinstance(read, ast.Name) and read.id in self.singles else _call(read)


class _Read(ast.NodeTransformer):
    """Rounds the numbers that an expression reads, but for those that are rounded already."""

    def __init__(self, singles: Collection[str]) -> None:
        self.singles = singles

    def visit_Call(self, node: ast.Call) -> ast.expr:
        node.args = [self.visit(each) for each in node.args]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return _call(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return node if node.id in self.singles else _call(node)


def _call(node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(ast.Name(ROUND, ast.Load()), [node], []), node)
