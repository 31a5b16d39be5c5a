"""One version of a Python file: text, syntax and, what syntax leaves out, comments."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from lightgen.merge.outcome import CannotMergeError
from lightgen.merge.python.keys import Keys

Span = tuple[int, int]
NOWHERE = -1


@dataclass(frozen=True)
class Occurrence:
    """An identifier in the text: where, and in which scope it means something."""

    start: int
    scope: str
    name: str
    binds: bool
    is_definition: bool = False
    is_alias: bool = False


@dataclass(frozen=True)
class Comment:
    """A comment, from its # to the end of the line."""

    start: int
    end: int
    text: str
    own_line: bool


class Source:
    """A parsed text. Offsets count characters, lines count from 0."""

    def __init__(self, text: str, keys: Keys) -> None:
        if "\r" in text or "\f" in text:
            raise CannotMergeError
        self.text = text
        self.keys = keys
        self.tree = _parse(text)
        keys.learn(self.tree, docstrings_in(self.tree))
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self._ascii = text.isascii()
        self.comments: list[Comment] = []
        self.closing: dict[int, int] = {}
        self.opening: dict[int, int] = {}
        self.within: dict[int, list[int]] = {NOWHERE: []}
        self.colons: list[int] = []
        self.string_lines: set[int] = set()
        self.strings: list[Span] = []
        self._read_tokens()
        self._comment_starts = [comment.start for comment in self.comments]
        self.docstrings = _docstring_lines(self.tree)
        self.indent_unit = self._find_indent_unit()
        self.identifiers: list[Occurrence] | None = None

    def _read_tokens(self) -> None:
        stack = [NOWHERE]
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(self.text).readline))
        except (tokenize.TokenError, SyntaxError) as error:
            raise CannotMergeError from error
        for kind, string, start, end, _ in tokens:
            at = self.starts[start[0] - 1] + start[1]
            if kind == tokenize.COMMENT:
                before = self.lines[start[0] - 1][: start[1]]
                self.comments.append(Comment(at, at + len(string), string, not before.strip()))
            elif kind == tokenize.OP:
                self._read_operator(string, at, stack)
            elif kind == tokenize.STRING:
                self.strings.append((at, at + len(string)))
                self.string_lines.update(range(start[0], end[0]))

    def _read_operator(self, string: str, at: int, stack: list[int]) -> None:
        if string in "([{":
            stack.append(at)
            self.within[at] = []
        elif string in ")]}":
            opened = stack.pop()
            self.closing[opened] = at
            self.opening[at] = opened
        elif string == ",":
            self.within[stack[-1]].append(at)
        elif string == ":" and len(stack) == 1:
            self.colons.append(at)

    def offset(self, line: int, column: int) -> int:
        """The offset of a position that ast gives: lines from 1, columns in UTF-8 bytes."""
        start = self.starts[line - 1]
        if self._ascii:
            return start + column
        return start + len(self.lines[line - 1].encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.AST) -> Span:
        """Where a node stands, without its decorators and without parentheses around it."""
        start = self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        end = self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        return start, end

    def outer_span(self, node: ast.AST) -> Span:
        """Where a node stands, with the parentheses around it that only group."""
        start, end = self.span(node)
        while True:
            before = _skip_back(self.text, start)
            after = self._skip_forward(end)
            if before < 0 or self.closing.get(before) != after or self.text[before] != "(":
                return start, end
            if self._is_call(before):
                return start, end
            start, end = before, after + 1

    def _skip_forward(self, at: int) -> int:
        """The next character that is neither space nor comment."""
        while at < len(self.text):
            if self.text[at] == "#":
                at = self.text.find("\n", at)
                if at < 0:
                    break
            elif not self.text[at].isspace() and self.text[at] != "\\":
                return at
            at += 1
        return len(self.text)

    def _is_call(self, opened: int) -> bool:
        before = opened - 1
        while before >= 0 and self.text[before] in " \t":
            before -= 1
        if before < 0:
            return False
        if self.text[before] in ")]}\"'":
            return True
        if not (self.text[before].isalnum() or self.text[before] == "_"):
            return False
        word_start = before
        while word_start > 0 and (
            self.text[word_start - 1].isalnum() or self.text[word_start - 1] == "_"
        ):
            word_start -= 1
        return self.text[word_start : before + 1] not in _WORDS

    def enclosing(self, offset: int) -> int:
        """The innermost bracket around an offset, NOWHERE for none."""
        around = [start for start, end in self.closing.items() if start < offset <= end]
        return max(around, default=NOWHERE)

    def line_of(self, offset: int) -> int:
        """The line of an offset."""
        return bisect_right(self.starts, offset) - 1

    def indent_of(self, line: int) -> str:
        """The white space at the start of a line."""
        text = self.lines[line]
        return text[: len(text) - len(text.lstrip(" \t"))]

    def lines_text(self, first: int, last: int) -> str:
        """The text of lines, last excluded, each ended by a line end."""
        return "".join(f"{line}\n" for line in self.lines[first:last])

    def comments_in(self, start: int, end: int) -> list[Comment]:
        """The comments between two offsets."""
        first = bisect_left(self._comment_starts, start)
        return self.comments[first : bisect_left(self._comment_starts, end)]

    def words_in(self, start: int, end: int) -> tuple[str, ...]:
        """The texts of the comments between two offsets."""
        return tuple(comment.text for comment in self.comments_in(start, end))

    def key(self, value: object) -> int:
        """The number of a node's code."""
        return self.keys.of(value)

    def full(self, node: ast.AST) -> tuple[int, tuple[str, ...]]:
        """A node's code and the comments inside it."""
        return self.keys.of(node), self.words_in(*self.span(node))

    def segment(self, span: Span) -> str:
        """The text between two offsets."""
        return self.text[span[0] : span[1]]

    def _find_indent_unit(self) -> str:
        for node in statements_in(self.tree):
            body = getattr(node, "body", None)
            if body:
                inner = self.indent_of(body[0].lineno - 1)
                outer = self.indent_of(node.lineno - 1)
                if inner.startswith(outer) and inner != outer:
                    return inner[len(outer) :]
        return "    "


_WORDS = set(
    "and as assert async await del elif else except for from if in is lambda not or raise return "
    "while with yield case match import".split()
)


def _skip_back(text: str, at: int) -> int:
    """The character before, past white space; comments there end the search."""
    at -= 1
    while at >= 0 and (text[at].isspace() or text[at] == "\\"):
        at -= 1
    return at


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CannotMergeError from error


def statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements within a node, however deep, the outer ones first."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        inner = getattr(node, name, None)
        for child in inner if isinstance(inner, list) else ():
            if isinstance(child, ast.stmt):
                yield child
            yield from statements_in(child)


def docstrings_in(tree: ast.Module) -> Iterator[ast.Expr]:
    """The docstrings of a module and of what it defines."""
    for node in (tree, *statements_in(tree)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            match first:
                case ast.Expr(value=ast.Constant(value=str())):
                    yield first


def _docstring_lines(tree: ast.Module) -> set[int]:
    """Lines inside of docstrings, whose indentation may follow the code's."""
    found: set[int] = set()
    for text in docstrings_in(tree):
        found.update(range(text.lineno, text.end_lineno or text.lineno))
    return found
