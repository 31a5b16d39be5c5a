"""The merge of one expression: new's change at the smallest place in your text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from lightgen.merge.python.around import merge_around
from lightgen.merge.python.elements import (
    Element,
    Elements,
    Part,
    parts_of_call,
    parts_of_dict,
    parts_of_list,
    read_elements,
)
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.rows import Policy, merge_elements, shown
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.source import NOWHERE, Source
from lightgen.merge.python.splice import Edit, part_for

Fields: TypeAlias = dict[str, int]
_SHOWN = 40


def merge_node(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> int:
    """Add the edits of your text that new's change asks for; return the number of the result.

    ClashError where both sides changed the same thing, with edits left as they were.
    """
    base, yours, new = (
        source.full(node) for source, node in zip(sides.sources, nodes, strict=True)
    )
    if new in (base, yours):
        return yours[0]
    if yours == base and _is_laid_out_alike(sides, nodes):
        return _replace(sides, nodes, edits)
    before = len(edits)
    try:
        code = merge_around(sides, nodes, edits, merge_node) if yours != base else None
        return merge_inside(sides, nodes, edits) if code is None else code
    except ClashError:
        del edits[before:]
        if yours == base:
            return _replace(sides, nodes, edits)
        if yours[0] == new[0] and new[1] == base[1]:
            return yours[0]
        raise


def _is_laid_out_alike(sides: Sides, nodes: Three[ast.AST]) -> bool:
    base, yours = (
        [line.strip() for line in source.segment(source.span(node)).split("\n")]
        for source, node in zip(sides.sources[:2], nodes[:2], strict=True)
    )
    return base == yours


def _replace(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> int:
    _, yours, new = nodes
    span = sides.yours.span(yours)
    is_grouped = sides.yours.outer_span(yours) != span
    taken = sides.new.span(new) if is_grouped else sides.new.outer_span(new)
    indent = sides.yours.indent_of(sides.yours.line_of(span[0]))
    edits.append(Edit(*span, part_for(sides.new, taken, indent, sides.yours)))
    return sides.new.key(new)


def merge_inside(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> int:
    """Merge the fields of nodes that both sides changed."""
    yours = nodes[1]
    if len({type(node) for node in nodes}) > 1:
        raise ClashError(_both(sides, nodes))
    special = _SPECIAL.get(type(yours))
    fields = special(sides, nodes, edits) if special else {}
    for name in yours._fields:
        if name not in fields and name != "ctx":
            fields[name] = _merge_field(sides, nodes, name, edits)
    return sides.yours.keys.composed(yours, fields)


def _merge_field(sides: Sides, nodes: Three[ast.AST], name: str, edits: list[Edit]) -> int:
    three: Three[Any] = tuple(getattr(node, name, None) for node in nodes)  # type: ignore[assignment]
    if all(map(_is_placed, three)):
        return merge_node(sides, three, edits)
    if all(isinstance(each, list) for each in three) and len({*map(len, three)}) == 1:
        items = zip(*three, strict=True)
        return sides.yours.keys.of_all(_merge_item(sides, item, edits) for item in items)
    keys = sides.keys(three)
    if keys[2] in keys[:2]:
        return keys[1]
    raise ClashError(_both(sides, nodes))


def _merge_item(sides: Sides, items: Three[object], edits: list[Edit]) -> int:
    if all(isinstance(item, ast.AST) for item in items):
        nodes = cast("Three[ast.AST]", items)
        return (merge_node if _is_placed(nodes[0]) else merge_inside)(sides, nodes, edits)
    keys = sides.keys(items)
    if keys[2] in keys[:2]:
        return keys[1]
    raise ClashError("both sides changed a list")


def _is_placed(node: object) -> bool:
    return isinstance(node, ast.AST) and hasattr(node, "lineno")


def _both(sides: Sides, nodes: Three[ast.AST]) -> str:
    if not all(map(_is_placed, nodes)):
        return "both sides changed this"
    base, yours, new = (
        _short(source, node) for source, node in zip(sides.sources, nodes, strict=True)
    )
    return f"both sides changed {base}: {yours} / {new}"


def _short(source: Source, node: ast.AST) -> str:
    text = " ".join(source.segment(source.span(node)).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def read_three(
    sides: Sides, nodes: Three[ast.AST], read: Callable[[Source, ast.AST], Elements]
) -> Three[Elements]:
    """What stands between the commas of something, in three versions."""
    base, yours, new = map(read, sides.sources, nodes)
    return base, yours, new


def call_fields(sides: Sides, lists: Three[Elements], given: str, edits: list[Edit]) -> Fields:
    """Merge arguments; `given` is the field of those without a name."""
    base, yours, new = (sum(item.kind == "positional" for item in e.items) for e in lists)
    if yours != base != new and not _is_list_like(lists[1]):
        raise ClashError("both sides add or remove positional arguments")
    merged = merge_elements(sides, lists, edits, ARGUMENTS)
    of_all = sides.yours.keys.of_all
    return {
        given: of_all(keys[0] for kind, keys in merged if kind == "positional"),
        "keywords": of_all(keys[0] for kind, keys in merged if kind == "keyword"),
    }


def _is_list_like(arguments: Elements) -> bool:
    """Whether a call strings together what it is given, so that places mean nothing more."""
    source, opened = arguments.source, arguments.opened
    return source.text[:opened].endswith(("Sequential", "Compose", "ModuleList"))


def _leaf(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> Fields:
    raise ClashError(_both(sides, nodes))


def _refuse_another_callee(sides: Sides, nodes: Three[ast.Call]) -> None:
    """Raise ClashError where one side calls something else, and the other changed the arguments."""
    called = [getattr(node.func, "attr", getattr(node.func, "id", "")) for node in nodes]
    given = sides.keys(tuple([*node.args, *node.keywords] for node in nodes))  # type: ignore[arg-type]
    for one, other in ((1, 2), (2, 1)):
        if called[one] not in (called[0], called[other]) and given[other] not in (
            given[0],
            given[one],
        ):
            raise ClashError(_both(sides, nodes))


def _merge_call(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> Fields:
    _refuse_another_callee(sides, cast("Three[ast.Call]", nodes))
    return call_fields(sides, read_three(sides, nodes, _arguments), "args", edits)


def _arguments(source: Source, node: ast.AST) -> Elements:
    assert isinstance(node, ast.Call)
    closed = source.span(node)[1] - 1
    opened = source.opening[closed]
    return read_elements(source, opened, (opened + 1, closed), parts_of_call(node))


def _merge_dict(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> Fields:
    merged = merge_elements(sides, read_three(sides, nodes, _entries), edits, ENTRIES)
    keys = sides.yours.keys
    return {
        "keys": keys.of_all(
            found[0] if kind == "entry" else keys.of(None) for kind, found in merged
        ),
        "values": keys.of_all(found[-1] for _, found in merged),
    }


def _entries(source: Source, node: ast.AST) -> Elements:
    assert isinstance(node, ast.Dict)
    return _bracketed(source, node, parts_of_dict(node, source))


def _merge_list(policy: Policy) -> Callable[[Sides, Three[ast.AST], list[Edit]], Fields]:
    def merge(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> Fields:
        merged = merge_elements(sides, read_three(sides, nodes, _items), edits, policy)
        return {"elts": sides.yours.keys.of_all(keys[0] for _, keys in merged)}

    return merge


def _items(source: Source, node: ast.AST) -> Elements:
    assert isinstance(node, ast.List | ast.Tuple | ast.Set)
    return _bracketed(source, node, parts_of_list(node.elts, source))


def _bracketed(source: Source, node: ast.AST, parts: Sequence[Part]) -> Elements:
    start, end = source.span(node)
    if source.closing.get(start) == end - 1:
        return read_elements(source, start, (start + 1, end - 1), parts)
    return read_elements(source, NOWHERE, (start, end), parts)


def _merge_attribute(sides: Sides, nodes: Three[ast.AST], edits: list[Edit]) -> Fields:
    base, yours, new = cast("Three[ast.Attribute]", nodes)
    value = merge_node(sides, (base.value, yours.value, new.value), edits)
    attr = yours.attr
    if new.attr not in (base.attr, yours.attr):
        if yours.attr != base.attr:
            raise ClashError(_both(sides, nodes))
        end = sides.yours.span(yours)[1]
        edits.append(Edit(end - len(yours.attr), end, new.attr))
        attr = new.attr
    return {"value": value, "attr": sides.yours.key(attr)}


def _merge_element(sides: Sides, items: Three[Element], edits: list[Edit]) -> tuple[int, ...]:
    base, yours, new = (item.nodes for item in items)
    if not len(base) == len(yours) == len(new):
        raise ClashError(f"both sides changed {shown(items[0])}")
    three = zip(base, yours, new, strict=True)
    return tuple(merge_node(sides, nodes, edits) for nodes in three)


ARGUMENTS = Policy(
    _merge_element,
    commute=lambda yours, new: yours.kind != new.kind or yours.kind == "keyword",
    first=lambda yours, new: new.kind == "positional" != yours.kind,
)
ENTRIES = Policy(_merge_element, commute=lambda yours, new: True, is_free=True)
_LISTED = Policy(_merge_element, commute=lambda yours, new: True)
_PLACED = Policy(_merge_element, commute=lambda yours, new: False)

_SPECIAL: dict[type[ast.AST], Callable[[Sides, Three[ast.AST], list[Edit]], Fields]] = {
    ast.Call: _merge_call,
    ast.Dict: _merge_dict,
    ast.List: _merge_list(_LISTED),
    ast.Set: _merge_list(ENTRIES),
    ast.Tuple: _merge_list(_PLACED),
    ast.Attribute: _merge_attribute,
    ast.Constant: _leaf,
    ast.Name: _leaf,
    ast.JoinedStr: _leaf,
    ast.Lambda: _leaf,
}
