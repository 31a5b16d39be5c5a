"""Functions of the language on plain numbers, as Python expressions."""

from __future__ import annotations

import ast
import copy

from lightgen.rules.language import SCALAR_TEXT

_POWERS = {"sqrt": 0.5, "rsqrt": -0.5, "square": 2, "reciprocal": -1}


def number_call(name: str, arguments: list[ast.expr]) -> ast.expr:
    """The call of a function by name; `where` is a conditional expression."""
    if name == "where":
        return ast.IfExp(*arguments)
    if name in _POWERS:
        return ast.BinOp(arguments[0], ast.Pow(), ast.Constant(_POWERS[name]))
    if name == "neg":
        return ast.UnaryOp(ast.USub(), arguments[0])
    if name == "sigmoid":
        return filled_in("1 / (1 + math.exp(-{0}))", arguments)
    if name == "sign":
        # Times 1, for numbers that are tensors: torch subtracts no bools.
        return filled_in("1 * ({0} > 0) - 1 * ({0} < 0)", arguments)
    if name == "clamp":
        low, high = arguments[1], arguments[2] if len(arguments) > 2 else ast.Constant(None)
        bounded = arguments[0] if is_none(low) else filled_in("max({0}, {1})", [arguments[0], low])
        return bounded if is_none(high) else filled_in("min({0}, {1})", [bounded, high])
    if name in ("min", "max", "maximum", "minimum"):
        return ast.Call(ast.Name(name[:3], ast.Load()), arguments, [])
    return filled_in(SCALAR_TEXT[name], arguments)


def is_none(node: ast.expr) -> bool:
    """Whether it is the None of a bound that is left out."""
    return isinstance(node, ast.Constant) and node.value is None


def parsed(text: str) -> ast.expr:
    """The expression of a text."""
    return ast.parse(text, mode="eval").body


def filled_in(pattern: str, arguments: list[ast.expr]) -> ast.expr:
    """The expression of a pattern with its holes filled, parentheses where they are needed."""
    holes = {f"_{index}": argument for index, argument in enumerate(arguments)}
    tree = parsed(pattern.format(*holes))

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return copy.deepcopy(holes[node.id]) if node.id in holes else node

    filled: ast.expr = Fill().visit(tree)
    return filled
