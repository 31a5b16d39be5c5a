"""What an expression of a rule is: a number of the group or the parameter, or a tensor."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum

from lightgen.rules.language import BINARY, COLS, REDUCTIONS, ROWS, SCALAR_ONLY, UNARY
from lightgen.rules.rule import Initial, State


class Kind(IntEnum):
    """Numbers first; TENSOR has the shape of the parameter, OTHER one that is not known."""

    GROUP = 0  # from hyperparameters alone
    PARAMETER = 1  # differs from parameter to parameter: step, shape, scalar states
    ZERO = 2  # a 0-dim tensor
    ROWS = 3
    COLS = 4
    TENSOR = 5
    OTHER = 6

    @property
    def is_number(self) -> bool:
        """Whether it is a plain number and no tensor."""
        return self <= Kind.PARAMETER


def join(kinds: Iterable[Kind]) -> Kind:
    """The kind of an elementwise operation on these."""
    found = set(kinds)
    if {Kind.ROWS, Kind.COLS} <= found and Kind.OTHER not in found:
        return Kind.TENSOR
    return max(found, default=Kind.GROUP)


def merged(then: Mapping[str, Kind], otherwise: Mapping[str, Kind]) -> dict[str, Kind]:
    """The kinds of names behind a branch, from those at the ends of its two ways."""
    return {
        name: max(side[name] for side in (then, otherwise) if name in side)
        for name in [*then, *(name for name in otherwise if name not in then)]
    }


def state_kind(state: State) -> Kind:
    """The kind of a state."""
    return {
        Initial.ROWS: Kind.ROWS,
        Initial.COLS: Kind.COLS,
        Initial.SCALAR: Kind.PARAMETER,
        Initial.SHARED: Kind.GROUP,
    }.get(state.initial, Kind.TENSOR)


def kind_of(node: ast.expr, names: Mapping[str, Kind], helpers: Collection[str]) -> Kind:
    """The kind of an expression that the check has passed."""

    def of(child: ast.expr) -> Kind:
        return kind_of(child, names, helpers)

    match node:
        case ast.Name():
            return names[node.id]
        case ast.Attribute() | ast.Subscript(value=ast.Attribute()):
            return Kind.PARAMETER  # param.ndim, param.shape[i]
        case ast.Subscript():
            return Kind.GROUP  # an entry of a tuple
        case ast.BinOp(op=ast.MatMult()):
            return Kind.OTHER
        case ast.BinOp():
            return join((of(node.left), of(node.right)))
        case ast.UnaryOp():
            return of(node.operand)
        case ast.BoolOp():
            return join(map(of, node.values))
        case ast.Compare():
            return join(map(of, (node.left, *node.comparators)))
        case ast.IfExp():
            return join(map(of, (node.test, node.body, node.orelse)))
        case ast.Call(func=ast.Name(id=name)):
            return _call_kind(name, [of(argument) for argument in node.args], helpers)
    return Kind.GROUP


def _call_kind(name: str, arguments: list[Kind], helpers: Collection[str]) -> Kind:
    if name == "total":
        return Kind.GROUP
    joined = join(arguments)
    if joined.is_number:
        return joined
    if name in helpers:
        return Kind.OTHER
    if name in REDUCTIONS:
        return Kind.ZERO
    if name in (ROWS, COLS):
        # Of a tensor without rows, the mean over them is of the same shape.
        shape = Kind.ROWS if name == ROWS else Kind.COLS
        return {Kind.TENSOR: shape, shape: shape}.get(joined, Kind.OTHER)
    assert name in UNARY | BINARY | SCALAR_ONLY | {"lerp", "clamp", "where"}
    return joined
