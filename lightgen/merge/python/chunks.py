"""The text of a merged block, put together from pieces of both sides."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from lightgen.merge.python.blocks import Block, Statement
from lightgen.merge.python.order import ClashError, Slot
from lightgen.merge.python.sides import Sides
from lightgen.merge.python.splice import Edit


@dataclass(frozen=True)
class Chunk:
    """The lines of one place, and with which statements of yours and of new it begins and ends."""

    text: str
    first_yours: int | None
    last_yours: int | None
    first_new: int | None
    last_new: int | None
    is_import: bool = False
    is_definition: bool = False

    @classmethod
    def at(cls, text: str, place: Slot) -> Chunk:
        """A chunk for one place."""
        return cls(text, place.yours, place.yours, place.new, place.new)

    @classmethod
    def of(cls, text: str, place: Slot, statement: Statement) -> Chunk:
        """A chunk for one statement."""
        ends = place.yours, place.yours, place.new, place.new
        is_definition = isinstance(statement.node, ast.FunctionDef | ast.ClassDef)
        return cls(text, *ends, statement.is_import, is_definition)


@dataclass
class Chunks:
    """The chunks of a block in order, the numbers of its statements, and the comments after them.

    `edits` are enough to make it of yours unless it is `restructured`.
    """

    indent: str
    chunks: list[Chunk] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    is_restructured: bool = False

    def keep(self, chunk: Chunk, yours: Statement, code: int, edits: list[Edit]) -> None:
        """Add a statement of yours, edited."""
        self.chunks.append(chunk)
        self.codes.append(code)
        self.edits += edits

    def insert(self, chunk: Chunk, codes: list[int]) -> None:
        """Add what was not in yours, or not as one chunk."""
        self.chunks.append(chunk)
        self.codes += codes
        self.is_restructured = True

    def drop(self) -> None:
        """Leave out a statement of yours."""
        self.is_restructured = True


def write_block(sides: Sides, yours: Block, new: Block, chunks: Chunks, edits: list[Edit]) -> None:
    """Add the edits of a block: in place, or, where its list has changed, the whole of it."""
    starts = sides.yours.starts
    kept = [chunk.first_yours for chunk in chunks.chunks if chunk.first_yours is not None]
    if not chunks.is_restructured and kept == list(range(len(yours.statements))):
        edits += chunks.edits
    elif not chunks.codes and chunks.indent:
        raise ClashError("nothing would be left of a block")
    else:
        text = _joined(chunks, yours.gaps, new.gaps)
        if yours.statements:
            span = starts[yours.start], starts[yours.statements[-1].last]
        else:
            span = starts[yours.last], starts[yours.last]
            text = "\n" + text if yours.tail else text
        edits.append(Edit(*span, text))
    if chunks.tail != yours.tail:
        text = "".join(f"{chunks.indent}{word}\n" for word in chunks.tail)
        edits.append(Edit(starts[yours.end], starts[yours.last], text))


def _joined(chunks: Chunks, yours: list[int], new: list[int]) -> str:
    parts: list[str] = []
    before: Chunk | None = None
    for chunk in chunks.chunks:
        if before is not None:
            gap = _gap(before, chunk, yours, new, is_inner=bool(chunks.indent))
            parts.append("\n" * gap)
        parts.append(chunk.text)
        before = chunk
    return "".join(parts)


def _gap(before: Chunk, chunk: Chunk, yours: list[int], new: list[int], *, is_inner: bool) -> int:
    """The blank lines between two chunks: as on the side where they follow one another."""
    if _follows(before.last_yours, chunk.first_yours):
        return yours[chunk.first_yours or 0]
    if _follows(before.last_new, chunk.first_new):
        return new[chunk.first_new or 0]
    starts = [_gap_at(yours, chunk.first_yours), _gap_at(new, chunk.first_new)]
    ends = [_gap_after(yours, before.last_yours), _gap_after(new, before.last_new)]
    if before.is_import and chunk.is_import:
        return min((gap for gap in starts if gap is not None), default=0)
    usual = (1 if is_inner else 2) if before.is_definition or chunk.is_definition else 0
    return max((gap for gap in (*starts, *ends) if gap is not None), default=usual)


def _follows(before: int | None, index: int | None) -> bool:
    return before is not None and index == before + 1


def _gap_at(gaps: list[int], index: int | None) -> int | None:
    return gaps[index] if index else None


def _gap_after(gaps: list[int], index: int | None) -> int | None:
    return gaps[index + 1] if index is not None and index + 1 < len(gaps) else None
