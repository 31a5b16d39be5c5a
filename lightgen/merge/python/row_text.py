"""The text of a list whose elements have come, gone or moved; untouched ones stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, field

from lightgen.merge.python.elements import Element, Elements
from lightgen.merge.python.sides import Sides
from lightgen.merge.python.source import NOWHERE
from lightgen.merge.python.splice import Edit, apply_edits, part_for


@dataclass
class Row:
    """An element of the result: from yours with edits, or from new.

    `above` and `behind` are its comments where they are others than before.
    """

    element: Element
    is_mine: bool
    keys: tuple[int, ...]
    edits: list[Edit] = field(default_factory=list)
    above: tuple[str, ...] | None = None
    behind: tuple[str, ...] | None = None


def rendered(sides: Sides, rows: list[Row], yours: Elements) -> Edit:
    """The edit that makes the list of yours these rows."""
    if not (yours.one_a_line or yours.has_comments or _have_comments(rows)):
        text = _in_line(sides, rows, yours)
        if yours.is_spread or _fits(sides, yours, text):
            return Edit(*yours.region, text)
    if yours.opened == NOWHERE:
        return Edit(*yours.region, f"({_one_a_line(sides, rows, yours)})")
    return Edit(*yours.region, _one_a_line(sides, rows, yours))


def _have_comments(rows: list[Row]) -> bool:
    return any(
        row.above or row.behind or (not row.is_mine and (row.element.above or row.element.behind))
        for row in rows
    )


def _fits(sides: Sides, yours: Elements, text: str) -> bool:
    source = sides.yours
    first, last = (source.line_of(offset) for offset in yours.region)
    before = yours.region[0] - source.starts[first]
    after = len(source.lines[last]) - (yours.region[1] - source.starts[last])
    head, *more = text.split("\n")
    return before + len(head) + (0 if more else after) <= sides.limit


def _text_of(sides: Sides, row: Row, indent: str) -> str:
    if row.is_mine:
        return apply_edits(sides.yours.text, row.edits, row.element.span)
    return part_for(sides.new, row.element.span, indent, sides.yours)


def _in_line(sides: Sides, rows: list[Row], yours: Elements) -> str:
    """Side by side, with the space that was there between yours."""
    start, end = yours.region
    text, items = sides.yours.text, yours.items
    indent = sides.yours.indent_of(sides.yours.line_of(start))
    parts = [text[start : items[0].span[0]]] if items else []
    for at, row in enumerate(rows):
        if at:
            parts.append(_between(text, rows[at - 1], row, items))
        parts.append(_text_of(sides, row, indent))
    if items and rows:
        parts.append(text[items[-1].span[1] : end])
    return "".join(parts)


def _between(text: str, before: Row, row: Row, items: list[Element]) -> str:
    if before.is_mine and row.is_mine:
        at = items.index(before.element)
        if at + 1 < len(items) and items[at + 1] is row.element:
            return text[before.element.span[1] : row.element.span[0]]
    return ", "


def _one_a_line(sides: Sides, rows: list[Row], yours: Elements) -> str:
    source = sides.yours
    outer = source.indent_of(source.line_of(yours.region[0]))
    indent = outer + source.indent_unit
    if yours.one_a_line:
        indent = source.indent_of(source.line_of(yours.items[0].span[0]))
        outer = source.indent_of(source.line_of(yours.region[1]))
    lines: list[str] = []
    for row in rows:
        if row.is_mine and yours.one_a_line and row.above is None and row.behind is None:
            lines.append(_own_lines(sides, row, yours))
            continue
        above = row.element.above_words if row.above is None else row.above
        behind = row.element.behind_words if row.behind is None else row.behind
        lines += [f"{indent}{word}" for word in above]
        comment = "".join(f"  {word}" for word in behind)
        lines.append(f"{indent}{_text_of(sides, row, indent)},{comment}")
    lines += [f"{indent}{comment.text}" for comment in yours.tail]
    return "\n" + "\n".join(lines) + "\n" + outer


def _own_lines(sides: Sides, row: Row, yours: Elements) -> str:
    """The lines of an element of yours, blank ones and comments included."""
    source, (start, end) = sides.yours, row.element.span
    at = yours.items.index(row.element)
    before = yours.items[at - 1].span[1] if at else yours.opened
    first = source.starts[source.line_of(before) + 1]
    last = source.starts[source.line_of(end) + 1] - 1
    rest = source.text[end:last]
    comma = "" if rest.lstrip().startswith(",") else ","
    return source.text[first:start] + _text_of(sides, row, "") + comma + rest
