"""The merge of what stands between commas, and its text."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from lightgen.merge.python.align import align
from lightgen.merge.python.elements import Element, Elements
from lightgen.merge.python.order import ClashError, Contest, Lists, Slot, merge_order
from lightgen.merge.python.sides import Sides
from lightgen.merge.python.source import NOWHERE
from lightgen.merge.python.splice import Edit, apply_edits, part_for

Keyed = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Policy:
    """How the elements of a list stand to one another.

    `merge` merges the nodes of one and returns their numbers; `commute`: two insertions at one place may go in any order; `first`: one of new goes before
    yours; `free`: the order of the whole list means nothing.
    """

    merge: Callable[[Sides, Element, Element, Element, list[Edit]], tuple[int, ...]]
    commute: Callable[[Element, Element], bool]
    first: Callable[[Element, Element], bool] = lambda yours, new: False
    free: bool = False


@dataclass
class Row:
    """An element of the result: from yours with edits, or from new."""

    element: Element
    mine: bool
    keys: tuple[int, ...]
    edits: list[Edit] = field(default_factory=list)
    above: tuple[str, ...] | None = None
    behind: tuple[str, ...] | None = None


def merge_elements(
    sides: Sides,
    base: Elements,
    yours: Elements,
    new: Elements,
    edits: list[Edit],
    policy: Policy,
) -> list[Keyed]:
    """Merge three lists; return kind and numbers of each element of the result.

    ClashError where both sides changed one element, or inserted where the order matters.
    """
    mine, theirs = align(base.items, yours.items), align(base.items, new.items)
    common = _added_alike(yours, new, mine, theirs)
    lists = Lists(
        (len(base.items), len(yours.items), len(new.items)),
        mine,
        theirs,
        common,
        lambda b, n: base.items[b].full != new.items[n].full or _needed(sides, base.items[b]),
        lambda u, n: policy.commute(yours.items[u], new.items[n]),
        lambda u, n: policy.first(yours.items[u], new.items[n]),
        policy.free,
    )
    rows: list[Row] = []
    for place in merge_order(lists):
        if isinstance(place, Contest):
            raise ClashError("both sides add at one place")
        row = _row(sides, place, base, yours, new, policy)
        if row:
            rows.append(row)
    if _same_rows(rows, yours):
        for row in rows:
            edits += row.edits
    else:
        edits.append(_rendered(sides, rows, yours))
    return [(row.element.kind, row.keys) for row in rows]


def _added_alike(
    yours: Elements, new: Elements, mine: dict[int, int], theirs: dict[int, int]
) -> dict[int, int]:
    """What both sides added: the same code, or ClashError for one name with two values."""
    fresh = [j for j in range(len(new.items)) if j not in theirs.values()]
    found: dict[int, int] = {}
    for i, item in enumerate(yours.items):
        if i in mine.values():
            continue
        for j in fresh:
            other = new.items[j]
            if item.code == other.code:
                found[i] = j
                fresh.remove(j)
                break
            if item.name is not None and item.name == other.name:
                raise ClashError(f"both sides add {shown(item)}")
    return found


def shown(item: Element) -> str:
    """An element on one short line."""
    return " ".join(item.source.segment(item.span).split())[:60]


def _needed(sides: Sides, item: Element) -> bool:
    """Whether an imported name is still used, so that it stays whoever removed it."""
    node = item.nodes[0] if item.nodes else None
    if not isinstance(node, ast.alias):
        return False
    return (node.asname or node.name.partition(".")[0]) in sides.needed


def _row(
    sides: Sides, slot: Slot, base: Elements, yours: Elements, new: Elements, policy: Policy
) -> Row | None:
    before = base.items[slot.base] if slot.base is not None else None
    mine = yours.items[slot.yours] if slot.yours is not None else None
    theirs = new.items[slot.new] if slot.new is not None else None
    if before is not None and mine is not None and theirs is not None:
        return _merged_row(sides, before, mine, theirs, policy)
    if mine is None:
        assert theirs is not None
        if before is not None and not _needed(sides, before):
            raise ClashError(f"you removed what the new side changes: {shown(before)}")
        return Row(theirs, False, _numbers(theirs))
    if before is not None and not _needed(sides, mine):
        if before.full != mine.full:
            raise ClashError(f"the new side removes what you changed: {shown(mine)}")
        return None
    return Row(mine, True, _numbers(mine))


def _numbers(item: Element) -> tuple[int, ...]:
    return tuple(item.source.key(node) for node in item.nodes)


def _merged_row(
    sides: Sides, base: Element, yours: Element, new: Element, policy: Policy
) -> Row:
    row = Row(yours, True, _numbers(yours))
    if new.full in (base.full, yours.full):
        return row
    row.above = _words(base.above_words, yours.above_words, new.above_words)
    row.behind = _words(base.behind_words, yours.behind_words, new.behind_words)
    row.keys = policy.merge(sides, base, yours, new, row.edits)
    return row


def _words(
    base: tuple[str, ...], yours: tuple[str, ...], new: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The comments of an element where they are to change, else None."""
    if new in (base, yours):
        return None
    if yours == base:
        return new
    if not base:
        return (*yours, *new)
    raise ClashError("both sides changed a comment")


def _same_rows(rows: list[Row], yours: Elements) -> bool:
    return [row.element for row in rows if row.mine] == yours.items and all(
        row.mine and row.above is None and row.behind is None for row in rows
    )


def _rendered(sides: Sides, rows: list[Row], yours: Elements) -> Edit:
    """The text of the whole list, each untouched element as it was."""
    start, end = yours.region
    spread = yours.one_a_line or yours.has_comments or _has_comments(rows)
    if not spread:
        text = _in_line(sides, rows, yours)
        if yours.is_spread or _fits(sides, yours, text):
            return Edit(start, end, text)
    if yours.opened == NOWHERE:
        return _in_new_brackets(sides, rows, yours)
    return Edit(start, end, _one_a_line(sides, rows, yours))


def _has_comments(rows: list[Row]) -> bool:
    return any(
        row.above or row.behind or (not row.mine and (row.element.above or row.element.behind))
        for row in rows
    )


def _fits(sides: Sides, yours: Elements, text: str) -> bool:
    source = sides.yours
    first, last = source.line_of(yours.region[0]), source.line_of(yours.region[1])
    before = yours.region[0] - source.starts[first]
    after = len(source.lines[last]) - (yours.region[1] - source.starts[last])
    head, *more = text.split("\n")
    return before + len(head) + (0 if more else after) <= sides.limit


def _text_of(sides: Sides, row: Row, indent: str) -> str:
    if row.mine:
        return apply_edits(sides.yours.text, row.edits, row.element.span)
    return part_for(sides.new, row.element.span, indent, sides.yours)


def _in_line(sides: Sides, rows: list[Row], yours: Elements) -> str:
    """Side by side, with the space that was there between yours."""
    start, end = yours.region
    text = sides.yours.text
    indent = sides.yours.indent_of(sides.yours.line_of(start))
    items = yours.items
    parts = [text[start : items[0].span[0]] if items else ""]
    for at, row in enumerate(rows):
        if at:
            before = rows[at - 1]
            parts.append(_between(text, before, row, items))
        parts.append(_text_of(sides, row, indent))
    parts.append(text[items[-1].span[1] : end] if items and rows else "")
    return "".join(parts)


def _between(text: str, before: Row, row: Row, items: list[Element]) -> str:
    if before.mine and row.mine:
        at = items.index(before.element)
        if at + 1 < len(items) and items[at + 1] is row.element:
            return text[before.element.span[1] : row.element.span[0]]
    return ", "


def _one_a_line(sides: Sides, rows: list[Row], yours: Elements) -> str:
    source = sides.yours
    outer = source.indent_of(source.line_of(yours.opened))
    indent = outer + source.indent_unit
    if yours.one_a_line:
        indent = source.indent_of(source.line_of(yours.items[0].span[0]))
        outer = source.indent_of(source.line_of(yours.region[1]))
    lines: list[str] = []
    for row in rows:
        if row.mine and yours.one_a_line and row.above is None and row.behind is None:
            lines.append(_own_lines(sides, row, yours))
            continue
        lines += [f"{indent}{word}" for word in _above(row)]
        behind = "".join(f"  {word}" for word in _behind(row))
        lines.append(f"{indent}{_text_of(sides, row, indent)},{behind}")
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


def _above(row: Row) -> tuple[str, ...]:
    return row.element.above_words if row.above is None else row.above


def _behind(row: Row) -> tuple[str, ...]:
    return row.element.behind_words if row.behind is None else row.behind


def _in_new_brackets(sides: Sides, rows: list[Row], yours: Elements) -> Edit:
    source = sides.yours
    start, end = yours.region
    outer = source.indent_of(source.line_of(start))
    indent = outer + source.indent_unit
    lines = [f"{indent}{_text_of(sides, row, indent)}," for row in rows]
    return Edit(start, end, "(\n" + "\n".join(lines) + f"\n{outer})")
