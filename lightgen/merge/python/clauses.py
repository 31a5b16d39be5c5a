"""The merge of the suites of a compound statement, clause by clause."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from lightgen.merge.python.blocks import Block, Statement, header_end, inner_block
from lightgen.merge.python.order import ClashError, Contest, Lists, Place, merge_order
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.source import Source, Span
from lightgen.merge.python.splice import Edit, lines_for

MergeBlock: TypeAlias = Callable[[Sides, Three[Block], list[Edit]], int]
Holder: TypeAlias = ast.stmt | ast.ExceptHandler | ast.match_case


@dataclass(frozen=True)
class Clause:
    """A suite with the lines of its clause; `last` is excluded.

    The label is what it is and on what condition; `holder` the node that has the suite.
    """

    source: Source
    label: tuple[object, ...]
    holder: Holder
    body: list[ast.stmt]
    line: int
    last: int = 0

    def block(self) -> Block:
        """The statements. ClashError where they stand on the line of the clause."""
        return inner_block(self.source, self.body, self.last)

    @property
    def code(self) -> int:
        """The number of the suite's syntax."""
        return self.source.key(self.body)

    @property
    def span(self) -> Span:
        """Its whole lines."""
        return self.source.starts[self.line], self.source.starts[self.last]

    @property
    def full(self) -> tuple[int, tuple[str, ...]]:
        """Syntax and comments."""
        return self.code, self.source.words_in(*self.span)


def _clauses(statement: Statement) -> list[Clause]:
    found = list(_begun(statement))
    ends = [clause.line for clause in found[1:]] + [statement.last]
    return [replace(clause, last=last) for clause, last in zip(found, ends, strict=True)]


def _begun(statement: Statement) -> Iterator[Clause]:
    source, node = statement.source, statement.node
    if isinstance(node, ast.Match):
        for case in node.cases:
            label = "case", source.key(case.pattern), source.key(case.guard)
            yield Clause(source, label, case, case.body, case.pattern.lineno - 1)
        return
    yield Clause(source, ("body",), node, statement.body, statement.start)
    for handler in getattr(node, "handlers", ()):
        label = "except", source.key(handler.type), source.key(handler.name)
        yield Clause(source, label, handler, handler.body, handler.lineno - 1)
    while isinstance(node, ast.If) and _is_elif(source, node.orelse):
        (node,) = node.orelse
        assert isinstance(node, ast.If)
        label = "elif", source.key(node.test), 0
        yield Clause(source, label, node, node.body, node.lineno - 1)
    for name in ("orelse", "finalbody"):
        body = getattr(node, name, None)
        if body:
            yield Clause(source, (name,), node, body, header_end(source, body) - 1)


def _is_elif(source: Source, body: list[ast.stmt]) -> bool:
    if not body or not isinstance(body[0], ast.If):
        return False
    return source.text.startswith("elif", source.span(body[0])[0])


def merge_clauses(
    sides: Sides, three: Three[Statement], edits: list[Edit], merge_block: MergeBlock
) -> dict[str, int]:
    """Merge every suite; return the numbers of the fields that hold them."""
    base, yours, new = (_clauses(statement) for statement in three)
    for clauses in (base, yours, new):
        if len(clauses) > len({clause.label for clause in clauses}):
            raise ClashError("clauses that can't be told apart")
    merged: list[tuple[Clause, int]] = []
    at = yours[0].span[0]
    for place in _order(base, yours, new):
        if isinstance(place, Contest):
            raise ClashError("both sides change the clauses at one place")
        before, mine, theirs = (
            None if index is None else clauses[index]
            for clauses, index in zip(
                (base, yours, new), (place.base, place.yours, place.new), strict=True
            )
        )
        kept = _decided(before, mine, theirs)
        if before and mine and theirs:
            code = _merge_bodies(sides, (before, mine, theirs), edits, merge_block)
            merged.append((mine, code))
        elif kept:
            merged.append((kept, kept.code))
        if kept and not mine:
            edits.append(Edit(at, at, _text_of(sides, kept, yours)))
        elif mine and not kept:
            edits.append(Edit(*mine.span, ""))
        at = mine.span[1] if mine else at
    return _fields(sides, three[1].node, merged)


def _order(base: list[Clause], yours: list[Clause], new: list[Clause]) -> list[Place]:
    places = {
        side: {clause.label: at for at, clause in enumerate(clauses)}
        for side, clauses in (("yours", yours), ("new", new))
    }
    mine, theirs = (
        {at: found[clause.label] for at, clause in enumerate(base) if clause.label in found}
        for found in (places["yours"], places["new"])
    )
    common = {
        at: places["new"][clause.label]
        for at, clause in enumerate(yours)
        if at not in mine.values() and clause.label in places["new"]
    }
    return merge_order(
        Lists(
            (len(base), len(yours), len(new)),
            mine,
            theirs,
            common,
            changed=lambda b, n: base[b].full != new[n].full,
            commute=lambda u, n: False,
            is_loose=lambda is_yours, index: True,
        )
    )


def _decided(base: Clause | None, yours: Clause | None, new: Clause | None) -> Clause | None:
    """The clause that stays, None where it goes."""
    if yours is None:
        if base:
            raise ClashError("you removed a clause that the new side changes")
        return new
    if new is None and base:
        if base.full != yours.full:
            raise ClashError("the new side removes a clause that you changed")
        return None
    if new and not base and yours.full != new.full:
        raise ClashError("both sides add a clause")
    return yours


def _text_of(sides: Sides, clause: Clause, yours: list[Clause]) -> str:
    """A clause of new as it would stand beside yours."""
    indent = sides.yours.indent_of(yours[-1].line)
    return lines_for(sides.new, clause.line, clause.last, indent, sides.yours)


def _merge_bodies(
    sides: Sides, clauses: Three[Clause], edits: list[Edit], merge_block: MergeBlock
) -> int:
    base, yours, new = clauses
    if new.full in (base.full, yours.full):
        return yours.code
    return merge_block(sides, (base.block(), yours.block(), new.block()), edits)


def _fields(sides: Sides, node: ast.stmt, merged: list[tuple[Clause, int]]) -> dict[str, int]:
    keys = sides.yours.keys
    held = [(clause, keys.composed(clause.holder, {"body": code})) for clause, code in merged]
    if isinstance(node, ast.Match):
        return {"cases": keys.of_all(code for _, code in held)}
    fields = {"body": merged[0][1]}
    if hasattr(node, "orelse"):
        fields["orelse"] = _chain(sides, merged)
    if hasattr(node, "finalbody"):
        last = [code for clause, code in merged if clause.label == ("finalbody",)]
        fields["finalbody"] = last[0] if last else keys.of([])
        handlers = [code for clause, code in held if clause.label[0] == "except"]
        fields["handlers"] = keys.of_all(handlers)
    return fields


def _chain(sides: Sides, merged: list[tuple[Clause, int]]) -> int:
    """The number of what follows the first suite: else, or elifs one in the other."""
    keys = sides.yours.keys
    rest = keys.of([])
    for clause, code in reversed(merged):
        if clause.label == ("orelse",):
            rest = code
        elif clause.label[0] == "elif":
            rest = keys.of_all([keys.composed(clause.holder, {"body": code, "orelse": rest})])
    return rest
