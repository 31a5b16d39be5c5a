"""The merge of blocks, and of the statements that hold them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from lightgen.merge.python.align import align
from lightgen.merge.python.blocks import Block, Statement, header_end, inner_block
from lightgen.merge.python.commute import commutes, effects_of
from lightgen.merge.python.order import ClashError, Contest, Lists, Place, Slot, merge_order
from lightgen.merge.python.sides import Sides
from lightgen.merge.python.source import Source
from lightgen.merge.python.splice import Edit, apply_edits, lines_for
from lightgen.merge.python.statements import (
    merge_comments_above,
    merge_decorators,
    merge_header,
    merge_simple,
    merge_words,
)
from lightgen.merge.python.wraps import Wrap, find_wraps

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_COMPOUND = (
    _DEFINITIONS
    | ast.If
    | ast.For
    | ast.AsyncFor
    | ast.While
    | ast.With
    | ast.AsyncWith
    | ast.Try
    | ast.TryStar
)


@dataclass
class Chunk:
    """A place of the merged block: its lines, and how they were spaced before.

    `yours` and `new` are the indices that the chunk ends with on either side, for its spacing.
    """

    text: str
    first_yours: int | None
    last_yours: int | None
    first_new: int | None
    last_new: int | None
    is_import: bool = False


def merge_block(sides: Sides, base: Block, yours: Block, new: Block, edits: list[Edit]) -> int:
    """Add the edits for a list of statements; return the number of the resulting list.

    What cannot be decided becomes conflict markers around the smallest statement. ClashError only
    where the statements don't stand on lines of their own.
    """
    mine = align(base.statements, yours.statements)
    theirs = align(base.statements, new.statements)
    wraps = find_wraps(base, yours, new, mine, theirs)
    lists = _lists(sides, base, yours, new, mine, theirs)
    lists = replace(lists, inside=frozenset(i for wrap in wraps for i in wrap.new[1:]))
    try:
        places = merge_order(lists)
    except ClashError:
        places = merge_order(replace(lists, free=True))
        if not _only_definitions(base, mine, theirs):
            raise
    results = _Results(sides, base, yours, new, wraps)
    for place in places:
        results.add(place)
    tail = merge_words(base.tail, yours.tail, new.tail)
    _write(results, tail, edits)
    return sides.yours.keys.of_all(results.codes)


def _only_definitions(base: Block, mine: dict[int, int], theirs: dict[int, int]) -> bool:
    kept = [base.statements[index].node for index in mine.keys() & theirs.keys()]
    return all(isinstance(node, _DEFINITIONS | ast.Import | ast.ImportFrom) for node in kept)


def _lists(
    sides: Sides,
    base: Block,
    yours: Block,
    new: Block,
    mine: dict[int, int],
    theirs: dict[int, int],
) -> Lists:
    return Lists(
        (len(base.statements), len(yours.statements), len(new.statements)),
        mine,
        theirs,
        _added_alike(yours, new, mine, theirs),
        lambda b, n: base.statements[b].code != new.statements[n].code
        or needs(sides, base.statements[b]),
        lambda u, n: commutes(yours.statements[u].node, new.statements[n].node),
        lambda u, n: _is_import(new.statements[n]) and not _is_import(yours.statements[u]),
    )


def _is_import(statement: Statement) -> bool:
    return isinstance(statement.node, ast.Import | ast.ImportFrom)


def _added_alike(
    yours: Block, new: Block, mine: dict[int, int], theirs: dict[int, int]
) -> dict[int, int]:
    """What both sides added: the same code, definitions of one name, imports of one module."""
    fresh = [j for j in range(len(new.statements)) if j not in theirs.values()]
    found: dict[int, int] = {}
    for i, statement in enumerate(yours.statements):
        if i in mine.values():
            continue
        for j in fresh:
            if _is_same_addition(statement, new.statements[j]):
                found[i] = j
                fresh.remove(j)
                break
    return found


def _is_same_addition(one: Statement, other: Statement) -> bool:
    if one.code == other.code:
        return True
    named = isinstance(one.node, _DEFINITIONS | ast.ImportFrom)
    return named and one.name == other.name


def needs(sides: Sides, statement: Statement) -> bool:
    """Whether an import binds a name that is still used."""
    node = statement.node
    if not isinstance(node, ast.Import | ast.ImportFrom) or not sides.needed:
        return False
    return bool(effects_of(node).binds & sides.needed)


class _Results:
    """The places of a block, one after the other, as chunks of text and numbers of syntax."""

    def __init__(
        self, sides: Sides, base: Block, yours: Block, new: Block, wraps: list[Wrap]
    ) -> None:
        self.sides, self.base, self.yours, self.new = sides, base, yours, new
        self.wraps = wraps
        self.indent = self._indent()
        self.chunks: list[Chunk] = []
        self.codes: list[int] = []
        self.edits: list[Edit] = []
        self.restructured = False

    def _indent(self) -> str:
        for block in (self.yours, self.base):
            if block.statements:
                return block.statements[0].indent
        return self.new.statements[0].indent if self.new.statements else ""

    def add(self, place: Place) -> None:
        """Add what stands at a place of the merged list."""
        if isinstance(place, Contest):
            self._add_contest(place)
            return
        wrap = self._wrap_of(place)
        base = self.base.statements[place.base] if place.base is not None else None
        yours = self.yours.statements[place.yours] if place.yours is not None else None
        new = self.new.statements[place.new] if place.new is not None else None
        if wrap and yours:
            self._add_wrap(wrap, yours, place)
        elif yours is None:
            assert new
            self._add_new(place, base, new)
        elif new is None:
            self._add_yours(place, base, yours)
        elif base is None:
            self._add_both(place, yours, new)
        else:
            self._add_merged(place, base, yours, new)

    def _wrap_of(self, place: Slot) -> Wrap | None:
        return next((wrap for wrap in self.wraps if wrap.yours == place.yours), None)

    def _keep(self, place: Slot, statement: Statement, code: int, edits: list[Edit]) -> None:
        self.codes.append(code)
        self.edits += edits
        text = _edited(statement, edits)
        self.chunks.append(_chunk(text, place, statement))

    def _mark(self, place: Slot, yours: str, new: str, what: str, code: int | None) -> None:
        """A conflict in the place of a statement; `code` is yours, if you have one."""
        text = self.sides.conflict(yours, new, what)
        self.chunks.append(Chunk(text, place.yours, place.yours, place.new, place.new))
        if code is None:
            self.restructured = True
            return
        self.codes.append(code)
        if place.yours is not None:
            statement = self.yours.statements[place.yours]
            starts = self.sides.yours.starts
            self.edits.append(Edit(starts[statement.first], starts[statement.last], text))

    def _lines_of(self, statement: Statement) -> str:
        source = statement.source
        return lines_for(source, statement.first, statement.last, self.indent, self.sides.yours)

    def _add_new(self, place: Slot, base: Statement | None, new: Statement) -> None:
        text = self._lines_of(new)
        if base is not None and not needs(self.sides, base):
            if isinstance(new.node, _DEFINITIONS):
                name = new.node.name
                note = f"{name} stays deleted; the new side changed it"
                self.sides.notes.append(note)
                return
            what = f"you removed what the new side changes: {_short(new)}"
            self._mark(place, "", text, what, None)
        elif self._is_doubtful(new, base):
            self._mark(place, "", text, _doubt(self.sides, new), None)
        else:
            self.restructured = True
            self.codes.append(new.code)
            self.chunks.append(_chunk(text, place, new))

    def _is_doubtful(self, statement: Statement, base: Statement | None) -> bool:
        words = statement.bag.keys() - (base.bag.keys() if base else set())
        return bool(self.sides.doubtful & words)

    def _add_yours(self, place: Slot, base: Statement | None, yours: Statement) -> None:
        if base is None or needs(self.sides, yours):
            self._keep(place, yours, yours.code, [])
        elif base.full != yours.full:
            what = f"the new side removes what you changed: {_short(yours)}"
            self._mark(place, yours.text, "", what, yours.code)
        elif self.sides.doubtful & _bound(yours):
            self._mark(place, yours.text, "", _doubt(self.sides, yours), yours.code)
        else:
            self.restructured = True

    def _add_both(self, place: Slot, yours: Statement, new: Statement) -> None:
        """Both sides added it."""
        if yours.code == new.code:
            self._keep(place, yours, yours.code, [])
        elif isinstance(yours.node, ast.ImportFrom):
            self._keep(place, yours, yours.code, [])
            missing = _names(new) - _names(yours)
            if missing:
                self.restructured = True
                self.codes.append(new.code)
                self.chunks.append(_chunk(self._lines_of(new), Slot(None, None, place.new), new))
        else:
            what = f"both sides add {_short(yours)}"
            self._mark(place, yours.text, self._lines_of(new), what, yours.code)

    def _add_merged(
        self, place: Slot, base: Statement, yours: Statement, new: Statement
    ) -> None:
        edits: list[Edit] = []
        try:
            code = merge_statement(self.sides, base, yours, new, edits)
        except ClashError as clash:
            self._mark(place, yours.text, self._lines_of(new), str(clash), yours.code)
        else:
            self._keep(place, yours, code, edits)

    def _add_wrap(self, wrap: Wrap, yours: Statement, place: Slot) -> None:
        """A block that you put around statements: new's changes of them go inside."""
        edits: list[Edit] = []
        try:
            codes = merge_block(self.sides, wrap.base_block, wrap.your_block, wrap.new_block, edits)
        except ClashError as clash:
            new = "".join(self._lines_of(statement) for statement in wrap.new_block.statements)
            self._mark(place, yours.text, new, str(clash), yours.code)
            return
        fields = {"body": codes}
        self._keep(place, yours, self.sides.yours.keys.composed(yours.node, fields), edits)

    def _add_contest(self, contest: Contest) -> None:
        mine = [self.yours.statements[index] for index in contest.yours]
        theirs = [self.new.statements[index] for index in contest.new]
        self.codes += [statement.code for statement in mine]
        self.restructured = True
        text = self.sides.conflict(
            _run_text(self.yours, contest.yours, [statement.text for statement in mine]),
            _run_text(self.new, contest.new, [self._lines_of(statement) for statement in theirs]),
            f"both sides add statements here: {_short(mine[0])} / {_short(theirs[0])}",
        )
        self.chunks.append(
            Chunk(text, contest.yours[0], contest.yours[-1], contest.new[0], contest.new[-1])
        )


def _chunk(text: str, place: Slot, statement: Statement) -> Chunk:
    return Chunk(text, place.yours, place.yours, place.new, place.new, _is_import(statement))


def _edited(statement: Statement, edits: list[Edit]) -> str:
    if not edits:
        return statement.text
    starts = statement.source.starts
    span = (starts[statement.first], starts[statement.last])
    return apply_edits(statement.source.text, edits, span)


def _short(statement: Statement) -> str:
    node = statement.node
    if isinstance(node, _DEFINITIONS):
        return node.name
    line = " ".join(statement.source.segment(statement.source.span(node)).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."


_SHOWN = 60


def _names(statement: Statement) -> set[tuple[str, str | None]]:
    node = statement.node
    assert isinstance(node, ast.ImportFrom)
    return {(alias.name, alias.asname) for alias in node.names}


def _bound(statement: Statement) -> set[str]:
    """Names and attributes that a statement binds."""
    found: set[str] = set()
    for node in ast.walk(statement.node):
        if isinstance(node, _DEFINITIONS):
            found.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
    return found


def _doubt(sides: Sides, statement: Statement) -> str:
    names = sorted(sides.doubtful & (statement.bag.keys() | _bound(statement)))
    return f"{', '.join(names)} would be left without a definition"


def _run_text(block: Block, indices: list[int], texts: list[str]) -> str:
    parts = [texts[0]]
    for index, text in zip(indices[1:], texts[1:], strict=True):
        parts += ["\n" * block.gaps[index], text]
    return "".join(parts)


def _write(results: _Results, tail: list[str], edits: list[Edit]) -> None:
    """The edits of a block: in place, or, where its list has changed, the whole of it."""
    yours, source = results.yours, results.sides.yours
    kept = [chunk.first_yours for chunk in results.chunks if chunk.first_yours is not None]
    if not results.restructured and kept == list(range(len(yours.statements))):
        edits += results.edits
        _write_tail(results, tail, edits)
        return
    if not results.codes and results.indent:
        raise ClashError("nothing would be left of a block")
    text = "".join(_with_gaps(results))
    if yours.statements:
        end = yours.statements[-1].last
        edits.append(Edit(source.starts[yours.start], source.starts[end], text))
    else:
        end = yours.last
        blank = "\n" if yours.tail else ""
        edits.append(Edit(source.starts[end], source.starts[end], blank + text))
    _write_tail(results, tail, edits)


def _write_tail(results: _Results, tail: list[str], edits: list[Edit]) -> None:
    yours, starts = results.yours, results.sides.yours.starts
    if tail != yours.tail:
        text = "".join(f"{results.indent}{word}\n" for word in tail)
        edits.append(Edit(starts[yours.end], starts[yours.last], text))


def _with_gaps(results: _Results) -> list[str]:
    parts: list[str] = []
    before: Chunk | None = None
    for chunk in results.chunks:
        if before is not None:
            parts.append("\n" * _gap(results, before, chunk))
        parts.append(chunk.text)
        before = chunk
    return parts


def _gap(results: _Results, before: Chunk, chunk: Chunk) -> int:
    yours, new = results.yours.gaps, results.new.gaps
    if _follows(before.last_yours, chunk.first_yours):
        return yours[chunk.first_yours or 0]
    if _follows(before.last_new, chunk.first_new):
        return new[chunk.first_new or 0]
    choose = min if before.is_import and chunk.is_import else max
    return choose(
        _gap_at(yours, chunk.first_yours),
        _gap_at(new, chunk.first_new),
        _gap_after(yours, before.last_yours),
        _gap_after(new, before.last_new),
    )


def _follows(before: int | None, index: int | None) -> bool:
    return before is not None and index == before + 1


def _gap_at(gaps: list[int], index: int | None) -> int:
    return gaps[index] if index else 0


def _gap_after(gaps: list[int], index: int | None) -> int:
    return gaps[index + 1] if index is not None and index + 1 < len(gaps) else 0


def merge_statement(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> int:
    """Add the edits for one statement; return the number of the result, or ClashError."""
    if new.full in (base.full, yours.full):
        return yours.code
    if yours.full == base.full and yours.shape == base.shape and not sides.doubtful:
        starts = sides.yours.starts
        text = lines_for(sides.new, new.first, new.last, yours.indent, sides.yours)
        edits.append(Edit(starts[yours.first], starts[yours.last], text))
        return new.code
    own: list[Edit] = []
    try:
        code = _merge_core(sides, base, yours, new, own)
        merge_comments_above(sides, base, yours, new, own)
    except ClashError:
        if yours.full != base.full or sides.doubtful:
            raise
        starts = sides.yours.starts
        text = lines_for(sides.new, new.first, new.last, yours.indent, sides.yours)
        own = [Edit(starts[yours.first], starts[yours.last], text)]
        code = new.code
    edits += own
    return code


def _merge_core(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> int:
    if not isinstance(yours.node, _COMPOUND):
        if sides.doubtful & (new.bag.keys() - base.bag.keys()) and new.code != base.code:
            raise ClashError(_doubt(sides, new))
        return merge_simple(sides, base, yours, new, edits)
    if not type(base.node) is type(yours.node) is type(new.node):
        raise ClashError(f"both sides changed {_short(base)}")
    fields = {}
    if isinstance(yours.node, _DEFINITIONS):
        fields["decorator_list"] = merge_decorators(sides, base, yours, new, edits)
    if not isinstance(yours.node, ast.Try | ast.TryStar):
        fields |= merge_header(sides, base, yours, new, edits)
    fields |= _merge_suites(sides, base, yours, new, edits)
    return sides.yours.keys.composed(yours.node, fields)


@dataclass(frozen=True)
class _Suite:
    """A block of a compound statement with the line of its clause; `last` is excluded."""

    source: Source
    label: tuple[object, ...]
    field: str
    body: list[ast.stmt]
    line: int
    handler: ast.ExceptHandler | None
    last: int

    def block(self) -> Block:
        return inner_block(self.source, self.body, self.last)

    def full(self) -> tuple[int, tuple[str, ...]]:
        starts = self.source.starts
        return self.source.key(self.body), self.source.words_in(
            starts[self.line], starts[self.last]
        )


def _suites(statement: Statement) -> list[_Suite]:
    source, node = statement.source, statement.node
    found: list[
        tuple[tuple[object, ...], str, list[ast.stmt], int, ast.ExceptHandler | None]
    ] = [(("body",), "body", node.body, statement.start, None)]  # type: ignore[attr-defined]
    for handler in getattr(node, "handlers", ()):
        label = ("except", source.key(handler.type))
        found.append((label, "handlers", handler.body, handler.lineno - 1, handler))
    for name in ("orelse", "finalbody"):
        body = getattr(node, name, None)
        if body:
            label = (name, _is_elif(source, body))
            found.append((label, name, body, _clause_line(source, body), None))
    ends = [suite[3] for suite in found[1:]] + [statement.last]
    return [_Suite(source, *suite, last) for suite, last in zip(found, ends, strict=True)]


def _is_elif(source: Source, body: list[ast.stmt]) -> bool:
    return isinstance(body[0], ast.If) and source.text.startswith(
        "elif", source.span(body[0])[0]
    )


def _clause_line(source: Source, body: list[ast.stmt]) -> int:
    if _is_elif(source, body):
        return body[0].lineno - 1
    return header_end(source, body) - 1


def _merge_suites(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> dict[str, int]:
    lists = [_suites(statement) for statement in (base, yours, new)]
    named = [{suite.label: suite for suite in suites} for suites in lists]
    if any(len(suites) != len(names) for suites, names in zip(lists, named, strict=True)):
        raise ClashError("clauses that can't be told apart")
    merged: dict[tuple[object, ...], int] = {}
    order = [suite.label for suite in lists[1]]
    for label in [*order, *(suite.label for suite in lists[2] if suite.label not in named[1])]:
        suites = [names.get(label) for names in named]
        code = _merge_clause(sides, *suites, edits)
        if code is not None:
            merged[label] = code
        if code is not None and label not in named[1]:
            _check_order(label, lists[1], lists[2])
            suite = named[2][label]
            text = lines_for(sides.new, suite.line, suite.last, yours.indent, sides.yours)
            at = sides.yours.starts[yours.last]
            edits.append(Edit(at, at, text))
            order.append(label)
    return _fields_of(sides, yours, named, order, merged)


def _check_order(label: tuple[object, ...], yours: list[_Suite], new: list[_Suite]) -> None:
    """A clause of new goes last, or nowhere."""
    labels = [suite.label for suite in new]
    mine = [suite.label for suite in yours]
    if any(after in mine for after in labels[labels.index(label) + 1 :]):
        raise ClashError("both sides changed the clauses")
    if mine[-1] not in labels[: labels.index(label)]:
        raise ClashError("both sides changed the clauses")


def _merge_clause(
    sides: Sides, base: _Suite | None, yours: _Suite | None, new: _Suite | None, edits: list[Edit]
) -> int | None:
    """Merge one clause that at least one side has; its number, or None where it goes."""
    if base and yours and new:
        return _merge_bodies(sides, base, yours, new, edits)
    if yours is None:
        assert new
        if base is None:
            return sides.new.key(new.body)
        if base.full() != new.full():
            raise ClashError("you removed a clause that the new side changes")
        return None
    if new is None and base is not None:
        if base.full() != yours.full():
            raise ClashError("the new side removes a clause that you changed")
        starts = sides.yours.starts
        edits.append(Edit(starts[yours.line], starts[yours.last], ""))
        return None
    if new is not None and yours.full() != new.full():
        raise ClashError("both sides add a clause")
    return sides.yours.key(yours.body)


def _merge_bodies(
    sides: Sides, base: _Suite, yours: _Suite, new: _Suite, edits: list[Edit]
) -> int:
    if new.full() in (base.full(), yours.full()):
        return sides.yours.key(yours.body)
    if yours.label == ("orelse", True):
        nested = [
            Statement(suite.source, suite.body[0], suite.line, suite.line, suite.last)
            for suite in (base, yours, new)
        ]
        return sides.yours.keys.of_all([_merge_core(sides, *nested, edits)])
    return merge_block(sides, base.block(), yours.block(), new.block(), edits)


def _fields_of(
    sides: Sides,
    yours: Statement,
    named: list[dict[tuple[object, ...], _Suite]],
    order: list[tuple[object, ...]],
    merged: dict[tuple[object, ...], int],
) -> dict[str, int]:
    keys = sides.yours.keys
    fields = {"body": merged[("body",)]}
    for name in ("orelse", "finalbody"):
        if hasattr(yours.node, name):
            found = [merged[label] for label in order if label[0] == name and label in merged]
            fields[name] = found[0] if found else keys.of([])
    if hasattr(yours.node, "handlers"):
        handlers = []
        for label in order:
            suite = named[1].get(label) or named[2].get(label)
            if label[0] == "except" and label in merged and suite:
                assert suite.handler
                node = suite.handler
                handlers.append(keys.composed(node, {"body": merged[label]}))
        fields["handlers"] = keys.of_all(handlers)
    return fields
