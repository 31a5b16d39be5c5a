"""The merge of the suites of a compound statement, clause by clause."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lightgen.merge.python.blocks import Block, Statement, header_end, inner_block
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.source import Source, Span
from lightgen.merge.python.splice import Edit, lines_for

Label: TypeAlias = tuple[object, ...]
MergeBlock: TypeAlias = Callable[[Sides, Three[Block], list[Edit]], int]
MergeCore: TypeAlias = Callable[[Sides, Three[Statement], list[Edit], MergeBlock], int]

_ELIF: Label = ("orelse", True)


@dataclass(frozen=True)
class Clause:
    """A suite and the line of its clause; `last` is excluded."""

    source: Source
    label: Label
    body: list[ast.stmt]
    line: int
    handler: ast.ExceptHandler | None
    last: int

    def block(self) -> Block:
        """The statements. ClashError where they stand on the line of the clause."""
        return inner_block(self.source, self.body, self.last)

    @property
    def full(self) -> tuple[int, tuple[str, ...]]:
        """Syntax and comments."""
        starts = self.source.starts
        words = self.source.words_in(starts[self.line], starts[self.last])
        return self.source.key(self.body), words


def _clauses(statement: Statement) -> list[Clause]:
    source, node = statement.source, statement.node
    found: list[tuple[Label, list[ast.stmt], int, ast.ExceptHandler | None]] = [
        (("body",), statement.body, statement.start, None)
    ]
    for handler in getattr(node, "handlers", ()):
        label = ("handlers", source.key(handler.type))
        found.append((label, handler.body, handler.lineno - 1, handler))
    for name in ("orelse", "finalbody"):
        body = getattr(node, name, None)
        if body:
            found.append(((name, _is_elif(source, body)), body, _line(source, body), None))
    ends = [line for _, _, line, _ in found[1:]] + [statement.last]
    return [Clause(source, *clause, last) for clause, last in zip(found, ends, strict=True)]


def _is_elif(source: Source, body: list[ast.stmt]) -> bool:
    return isinstance(body[0], ast.If) and source.text.startswith("elif", source.span(body[0])[0])


def _line(source: Source, body: list[ast.stmt]) -> int:
    return body[0].lineno - 1 if _is_elif(source, body) else header_end(source, body) - 1


def merge_clauses(
    sides: Sides,
    three: Three[Statement],
    edits: list[Edit],
    merge_block: MergeBlock,
    merge_core: MergeCore,
) -> dict[str, int]:
    """Merge every suite; return the numbers of the fields that hold them."""
    yours = three[1]
    lists = [_clauses(statement) for statement in three]
    base, mine, theirs = ({clause.label: clause for clause in found} for found in lists)
    if any(len(found) > len({clause.label for clause in found}) for found in lists):
        raise ClashError("clauses that can't be told apart")
    order = [*mine, *(label for label in theirs if label not in mine)]
    merged: dict[Label, int] = {}
    for label in order:
        clauses = base.get(label), mine.get(label), theirs.get(label)
        if all(clauses):
            inner = clauses[0], clauses[1], clauses[2]
            merged[label] = _merge_bodies(sides, inner, edits, merge_block, merge_core)  # type: ignore[arg-type]
            continue
        kept = _decided(*clauses)
        if kept is None:
            if label in mine:
                edits.append(Edit(*_span(mine[label]), ""))
            continue
        merged[label] = kept.source.key(kept.body)
        if label not in mine:
            _check_order(label, [each for each in mine if each in theirs], list(theirs))
            text = lines_for(sides.new, kept.line, kept.last, yours.indent, sides.yours)
            at = _end_of(mine, theirs)
            edits.append(Edit(at, at, text))
    return _fields(sides, yours, merged, {**theirs, **mine})


def _span(clause: Clause) -> Span:
    return clause.source.starts[clause.line], clause.source.starts[clause.last]


def _end_of(mine: dict[Label, Clause], theirs: dict[Label, Clause]) -> int:
    """The end of your last clause that new has too: behind it, what new drops goes."""
    return max(_span(clause)[1] for label, clause in mine.items() if label in theirs)


def _decided(base: Clause | None, yours: Clause | None, new: Clause | None) -> Clause | None:
    """The clause that stays where not all have it, None where it goes."""
    if yours is None:
        if base and new and base.full != new.full:
            raise ClashError("you removed a clause that the new side changes")
        return None if base else new
    if new is None:
        if base and base.full != yours.full:
            raise ClashError("the new side removes a clause that you changed")
        return None if base else yours
    if yours.full != new.full:
        raise ClashError("both sides add a clause")
    return yours


def _check_order(label: Label, yours: list[Label], new: list[Label]) -> None:
    """A clause of new goes behind those that both have, or nowhere."""
    at = new.index(label)
    if any(after in yours for after in new[at + 1 :]) or yours[-1] not in new[:at]:
        raise ClashError("both sides changed the clauses")


def _merge_bodies(
    sides: Sides,
    clauses: Three[Clause],
    edits: list[Edit],
    merge_block: MergeBlock,
    merge_core: MergeCore,
) -> int:
    base, yours, new = clauses
    if new.full in (base.full, yours.full):
        return sides.yours.key(yours.body)
    if yours.label == _ELIF:
        nested = _nested(base), _nested(yours), _nested(new)
        return sides.yours.keys.of_all([merge_core(sides, nested, edits, merge_block)])
    return merge_block(sides, (base.block(), yours.block(), new.block()), edits)


def _nested(clause: Clause) -> Statement:
    return Statement(clause.source, clause.body[0], clause.line, clause.line, clause.last)


def _fields(
    sides: Sides, yours: Statement, merged: dict[Label, int], clauses: dict[Label, Clause]
) -> dict[str, int]:
    keys = sides.yours.keys
    fields = {"body": merged[("body",)]}
    for name in ("orelse", "finalbody"):
        if hasattr(yours.node, name):
            found = [code for label, code in merged.items() if label[0] == name]
            fields[name] = found[0] if found else keys.of([])
    if hasattr(yours.node, "handlers"):
        fields["handlers"] = keys.of_all(
            keys.composed(handler, {"body": code})
            for label, code in merged.items()
            if (handler := clauses[label].handler)
        )
    return fields
