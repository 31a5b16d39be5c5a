"""Three-way merge of YAML and JSON: by key and entry, in your text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from lightgen.merge.guarded import merge_nodes, parsing_lines
from lightgen.merge.lines import ended_as, whole_lines
from lightgen.merge.nodes import Node
from lightgen.merge.outcome import CannotMergeError, Labels, MergedText

Load: TypeAlias = Callable[[str], Any]


def merge_mappings(base: str, yours: str, new: str, labels: Labels) -> MergedText:
    """Merge by key; by lines where that fails. Raises CannotMergeError for what can't be read."""
    texts = (base, yours, new)
    try:
        data, load, read = _read(texts)
    except (ValueError, RecursionError) as error:
        raise CannotMergeError from error
    try:
        nodes = [read(whole_lines(text)) for text in texts]
        merged = merge_nodes((nodes[0], nodes[1], nodes[2]), load, data, labels, shift=True)
    except (CannotMergeError, RecursionError):
        return parsing_lines(texts, load, data, labels)
    return replace(merged, text=ended_as(merged.text, *texts))


def _read(
    texts: tuple[str, str, str],
) -> tuple[tuple[Any, Any, Any], Load, Callable[[str], Node]]:
    """The data of the sides, and how such a text is loaded and read with its layout."""
    from lightgen.merge.json_text import load_json, read_json

    try:
        base, yours, new = map(load_json, texts)
    except json.JSONDecodeError:
        from lightgen.merge.yaml_text import load_yaml, read_yaml

        base, yours, new = map(load_yaml, texts)
        return (base, yours, new), load_yaml, read_yaml
    return (base, yours, new), load_json, read_json
