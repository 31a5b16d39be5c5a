"""Three-way merge of TOML: by table, key and entry of an array, in your text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from lightgen.merge.keyed import merge_nodes, parsing_lines
from lightgen.merge.lines import ended_as, whole_lines
from lightgen.merge.matching import match
from lightgen.merge.nodes import Child, Entry, Node, with_commas
from lightgen.merge.outcome import CannotMergeError, Labels, MergedText

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
class _Table:
    """A header and what stands below it; the keys above all headers have the path ()."""

    path: tuple[str, ...]
    array: bool
    lead: str
    node: Node


@dataclass(frozen=True)
class _Document:
    text: str
    data: dict[str, Any]
    head: str
    tables: list[_Table]
    tail: str


def merge_toml(base: str, yours: str, new: str, labels: Labels) -> MergedText:
    """Merge by key; by lines where that fails. Raises CannotMergeError if a side is no TOML."""
    sides = (base, yours, new)
    try:
        data = [tomllib.loads(side) for side in sides]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CannotMergeError from error
    three = (data[0], data[1], data[2])
    try:
        documents = [_read(side, its) for side, its in zip(sides, data, strict=True)]
        names = _names_of_arrays(documents)
        nodes = [_node(document, its) for document, its in zip(documents, names, strict=True)]
        merged = merge_nodes((nodes[0], nodes[1], nodes[2]), tomllib.loads, three, labels)
    except (CannotMergeError, RecursionError):
        return parsing_lines(sides, tomllib.loads, three, labels)
    return replace(merged, text=ended_as(merged.text, *sides))


def _read(text: str, data: dict[str, Any]) -> _Document:
    return _Reader(whole_lines(text)).document(data)


def _names_of_arrays(documents: list[_Document]) -> list[dict[tuple[str, ...], list[Hashable]]]:
    """For each side the keys of the tables in each array of tables."""
    names: list[dict[tuple[str, ...], list[Hashable]]] = [{}, {}, {}]
    paths = {table.path for document in documents for table in document.tables if table.array}
    for path in paths:
        lists = [_at(document.data, path) for document in documents]
        matched = match(lists[0], lists[1], lists[2])
        if matched is None:
            raise CannotMergeError
        for side, keys in zip(names, matched.keys, strict=True):
            side[path] = keys
    return names


def _at(data: Any, path: tuple[str, ...]) -> list[Any]:
    for part in path:
        if not isinstance(data, dict):
            raise CannotMergeError  # an array of tables in another
        data = data.get(part, {})
    if data == {}:
        return []
    if not isinstance(data, list):
        raise CannotMergeError
    return data


def _node(document: _Document, names: dict[tuple[str, ...], list[Hashable]]) -> Node:
    """The document as a map of its tables."""
    entries: list[Entry] = []
    count: dict[tuple[str, ...], int] = {}
    for table in document.tables:
        if table.array:
            count[table.path] = count.get(table.path, -1) + 1
        path: list[Hashable] = []
        for end, part in enumerate(table.path, 1):
            path.append(part)
            if table.path[:end] in names:
                if table.path[:end] not in count:
                    raise CannotMergeError
                path.append(names[table.path[:end]][count[table.path[:end]]])
        entries.append(Entry(tuple(path), table.lead, "", table.node, "", ""))
    value = {entry.path: entry.node.value for entry in entries}
    return Node(value, document.head, "map", tuple(entries), document.tail, top=True)


@dataclass
class _Reader:
    text: str
    at: int = 0
    tables: list[_Table] = field(default_factory=list)

    def document(self, data: dict[str, Any]) -> _Document:
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
            if path or entries:
                node = Node(value, header, "map", tuple(entries), tail, top=True)
                self.tables.append(_Table(path, array, lead, node))
                tail = ""
            if trivia is None:
                return _Document(self.text, data, head, self.tables, above)
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
