"""Data that know the text they were read from.

The text of a container is its head, its entries and its tail, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from lightgen.merge.outcome import CannotMergeError

Path: TypeAlias = tuple[Hashable, ...]

# Behind an entry: its comma, then the rest of the line if nothing but a comment is there.
_BEHIND = re.compile(r"(\s*,)?([ \t]*(?:#[^\n]*)?\n)?")
_TRIVIA = re.compile(r"(?:\s|#[^\n]*)*")


@dataclass(frozen=True)
class Node:
    """A value and its text; `kind` is "map", "list", or empty for what has no entries.

    A container whose entries have commas (`comma`) may stand on one line; the entries of others
    are whole lines. `top` is one that begins on a line of its own. `indent` is what its entries
    are indented by.
    """

    value: Any
    head: str
    kind: str = ""
    entries: tuple[Entry, ...] = ()
    tail: str = ""
    comma: bool = False
    top: bool = False
    indent: str = ""

    @property
    def text(self) -> str:
        """The text that it was read from."""
        return "".join([self.head, *(entry.text for entry in self.entries), self.tail])

    @property
    def block(self) -> bool:
        """Whether it takes the line end behind it, too."""
        return bool(self.kind) and not self.comma

    def starts(self, index: int) -> bool:
        """Whether the entry there, or the tail behind the last, begins a line."""
        before = self.entries[index - 1].text if index else self.head
        return before.endswith("\n") or (not before and self.top)

    def remarks(self) -> tuple[str, ...]:
        """All comments in it."""
        if not self.kind:
            return ()
        inner = [remark for entry in self.entries for remark in entry.remarks()]
        return (*in_frame(self.head), *inner, *in_frame(self.tail))


@dataclass(frozen=True)
class Entry:
    """One entry: comments and indentation before it, key, value, comma, the rest of its line."""

    path: Path
    lead: str
    label: str
    node: Node
    sep: str
    trail: str

    @property
    def text(self) -> str:
        """The text that it was read from."""
        return f"{self.lead}{self.label}{self.node.text}{self.sep}{self.trail}"

    def remarks(self) -> tuple[str, ...]:
        """All comments at it and in it."""
        return (*stripped(self.lead), *self.node.remarks(), *stripped(self.trail))


def stripped(trivia: str) -> tuple[str, ...]:
    """Lines that say something, without their indentation."""
    return tuple(line.strip() for line in trivia.split("\n") if line.strip())


def in_frame(text: str) -> tuple[str, ...]:
    """Comments in the head or the tail of a container."""
    return tuple(re.findall("#.*", text))


class Child(NamedTuple):
    """Where an entry of a container with commas begins, and its value begins and ends."""

    path: Path
    begin: int
    value: int
    end: int
    node: Node


def with_commas(
    text: str, start: int, end: int, kind: str, value: Any, children: Sequence[Child]
) -> Node:
    """The container between two brackets, of which the entries have been read."""
    rest = _BEHIND.match(text, start + 1)
    at = rest.end() if rest and rest[2] and not rest[1] else start + 1
    head, entries = text[start:at], []
    for index, child in enumerate(children):
        behind = _BEHIND.match(text, child.end)
        comma, trail = (behind[1] or "", behind[2] or "") if behind else ("", "")
        lead = text[at : child.begin]
        if not _TRIVIA.fullmatch(lead) or (not comma and index + 1 < len(children)):
            raise CannotMergeError  # a comma behind a comment, and the like
        label = text[child.begin : child.value]
        entries.append(Entry(child.path, lead, label, child.node, comma, trail))
        at = child.end + len(comma) + len(trail)
    node = Node(value, head, kind, tuple(entries), text[at:end], comma=True)
    return Node(value, head, kind, tuple(entries), text[at:end], True, False, _indent(node))


def _indent(node: Node) -> str:
    """The indentation of the first entry that begins a line."""
    for index, entry in enumerate(node.entries):
        if node.starts(index):
            return entry.lead.rpartition("\n")[2]
    return ""
