"""Expressions of a rule as Python text: numbers, and torch's functions for one tensor."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping

from lightgen.rules.kinds import Kind, kind_of
from lightgen.rules.language import SCALAR_TEXT, TORCH_TEXT
from lightgen.rules.reading.rounding import ROUND
from lightgen.source import literal

_POWERS = {"sqrt": 0.5, "rsqrt": -0.5, "square": 2, "reciprocal": -1}


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
        return _parsed("math.pi") if node.id == "pi" else node

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
            return _number_call(name, node, arguments)
        return _tensor_call(name, arguments, kinds, self.like(node))

    def like(self, node: ast.expr) -> str:
        """The name of a tensor in node: what is made beside it is like that one."""
        names = (each.id for each in ast.walk(node) if isinstance(each, ast.Name))
        return next(n for n in names if n in self.text.kinds and not self.text.kinds[n].is_number)


def _cloned(node: ast.expr) -> ast.expr:
    if not isinstance(node, ast.Name):
        return node
    return ast.Call(ast.Attribute(node, "clone", ast.Load()), [], [])


def _number_call(name: str, node: ast.Call, arguments: list[ast.expr]) -> ast.expr:
    if name in _POWERS:
        return ast.BinOp(arguments[0], ast.Pow(), ast.Constant(_POWERS[name]))
    if name == "neg":
        return ast.UnaryOp(ast.USub(), arguments[0])
    if name == "sigmoid":
        return _filled("1 / (1 + math.exp(-{0}))", arguments)
    if name == "sign":
        return _filled("({0} > 0) - ({0} < 0)", arguments)
    if name == "clamp":
        low, high = arguments[1], arguments[2] if len(arguments) > 2 else ast.Constant(None)
        bounded = arguments[0] if _is_none(low) else _filled("max({0}, {1})", [arguments[0], low])
        return bounded if _is_none(high) else _filled("min({0}, {1})", [bounded, high])
    if name in ("min", "max", "maximum", "minimum"):
        return ast.Call(ast.Name(name[:3], ast.Load()), arguments, [])
    return _filled(SCALAR_TEXT[name], arguments)


def _tensor_call(
    name: str, arguments: list[ast.expr], are_numbers: list[bool], like: str
) -> ast.expr:
    if name in ("maximum", "minimum") and any(are_numbers):
        tensor, bound = arguments if are_numbers[1] else arguments[::-1]
        side = "min" if name == "maximum" else "max"
        keyword = ast.keyword(side, bound)
        return ast.Call(_parsed("torch.clamp"), [tensor], [keyword])
    if name == "clamp":
        names = ("min", "max")
        bounds = zip(names, arguments[1:], strict=False)
        given = [ast.keyword(side, bound) for side, bound in bounds if not _is_none(bound)]
        return ast.Call(_parsed("torch.clamp"), [arguments[0]], given)
    if name == "lerp" and any(are_numbers[:2]):
        return _filled(SCALAR_TEXT["lerp"], arguments)
    if name == "where" and all(are_numbers[1:]):
        # torch.where of two numbers would make a tensor of the default dtype.
        arguments[1] = _filled(f"{like}.new_tensor({{0}})", [arguments[1]])
    if name == "atan2" and any(are_numbers):
        at = are_numbers.index(True)
        arguments[at] = _filled(f"{like}.new_tensor({{0}})", [arguments[at]])
    return _filled(TORCH_TEXT[name], arguments)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _filled(pattern: str, arguments: list[ast.expr]) -> ast.expr:
    """The expression of a pattern with its holes filled, parentheses where they are needed."""
    holes = {f"_{index}": argument for index, argument in enumerate(arguments)}
    tree = _parsed(pattern.format(*holes))

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return copy.deepcopy(holes[node.id]) if node.id in holes else node

    filled: ast.expr = Fill().visit(tree)
    return filled
