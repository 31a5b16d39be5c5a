"""The merge of a list of statements: what comes, goes, moves, and what is in conflict."""

from __future__ import annotations

import ast

from lightgen.merge.python.blocks import Block, Statement
from lightgen.merge.python.body_order import is_needed, order_statements
from lightgen.merge.python.chunks import Chunk, Chunks, write_block
from lightgen.merge.python.order import ClashError, Contest, Place, Slot
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.splice import Edit, apply_edits, lines_for
from lightgen.merge.python.statements import doubt, merge_statement, merge_words, short
from lightgen.merge.python.wraps import How, Wrap

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def merge_body(sides: Sides, blocks: Three[Block], edits: list[Edit]) -> list[int]:
    """Add the edits for a list of statements; return the numbers of the resulting ones.

    What cannot be decided becomes conflict markers around the smallest statement. ClashError only
    where the statements don't stand on lines of their own.
    """
    base, yours, new = blocks
    places, wraps = order_statements(sides, blocks)
    results = _Results(sides, blocks, {wrap.yours[0]: wrap for wrap in wraps})
    for place in places:
        results.add(place)
    results.chunks.tail = merge_words((base.tail, yours.tail, new.tail))
    write_block(sides, yours, new, results.chunks, edits)
    return results.chunks.codes


def merge_block(sides: Sides, blocks: Three[Block], edits: list[Edit]) -> int:
    """As merge_body, with the number of the whole list."""
    return sides.yours.keys.of_all(merge_body(sides, blocks, edits))


class _Results:
    """The places of a block, one after the other, as chunks of text and numbers of syntax."""

    def __init__(self, sides: Sides, blocks: Three[Block], wraps: dict[int, Wrap]) -> None:
        self.sides = sides
        self.base, self.yours, self.new = blocks
        self.wraps = wraps
        self.indent = next(
            (block.statements[0].indent for block in (self.yours, *blocks) if block.statements), ""
        )
        self.chunks = Chunks(self.indent)

    def add(self, place: Place) -> None:
        """Add what stands at a place of the merged list."""
        if isinstance(place, Contest):
            self._add_contest(place)
            return
        base = self.base.statements[place.base] if place.base is not None else None
        yours = self.yours.statements[place.yours] if place.yours is not None else None
        new = self.new.statements[place.new] if place.new is not None else None
        if yours is None:
            assert new
            self._add_new(place, base, new)
        elif place.yours in self.wraps:
            self._add_wrap(place, self.wraps[place.yours])
        elif new is None:
            self._add_yours(place, base, yours)
        elif base is None:
            self._add_both(place, yours, new)
        else:
            self._add_merged(place, (base, yours, new))

    def _mark(self, place: Slot, new: str, what: str) -> None:
        """A conflict in the place of a statement."""
        yours = self.yours.statements[place.yours] if place.yours is not None else None
        text = self.sides.conflict(yours.text if yours else "", new, what)
        chunk = Chunk.at(text, place)
        if yours:
            self.chunks.keep(chunk, yours, yours.code, [_over(yours, text)])
        else:
            self.chunks.insert(chunk, [])

    def _lines(self, statement: Statement) -> str:
        source = statement.source
        return lines_for(source, statement.first, statement.last, self.indent, self.sides.yours)

    def _keep(self, place: Slot, yours: Statement, code: int, edits: list[Edit]) -> None:
        self.chunks.keep(Chunk.of(yours.edited(edits), place, yours), yours, code, edits)

    def _insert(self, place: Slot, new: Statement) -> None:
        self.chunks.insert(Chunk.of(self._lines(new), place, new), [new.code])

    def _add_new(self, place: Slot, base: Statement | None, new: Statement) -> None:
        if base is not None and not is_needed(self.sides, base):
            if isinstance(new.node, _DEFINITIONS):
                note = f"{new.node.name} stays deleted; the new side changed it"
                self.sides.notes.append(note)
            else:
                what = f"you removed what the new side changes: {short(new)}"
                self._mark(place, self._lines(new), what)
        elif self.sides.doubtful & (new.bag.keys() - (base.bag.keys() if base else set())):
            self._mark(place, self._lines(new), doubt(self.sides, new))
        else:
            self._insert(place, new)

    def _add_yours(self, place: Slot, base: Statement | None, yours: Statement) -> None:
        if base is None or is_needed(self.sides, yours):
            self._keep(place, yours, yours.code, [])
        elif base.full != yours.full:
            self._mark(place, "", f"the new side removes what you changed: {short(yours)}")
        elif self.sides.doubtful & yours.bound:
            self._mark(place, "", doubt(self.sides, yours))
        else:
            self.chunks.drop()

    def _add_both(self, place: Slot, yours: Statement, new: Statement) -> None:
        """Both sides added it."""
        if yours.code == new.code:
            self._keep(place, yours, yours.code, [])
        elif yours.is_import:
            self._keep(place, yours, yours.code, [])
            if new.bound - yours.bound:
                self._insert(Slot(None, None, place.new), new)
        else:
            self._mark(place, self._lines(new), f"both sides add {short(yours)}")

    def _add_merged(self, place: Slot, three: Three[Statement]) -> None:
        edits: list[Edit] = []
        try:
            code = merge_statement(self.sides, three, edits, merge_block)
        except ClashError as clash:
            self._mark(place, self._lines(three[2]), str(clash))
        else:
            self._keep(place, three[1], code, edits)

    def _add_wrap(self, place: Slot, wrap: Wrap) -> None:
        """A block that one side put around statements that the other changed."""
        before = len(self.sides.whats)
        try:
            self._merge_wrap(place, wrap)
        except ClashError as clash:
            del self.sides.whats[before:]
            self._add_contest(Contest(list(wrap.yours), list(wrap.new)), str(clash))

    def _merge_wrap(self, place: Slot, wrap: Wrap) -> None:
        edits: list[Edit] = []
        run = [self.yours.statements[index] for index in wrap.yours]
        keys = self.sides.yours.keys
        if wrap.how == How.NEW:
            self._merge_into_new(place, wrap)
            return
        if not wrap.new:
            raise ClashError("the new side removes what you put a block around")
        codes = merge_body(self.sides, wrap.blocks, edits)
        if wrap.how == How.YOURS:
            code = keys.composed(run[0].node, {"body": keys.of_all(codes)})
            self._keep(place, run[0], code, edits)
            return
        starts = self.sides.yours.starts
        text = apply_edits(
            self.sides.yours.text, edits, (starts[run[0].first], starts[run[-1].last])
        )
        ends = wrap.yours[0], wrap.yours[-1], wrap.new[0], wrap.new[-1]
        self.chunks.insert(Chunk(text, *ends), codes)

    def _merge_into_new(self, place: Slot, wrap: Wrap) -> None:
        """Your changes go into new's text: the same merge with the sides exchanged."""
        statement = self.new.statements[wrap.new[0]]
        sides = self.sides
        if statement.indent != self.indent or sides.new.indent_unit != sides.yours.indent_unit:
            raise ClashError("the new side puts a block around what you changed")
        base, yours, new = sides.sources
        exchanged = Sides((base, new, yours), sides.labels, sides.needed, sides.doubtful)
        edits: list[Edit] = []
        before, mine, theirs = wrap.blocks
        codes = merge_body(exchanged, (before, theirs, mine), edits)
        if exchanged.whats:
            raise ClashError(exchanged.whats[0])
        keys = sides.yours.keys
        code = keys.composed(statement.node, {"body": keys.of_all(codes)})
        text = statement.edited(edits)
        ends = wrap.yours[0], wrap.yours[-1], wrap.new[0], wrap.new[-1]
        self.chunks.insert(Chunk(text, *ends), [code])

    def _add_contest(self, contest: Contest, what: str = "") -> None:
        mine = [self.yours.statements[index] for index in contest.yours]
        theirs = [self.new.statements[index] for index in contest.new]
        what = what or _what(mine, theirs)
        text = self.sides.conflict(
            _run(self.yours, contest.yours, [statement.text for statement in mine]),
            _run(self.new, contest.new, [self._lines(statement) for statement in theirs]),
            what,
        )
        ends = (*_ends(contest.yours), *_ends(contest.new))
        self.chunks.insert(Chunk(text, *ends), [statement.code for statement in mine])


def _what(mine: list[Statement], theirs: list[Statement]) -> str:
    if not mine:
        return f"the new side adds to what you removed: {short(theirs[0])}"
    if not theirs:
        return f"the new side removes what stands around {short(mine[0])}"
    if len({mine[0].name, theirs[0].name}) == 1:
        return f"both sides changed {short(mine[0])}"
    return f"both sides add statements here: {short(mine[0])} / {short(theirs[0])}"


def _ends(indices: list[int]) -> tuple[int | None, int | None]:
    return (indices[0], indices[-1]) if indices else (None, None)


def _over(statement: Statement, text: str) -> Edit:
    starts = statement.source.starts
    return Edit(starts[statement.first], starts[statement.last], text)


def _run(block: Block, indices: list[int], texts: list[str]) -> str:
    """Statements that follow one another, spaced as in their block."""
    parts = texts[:1]
    for index, text in zip(indices[1:], texts[1:], strict=True):
        parts += ["\n" * block.gaps[index], text]
    return "".join(parts)
