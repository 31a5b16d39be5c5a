"""Random programs whose statements have numbers, edited on two sides, so that the right merge of
each statement can be told one by one."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

# What a statement with a block below it looks like, by the letter before its number.
HEADS = {
    "i": "if i{}({}):",
    "f": "for x in f{}({}):",
    "w": "with w{}({}):",
    "d": "def d{}({}):",
    "c": "class c{}({}):",
}


@dataclass(frozen=True)
class Node:
    """A statement: a letter and a number, keywords, and the block below it."""

    name: str
    keywords: tuple[tuple[str, int], ...] = ()
    body: tuple[Node, ...] = ()

    def lines(self, margin: str = "") -> Iterator[str]:
        """Its source."""
        said = ", ".join(f"{key}={value}" for key, value in self.keywords)
        head = HEADS.get(self.name[0])
        if head is None:
            yield f"{margin}{self.name}({said})"
            return
        yield margin + head.format(self.name[1:], said)
        for node in self.body:
            yield from node.lines(margin + "    ")


def source(nodes: tuple[Node, ...]) -> str:
    return "".join(f"{line}\n" for node in nodes for line in node.lines())


@dataclass
class Editor:
    """Makes programs, and edits them at random; what it inserts gets numbers of its own."""

    drawn: random.Random
    number: int = 0

    def block(self, depth: int = 0) -> tuple[Node, ...]:
        return tuple(self.node(depth) for _ in range(self.drawn.randint(1, 6 - 2 * depth)))

    def node(self, depth: int = 2) -> Node:
        self.number += 1
        letter = self.drawn.choice("sssifwdc") if depth < 2 else "s"
        keys = self.drawn.sample("abcd", self.drawn.randint(0, 3))
        keywords = tuple((key, self.drawn.randint(0, 9)) for key in sorted(keys))
        return Node(
            f"{letter}{self.number}", keywords, self.block(depth + 1) if letter != "s" else ()
        )

    def edited(self, nodes: tuple[Node, ...], rate: float) -> tuple[Node, ...]:
        """Keywords changed, statements deleted and inserted, here and below."""
        found: list[Node] = []
        for node in nodes:
            if self.drawn.random() < rate:
                found.append(self.node())
            action = self.drawn.random() / rate
            if action < 0.6:
                continue
            if node.body:
                node = replace(node, body=self.edited(node.body, rate))
            if action < 2.2:
                node = replace(node, keywords=self.other_keywords(node.keywords))
            found.append(node)
        if self.drawn.random() < rate:
            found.append(self.node())
        return tuple(found) or (self.node(),)

    def other_keywords(self, keywords: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
        changed = dict(keywords)
        key = self.drawn.choice("abcd")
        if key in changed and self.drawn.random() < 0.3:
            del changed[key]
        else:
            changed[key] = self.drawn.randint(10, 99)
        return tuple(changed.items())


@dataclass
class Facts:
    """What a program says of each of its statements."""

    keywords: dict[str, dict[str, int]] = field(default_factory=dict)
    parent: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)

    def above(self, name: str) -> Iterator[str]:
        """A statement and all that it stands in."""
        while name:
            yield name
            name = self.parent.get(name, "")


def facts(text: str) -> Facts:
    """Read a program back."""
    found = Facts()

    def read(body: list[ast.stmt], parent: str) -> None:
        for statement in body:
            name, keywords = _said(statement)
            if name in found.keywords:
                found.twice.append(name)
            found.keywords[name] = keywords
            found.parent[name] = parent
            found.order.append(name)
            read(getattr(statement, "body", []), name)

    read(ast.parse(text).body, "")
    return found


def _said(statement: ast.stmt) -> tuple[str, dict[str, int]]:
    if isinstance(statement, ast.FunctionDef):
        named = zip(statement.args.args, statement.args.defaults, strict=True)
        return statement.name, {each.arg: ast.literal_eval(value) for each, value in named}
    call: Any = statement
    if isinstance(statement, ast.Expr):
        call = statement.value
    elif isinstance(statement, ast.If):
        call = statement.test
    elif isinstance(statement, ast.For):
        call = statement.iter
    elif isinstance(statement, ast.With):
        call = statement.items[0].context_expr
    keywords = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    return call.name if isinstance(call, ast.ClassDef) else ast.unparse(call.func), keywords


def wrongs(base: Facts, yours: Facts, new: Facts, got: Facts, told: set[str]) -> Iterator[str]:
    """What a clean merge got wrong, statement by statement; not below what it told of."""
    for name in got.twice:
        yield f"{name} stands twice"
    for name in {*base.keywords, *yours.keywords, *new.keywords, *got.keywords}:
        if told.isdisjoint({*base.above(name), *new.above(name)}):
            yield from _wrong(name, *(each.keywords.get(name) for each in (base, yours, new, got)))
            parents = {each.parent.get(name) for each in (base, yours, new)}
            if name in got.keywords and got.parent[name] not in parents:
                yield f"{name} stands in {got.parent[name]!r}"
    yield from _disorder(yours, new, got)


Keywords = dict[str, int] | None


def _wrong(
    name: str, base: Keywords, mine: Keywords, new: Keywords, got: Keywords
) -> Iterator[str]:
    """One statement: as the side that changed it has it, and by keyword where both did."""
    if base is None or mine is None or new is None:
        yield from _wrong_value(name, base, mine, new, got)
        return
    for key in {*base, *mine, *new, *(got or {})}:
        sides = (each.get(key) if each else None for each in (base, mine, new, got))
        yield from _wrong_value(f"{key} of {name}", *sides)
    if got is None:
        yield f"{name} is gone"


def _wrong_value(what: str, base: object, mine: object, new: object, got: object) -> Iterator[str]:
    if mine == new or base in (mine, new):
        right = new if mine == base else mine
        if got != right:
            yield f"{what} should be {right}, is {got}"
    else:
        yield f"{what}: each side made something else of it, and it is {got}"


def _disorder(yours: Facts, new: Facts, got: Facts) -> Iterator[str]:
    """Neighbours of one side stand in its order: nothing moves, and the sides never disagree."""
    place = {name: at for at, name in enumerate(got.order)}
    for side in (yours, new):
        for first, second in pairwise(name for name in side.order if name in place):
            are_siblings = side.parent[first] == side.parent[second]
            is_free = {first[0], second[0]} & {"d", "c"}
            if place[first] > place[second] and are_siblings and not is_free:
                yield f"{first} stood before {second}"
