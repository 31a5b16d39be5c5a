"""The Python lines that compute the numbers of a kernel, each once and only where it is needed."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from lightgen.rules.fused.kernel import Number, Use, stores
from lightgen.rules.fused.number_text import number_text
from lightgen.rules.rule import Function

Key = tuple[str, Use, tuple[int, ...]]


class NumberLines:
    """Collects lines; those of a branch stand in an `if` of their own.

    `path` tells in which branches the present place is, `versions` how often a name was assigned.
    """

    def __init__(self, function: Function) -> None:
        nodes = [node for statement in function.body for node in ast.walk(statement)]
        self.stores = stores(nodes)
        self.taken = {node.id for node in nodes if isinstance(node, ast.Name)}
        self.taken |= {*function.hypers, *(state.name for state in function.states)}
        # These hold one value throughout, so that the numbers may go by their names.
        self.fixed = {*function.hypers, "step"}
        self.fixed |= {state.name for state in function.scalars if not self.stores[state.name]}
        self.versions: Counter[str] = Counter()
        self.numbers: list[Number] = []
        self.known: dict[Key, tuple[Number, tuple[int, ...]]] = {}
        self.lines: list[str] = []
        self.path: tuple[int, ...] = ()
        self.branches = 0
        self.partly: list[str] = []

    def emit_if(self, test: str, then: list[str], otherwise: list[str]) -> None:
        """Print an `if` about numbers; those that are told in it are 0 on the other way."""
        if not self.path:
            self.lines += [f"{name} = 0.0" for name in self.partly]
            self.partly.clear()
        if then:
            self.lines += [f"if {test}:", *(f"    {line}" for line in then)]
        if otherwise:
            head = "else:" if then else f"if not {_operand(test)}:"
            self.lines += [head, *(f"    {line}" for line in otherwise)]

    @contextmanager
    def apart(self, lines: list[str] | None = None) -> Iterator[list[str]]:
        """Collect the lines of a branch."""
        outer, self.lines = self.lines, [] if lines is None else lines
        path, self.branches = self.path, self.branches + 1
        self.path = (*path, self.branches)
        yield self.lines
        self.lines, self.path = outer, path

    def key(self, node: ast.expr, use: Use) -> Key:
        """Equal for the same formula as long as none of its names was assigned."""
        names = sorted({each.id for each in ast.walk(node) if isinstance(each, ast.Name)})
        return number_text(node), use, tuple(self.versions[name] for name in names)

    def argument(self, node: ast.expr, use: Use, key: Key | None = None) -> str:
        """The name of the argument of that formula, or of one that was told earlier by its key."""
        key = key or self.key(node, use)
        text, path = key[0], self.path
        known = self.known.get(key)
        if known and path[: len(known[1])] == known[1]:
            return known[0].name
        is_named = isinstance(node, ast.Name) and self.is_settled(node.id)
        taken = {number.name for number in self.numbers}
        if is_named and text not in taken:
            made, path = Number(text, "", use), ()
        else:
            made = Number(self.fresh(*_word(node, use)), text, use)
            self.lines.append(f"{made.name} = {text}")
            if path:
                self.partly.append(made.name)
        self.numbers.append(made)
        self.known[key] = made, path
        return made.name

    def assigned(self, name: str) -> None:
        """Take note that a name of the rule holds another number from here."""
        self.versions[name] += 1
        if self.stores[name] == 1 and not self.path:
            self.fixed.add(name)

    def is_settled(self, name: str) -> bool:
        """Whether the name holds to the end what it holds now."""
        return name in self.fixed or (
            not self.path and self.versions[name] == self.stores[name] > 0
        )

    def fresh(self, word: str, count: int = 0) -> str:
        """A name that the rule doesn't use; with a count it is numbered from there."""
        while (name := f"{word}{count or ''}") in self.taken:
            count += 1
        self.taken.add(name)
        return name


def _word(node: ast.expr, use: Use) -> tuple[str, int]:
    """What to call a number: x != 0 is has_x, others are numbered."""
    match node:
        case ast.Compare(ops=[ast.NotEq()], left=ast.Name(id=name), comparators=[zero]):
            if isinstance(zero, ast.Constant) and zero.value == 0:
                return f"has_{name}", 0
    return ("c", 1) if use is Use.VALUE else ("is", 1)


def _operand(test: str) -> str:
    return test if test.isidentifier() else f"({test})"
