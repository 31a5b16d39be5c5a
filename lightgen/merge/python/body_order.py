"""Which statements of three blocks stand where in the merged one."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace

from lightgen.merge.python.align import align
from lightgen.merge.python.blocks import Block, Statement
from lightgen.merge.python.commute import commutes, is_definition
from lightgen.merge.python.order import ClashError, Contest, Lists, Place, merge_order
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.wraps import Wrap, find_wraps

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def order_statements(sides: Sides, blocks: Three[Block]) -> tuple[list[Place], list[Wrap]]:
    """The places of a merged block, and the blocks that one side put around others.

    ClashError where both sides reordered statements.
    """
    base, yours, new = (block.statements for block in blocks)
    mine, theirs = align(base, yours), align(base, new)
    for index in [b for b in theirs if b not in mine and base[b].name != new[theirs[b]].name]:
        if is_definition(base[index].node):  # you took it away: another name is another thing
            del theirs[index]
    wraps = find_wraps(blocks, mine, theirs)
    doubles = Counter(statement.code for statement in base)
    lists = Lists(
        (len(base), len(yours), len(new)),
        mine,
        theirs,
        _added_alike(yours, new, mine, theirs),
        lambda b, n: base[b].code != new[n].code or is_needed(sides, base[b]),
        lambda u, n: commutes(yours[u].node, new[n].node),
        lambda u, n: _rank(new[n]) < _rank(yours[u]),
        lambda is_yours, index: _is_loose((yours if is_yours else new)[index]),
        lambda b: doubles[base[b].code] > 1,
        inside=_inside(wraps),
    )
    try:
        places = merge_order(lists)
    except ClashError:
        kept = [base[index] for index in mine.keys() & theirs.keys()]
        if not kept or not all(map(_is_loose, kept)):
            raise
        places = merge_order(replace(lists, is_free=True))
    return _as_runs(places, (base, yours, new)), wraps


def _rank(statement: Statement) -> int:
    """A docstring goes first, imports before definitions, and these before what may call them."""
    if statement.source.keys.is_docstring(statement.node):
        return 0
    if statement.is_import:
        return 1 if getattr(statement.node, "module", None) == "__future__" else 2
    return 3 if is_definition(statement.node) else 4


def _is_loose(statement: Statement) -> bool:
    """Whether it may stand anywhere in its block, or has a place of its own."""
    return is_definition(statement.node) or statement.source.keys.is_docstring(statement.node)


def is_needed(sides: Sides, statement: Statement) -> bool:
    """Whether an import binds a name that is still used."""
    return statement.is_import and bool(statement.bound & sides.needed)


def _added_alike(
    yours: list[Statement], new: list[Statement], mine: dict[int, int], theirs: dict[int, int]
) -> dict[int, int]:
    """What both sides added: the same code, definitions of one name, imports of one module."""
    fresh = [j for j in range(len(new)) if j not in theirs.values()]
    found: dict[int, int] = {}
    for i, statement in enumerate(yours):
        if i in mine.values():
            continue
        for j in fresh:
            if _is_same_addition(statement, new[j]):
                found[i] = j
                fresh.remove(j)
                break
    return found


def _is_same_addition(one: Statement, other: Statement) -> bool:
    if one.code == other.code:
        return True
    return isinstance(one.node, _DEFINITIONS | ast.ImportFrom) and one.name == other.name


def _inside(wraps: list[Wrap]) -> Three[frozenset[int]]:
    base = frozenset(index for wrap in wraps for index in wrap.base)
    yours = frozenset(index for wrap in wraps for index in wrap.yours[1:])
    return base, yours, frozenset(index for wrap in wraps for index in wrap.new[1:])


def _as_runs(places: list[Place], lists: Three[list[Statement]]) -> list[Place]:
    """What new inserts beside something that one side removed and the other changed is one
    conflict with it.
    """
    base, yours, new = lists
    runs: list[Place] = []
    run: list[Place] = []
    for place in places:
        if _is_of_new(place, new) or _is_lost_edit(place, base, yours):
            run.append(place)
            continue
        runs += _as_one(run)
        runs.append(place)
        run = []
    return runs + _as_one(run)


def _is_of_new(place: Place, new: list[Statement]) -> bool:
    """Whether something plain of new stands there, and nothing of yours."""
    if isinstance(place, Contest):
        return not place.yours
    return place.yours is None and place.new is not None and not _is_loose(new[place.new])


def _is_lost_edit(place: Place, base: list[Statement], yours: list[Statement]) -> bool:
    """Whether new removed there a plain statement that you changed."""
    if isinstance(place, Contest) or place.base is None or place.yours is None:
        return False
    before, mine = base[place.base], yours[place.yours]
    return place.new is None and not _is_loose(mine) and before.full != mine.full


def _as_one(run: list[Place]) -> list[Place]:
    """A run as one conflict, if anything in it is in doubt."""
    doubtful = [place for place in run if isinstance(place, Contest) or place.base is not None]
    if len(run) < 2 or not doubtful:
        return run
    yours = [index for place in run for index in _indices(place.yours)]
    return [Contest(yours, [index for place in run for index in _indices(place.new)])]


def _indices(found: list[int] | int | None) -> list[int]:
    if isinstance(found, list):
        return found
    return [] if found is None else [found]
