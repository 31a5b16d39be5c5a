"""Python source as an edit needs it: statements by name, and text spliced in at their place."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from textwrap import indent


class NotHere(Exception):
    """What an edit changes is not in this project."""


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Code:
    """The text of a module and its syntax; every edit returns a new text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def definition(self, name: str) -> Definition:
        """A function or class by its dotted name; `*` is the first class of the module."""
        body: list[ast.stmt] = self.tree.body
        for part in name.split("."):
            found = [
                each
                for each in body
                if isinstance(each, Definition)
                and (each.name == part or (part == "*" and isinstance(each, ast.ClassDef)))
            ]
            if not found:
                raise NotHere(name)
            body = found[0].body
        return found[0]

    def statement(self, starts: str, inside: str = "") -> ast.stmt:
        """The first statement whose plain source starts so, at any depth."""
        scope: ast.AST = self.definition(inside) if inside else self.tree
        for node in ast.walk(scope):
            if isinstance(node, ast.stmt) and ast.unparse(node).startswith(starts):
                return node
        raise NotHere(starts)

    def expression(self, starts: str, inside: str = "") -> ast.expr:
        """The first expression whose plain source starts so."""
        scope: ast.AST = self.definition(inside) if inside else self.tree
        for node in ast.walk(scope):
            if isinstance(node, ast.expr) and ast.unparse(node).startswith(starts):
                return node
        raise NotHere(starts)

    def call(self, function: str, inside: str = "") -> ast.Call:
        """The first call of a function."""
        node = self.expression(f"{function}(", inside)
        while isinstance(node, ast.Attribute | ast.Call) and ast.unparse(node) != function:
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
                return node
            node = node.func if isinstance(node, ast.Call) else node.value
        raise NotHere(function)

    def group(self, name: str) -> ast.Dict:
        """The parameter group of that name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Dict) and node.values:
                first = node.values[0]
                if isinstance(first, ast.Constant) and first.value == name:
                    return node
        raise NotHere(name)

    def start(self, node: ast.stmt | ast.expr) -> int:
        """Where a node begins, its decorators included."""
        decorators = getattr(node, "decorator_list", [])
        line = min([node.lineno, *(each.lineno for each in decorators)])
        column = self._column(node.lineno, node.col_offset)
        return self._starts[line - 1] + column

    def end(self, node: ast.stmt | ast.expr) -> int:
        """Where a node ends."""
        assert node.end_lineno and node.end_col_offset is not None
        column = self._column(node.end_lineno, node.end_col_offset)
        return self._starts[node.end_lineno - 1] + column

    def of(self, node: ast.stmt | ast.expr) -> str:
        """The text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def lines_of(self, node: ast.stmt) -> tuple[int, int]:
        """Where the lines of a statement begin and end."""
        assert node.end_lineno
        first = self.start(node)
        return self.text.rfind("\n", 0, first) + 1, self._starts[node.end_lineno]

    def replace(self, node: ast.stmt | ast.expr, text: str) -> str:
        """Another text in the place of a node."""
        return self.splice(self.start(node), self.end(node), text)

    def splice(self, start: int, end: int, text: str) -> str:
        return self.text[:start] + text + self.text[end:]

    def before(self, node: ast.stmt, text: str) -> str:
        """Lines above a statement, indented as it is."""
        at, _ = self.lines_of(node)
        return self.splice(at, at, self._indented(node, text))

    def after(self, node: ast.stmt, text: str) -> str:
        """Lines below a statement, indented as it is."""
        _, at = self.lines_of(node)
        return self.splice(at, at, self._indented(node, text))

    def without(self, node: ast.stmt) -> str:
        """The text without the lines of a statement."""
        return self.splice(*self.lines_of(node), "")

    def wrapped(self, first: ast.stmt, last: ast.stmt, head: str, tail: str = "") -> str:
        """The statements from the first to the last in a block of their own."""
        start, _ = self.lines_of(first)
        _, end = self.lines_of(last)
        inner = indent(self.text[start:end], "    ")
        block = self._indented(first, head) + inner
        return self.splice(start, end, block + (self._indented(first, tail) if tail else ""))

    def extended(self, node: ast.expr, item: str) -> str:
        """One more item at the end of a call, list or dict."""
        end = self.end(node) - 1
        inner = self.text[self.start(node) : end].rstrip()
        if "#" in inner.rpartition("\n")[2]:
            raise NotHere("a place behind a comment")
        comma = "" if inner.endswith(("(", "[", "{", ",")) else ","
        column = end - self.text.rfind("\n", 0, end) - 1
        if self.text[end - column : end].strip():
            return self.splice(end, end, f"{comma} {item}".lstrip())
        stop = self.start(node) + len(inner)
        return self.splice(stop, stop, f"{comma}\n" + indent(f"{item},", " " * (column + 4)))

    def prepended(self, node: ast.expr, item: str) -> str:
        """One more item at the start of a list."""
        at = self.start(node) + 1
        rest = self.text[at:]
        if rest.startswith("\n"):
            column = len(rest[1:]) - len(rest[1:].lstrip(" "))
            return self.splice(at, at, "\n" + indent(f"{item},", " " * column))
        return self.splice(at, at, f"{item}, ")

    def _indented(self, node: ast.stmt, text: str) -> str:
        return indent(text.rstrip("\n") + "\n", " " * node.col_offset)

    def _column(self, line: int, column: int) -> int:
        text = self._lines[line - 1]
        return column if text.isascii() else len(text.encode()[:column].decode())


def swapped(text: str, old: str, new: str) -> str:
    """The first place where a text stands, with another text."""
    if old not in text:
        raise NotHere(old)
    return text.replace(old, new, 1)


def tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


Place = Callable[[str, str], bool]


def is_name(before: str, after: str) -> bool:
    """A name that is no attribute and no keyword of a call."""
    return before != "."


def is_attribute(before: str, after: str) -> bool:
    return before == "."


def rename(text: str, old: str, new: str, place: Place = is_name) -> str:
    """Rename where a token stands at such a place: seen from the tokens before and after it."""
    lines = text.splitlines(keepends=True)
    found = list(tokens(text))
    for at in reversed(range(len(found))):
        token = found[at]
        (row, start), (last, end) = token.start, token.end
        if token.type == tokenize.NAME and token.string == old:
            if place(found[at - 1].string if at else "", found[at + 1].string):
                lines[row - 1] = lines[row - 1][:start] + new + lines[row - 1][end:]
        elif token.type == tokenize.STRING and token.string[:1] in "fF" and row == last:
            inner = _rename_in_braces(token.string, old, new, place)
            lines[row - 1] = lines[row - 1][:start] + inner + lines[row - 1][end:]
    return "".join(lines)


def _rename_in_braces(text: str, old: str, new: str, place: Place) -> str:
    dot = r"(?<=\.)" if place is is_attribute else r"(?<![\w.'\"/])"
    name = re.compile(rf"{dot}\b{re.escape(old)}\b(?!['\"/])")
    return re.sub(r"\{[^{}]+\}", lambda braces: name.sub(new, braces[0]), text)


def rename_inside(text: str, definition: str, old: str, new: str, place: Place = is_name) -> str:
    """Rename inside one definition only."""
    code = Code(text)
    start, end = code.lines_of(code.definition(definition))
    inner = text[start:end]
    margin = len(inner) - len(inner.lstrip(" "))
    lines = inner.splitlines(keepends=True)
    flat = "".join(line[margin:] if line[:margin].isspace() else line for line in lines)
    renamed = rename(flat, old, new, place)
    return code.splice(start, end, indent(renamed, " " * margin) if margin else renamed)
