"""YAML that knows its text: what is written plainly, without anchors and tags of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from lightgen.merge.nodes import Child, Entry, Node, with_commas
from lightgen.merge.outcome import CannotMergeError

_TRIVIA = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*")
_REST = re.compile(r"[ \t]*(?:[ \t]#[^\n]*)?\n")
_COLON = re.compile(r"[ \t]*:")
_LINE = re.compile(r"([ \t]*)(#[^\n]*)?\n")
_SPACE = re.compile(r"[ \t]*")


def load_yaml(text: str) -> Any:
    """The data. Raises ValueError for what is no YAML or not plain."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if _not_plain(event):
                raise ValueError("not plain")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _not_plain(event: yaml.Event) -> bool:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return True
    if isinstance(event, yaml.DocumentStartEvent):
        return bool(event.tags or event.version)
    return bool(getattr(event, "tag", None))


def read_yaml(text: str) -> Node:
    """The layout of a text that has been found to be plain YAML. Raises CannotMergeError."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        reader = _Reader(text, loader)
        node = reader.node(root, 0) if root else None
    except yaml.YAMLError as error:
        raise CannotMergeError from error
    finally:
        loader.dispose()
    if root is None or node is None or not node.kind:
        raise CannotMergeError
    head = text[: root.start_mark.index] if node.comma else ""
    tail = node.tail + text[reader.at :]
    return replace(node, head=head + node.head, tail=tail, top=node.block)


class _Reader:
    """Reads node by node; `at` is behind what has been read."""

    def __init__(self, text: str, loader: yaml.SafeLoader) -> None:
        self._text = text
        self._loader = loader
        self.at = 0

    def node(self, node: yaml.Node, after: int) -> Node:
        """A node; `after` is the place behind the colon or dash before it."""
        value = self._loader.construct_object(node, deep=True)
        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, yaml.ScalarNode):
            text = self._scalar(node, start, end)
            self.at = start + len(text)
            return Node(value, text)
        if not isinstance(node, yaml.CollectionNode):
            raise CannotMergeError
        if node.flow_style:
            found = self._flow(node, value)
            self.at = end
            return found
        return self._block(node, value, after)

    def _scalar(self, node: yaml.ScalarNode, start: int, end: int) -> str:
        text = self._text[start:end]
        if node.style not in ("|", ">"):
            return text
        if "+" in text.partition("\n")[0].partition("#")[0]:
            raise CannotMergeError  # blank lines behind it mean something
        return re.sub(r"(?:\n[ \t]*)+\Z", "", text)

    def _flow(self, node: yaml.CollectionNode, value: Any) -> Node:
        children = []
        for path, begin, inner in self._inner(node):
            child = self.node(inner, begin)
            children.append(Child(path, begin, inner.start_mark.index, self.at, child))
            if child.block:
                raise CannotMergeError
        start, end = node.start_mark.index, node.end_mark.index
        kind = "map" if isinstance(node, yaml.MappingNode) else "list"
        return with_commas(self._text, start, end, kind, value, children)

    def _inner(self, node: yaml.CollectionNode) -> Iterator[tuple[tuple[Any, ...], int, yaml.Node]]:
        """For each entry its path, where it begins, and its value."""
        for child in node.value:
            if isinstance(child, yaml.Node):
                yield (), child.start_mark.index, child
                continue
            key, value = child
            if not isinstance(key, yaml.ScalarNode):
                raise CannotMergeError
            yield (self._loader.construct_object(key),), key.start_mark.index, value

    def _block(self, node: yaml.CollectionNode, value: Any, after: int) -> Node:
        is_map = isinstance(node, yaml.MappingNode)
        at = self._first(after)
        head = self._text[after:at]
        entries: list[Entry] = []
        indent = ""
        for path, begin, inner in self._inner(node):
            trivia = _TRIVIA.match(self._text, at)
            start = trivia.end() if trivia else at
            if is_map and start != begin:
                raise CannotMergeError  # an explicit key, or what else may stand before one
            colon = self._behind_label(node.value[len(entries)][0] if is_map else None, start)
            child = self.node(inner, colon)
            value_at = colon if child.block else max(inner.start_mark.index, colon)
            if not child.kind and self.at <= colon:
                self.at = value_at = colon  # null, written as nothing
            label = self._text[start:value_at]
            if not child.block and not _SPACE.fullmatch(self._text, colon, value_at):
                raise CannotMergeError
            trail = "" if child.block else self._rest()
            indent = indent or " " * self._column(start)
            entries.append(Entry(path, self._text[at:start], label, child, "", trail))
            at = self.at
        tail = self._comments(at, len(indent))
        kind = "map" if is_map else "list"
        return Node(value, head, kind, tuple(entries), tail, False, False, indent)

    def _first(self, after: int) -> int:
        """Where the first entry's comments begin: behind the rest of the line, if that is empty."""
        rest = _REST.match(self._text, after)
        if after and rest:
            return rest.end()
        if after:
            space = _SPACE.match(self._text, after)
            return space.end() if space else after
        return self._opening()

    def _opening(self) -> int:
        """The start of a document, behind `---` and comments that stand for themselves."""
        start = re.match(r"(?:[ \t]*(?:#[^\n]*)?\n)*---[ \t]*(?:#[^\n]*)?\n", self._text)
        at = start.end() if start else 0
        trivia = _TRIVIA.match(self._text, at)
        found = trivia[0] if trivia else ""
        alone = found.rfind("\n\n")
        return at + (alone + 2 if alone >= 0 else 0)

    def _behind_label(self, key: yaml.Node | None, start: int) -> int:
        if key is None:
            if self._text[start] != "-":
                raise CannotMergeError
            return start + 1
        colon = _COLON.match(self._text, key.end_mark.index)
        if colon is None:
            raise CannotMergeError
        return colon.end()

    def _rest(self) -> str:
        rest = _REST.match(self._text, self.at)
        if rest is None:
            raise CannotMergeError
        self.at = rest.end()
        return rest[0]

    def _column(self, at: int) -> int:
        return at - (self._text.rfind("\n", 0, at) + 1)

    def _comments(self, at: int, column: int) -> str:
        """Comment lines behind the last entry that are indented as the entries are."""
        end = place = at
        while (line := _LINE.match(self._text, place)) and place < len(self._text):
            place = line.end()
            if line[2] and len(line[1]) < column:
                break
            end = place if line[2] else end
        self.at = end
        return self._text[at:end]
