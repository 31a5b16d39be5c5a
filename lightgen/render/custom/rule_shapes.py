"""Parameters to test a rule with: shapes that it serves, told from its conditions alone."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from lightgen.render.custom.rule_facts import is_for_matrices, keeps_lines, uses_helper
from lightgen.rules.rule import Function, Rule

Shape = tuple[int, ...]

COMMON: tuple[Shape, ...] = ((3, 4), (2, 3), (5,), (), (0,))
MORE: tuple[Shape, ...] = ((4, 3), (3, 3), (5, 2), (2, 3, 2), (2, 2, 3, 2))
ENOUGH = 3

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def serving(rule: Rule, shape: Shape) -> Function | None:
    """The function that updates parameters of the shape."""
    for function in rule.functions:
        if function.condition is None:
            return None if keeps_lines(function) and len(shape) < 2 else function
        if _value(function.condition, shape):
            return function
    return None


def served_shapes(rule: Rule) -> list[Shape]:
    """Shapes that make good parameters for tests: the rule serves them, and can."""
    found = [shape for shape in COMMON if _is_fit(rule, shape)]
    missing = [f for f in rule.functions if f not in [serving(rule, shape) for shape in found]]
    for shape in _further():
        if len(found) >= ENOUGH and not missing:
            break
        function = serving(rule, shape)
        if shape in found or not _is_fit(rule, shape):
            continue
        if function in missing or len(found) < ENOUGH:
            # First, where tests take their one parameter from: a matrix if there is one.
            found.insert(0 if len(shape) == 2 else len(found), shape)
            missing = [each for each in missing if each is not function]
    return found


def unserved_shape(rule: Rule) -> Shape | None:
    """A shape that no function serves, if there is one among the usual."""
    return next((shape for shape in (*COMMON, *MORE) if serving(rule, shape) is None), None)


def _further() -> Iterator[Shape]:
    yield from MORE
    for ndim in range(5):
        yield from product((1, 2, 3, 4, 8), repeat=ndim)


def _is_fit(rule: Rule, shape: Shape) -> bool:
    """Helpers are taken to need matrices, no wider than high as for a QR decomposition.

    A mean over no entries would make shared numbers of all parameters NaN.
    """
    function = serving(rule, shape)
    if function is None or (0 in shape and rule.prepare is not None):
        return False
    if not is_for_matrices(function, rule):
        return True
    is_matrix = len(shape) == 2 and 0 not in shape
    return is_matrix and (not uses_helper(function, rule) or shape[0] >= shape[1])


def _value(node: ast.expr, shape: Shape) -> Any:
    """A condition on ndim and shape, for that shape; False where it asks for no dimension."""
    try:
        return _evaluated(node, shape)
    except (IndexError, ZeroDivisionError):
        return False


def _evaluated(node: ast.expr, shape: Shape) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name | ast.Attribute):
        return len(shape) if ast.unparse(node) in ("ndim", "param.ndim") else shape
    if isinstance(node, ast.Subscript):
        return shape[_evaluated(node.slice, shape)]
    if isinstance(node, ast.UnaryOp):
        value = _evaluated(node.operand, shape)
        return not value if isinstance(node.op, ast.Not) else -value
    if isinstance(node, ast.BoolOp):
        values = (_value(each, shape) for each in node.values)
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.BinOp):
        sides = (_evaluated(node.left, shape), _evaluated(node.right, shape))
        return _OPERATORS[type(node.op)](*sides)
    if isinstance(node, ast.Compare):
        return _compared([node.left, *node.comparators], node.ops, shape)
    raise AssertionError(f"no condition on a shape: {ast.unparse(node)}")


def _compared(sides: Sequence[ast.expr], ops: Iterable[ast.cmpop], shape: Shape) -> bool:
    values = [_evaluated(side, shape) for side in sides]
    pairs = zip(values, values[1:], ops, strict=False)
    return all(_OPERATORS[type(op)](left, right) for left, right, op in pairs)
