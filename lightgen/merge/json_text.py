"""JSON that knows its text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from lightgen.merge.nodes import Child, Node, Path, with_commas
from lightgen.merge.outcome import CannotMergeError

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\[\]{}":]+')


def load_json(text: str) -> Any:
    """The data. Raises ValueError."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def read_json(text: str) -> Node:
    """The layout of a text that has been found to be JSON."""
    start = _after(_SPACE, text, 0)
    node, end = _value(text, start)
    if not node.kind:
        raise CannotMergeError
    head, tail = text[:start] + node.head, node.tail + text[end:]
    return replace(node, head=head, tail=tail)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    if found is None:
        raise CannotMergeError
    return found.end()


def _value(text: str, start: int) -> tuple[Node, int]:
    if text[start] not in "[{":
        end = _after(_SCALAR, text, start)
        return Node(json.loads(text[start:end]), text[start:end]), end
    kind = "list" if text[start] == "[" else "map"
    children: list[Child] = []
    at = _after(_SPACE, text, start + 1)
    while text[at] not in "]}":
        begin = at
        path: Path = ()
        if kind == "map":
            at = _after(_SCALAR, text, begin)
            path = (json.loads(text[begin:at]),)
            at = _after(_SPACE, text, _after(_SPACE, text, at) + 1)
        node, end = _value(text, at)
        children.append(Child(path, begin, at, end, node))
        at = _after(_SPACE, text, end)
        if text[at] == ",":
            at = _after(_SPACE, text, at + 1)
    values = [child.node.value for child in children]
    keys = [child.path[0] for child in children if child.path]
    value = dict(zip(keys, values, strict=True)) if kind == "map" else values
    return with_commas(text, start, at + 1, kind, value, children), at + 1
