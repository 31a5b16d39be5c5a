"""The merge of one statement with its comments."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeAlias

from lightgen.merge.lines import merge_lines
from lightgen.merge.python.blocks import Block, Statement
from lightgen.merge.python.clauses import merge_clauses
from lightgen.merge.python.elements import Elements, parts_of_names, read_elements
from lightgen.merge.python.expressions import ENTRIES, merge_node, read_three
from lightgen.merge.python.headers import merge_decorators, merge_header
from lightgen.merge.python.optional import merge_optional
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.rows import merge_elements
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.source import NOWHERE, Source
from lightgen.merge.python.splice import Edit, lines_for

MergeBlock: TypeAlias = Callable[[Sides, Three[Block], list[Edit]], int]
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_SHOWN = 60


def merge_statement(
    sides: Sides, three: Three[Statement], edits: list[Edit], merge_block: MergeBlock
) -> int:
    """Add the edits for one statement; return the number of the result, or ClashError."""
    base, yours, new = three
    if new.full in (base.full, yours.full):
        return yours.code
    is_untouched = yours.full == base.full and not sides.doubtful
    if is_untouched and yours.shape == base.shape:
        return _replace(sides, three, edits)
    own: list[Edit] = []
    try:
        code = merge_core(sides, three, own, merge_block)
        _merge_comments_above(sides, three, own)
    except ClashError:
        if not is_untouched:
            raise
        return _replace(sides, three, edits)
    edits += own
    return code


def _replace(sides: Sides, three: Three[Statement], edits: list[Edit]) -> int:
    _, yours, new = three
    starts = sides.yours.starts
    text = lines_for(sides.new, new.first, new.last, yours.indent, sides.yours)
    edits.append(Edit(starts[yours.first], starts[yours.last], text))
    return new.code


def merge_core(
    sides: Sides, three: Three[Statement], edits: list[Edit], merge_block: MergeBlock
) -> int:
    """Merge a statement without the comments above it."""
    base, yours, new = three
    if not yours.is_compound:
        if sides.doubtful & (new.bag.keys() - base.bag.keys()) and new.code != base.code:
            raise ClashError(doubt(sides, new))
        return _merge_simple(sides, three, edits)
    if len({statement.kind for statement in three}) > 1:
        raise ClashError(f"both sides changed {short(base)}")
    node = _merge_async(sides, three, edits)
    fields = {}
    if isinstance(yours.node, _DEFINITIONS):
        fields["decorator_list"] = merge_decorators(sides, three, edits)
    if not isinstance(yours.node, ast.Try | ast.TryStar):
        fields |= merge_header(sides, three, edits)
    fields |= merge_clauses(sides, three, edits, merge_block)
    return sides.yours.keys.composed(node, fields)


def _merge_async(sides: Sides, three: Three[Statement], edits: list[Edit]) -> ast.stmt:
    """Carry it if new makes a statement async, or no longer; return a node of the right type."""
    base, yours, new = (type(statement.node) for statement in three)
    if new in (base, yours):
        return three[1].node
    start = sides.yours.span(three[1].node)[0]
    is_async = new.__name__.startswith("Async")
    end = start if is_async else sides.yours.text.index("async", start) + len("async ")
    edits.append(Edit(start, end, "async " if is_async else ""))
    return three[2].node


def short(statement: Statement) -> str:
    """A statement on one short line; a definition by its name."""
    if isinstance(statement.node, _DEFINITIONS):
        return statement.node.name
    line = " ".join(statement.source.segment(statement.source.span(statement.node)).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."


def doubt(sides: Sides, statement: Statement) -> str:
    """What makes a change doubtful."""
    names = sorted(sides.doubtful & (statement.bag.keys() | statement.bound))
    return f"{', '.join(names)} would be left without a definition"


def _merge_comments_above(sides: Sides, three: Three[Statement], edits: list[Edit]) -> None:
    base, yours, new = three
    merged = merge_words((base.above, yours.above, new.above))
    if merged != yours.above:
        starts = sides.yours.starts
        text = "".join(f"{yours.indent}{word}\n" for word in merged)
        edits.append(Edit(starts[yours.first], starts[yours.start], text))


def merge_words(three: Three[list[str]]) -> list[str]:
    """Merge lines of comments; ClashError where both sides changed them."""
    base, yours, new = three
    if new in (base, yours):
        return yours
    if yours == base:
        return new
    if not base:
        return [*yours, *(word for word in new if word not in yours)]
    if [word for word in yours if word in base] != base:
        raise ClashError("both sides changed a comment")
    at = yours.index(base[0])  # you only added: yours stand beside what new says
    return [*yours[:at], *new, *(word for word in yours[at:] if word not in base)]


def _merge_simple(sides: Sides, three: Three[Statement], edits: list[Edit]) -> int:
    _merge_comment_behind(sides, three, edits)
    nodes = three[0].node, three[1].node, three[2].node
    if all(map(sides.yours.keys.is_docstring, nodes)):
        return _merge_docstring(sides, three, edits)
    if all(map(_has_one_target, nodes)):
        return _merge_assignment(sides, nodes, edits)
    if all(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes):
        return _merge_import(sides, nodes, edits)
    return merge_node(sides, nodes, edits)


def _merge_docstring(sides: Sides, three: Three[Statement], edits: list[Edit]) -> int:
    """Merge a docstring line by line."""
    base, yours, new = (_docstring_text(statement) for statement in three)
    merged = merge_lines(base, yours, new, sides.labels)
    if merged.conflicts:
        raise ClashError(f"both sides changed {short(three[0])}")
    try:
        value = ast.literal_eval(merged.text)
    except (SyntaxError, ValueError) as error:
        raise ClashError(f"both sides changed {short(three[0])}") from error
    indent = three[1].indent
    text = "\n".join(indent + line if line else "" for line in merged.text.split("\n"))
    edits.append(Edit(*sides.yours.span(three[1].node), text.removeprefix(indent)))
    return sides.yours.keys.of_docstring(value)


def _docstring_text(statement: Statement) -> str:
    text = statement.source.segment(statement.source.span(statement.node))
    return "\n".join(line.removeprefix(statement.indent) for line in text.split("\n"))


def _merge_comment_behind(sides: Sides, three: Three[Statement], edits: list[Edit]) -> None:
    base, yours, new = (_behind(statement) for statement in three)
    if new in (base, yours):
        return
    if yours != base:
        raise ClashError("both sides changed a comment")
    end = sides.yours.span(three[1].node)[1]
    line_end = sides.yours.starts[sides.yours.line_of(end) + 1] - 1
    edits.append(Edit(end, line_end, "".join(f"  {word}" for word in new)))


def _behind(statement: Statement) -> tuple[str, ...]:
    source = statement.source
    return source.words_in(source.span(statement.node)[1], source.starts[statement.last])


def _has_one_target(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return len(node.targets) == 1
    return isinstance(node, ast.AnnAssign)


def _merge_assignment(sides: Sides, nodes: Three[ast.stmt], edits: list[Edit]) -> int:
    """Merge target, annotation and value, each of its own."""
    targets, notes, values = zip(*map(_assigned, nodes), strict=True)
    target = merge_node(sides, (targets[0], targets[1], targets[2]), edits)
    end = sides.yours.outer_span(targets[1])[1]
    annotation = merge_optional(sides, (notes[0], notes[1], notes[2]), edits, end, ": ")
    end = sides.yours.span(nodes[1])[1]
    value = merge_optional(sides, (values[0], values[1], values[2]), edits, end, " = ")
    keys = sides.yours.keys
    if annotation == keys.of(None):
        plain = next(node for node in nodes if isinstance(node, ast.Assign))
        return keys.composed(plain, {"targets": keys.of_all([target]), "value": value})
    annotated = next(node for node in nodes if isinstance(node, ast.AnnAssign))
    fields = {"target": target, "annotation": annotation, "value": value}
    return keys.composed(annotated, fields)


def _assigned(node: ast.stmt) -> tuple[ast.expr, ast.expr | None, ast.expr | None]:
    if isinstance(node, ast.AnnAssign):
        return node.target, node.annotation, node.value
    assert isinstance(node, ast.Assign)
    return node.targets[0], None, node.value


def _merge_import(sides: Sides, nodes: Three[ast.stmt], edits: list[Edit]) -> int:
    if len({_module(node) for node in nodes}) > 1:
        return merge_node(sides, nodes, edits)
    merged = merge_elements(sides, read_three(sides, nodes, _names), edits, ENTRIES)
    if not merged:
        raise ClashError("both sides removed imported names")
    names = sides.yours.keys.of_all(found[0] for _, found in merged)
    return sides.yours.keys.composed(nodes[1], {"names": names})


def _module(node: ast.stmt) -> tuple[object, ...]:
    return type(node), getattr(node, "module", None), getattr(node, "level", None)


def _names(source: Source, node: ast.AST) -> Elements:
    assert isinstance(node, ast.Import | ast.ImportFrom)
    end = source.span(node)[1]
    opened = source.opening.get(end - 1, NOWHERE)
    region = (source.span(node.names[0])[0], end) if opened == NOWHERE else (opened + 1, end - 1)
    return read_elements(source, opened, region, parts_of_names(node))
