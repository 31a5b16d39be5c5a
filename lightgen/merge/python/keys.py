"""Numbers for syntax: two nodes have the same number if and only if they are the same code.

Layout, quotes, comments, and the indentation of docstrings don't count.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping

_SKIPPED = {"ctx", "kind", "type_comment", "type_ignores", "simple"}


class Keys:
    """The numbers of all nodes of the sources that are compared with one another."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._of_node: dict[int, int] = {}
        self._kept: list[ast.AST] = []
        self._docstrings: set[int] = set()

    def keep(self, tree: ast.AST) -> None:
        """Hold on to a tree: nodes are known by their identity."""
        self._kept.append(tree)

    def learn(self, tree: ast.Module, docstrings: Iterable[ast.Expr]) -> None:
        """Take up a tree; its docstrings are compared without their indentation."""
        self.keep(tree)
        for node in docstrings:
            assert isinstance(node.value, ast.Constant)
            self._of_node[id(node)] = self.of_docstring(str(node.value.value))
            self._docstrings.add(id(node))

    def is_docstring(self, node: ast.AST) -> bool:
        """Whether a statement is a docstring."""
        return id(node) in self._docstrings

    def of_docstring(self, text: str) -> int:
        """The number of a docstring."""
        return self._number(("docstring", inspect.cleandoc(text)))

    def of(self, value: object) -> int:
        """The number of a node, of a list of nodes, or of a plain field."""
        if isinstance(value, ast.AST):
            known = self._of_node.get(id(value))
            if known is None:
                fields = {name: self.of(getattr(value, name, None)) for name in _fields(value)}
                known = self._of_node[id(value)] = self.composed(value, fields)
            return known
        if isinstance(value, list):
            return self.of_all(self.of(item) for item in value)
        return self._number((type(value).__name__, repr(value)))

    def of_all(self, numbers: Iterable[int]) -> int:
        """The number of a list, from those of its items."""
        return self._number(("list", *numbers))

    def composed(self, node: ast.AST, fields: Mapping[str, int]) -> int:
        """The number that a node has when some of its fields have these numbers."""
        if isinstance(node, ast.Constant):
            value = node.value
            return self._number(("Constant", type(value).__name__, repr(value)))
        numbers = (
            fields[name] if name in fields else self.of(getattr(node, name, None))
            for name in _fields(node)
        )
        return self._number((_kind(node), *numbers))

    def _number(self, value: object) -> int:
        return self._numbers.setdefault(value, len(self._numbers))


def _fields(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Constant):
        return ()
    return tuple(name for name in node._fields if name not in _SKIPPED)


def _kind(node: ast.AST) -> str:
    return type(node).__name__
