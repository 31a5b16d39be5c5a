"""A fused kernel of an elementwise rule: numbers, which Python computes, and what entries become.

The numbers of a tensor (step sizes, bias corrections, conditions) are arguments of the kernel, so
that a new learning rate needs no new kernel, and are computed in double precision as in eager code.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from lightgen.rules.rule import Function


class Use(Enum):
    """What a number is for: a value, the condition of an `if`, or that of a `where`."""

    VALUE = "value"
    IF = "if"
    WHERE = "where"


@dataclass(frozen=True)
class Number:
    """An argument of the kernel; `text` is its formula, empty where the name says it."""

    name: str
    text: str
    use: Use


@dataclass(frozen=True)
class Kernel:
    """One function of a rule; `suffix` is told where there are several.

    `lines` are the Python statements that compute the numbers. `body` has assignments and ifs on
    numbers only; there, numbers are names. `param`, `grad` and the states hold one entry each.
    """

    function: Function
    suffix: str
    numbers: tuple[Number, ...]
    lines: tuple[str, ...]
    body: tuple[ast.stmt, ...]

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the body."""
        return tuple(node for statement in self.body for node in ast.walk(statement))

    @property
    def assigned(self) -> Counter[str]:
        """How often each name is assigned in the body."""
        return stores(self.nodes)

    @property
    def calls(self) -> set[str]:
        """The functions of the language that it calls."""
        called = (node.func for node in self.nodes if isinstance(node, ast.Call))
        return {function.id for function in called if isinstance(function, ast.Name)}

    @property
    def asks(self) -> set[str]:
        """The names that the numbers are computed from."""
        text = "\n".join([*self.lines, *(number.name for number in self.numbers)])
        return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def stores(nodes: Iterable[ast.AST]) -> Counter[str]:
    """How often each name is assigned."""
    names = (node for node in nodes if isinstance(node, ast.Name))
    return Counter(node.id for node in names if isinstance(node.ctx, ast.Store))
