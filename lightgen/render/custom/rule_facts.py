"""What can be told of a rule from its text: which parameters it serves, what it leaves alone."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from enum import Enum

from lightgen.rules.rule import Function, Hyper, Initial, Rule

MATRIX_FUNCTIONS = frozenset({"mean_rows", "mean_cols"})
# f(0) = 0 for these.
KEEP_ZERO = frozenset(
    {"sqrt", "square", "sign", "abs", "log1p", "expm1", "sin", "atan", "tanh", "floor"}
    | {"mean", "sum", "norm", "mean_rows", "mean_cols"}
)


def is_for_matrices(function: Function, rule: Rule) -> bool:
    """Whether it may need matrices: a helper may, `@` does, and so do means of rows."""
    needing = MATRIX_FUNCTIONS | rule.helpers.keys()
    return keeps_lines(function) or any(
        (isinstance(node, ast.Name) and node.id in needing)
        or isinstance(node, ast.MatMult)
        or (isinstance(node, ast.Attribute) and node.attr == "shape")
        for node in _nodes(function)
    )


def uses_helper(function: Function, rule: Rule) -> bool:
    """Whether the function calls plain torch code, of which nothing is known."""
    return any(isinstance(node, ast.Name) and node.id in rule.helpers for node in _nodes(function))


def keeps_lines(function: Function) -> bool:
    """Whether a state has one number a row or column."""
    return any(state.initial in (Initial.ROWS, Initial.COLS) for state in function.states)


def _nodes(function: Function) -> list[ast.AST]:
    return [node for statement in function.body for node in ast.walk(statement)]


class Known(Enum):
    """What is known of a value without its numbers."""

    ZERO = "zero"
    ONE = "one"
    SAME = "param"  # what the parameter was before the step
    OTHER = "other"


Values = dict[str, Known]


def leaves_param_alone(function: Function, rule: Rule, zero: Collection[str]) -> bool:
    """Whether a first step from zero states can be seen to change nothing.

    `zero` names what is 0: hyperparameters, or "grad". Nothing is computed: a product with 0 is 0,
    and what could not be followed is not claimed. A division of 0 by 0 is taken for the rule's eps
    to prevent.
    """
    if rule.prepare is not None:
        return False
    values: Values = {"param": Known.SAME, "grad": Known.OTHER}
    for state in function.states:
        is_zero = state.initial in (Initial.ROWS, Initial.COLS) or (
            state.initial is Initial.CONSTANT and state.value == 0
        )
        from_grad = state.initial is Initial.GRAD and "grad" in zero
        values[state.name] = Known.ZERO if is_zero or from_grad else Known.OTHER
        if state.initial is Initial.PARAM:
            values[state.name] = Known.SAME
    values |= dict.fromkeys(zero, Known.ZERO)
    hypers = {hyper.name: hyper for hyper in rule.hypers if hyper.name not in zero}
    values |= {name: _of_default(hyper) for name, hyper in hypers.items()}
    _run(function.body, values)
    return values["param"] is Known.SAME


def _of_default(hyper: Hyper) -> Known:
    if isinstance(hyper.default, tuple):
        return Known.OTHER
    return Known.ZERO if hyper.default == 0 else Known.OTHER


def _run(body: tuple[ast.stmt, ...] | list[ast.stmt], values: Values) -> None:
    for statement in body:
        if isinstance(statement, ast.If):
            _run_if(statement, values)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            left = values.get(statement.target.id, Known.OTHER)
            right = _known(statement.value, values)
            values[statement.target.id] = _combined(statement.op, left, right)
        elif isinstance(statement, ast.Assign):
            found = _known(statement.value, values)
            for target in statement.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                is_one = not isinstance(target, ast.Tuple)
                for name in names:
                    if isinstance(name, ast.Name):
                        values[name.id] = found if is_one else Known.OTHER


def _run_if(statement: ast.If, values: Values) -> None:
    """Both ways, for a condition that is not a plain question whether something is 0."""
    taken, left = dict(values), dict(values)
    _run(statement.body, taken)
    _run(statement.orelse, left)
    decided = _truth(statement.test, values)
    if decided is not None:
        values.update(taken if decided else left)
        return
    for name in taken.keys() | left.keys():
        one, other = taken.get(name, Known.OTHER), left.get(name, Known.OTHER)
        values[name] = one if one is other else Known.OTHER


def _truth(test: ast.expr, values: Values) -> bool | None:
    if isinstance(test, ast.Name) and values.get(test.id) is Known.ZERO:
        return False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inside = _truth(test.operand, values)
        return None if inside is None else not inside
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = (_known(test.left, values), _known(test.comparators[0], values))
        if sides == (Known.ZERO, Known.ZERO):
            return isinstance(test.ops[0], ast.Eq | ast.LtE | ast.GtE)
    return None


def _known(node: ast.expr, values: Mapping[str, Known]) -> Known:
    if isinstance(node, ast.Constant):
        known = (Known.ZERO, Known.ONE)
        return known[node.value == 1] if node.value in (0, 1) else Known.OTHER
    if isinstance(node, ast.Name):
        return values.get(node.id, Known.OTHER)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return Known.ZERO if _known(node.operand, values) is Known.ZERO else Known.OTHER
    if isinstance(node, ast.BinOp):
        return _combined(node.op, _known(node.left, values), _known(node.right, values))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _known_call(node.func.id, node.args, values)
    return Known.OTHER


def _combined(op: ast.operator, left: Known, right: Known) -> Known:
    zero, one = Known.ZERO, Known.ONE
    if isinstance(op, ast.Add | ast.Sub):
        if right is zero:
            return left
        return right if left is zero and isinstance(op, ast.Add) else Known.OTHER
    if isinstance(op, ast.Mult):
        if zero in (left, right):
            return zero
        return right if left is one else left if right is one else Known.OTHER
    if isinstance(op, ast.Div):
        return left if left is zero or right is one else Known.OTHER
    return left if isinstance(op, ast.Pow) and (left is one or right is one) else Known.OTHER


def _known_call(name: str, arguments: list[ast.expr], values: Mapping[str, Known]) -> Known:
    found = [_known(argument, values) for argument in arguments]
    zero = Known.ZERO
    if name in KEEP_ZERO:
        return zero if found[0] is zero else Known.OTHER
    if name == "dot":
        return zero if zero in found else Known.OTHER
    if name == "lerp":
        return found[0] if found[0] is found[1] or found[2] is zero else Known.OTHER
    if name == "where":
        return found[1] if found[1] is found[2] else Known.OTHER
    if name in ("maximum", "minimum", "max", "min"):
        return found[0] if len(set(found)) == 1 else Known.OTHER
    return Known.OTHER
