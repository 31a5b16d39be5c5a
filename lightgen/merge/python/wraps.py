"""Blocks that you put around generated statements: with, if, for, while, try."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from lightgen.merge.python.align import align
from lightgen.merge.python.blocks import Block, inner_block
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.sides import Three

_AROUND = ast.With | ast.AsyncWith | ast.If | ast.For | ast.While | ast.Try


@dataclass(frozen=True)
class Wrap:
    """A statement of yours, by index, around a run of statements of the base and of new.

    `new` is empty where the new side removed all of them.
    """

    yours: int
    base: tuple[int, ...]
    new: tuple[int, ...]
    blocks: Three[Block]


def find_wraps(
    base: Block, yours: Block, new: Block, mine: dict[int, int], theirs: dict[int, int]
) -> list[Wrap]:
    """Find them, and enter each in `mine` in the place of its first statement."""
    found = []
    taken = set(mine.values())
    for index, statement in enumerate(yours.statements):
        if index in taken or not isinstance(statement.node, _AROUND):
            continue
        try:
            inner = inner_block(statement.source, statement.node.body, statement.last)
        except ClashError:
            continue
        wrap = _wrap(index, inner, base, new, mine, theirs)
        if wrap:
            found.append(wrap)
            mine[wrap.base[0]] = index
    return found


def _wrap(
    index: int,
    inner: Block,
    base: Block,
    new: Block,
    mine: dict[int, int],
    theirs: dict[int, int],
) -> Wrap | None:
    free = [i for i in range(len(base.statements)) if i not in mine]
    matched = align([base.statements[i] for i in free], inner.statements)
    if not matched:
        return None
    run = tuple(range(free[min(matched)], free[max(matched)] + 1))
    if any(i in mine for i in run):
        return None
    kept = sorted(theirs[i] for i in run if i in theirs)
    over = tuple(range(kept[0], kept[-1] + 1)) if kept else ()
    others = {new_index for i, new_index in theirs.items() if i not in run}
    if others & set(over) or (kept and run[0] not in theirs):
        return None
    return Wrap(index, run, over, (_part(base, run), inner, _part(new, over)))


def _part(block: Block, run: tuple[int, ...]) -> Block:
    if not run:
        return Block(block.source, [], [], 0, 0)
    first, last = run[0], run[-1] + 1
    statements = block.statements[first:last]
    end = statements[-1].last
    return Block(block.source, statements, block.gaps[first:last], end, end)
