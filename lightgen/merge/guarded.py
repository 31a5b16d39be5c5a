"""Merges by key, believed only if the result means what the merge of the plain data does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lightgen.merge.data import merged_data
from lightgen.merge.keyed import Merger
from lightgen.merge.layout import ClashError, Marks
from lightgen.merge.lines import merge_lines, whole_lines
from lightgen.merge.matching import same
from lightgen.merge.nodes import Node
from lightgen.merge.outcome import (
    END,
    MIDDLE,
    START,
    CannotMergeError,
    Conflict,
    Labels,
    MergedText,
    marked,
)


def merge_nodes(
    sides: tuple[Node, Node, Node],
    load: Callable[[str], Any],
    data: tuple[Any, Any, Any],
    labels: Labels,
    *,
    shift: bool = False,
) -> MergedText:
    """Merge base, yours and new; `shift` if lines of values may be indented anew.

    The result must mean what the merge of the plain data is, with each conflict decided either
    way. Raises CannotMergeError.
    """
    marks = Marks(labels)
    try:
        text = Merger(marks, shift).node((), *sides)
    except ClashError as error:
        raise CannotMergeError from error
    text, clashes, conflicts = marks.read(sides[2].text if text is None else text)
    for prefer in (1, 2) if clashes else (1,):
        expected = merged_data(*data, prefer=prefer, clashes=clashes)
        try:
            found_data = load(_decided(text, prefer, labels))
        except ValueError as error:
            raise CannotMergeError from error
        if not same(found_data, expected):
            raise CannotMergeError
    return MergedText(text, tuple(conflicts))


def _decided(text: str, prefer: int, labels: Labels) -> str:
    """The text with all conflicts decided for yours (1) or the new side (2)."""
    switches = {f"{START} {labels.yours}": 1, MIDDLE: 2, f"{END} {labels.new}": 0}
    lines, within = [], 0
    for line in text.split("\n"):
        if line in switches and (within or line.startswith(START)):
            within = switches[line]
        elif within in (0, prefer):
            lines.append(line)
    return "\n".join(lines)


def parsing_lines(
    texts: tuple[str, str, str],
    load: Callable[[str], Any],
    data: tuple[Any, Any, Any],
    labels: Labels,
) -> MergedText:
    """Merge by lines what can't be merged by key; all in markers if the result means no merge."""
    merged = merge_lines(*texts, labels)
    if merged.conflicts:
        return merged
    try:
        found = load(merged.text)
        expected = merged_data(*data, prefer=1, clashes=())
        clear = same(found, expected)
    except CannotMergeError:
        clear = True  # plain data are no judge, and it parses
    except (ValueError, RecursionError):
        clear = False
    if clear:
        return merged
    text = marked(whole_lines(texts[1]), whole_lines(texts[2]), labels)
    return MergedText(text, (Conflict("both sides changed this file", 1),))
