"""Statements with what belongs to them: their lines, the comments above and after."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property

from lightgen.merge.python.align import words_of
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.source import Source
from lightgen.merge.python.splice import Edit, apply_edits


@dataclass(frozen=True)
class Statement:
    """A statement and its whole lines; lines count from 0, `last` is excluded.

    `first` is the first line of the comments above it, `start` its own first line.
    """

    source: Source
    node: ast.stmt
    first: int
    start: int
    last: int

    @cached_property
    def code(self) -> int:
        """The number of its syntax."""
        return self.source.key(self.node)

    @cached_property
    def full(self) -> tuple[int, tuple[str, ...]]:
        """Its syntax and all its comments."""
        starts = self.source.starts
        return self.code, self.source.words_in(starts[self.first], starts[self.last])

    @property
    def kind(self) -> str:
        """What it is; an assignment is one with or without an annotation."""
        node = self.node
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            return "AnnAssign"
        return type(node).__name__.removeprefix("Async")

    @cached_property
    def name(self) -> Hashable | None:
        """What it is called among its neighbours."""
        return name_of(self.node, self.source)

    @cached_property
    def bag(self) -> Counter[str]:
        """Its words."""
        return words_of([self.node])

    @cached_property
    def above(self) -> list[str]:
        """The comments above it."""
        starts = self.source.starts
        return list(self.source.words_in(starts[self.first], starts[self.start]))

    @property
    def is_import(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    @property
    def is_compound(self) -> bool:
        """Whether it has suites of statements."""
        return hasattr(self.node, "body") or isinstance(self.node, ast.Match)

    @property
    def body(self) -> list[ast.stmt]:
        """Its first suite."""
        body: list[ast.stmt] = getattr(self.node, "body", [])
        return body

    @property
    def header_end(self) -> int:
        """The line after the colon that ends its header."""
        if isinstance(self.node, ast.Match):
            start = self.source.span(self.node.cases[0].pattern)[0]
            return self.source.line_of(_colon_before(self.source, start)) + 1
        return header_end(self.source, self.body)

    @property
    def decorators(self) -> list[ast.expr]:
        """Its decorators."""
        found: list[ast.expr] = getattr(self.node, "decorator_list", [])
        return found

    @cached_property
    def bound(self) -> set[str]:
        """The names and attributes that it binds."""
        return set(_bound(self.node))

    def edited(self, edits: list[Edit]) -> str:
        """Its lines after some edits."""
        starts = self.source.starts
        return apply_edits(self.source.text, edits, (starts[self.first], starts[self.last]))

    @property
    def indent(self) -> str:
        """Its indentation."""
        return self.source.indent_of(self.start)

    @cached_property
    def text(self) -> str:
        """Its lines."""
        return self.source.lines_text(self.first, self.last)

    @cached_property
    def shape(self) -> str:
        """Its lines without their common indentation."""
        indent = self.indent
        return "\n".join(line.removeprefix(indent).rstrip() for line in self.text.split("\n"))


@dataclass(frozen=True)
class Block:
    """A list of statements, each on lines of its own.

    `gaps` are the blank lines before each statement; `tail` the comments after the last one,
    on lines from `end` to `last`.
    """

    source: Source
    statements: list[Statement]
    gaps: list[int]
    end: int
    last: int

    @property
    def tail(self) -> list[str]:
        """The comments after the last statement."""
        starts = self.source.starts
        return list(self.source.words_in(starts[self.end], starts[self.last]))

    @property
    def start(self) -> int:
        """The line at which the first statement with its comments begins."""
        return self.statements[0].first


def _bound(node: ast.stmt) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name
        elif isinstance(child, ast.alias):
            yield child.asname or child.name.partition(".")[0]
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            yield child.attr


def module_block(source: Source) -> Block:
    """The statements of a whole file."""
    last = len(source.lines) - (source.lines[-1] == "")
    return _block(source, source.tree.body, 0, last, "")


def inner_block(source: Source, body: list[ast.stmt], limit: int) -> Block:
    """The statements of a suite that may reach down to a line; ClashError if it is on one line."""
    opened = source.line_of(_colon_before(source, _start_of(source, body[0])))
    first = _first_line(body[0])
    if first <= opened:
        raise ClashError("a block on one line")
    return _block(source, body, opened + 1, limit, source.indent_of(first))


def header_end(source: Source, body: list[ast.stmt]) -> int:
    """The line after the colon that opens a suite."""
    return source.line_of(_colon_before(source, _start_of(source, body[0]))) + 1


def _colon_before(source: Source, offset: int) -> int:
    return source.colons[bisect_left(source.colons, offset) - 1]


def _start_of(source: Source, statement: ast.stmt) -> int:
    if getattr(statement, "decorator_list", None):
        return source.starts[_first_line(statement)]
    return source.span(statement)[0]


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)]) - 1


def _block(source: Source, body: list[ast.stmt], first: int, limit: int, indent: str) -> Block:
    statements, gaps = [], []
    width = len(indent.expandtabs(8))
    at = first
    for index, node in enumerate(body):
        start = _first_line(node)
        end = node.end_lineno or node.lineno
        if start < at:
            raise ClashError("statements share a line")
        above = _skip_blank(source, at, start)
        until = _first_line(body[index + 1]) if index + 1 < len(body) else limit
        last = _deeper_comments(source, end, until, width)
        statements.append(Statement(source, node, above, start, last))
        gaps.append(above - at)
        at = last
    end = _skip_blank(source, at, limit)
    last = end
    for line in range(end, limit):
        if source.lines[line].strip():
            last = line + 1
    return Block(source, statements, gaps, end if last > end else at, max(last, at))


def _skip_blank(source: Source, line: int, limit: int) -> int:
    while line < limit and not source.lines[line].strip():
        line += 1
    return line


def _deeper_comments(source: Source, line: int, limit: int, width: int) -> int:
    """The line after the comments that are indented as deep as what is inside the statement."""
    last = line
    for at in range(line, limit):
        text = source.lines[at]
        if not text.strip():
            continue
        if len(source.indent_of(at).expandtabs(8)) <= width:
            break
        last = at + 1
    return last


def name_of(node: ast.stmt, source: Source) -> Hashable | None:
    """What a statement is called among its neighbours, None for nothing."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return ("def", node.name, *(source.key(d) for d in node.decorator_list if _tells(d)))
    if isinstance(node, ast.ClassDef):
        return ("class", node.name)
    if isinstance(node, ast.ImportFrom):
        return ("from", node.level, node.module)
    if isinstance(node, ast.Import):
        return ("import", *(alias.name for alias in node.names))
    return _name_of_simple(node, source)


def _tells(decorator: ast.expr) -> bool:
    """Whether a decorator tells functions of one name apart: setters, overloads."""
    return isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "deleter")


def _name_of_simple(node: ast.stmt, source: Source) -> Hashable | None:
    match node:
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            return ("=", source.key(target))
        case ast.AugAssign(target=target, op=op):
            return ("op=", source.key(target), type(op).__name__)
        case ast.Expr(value=ast.Call(func=func, args=[ast.Constant(value=str(word)), *_])):
            return ("call", source.key(func), word)
        case ast.Expr(value=ast.Call(func=func)):
            return ("call", source.key(func))
        case ast.Expr(value=ast.Constant(value=str())):
            return ("text",)
        case ast.Return() | ast.Raise() | ast.Pass() | ast.Break() | ast.Continue():
            return (type(node).__name__,)
        case ast.If(test=test) | ast.While(test=test):
            return ("if", source.key(test))
        case ast.For(target=target) | ast.AsyncFor(target=target):
            return ("for", source.key(target))
        case ast.Try() | ast.TryStar():
            return ("try",)
    return None
