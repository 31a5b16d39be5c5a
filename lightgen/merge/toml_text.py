"""TOML that knows its text."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from lightgen.merge.nodes import Child, Entry, Node, with_commas
from lightgen.merge.outcome import CannotMergeError

_KEY = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_HEADER = re.compile(r"(\[\[?)[ \t]*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?\n")
_TRIVIA = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*")
_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*"
    r"|[^\s,\[\]{}#\"']+",
    re.DOTALL,
)


@dataclass(frozen=True)
class Table:
    """A header and what stands below it; the keys above all headers have the path ()."""

    path: tuple[str, ...]
    array: bool
    lead: str
    node: Node


@dataclass(frozen=True)
class TomlDocument:
    """The text is the head, each table's lead and node, and the tail."""

    text: str
    data: dict[str, Any]
    head: str
    tables: list[Table]
    tail: str


def read_toml(text: str, data: dict[str, Any]) -> TomlDocument:
    """The layout of a text that has been found to be TOML, ended by a line end."""
    return _Reader(text).document(data)


@dataclass
class _Reader:
    text: str
    at: int = 0
    tables: list[Table] = field(default_factory=list)

    def document(self, data: dict[str, Any]) -> TomlDocument:
        """All tables, with the comments before each."""
        head = self._license()
        lead, header, array = "", "", False
        path: tuple[str, ...] = ()
        while True:
            entries: list[Entry] = []
            while (trivia := self._trivia()) is not None and self.text[self.at] != "[":
                entries.append(self._assignment(trivia))
            tail, above = _split(trivia) if trivia is not None else (self._remainder(), "")
            value = {entry.path: entry.node.value for entry in entries}
            if not path and not entries:
                above, tail = tail + above, ""
            node = Node(value, header, "map", tuple(entries), tail, top=True)
            self.tables.append(Table(path, array, lead, node))
            if trivia is None:
                return TomlDocument(self.text, data, head, self.tables, above)
            lead = above
            start = self.at
            array, path = self._header()
            header = self.text[start : self.at]

    def _license(self) -> str:
        """Comments at the top that stand for themselves, with the blank line below them."""
        trivia = _TRIVIA.match(self.text)
        found = trivia[0] if trivia else ""
        self.at = len(_split(found)[0])
        return found[: self.at]

    def _trivia(self) -> str | None:
        """Comments and blank lines up to the next key or header; None at the end."""
        found = _TRIVIA.match(self.text, self.at)
        end = found.end() if found else self.at
        if end == len(self.text):
            return None
        start, self.at = self.at, end
        return self.text[start:end]

    def _remainder(self) -> str:
        start, self.at = self.at, len(self.text)
        return self.text[start:]

    def _header(self) -> tuple[bool, tuple[str, ...]]:
        opened = self._take(_HEADER)
        path = self._key()
        self._take(re.compile(rf"[ \t]*{re.escape(']' * len(opened.strip()))}"))
        self._take(_REST)
        return opened.startswith("[["), path

    def _assignment(self, lead: str) -> Entry:
        start = self.at
        path = self._key()
        self._take(_EQUALS)
        label = self.text[start : self.at]
        node = self._value()
        return Entry(path, lead, label, node, "", self._take(_REST))

    def _key(self) -> tuple[str, ...]:
        parts = []
        while True:
            part = self._take(_KEY)
            parts.append(tomllib.loads(f"x = {part}")["x"] if part[0] in "\"'" else part)
            if not _DOT.match(self.text, self.at):
                return tuple(parts)
            self._take(_DOT)

    def _value(self) -> Node:
        opening = self.text[self.at]
        if opening == "[":
            return self._array()
        if opening == "{":
            return self._inline()
        text = self._take(_SCALAR)
        return Node(tomllib.loads(f"x = {text}")["x"], text)

    def _array(self) -> Node:
        start, children = self.at, []
        self.at += 1
        while self._next("]"):
            begin = self.at
            node = self._value()
            children.append(Child((), begin, begin, self.at, node))
        value = [child.node.value for child in children]
        return with_commas(self.text, start, self.at, "list", value, children)

    def _inline(self) -> Node:
        start, children = self.at, []
        value: dict[str, Any] = {}
        self.at += 1
        while self._next("}"):
            begin = self.at
            path = self._key()
            self._take(_EQUALS)
            middle = self.at
            node = self._value()
            children.append(Child(path, begin, middle, self.at, node))
            inner = value
            for part in path[:-1]:
                inner = inner.setdefault(part, {})
            inner[path[-1]] = node.value
        return with_commas(self.text, start, self.at, "map", value, children)

    def _next(self, closing: str) -> bool:
        """Go to the next entry; False, and behind the closing bracket, if there is none."""
        self._take(_SPACE)
        if self.text[self.at] == ",":
            self.at += 1
            self._take(_SPACE)
        if self.text[self.at] != closing:
            return True
        self.at += 1
        return False

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise CannotMergeError
        self.at = found.end()
        return found[0]


def _split(trivia: str) -> tuple[str, str]:
    """What stands for itself, and the comments right above the next thing with their blank lines.

    Blank lines go with what is below them, unless there is a comment above.
    """
    lines = trivia.split("\n")
    at = len(lines) - 1
    while at and lines[at - 1].strip():
        at -= 1
    while at and not lines[at - 1].strip():
        at -= 1
    above = "".join(f"{line}\n" for line in lines[:at])
    return above, trivia[len(above) :]
