"""Three-way merge of TOML: by table, key and entry of an array, in your text."""

from __future__ import annotations

import tomllib
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from lightgen.merge.guarded import merge_nodes, parsing_lines
from lightgen.merge.lines import ended_as, whole_lines
from lightgen.merge.matching import match
from lightgen.merge.nodes import Entry, Node
from lightgen.merge.outcome import CannotMergeError, Labels, MergedText
from lightgen.merge.toml_text import Table, TomlDocument, read_toml


def merge_toml(base: str, yours: str, new: str, labels: Labels) -> MergedText:
    """Merge by key; by lines where that fails. Raises CannotMergeError if a side is no TOML."""
    sides = (base, yours, new)
    try:
        data = [tomllib.loads(side) for side in sides]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CannotMergeError from error
    three = (data[0], data[1], data[2])
    try:
        documents = [
            read_toml(whole_lines(side), its) for side, its in zip(sides, data, strict=True)
        ]
        headers = {table.path for document in documents for table in document.tables}
        for document in documents:
            _add_implied(document, headers)
        names = _names_of_arrays(documents)
        nodes = [_node(document, its) for document, its in zip(documents, names, strict=True)]
        merged = merge_nodes((nodes[0], nodes[1], nodes[2]), tomllib.loads, three, labels)
    except (CannotMergeError, RecursionError):
        return parsing_lines(sides, tomllib.loads, three, labels)
    return replace(merged, text=ended_as(merged.text, *sides))


def _add_implied(document: TomlDocument, headers: set[tuple[str, ...]]) -> None:
    """Tables that only tables inside of them tell of, where another side has a header for them."""
    arrays = {table.path for table in document.tables if table.array}
    missing = headers - {table.path for table in document.tables}
    for path in sorted(missing):
        if any(path[: end + 1] in arrays for end in range(len(path))):
            continue
        inside = [
            index for index, table in enumerate(document.tables) if table.path[: len(path)] == path
        ]
        if inside:
            node = Node({}, "", "map", top=True)
            document.tables.insert(inside[0], Table(path, False, "", node))


def _names_of_arrays(documents: list[TomlDocument]) -> list[dict[tuple[str, ...], list[Hashable]]]:
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


def _node(document: TomlDocument, names: dict[tuple[str, ...], list[Hashable]]) -> Node:
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
