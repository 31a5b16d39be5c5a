"""Blocks put around statements, or taken away from around them: with, if, for, while, try."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from lightgen.merge.python.align import align
from lightgen.merge.python.blocks import Block, Statement, inner_block
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.sides import Three

_AROUND = ast.With | ast.AsyncWith | ast.If | ast.For | ast.While | ast.Try


class How(Enum):
    """Who put the block there, or took it away."""

    YOURS = auto()
    UNWRAPPED = auto()
    NEW = auto()


@dataclass(frozen=True)
class Wrap:
    """Runs of statements, by index, that belong together: one of them stands around others.

    The first of each run stands for it. `blocks` are what is inside, on each side.
    """

    how: How
    base: tuple[int, ...]
    yours: tuple[int, ...]
    new: tuple[int, ...]
    blocks: Three[Block]


def find_wraps(blocks: Three[Block], mine: dict[int, int], theirs: dict[int, int]) -> list[Wrap]:
    """Find them, and enter each in `mine` and `theirs` as one statement."""
    found = [
        *_wrapped_by_you(blocks, mine, theirs),
        *_unwrapped_by_you(blocks, mine, theirs),
        *_wrapped_by_new(blocks, mine, theirs),
    ]
    for wrap in found:
        mine[wrap.base[0]] = wrap.yours[0]
        if wrap.new:
            theirs[wrap.base[0]] = wrap.new[0]
    return found


def _wrapped_by_you(
    blocks: Three[Block], mine: dict[int, int], theirs: dict[int, int]
) -> Iterator[Wrap]:
    base, yours, new = blocks
    for index, inner in _blocks_around(yours, mine.values()):
        run = _run_inside(base, inner, mine.keys())
        over = _image(run, theirs)
        if run and over is not None:
            inside = part(base, run), inner, part(new, over)
            yield Wrap(How.YOURS, run, (index,), over, inside)


def _unwrapped_by_you(
    blocks: Three[Block], mine: dict[int, int], theirs: dict[int, int]
) -> Iterator[Wrap]:
    base, yours, new = blocks
    for index, inner in _blocks_around(base, mine.keys()):
        run = _run_inside(yours, inner, mine.values())
        if not run or index not in theirs:
            continue
        before, after = base.statements[index], new.statements[theirs[index]]
        if _around(before) == _around(after):
            changed = inner_block(after.source, after.body, after.last)
            inside = inner, part(yours, run), changed
            yield Wrap(How.UNWRAPPED, (index,), run, (theirs[index],), inside)


def _wrapped_by_new(
    blocks: Three[Block], mine: dict[int, int], theirs: dict[int, int]
) -> Iterator[Wrap]:
    base, yours, new = blocks
    for index, inner in _blocks_around(new, theirs.values()):
        run = _run_inside(base, inner, theirs.keys())
        over = _image(run, mine)
        if run and over:
            inside = part(base, run), part(yours, over), inner
            yield Wrap(How.NEW, run, over, (index,), inside)


def _blocks_around(block: Block, taken: Collection[int]) -> Iterator[tuple[int, Block]]:
    """Statements that match none, if they may stand around others, and what is in them."""
    for index, statement in enumerate(block.statements):
        if index not in taken and isinstance(statement.node, _AROUND):
            try:
                yield index, inner_block(statement.source, statement.body, statement.last)
            except ClashError:
                continue


def _run_inside(outer: Block, inner: Block, taken: Collection[int]) -> tuple[int, ...]:
    """The run of statements of a block, otherwise matched by none, that another consists of."""
    free = [index for index in range(len(outer.statements)) if index not in taken]
    statements = [outer.statements[index] for index in free]
    matched = sorted(free[at] for at in align(statements, inner.statements))
    run = tuple(range(matched[0], matched[-1] + 1)) if matched else ()
    return run if set(run) <= set(free) else ()


def _image(run: Sequence[int], matches: dict[int, int]) -> tuple[int, ...] | None:
    """The run that a run has become, what was put between included; None where it is torn."""
    kept = [matches[index] for index in run if index in matches]
    if not kept:
        return ()
    over = tuple(range(min(kept), max(kept) + 1))
    others = {at for index, at in matches.items() if index not in run}
    is_whole = kept == sorted(kept) and run[0] in matches and not others & set(over)
    return over if is_whole else None


def _around(statement: Statement) -> tuple[object, ...]:
    """What makes the block: all but the statements in it."""
    fields = {"body": 0}
    code = statement.source.keys.composed(statement.node, fields)
    return type(statement.node), code


def part(block: Block, run: Sequence[int]) -> Block:
    """Some consecutive statements of a block."""
    if not run:
        return Block(block.source, [], [], 0, 0)
    first, last = run[0], run[-1] + 1
    statements = block.statements[first:last]
    end = statements[-1].last
    return Block(block.source, statements, block.gaps[first:last], end, end)
