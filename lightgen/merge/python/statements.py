"""The merge of one statement: its comments, its header, its suites."""

from __future__ import annotations

import ast
import re

from lightgen.merge.python.blocks import Statement, header_end
from lightgen.merge.python.elements import (
    Element,
    Elements,
    parts_of_call,
    parts_of_names,
    parts_of_parameters,
    read_elements,
)
from lightgen.merge.python.expressions import (
    ENTRIES,
    Fields,
    call_fields,
    merge_inside,
    merge_node,
)
from lightgen.merge.python.keys import Keys
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.rows import Policy, merge_elements, shown
from lightgen.merge.python.sides import Sides
from lightgen.merge.python.source import NOWHERE, Source
from lightgen.merge.python.splice import Edit, apply_edits, lines_for, part_for

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def merge_comments_above(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> None:
    """Carry new's change of the comments above a statement."""
    merged = merge_words(base.above, yours.above, new.above)
    if merged != yours.above:
        starts = sides.yours.starts
        text = "".join(f"{yours.indent}{word}\n" for word in merged)
        edits.append(Edit(starts[yours.first], starts[yours.start], text))


def merge_words(base: list[str], yours: list[str], new: list[str]) -> list[str]:
    """Merge lines of comments; ClashError where both sides changed them."""
    if new in (base, yours):
        return yours
    if yours == base:
        return new
    if not base:
        return [*yours, *(word for word in new if word not in yours)]
    kept = [word for word in yours if word in base]
    if kept == base:  # you only added: yours stay beside what new says
        return _with_additions(base, yours, new)
    raise ClashError("both sides changed a comment")


def _with_additions(base: list[str], yours: list[str], new: list[str]) -> list[str]:
    at = yours.index(base[0])
    before = yours[:at]
    after = [word for word in yours[at:] if word not in base]
    return [*before, *new, *after]


def merge_simple(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> int:
    """Merge statements without suites; return the number of the result."""
    _merge_comment_behind(sides, base, yours, new, edits)
    nodes = base.node, yours.node, new.node
    if all(isinstance(node, ast.Assign | ast.AnnAssign) for node in nodes) and _one_target(nodes):
        return _merge_assignment(sides, nodes, edits)
    if all(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes):
        return _merge_import(sides, nodes, edits)
    return merge_node(sides, *nodes, edits)


def _merge_comment_behind(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> None:
    words = [_behind(statement) for statement in (base, yours, new)]
    if words[2] in words[:2]:
        return
    if words[1] != words[0]:
        raise ClashError("both sides changed a comment")
    end = sides.yours.span(yours.node)[1]
    line_end = sides.yours.starts[sides.yours.line_of(end) + 1] - 1
    edits.append(Edit(end, line_end, "".join(f"  {word}" for word in words[2])))


def _behind(statement: Statement) -> tuple[str, ...]:
    source = statement.source
    return source.words_in(source.span(statement.node)[1], source.starts[statement.last])


def _one_target(nodes: tuple[ast.stmt, ...]) -> bool:
    return all(len(node.targets) == 1 for node in nodes if isinstance(node, ast.Assign))


def _merge_assignment(sides: Sides, nodes: tuple[ast.stmt, ...], edits: list[Edit]) -> int:
    """Merge target, annotation and value, each of its own."""
    base, yours, new = (_assigned(node) for node in nodes)
    target = merge_node(sides, base[0], yours[0], new[0], edits)
    end = sides.yours.outer_span(yours[0])[1]
    annotation = _merge_optional(sides, base[1], yours[1], new[1], edits, end, ": ")
    end = sides.yours.span(nodes[1])[1]
    value = _merge_optional(sides, base[2], yours[2], new[2], edits, end, " = ")
    keys = sides.yours.keys
    if annotation == keys.of(None):
        plain = next(node for node in nodes if isinstance(node, ast.Assign))
        return keys.composed(plain, {"targets": keys.of_all([target]), "value": value})
    annotated = next(node for node in nodes if isinstance(node, ast.AnnAssign))
    return keys.composed(
        annotated, {"target": target, "annotation": annotation, "value": value}
    )


def _assigned(node: ast.stmt) -> tuple[ast.expr, ast.expr | None, ast.expr | None]:
    if isinstance(node, ast.AnnAssign):
        return node.target, node.annotation, node.value
    assert isinstance(node, ast.Assign)
    return node.targets[0], None, node.value


def _merge_optional(
    sides: Sides,
    base: ast.expr | None,
    yours: ast.expr | None,
    new: ast.expr | None,
    edits: list[Edit],
    end: int,
    mark: str,
) -> int:
    """Merge what may be missing; `end` is where it would go, after `mark`."""
    keys = sides.base.key(base), sides.yours.key(yours), sides.new.key(new)
    if base and yours and new:
        return merge_node(sides, base, yours, new, edits)
    if keys[2] in keys[:2]:
        return keys[1]
    if keys[1] != keys[0]:
        raise ClashError("both sides changed an annotation or a default")
    if new is not None:
        text = part_for(sides.new, sides.new.outer_span(new), "", sides.yours)
        edits.append(Edit(end, end, mark + text))
    elif yours is not None:
        start, stop = sides.yours.outer_span(yours)
        before = sides.yours.text.rindex(mark.strip(), 0, start)
        while sides.yours.text[before - 1] in " \t":
            before -= 1
        edits.append(Edit(before, stop, ""))
    return keys[2]


def _merge_import(sides: Sides, nodes: tuple[ast.stmt, ...], edits: list[Edit]) -> int:
    lists = [
        _imported(source, node)
        for source, node in zip((sides.base, sides.yours, sides.new), nodes, strict=True)
    ]
    keys = {
        (type(node), getattr(node, "module", None), getattr(node, "level", None)) for node in nodes
    }
    if len(keys) > 1:
        return merge_node(sides, *nodes, edits)
    merged = merge_elements(sides, *lists, edits, ENTRIES)
    if not merged:
        raise ClashError("both sides removed imported names")
    names = sides.yours.keys.of_all(found[0] for _, found in merged)
    return sides.yours.keys.composed(nodes[1], {"names": names})


def _imported(source: Source, node: ast.stmt) -> Elements:
    assert isinstance(node, ast.Import | ast.ImportFrom)
    end = source.span(node)[1]
    opened = source.opening.get(end - 1, NOWHERE)
    if opened != NOWHERE:
        return read_elements(source, opened, (opened + 1, end - 1), parts_of_names(node))
    start = source.span(node.names[0])[0]
    return read_elements(source, NOWHERE, (start, end), parts_of_names(node))


def merge_header(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> Fields:
    """Merge what stands before the first colon; a conflict there is around those lines."""
    own: list[Edit] = []
    try:
        fields = _header_fields(sides, base.node, yours.node, new.node, own)
    except ClashError as clash:
        spans = [_header_lines(statement) for statement in (base, yours, new)]
        starts = sides.yours.starts
        mine = sides.yours.lines_text(*spans[1])
        theirs = lines_for(sides.new, *spans[2], yours.indent, sides.yours)
        text = sides.conflict(mine, theirs, str(clash))
        edits.append(Edit(starts[spans[1][0]], starts[spans[1][1]], text))
        return {}
    edits += own
    return fields


def _header_lines(statement: Statement) -> tuple[int, int]:
    node = statement.node
    return node.lineno - 1, header_end(statement.source, node.body)  # type: ignore[attr-defined]


def _header_fields(
    sides: Sides, base: ast.stmt, yours: ast.stmt, new: ast.stmt, edits: list[Edit]
) -> Fields:
    match yours:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _function_header(sides, base, yours, new, edits)
        case ast.ClassDef():
            return _class_header(sides, base, yours, new, edits)
    fields: Fields = {}
    for name in yours._fields:
        if name in SUITES or name == "type_comment":
            continue
        parts = [getattr(node, name) for node in (base, yours, new)]
        if isinstance(parts[1], list):
            fields[name] = _merge_items(sides, parts, edits)
        else:
            fields[name] = merge_node(sides, *parts, edits)
    return fields


SUITES = ("body", "orelse", "finalbody", "handlers", "cases")


def _merge_items(sides: Sides, parts: list[list[ast.AST]], edits: list[Edit]) -> int:
    if not len(parts[0]) == len(parts[1]) == len(parts[2]):
        keys = [side.key(part) for side, part in zip(_three(sides), parts, strict=True)]
        if keys[2] in keys[:2]:
            return keys[1]
        raise ClashError("both sides changed a header")
    numbers = [merge_inside(sides, *three, edits) for three in zip(*parts, strict=True)]
    return sides.yours.keys.of_all(numbers)


def _three(sides: Sides) -> tuple[Source, Source, Source]:
    return sides.base, sides.yours, sides.new


def _function_header(
    sides: Sides, base: ast.stmt, yours: ast.stmt, new: ast.stmt, edits: list[Edit]
) -> Fields:
    assert isinstance(base, ast.FunctionDef | ast.AsyncFunctionDef)
    assert isinstance(yours, ast.FunctionDef | ast.AsyncFunctionDef)
    assert isinstance(new, ast.FunctionDef | ast.AsyncFunctionDef)
    fields = {"name": _merge_name(sides, base, yours, new, edits)}
    nodes = base, yours, new
    lists = [_parameters(source, node) for source, node in zip(_three(sides), nodes, strict=True)]
    inner: list[Edit] = []
    merge_elements(sides, *lists, inner, _PARAMETERS)
    edits += inner
    start, end = lists[1].region
    text = apply_edits(sides.yours.text, inner, (start, end))
    fields["args"] = sides.yours.keys.of(_arguments_of(text, sides.yours.keys))
    fields["returns"] = _merge_optional(
        sides, base.returns, yours.returns, new.returns, edits, end + 1, " -> "
    )
    return fields


def _arguments_of(text: str, keys: Keys) -> ast.arguments:
    try:
        function = ast.parse(f"def f({text}\n): pass").body[0]
    except SyntaxError as error:
        raise ClashError("both sides changed the parameters") from error
    assert isinstance(function, ast.FunctionDef)
    keys.keep(function)
    return function.args


def _merge_name(
    sides: Sides, base: _Definition, yours: _Definition, new: _Definition, edits: list[Edit]
) -> int:
    if new.name in (base.name, yours.name):
        return sides.yours.key(yours.name)
    if yours.name != base.name:
        raise ClashError(f"both sides renamed {base.name}")
    start = sides.yours.span(yours)[0]
    match = re.compile(rf"[\w\s]*?\b{re.escape(yours.name)}\b").match(sides.yours.text, start)
    assert match
    edits.append(Edit(match.end() - len(yours.name), match.end(), new.name))
    return sides.new.key(new.name)


def _parameters(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Elements:
    start = source.span(node)[0]
    opened = source.text.index("(", source.text.index(node.name, start + 3))
    return read_elements(
        source, opened, (opened + 1, source.closing[opened]), parts_of_parameters(node.args)
    )


def _merge_parameter(
    sides: Sides, base: Element, yours: Element, new: Element, edits: list[Edit]
) -> tuple[int, ...]:
    """Merge annotation and default of one parameter, each of its own."""
    if not (base.nodes and yours.nodes and new.nodes):
        raise ClashError(f"both sides changed {shown(base)}")
    args = [item.nodes[0] for item in (base, yours, new)]
    assert all(isinstance(arg, ast.arg) for arg in args)
    if args[2].arg not in (args[0].arg, args[1].arg):  # type: ignore[attr-defined]
        if yours.code != base.code:
            raise ClashError(f"both sides changed {shown(base)}")
        edits.append(Edit(*yours.span, part_for(sides.new, new.span, "", sides.yours)))
        return ()
    notes = [arg.annotation for arg in args]  # type: ignore[attr-defined]
    end = sides.yours.span(args[1])[0] + len(args[1].arg)  # type: ignore[attr-defined]
    _merge_optional(sides, *notes, edits, end, ": ")
    defaults = [item.nodes[1] if len(item.nodes) > 1 else None for item in (base, yours, new)]
    mark = " = " if notes[1] else "="
    _merge_optional(sides, *defaults, edits, yours.span[1], mark)  # type: ignore[arg-type]
    return ()


_PARAMETERS = Policy(
    _merge_parameter,
    commute=lambda yours, new: len(yours.nodes) == 2 and len(new.nodes) == 2,
)


def _class_header(
    sides: Sides, base: ast.stmt, yours: ast.stmt, new: ast.stmt, edits: list[Edit]
) -> Fields:
    assert isinstance(base, ast.ClassDef)
    assert isinstance(yours, ast.ClassDef)
    assert isinstance(new, ast.ClassDef)
    fields = {"name": _merge_name(sides, base, yours, new, edits)}
    nodes = base, yours, new
    lists = [_bases(source, node) for source, node in zip(_three(sides), nodes, strict=True)]
    if all(lists):
        found = [elements for elements in lists if elements]
        fields |= call_fields(sides, found, "bases", edits)
        return fields
    keys = [
        (source.key(node.bases), source.key(node.keywords))
        for source, node in zip(_three(sides), nodes, strict=True)
    ]
    if keys[2] in keys[:2]:
        return fields
    raise ClashError(f"both sides changed the bases of {base.name}")


def _bases(source: Source, node: ast.ClassDef) -> Elements | None:
    after = source.text.index(node.name, source.span(node)[0] + 5) + len(node.name)
    if not source.text[after:].lstrip().startswith("("):
        return None
    opened = source.text.index("(", after)
    return read_elements(source, opened, (opened + 1, source.closing[opened]), parts_of_call(node))


def merge_decorators(
    sides: Sides, base: Statement, yours: Statement, new: Statement, edits: list[Edit]
) -> int:
    """Merge the decorators of a definition."""
    sources = _three(sides)
    lists = [s.node.decorator_list for s in (base, yours, new)]  # type: ignore[attr-defined]
    keys = [[source.key(d) for d in nodes] for source, nodes in zip(sources, lists, strict=True)]
    if keys[2] in keys[:2]:
        return sides.yours.keys.of_all(keys[1])
    merged = _merge_keys(*keys)
    lines = []
    for key in merged:
        side = 1 if key in keys[1] else 2
        statement = (base, yours, new)[side]
        first, last = _decorator_lines(statement, keys[side].index(key))
        lines.append(lines_for(sources[side], first, last, yours.indent, sides.yours))
    starts = sides.yours.starts
    edits.append(Edit(starts[yours.start], starts[yours.node.lineno - 1], "".join(lines)))
    return sides.yours.keys.of_all(merged)


def _merge_keys(base: list[int], yours: list[int], new: list[int]) -> list[int]:
    if yours == base:
        return new
    fresh = [key for key in new if key not in base]
    added = [key for key in yours if key not in base]
    kept = [key for key in base if key in yours and key in new]
    if [k for k in new if k in kept] != kept or [k for k in yours if k in kept] != kept:
        raise ClashError("both sides reordered decorators")
    result = [key for key in yours if key in kept or key in added]
    for key in fresh:
        if key in result:
            continue
        at = new.index(key)
        if at and new[at - 1] in result:
            place = result.index(new[at - 1]) + 1
            if place < len(result) and result[place] in added:
                raise ClashError("both sides add a decorator at one place")
        elif at == 0 and not (result and result[0] in added):
            place = 0
        else:
            raise ClashError("both sides add a decorator at one place")
        result.insert(place, key)
    return result


def _decorator_lines(statement: Statement, index: int) -> tuple[int, int]:
    decorators = statement.node.decorator_list  # type: ignore[attr-defined]
    bounds = [decorator.lineno - 1 for decorator in decorators] + [statement.node.lineno - 1]
    return bounds[index], bounds[index + 1]
