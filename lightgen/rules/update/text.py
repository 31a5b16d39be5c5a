"""Expressions of a rule as Python text: numbers, and torch's functions for one tensor."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping

from lightgen.rules.kinds import Kind, kind_of
from lightgen.rules.language import SCALAR_TEXT, TORCH_TEXT
from lightgen.rules.numbers import filled_in, is_none, number_call, parsed
from lightgen.rules.reading.rounding import ROUND
from lightgen.source import literal


class TextOf:
    """Writes expressions; `kinds` are those of the names at that place.

    With `clones` what `where` chooses is never the memory of one of its arguments.
    """

    def __init__(
        self, kinds: Mapping[str, Kind], helpers: Collection[str], *, clones: bool = False
    ) -> None:
        self.kinds, self.helpers, self.clones = kinds, helpers, clones

    def __call__(self, node: ast.expr) -> str:
        """The text of node in Python."""
        written = _Writer(self).visit(copy.deepcopy(node))
        return ast.unparse(ast.fix_missing_locations(written))

    def is_number(self, node: ast.expr) -> bool:
        """Whether node is a plain number."""
        return kind_of(node, self.kinds, self.helpers).is_number


class _Writer(ast.NodeTransformer):
    """Puts torch's and Python's names for those of the language."""

    def __init__(self, text: TextOf) -> None:
        self.text = text

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, float):
            return ast.Name(literal(node.value), ast.Load())
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return parsed("math.pi") if node.id == "pi" else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        is_number = self.text.is_number(node)
        is_choice = name == "where" and self.text.is_number(node.args[0])
        kinds = [self.text.is_number(each) for each in node.args]
        arguments = [self.visit(each) for each in node.args]
        if name == ROUND:
            return ast.Call(node.func, arguments, [])
        if name in self.text.helpers:
            keywords = [ast.keyword(each.arg, self.visit(each.value)) for each in node.keywords]
            return ast.Call(node.func, arguments, keywords)
        if is_choice:
            test, then, otherwise = arguments
            if self.text.clones and not is_number:
                then, otherwise = _cloned(then), _cloned(otherwise)
            return ast.IfExp(test, then, otherwise)
        if is_number:
            return number_call(name, arguments)
        return _tensor_call(name, arguments, kinds, self.like(node))

    def like(self, node: ast.expr) -> str:
        """The name of a tensor in node: what is made beside it is like that one."""
        names = (each.id for each in ast.walk(node) if isinstance(each, ast.Name))
        return next(n for n in names if n in self.text.kinds and not self.text.kinds[n].is_number)


def _cloned(node: ast.expr) -> ast.expr:
    if not isinstance(node, ast.Name):
        return node
    return ast.Call(ast.Attribute(node, "clone", ast.Load()), [], [])


def _tensor_call(
    name: str, arguments: list[ast.expr], are_numbers: list[bool], like: str
) -> ast.expr:
    if name in ("maximum", "minimum") and any(are_numbers):
        tensor, bound = arguments if are_numbers[1] else arguments[::-1]
        side = "min" if name == "maximum" else "max"
        keyword = ast.keyword(side, bound)
        return ast.Call(parsed("torch.clamp"), [tensor], [keyword])
    if name == "clamp":
        names = ("min", "max")
        bounds = zip(names, arguments[1:], strict=False)
        given = [ast.keyword(side, bound) for side, bound in bounds if not is_none(bound)]
        return ast.Call(parsed("torch.clamp"), [arguments[0]], given)
    if name == "lerp" and any(are_numbers[:2]):
        return filled_in(SCALAR_TEXT["lerp"], arguments)
    if name == "where" and all(are_numbers[1:]):
        # torch.where of two numbers would make a tensor of the default dtype.
        arguments[1] = filled_in(f"{like}.new_tensor({{0}})", [arguments[1]])
    if name == "atan2" and any(are_numbers):
        at = are_numbers.index(True)
        arguments[at] = filled_in(f"{like}.new_tensor({{0}})", [arguments[at]])
    return filled_in(TORCH_TEXT[name], arguments)
