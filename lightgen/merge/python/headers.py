"""The merge of what stands before the colon of a compound statement."""

from __future__ import annotations

import ast
import re
from typing import TypeAlias, cast

from lightgen.merge.python.blocks import Statement
from lightgen.merge.python.elements import (
    Element,
    Elements,
    Part,
    parts_of_call,
    parts_of_parameters,
    read_elements,
)
from lightgen.merge.python.expressions import (
    Fields,
    call_fields,
    merge_inside,
    merge_node,
    read_three,
)
from lightgen.merge.python.optional import merge_optional
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.rows import Policy, merge_elements, shown
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.source import NOWHERE, Source
from lightgen.merge.python.splice import Edit, apply_edits, lines_for

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_Definition: TypeAlias = _Function | ast.ClassDef
_SUITES = ("body", "orelse", "finalbody", "handlers", "cases")


def merge_header(sides: Sides, three: Three[Statement], edits: list[Edit]) -> Fields:
    """Merge the header; a conflict there is around its lines."""
    own: list[Edit] = []
    try:
        fields = _merge_fields(sides, _nodes(three), own)
    except ClashError as clash:
        _, mine, theirs = (_lines(statement) for statement in three)
        text = lines_for(sides.new, *theirs, three[1].indent, sides.yours)
        fields = _own_fields(three[2])
        if _full(three[0]) != _full(three[1]):
            text = sides.conflict(sides.yours.lines_text(*mine), text, str(clash))
            fields = {}
        starts = sides.yours.starts
        own = [Edit(starts[mine[0]], starts[mine[1]], text)]
    edits += own
    return fields


def _own_fields(statement: Statement) -> Fields:
    return {
        name: statement.source.key(getattr(statement.node, name))
        for name in statement.node._fields
        if name not in (*_SUITES, "type_comment", "decorator_list")
    }


def _full(statement: Statement) -> tuple[Fields, tuple[str, ...]]:
    """The syntax of a header and the comments in it."""
    starts = statement.source.starts
    first, last = _lines(statement)
    return _own_fields(statement), statement.source.words_in(starts[first], starts[last])


def _nodes(three: Three[Statement]) -> Three[ast.stmt]:
    return three[0].node, three[1].node, three[2].node


def _lines(statement: Statement) -> tuple[int, int]:
    return statement.node.lineno - 1, statement.header_end


def _merge_fields(sides: Sides, nodes: Three[ast.stmt], edits: list[Edit]) -> Fields:
    yours = nodes[1]
    if isinstance(yours, _Function):
        return _merge_function(sides, cast("Three[_Function]", nodes), edits)
    if isinstance(yours, ast.ClassDef):
        return _merge_class(sides, cast("Three[ast.ClassDef]", nodes), edits)
    if isinstance(yours, ast.With | ast.AsyncWith):
        merged = merge_elements(sides, read_three(sides, nodes, _with_items), edits, _ITEMS)
        return {"items": sides.yours.keys.of_all(keys[0] for _, keys in merged)}
    fields: Fields = {}
    for name in yours._fields:
        if name in _SUITES or name == "type_comment":
            continue
        base, mine, theirs = (getattr(node, name) for node in nodes)
        fields[name] = merge_node(sides, (base, mine, theirs), edits)
    return fields


def _with_items(source: Source, node: ast.AST) -> Elements:
    assert isinstance(node, ast.With | ast.AsyncWith)
    first, last = node.items[0].context_expr, node.items[-1]
    start = source.outer_span(first)[0]
    end = source.outer_span(last.optional_vars or last.context_expr)[1]
    parts = [Part((item,), None, "item") for item in node.items]
    opened = source.enclosing(start)
    if opened != NOWHERE:  # with (a as b, c as d):
        return read_elements(source, opened, (opened + 1, source.closing[opened]), parts)
    return read_elements(source, NOWHERE, (start, end), parts)


def _merge_item(sides: Sides, items: Three[Element], edits: list[Edit]) -> tuple[int, ...]:
    base, yours, new = (item.nodes[0] for item in items)
    return (merge_inside(sides, (base, yours, new), edits),)


_ITEMS = Policy(_merge_item, commute=lambda yours, new: False)


def _merge_function(sides: Sides, nodes: Three[_Function], edits: list[Edit]) -> Fields:
    fields = {"name": _merge_name(sides, nodes, edits)}
    lists = read_three(sides, nodes, _parameters)
    inner: list[Edit] = []
    merge_elements(sides, lists, inner, _PARAMETERS)
    edits += inner
    start, end = lists[1].region
    text = apply_edits(sides.yours.text, inner, (start, end))
    fields["args"] = sides.yours.key(_arguments_of(text, sides))
    returns = nodes[0].returns, nodes[1].returns, nodes[2].returns
    fields["returns"] = merge_optional(sides, returns, edits, end + 1, " -> ")
    return fields


def _arguments_of(text: str, sides: Sides) -> ast.arguments:
    try:
        function = ast.parse(f"def f({text}\n): pass").body[0]
    except SyntaxError as error:
        raise ClashError("both sides changed the parameters") from error
    assert isinstance(function, ast.FunctionDef)
    sides.yours.keys.keep(function)
    return function.args


def _merge_name(sides: Sides, nodes: Three[_Definition], edits: list[Edit]) -> int:
    base, yours, new = nodes
    if new.name in (base.name, yours.name):
        return sides.yours.key(yours.name)
    if yours.name != base.name or base.name in sides.doubtful:
        raise ClashError(f"the new side renames {base.name}")
    start = sides.yours.span(yours)[0]
    match = re.compile(rf"[\w\s]*?\b{re.escape(yours.name)}\b").match(sides.yours.text, start)
    assert match
    edits.append(Edit(match.end() - len(yours.name), match.end(), new.name))
    return sides.new.key(new.name)


def _parameters(source: Source, node: ast.AST) -> Elements:
    assert isinstance(node, _Function)
    opened = source.text.index("(", source.text.index(node.name, source.span(node)[0] + 3))
    region = opened + 1, source.closing[opened]
    return read_elements(source, opened, region, parts_of_parameters(node.args))


def _merge_parameter(sides: Sides, items: Three[Element], edits: list[Edit]) -> tuple[int, ...]:
    """Merge annotation and default of one parameter, each of its own."""
    base, yours, new = items
    if not (base.nodes and yours.nodes and new.nodes):
        raise ClashError(f"both sides changed {shown(base)}")
    args = cast("Three[ast.arg]", (base.nodes[0], yours.nodes[0], new.nodes[0]))
    if args[2].arg not in (args[0].arg, args[1].arg):
        if yours.code != base.code:
            raise ClashError(f"both sides changed {shown(base)}")
        edits.append(Edit(*yours.span, _parameter_text(sides, new)))
        return ()
    end = sides.yours.span(args[1])[0] + len(args[1].arg)
    notes = args[0].annotation, args[1].annotation, args[2].annotation
    merge_optional(sides, notes, edits, end, ": ")
    defaults = _default(base), _default(yours), _default(new)
    merge_optional(sides, defaults, edits, yours.span[1], " = " if notes[1] else "=")
    return ()


def _parameter_text(sides: Sides, new: Element) -> str:
    return " ".join(sides.new.segment(new.span).split())


def _default(item: Element) -> ast.expr | None:
    return cast("ast.expr", item.nodes[1]) if len(item.nodes) > 1 else None


_PARAMETERS = Policy(
    _merge_parameter,
    commute=lambda yours, new: bool(_default(yours) and _default(new)),
)


def _merge_class(sides: Sides, nodes: Three[ast.ClassDef], edits: list[Edit]) -> Fields:
    fields = {"name": _merge_name(sides, nodes, edits)}
    if all(_has_brackets(source, node) for source, node in zip(sides.sources, nodes, strict=True)):
        return fields | call_fields(sides, read_three(sides, nodes, _bases), "bases", edits)
    base, yours, new = (
        source.keys.of([*node.bases, *node.keywords])
        for source, node in zip(sides.sources, nodes, strict=True)
    )
    if new in (base, yours):
        return fields
    raise ClashError(f"both sides changed the bases of {nodes[0].name}")


def _after_name(source: Source, node: ast.ClassDef) -> int:
    return source.text.index(node.name, source.span(node)[0] + len("class")) + len(node.name)


def _has_brackets(source: Source, node: ast.ClassDef) -> bool:
    return source.text[_after_name(source, node) :].lstrip().startswith("(")


def _bases(source: Source, node: ast.AST) -> Elements:
    assert isinstance(node, ast.ClassDef)
    opened = source.text.index("(", _after_name(source, node))
    return read_elements(source, opened, (opened + 1, source.closing[opened]), parts_of_call(node))


def merge_decorators(sides: Sides, three: Three[Statement], edits: list[Edit]) -> int:
    """Merge the decorators of a definition."""
    base, yours, new = (
        [source.key(decorator) for decorator in statement.decorators]
        for source, statement in zip(sides.sources, three, strict=True)
    )
    if new in (base, yours):
        return sides.yours.keys.of_all(yours)
    merged = _merge_lists(base, yours, new)
    lines = []
    for key in merged:
        statement, keys = (three[1], yours) if key in yours else (three[2], new)
        first, last = _decorator_lines(statement, keys.index(key))
        lines.append(lines_for(statement.source, first, last, three[1].indent, sides.yours))
    starts = sides.yours.starts
    span = starts[three[1].start], starts[three[1].node.lineno - 1]
    edits.append(Edit(*span, "".join(lines)))
    return sides.yours.keys.of_all(merged)


def _merge_lists(base: list[int], yours: list[int], new: list[int]) -> list[int]:
    """Merge lists whose order matters. ClashError where both sides add at one place."""
    if yours == base:
        return new
    fresh = [key for key in new if key not in base and key not in yours]
    added = [key for key in yours if key not in base]
    kept = [key for key in base if key in yours and key in new]
    if [k for k in new if k in kept] != kept or [k for k in yours if k in kept] != kept:
        raise ClashError("both sides reordered decorators")
    result = [key for key in yours if key in kept or key in added]
    for key in fresh:
        at = new.index(key)
        before = new[at - 1] if at else None
        if before is not None and before not in result:
            raise ClashError("both sides changed the decorators")
        place = 0 if before is None else result.index(before) + 1
        if place < len(result) and result[place] in added:
            raise ClashError("both sides add a decorator at one place")
        result.insert(place, key)
    return result


def _decorator_lines(statement: Statement, index: int) -> tuple[int, int]:
    bounds = [decorator.lineno - 1 for decorator in statement.decorators]
    bounds.append(statement.node.lineno - 1)
    return bounds[index], bounds[index + 1]
