"""The merge of what stands between commas."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lightgen.merge.python.align import align
from lightgen.merge.python.elements import Element, Elements
from lightgen.merge.python.order import ClashError, Contest, Lists, Slot, merge_order
from lightgen.merge.python.row_text import Row, rendered
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.splice import Edit

Keyed: TypeAlias = tuple[str, tuple[int, ...]]
_SHOWN = 60


@dataclass(frozen=True)
class Policy:
    """How the elements of a list stand to one another.

    `merge` merges the nodes of one and returns their numbers; `commute`: two insertions at one
    place may go in any order; `first`: one of new goes before yours; `is_free`: the order of the
    whole list means nothing.
    """

    merge: Callable[[Sides, Three[Element], list[Edit]], tuple[int, ...]]
    commute: Callable[[Element, Element], bool]
    first: Callable[[Element, Element], bool] = lambda yours, new: False
    is_free: bool = False


def merge_elements(
    sides: Sides, three: Three[Elements], edits: list[Edit], policy: Policy
) -> list[Keyed]:
    """Merge three lists; return kind and numbers of each element of the result.

    ClashError where both sides changed one element, or inserted where the order matters.
    """
    base, yours, new = (elements.items for elements in three)
    mine, theirs = align(base, yours), align(base, new)
    doubles = Counter(item.code for item in base)
    lists = Lists(
        (len(base), len(yours), len(new)),
        mine,
        theirs,
        _added_alike(yours, new, mine, theirs),
        lambda b, n: base[b].full != new[n].full or _is_needed(sides, base[b]),
        lambda u, n: policy.commute(yours[u], new[n]),
        lambda u, n: policy.first(yours[u], new[n]),
        lambda is_yours, index: (yours if is_yours else new)[index].name is not None,
        lambda b: doubles[base[b].code] > 1,
        policy.is_free,
        moves_matter=True,
    )
    rows: list[Row] = []
    for place in merge_order(lists):
        if isinstance(place, Contest):
            raise ClashError("both sides add at one place")
        row = _row(sides, place, (base, yours, new), policy)
        if row:
            rows.append(row)
    if _is_as_before(rows, yours):
        for row in rows:
            edits += row.edits
    else:
        edits.append(rendered(sides, rows, three[1]))
    return [(row.element.kind, row.keys) for row in rows]


def _added_alike(
    yours: list[Element], new: list[Element], mine: dict[int, int], theirs: dict[int, int]
) -> dict[int, int]:
    """What both sides added: the same code, or ClashError for one name with two values."""
    fresh = [j for j in range(len(new)) if j not in theirs.values()]
    found: dict[int, int] = {}
    for i, item in enumerate(yours):
        if i in mine.values():
            continue
        for j in fresh:
            if item.code == new[j].code:
                found[i] = j
                fresh.remove(j)
                break
            if item.name is not None and item.name == new[j].name:
                raise ClashError(f"both sides add {shown(item)}")
    return found


def shown(item: Element) -> str:
    """An element on one short line."""
    text = " ".join(item.source.segment(item.span).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _is_needed(sides: Sides, item: Element) -> bool:
    """Whether an imported name is still used, so that it stays whoever removed it."""
    node = item.nodes[0] if item.nodes else None
    if not isinstance(node, ast.alias):
        return False
    return (node.asname or node.name.partition(".")[0]) in sides.needed


def _row(sides: Sides, slot: Slot, three: Three[list[Element]], policy: Policy) -> Row | None:
    base, mine, theirs = (
        None if index is None else items[index]
        for items, index in zip(three, (slot.base, slot.yours, slot.new), strict=True)
    )
    if base is not None and mine is not None and theirs is not None:
        return _merged_row(sides, (base, mine, theirs), policy)
    if mine is None:
        assert theirs is not None
        if base is not None and not _is_needed(sides, base):
            raise ClashError(f"you removed what the new side changes: {shown(base)}")
        return Row(theirs, False, _numbers(theirs))
    if base is not None and not _is_needed(sides, mine):
        if base.full != mine.full:
            raise ClashError(f"the new side removes what you changed: {shown(mine)}")
        return None
    return Row(mine, True, _numbers(mine))


def _numbers(item: Element) -> tuple[int, ...]:
    return tuple(item.source.key(node) for node in item.nodes)


def _merged_row(sides: Sides, items: Three[Element], policy: Policy) -> Row:
    base, yours, new = items
    row = Row(yours, True, _numbers(yours))
    if new.full in (base.full, yours.full):
        return row
    row.above = _words(base.above_words, yours.above_words, new.above_words)
    row.behind = _words(base.behind_words, yours.behind_words, new.behind_words)
    row.keys = policy.merge(sides, items, row.edits)
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


def _is_as_before(rows: list[Row], yours: list[Element]) -> bool:
    """Whether nothing came, went or moved, so that edits within the elements do."""
    return [row.element for row in rows if row.is_mine] == yours and all(
        row.is_mine and row.above is None and row.behind is None for row in rows
    )
