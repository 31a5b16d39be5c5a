"""The merge of one expression: new's change at the smallest place in your text."""

from __future__ import annotations

import ast
from collections.abc import Callable

from lightgen.merge.python.elements import (
    Element,
    Elements,
    parts_of_call,
    parts_of_dict,
    parts_of_list,
    read_elements,
)
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.rows import Policy, merge_elements, shown
from lightgen.merge.python.sides import Sides
from lightgen.merge.python.source import NOWHERE, Source
from lightgen.merge.python.splice import Edit, part_for

Fields = dict[str, int]


def merge_node(
    sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST, edits: list[Edit]
) -> int:
    """Add the edits of your text that new's change asks for; return the number of the result.

    ClashError where both sides changed the same thing, with edits left as they were.
    """
    fulls = sides.base.full(base), sides.yours.full(yours), sides.new.full(new)
    if fulls[2] in fulls[:2]:
        return fulls[1][0]
    if fulls[1] == fulls[0] and _same_layout(sides, base, yours):
        return _replace(sides, yours, new, edits)
    before = len(edits)
    try:
        return merge_inside(sides, base, yours, new, edits)
    except ClashError:
        del edits[before:]
        if fulls[1] == fulls[0]:
            return _replace(sides, yours, new, edits)
        if fulls[1][0] == fulls[2][0] and fulls[2][1] == fulls[0][1]:
            return fulls[1][0]
        raise


def _same_layout(sides: Sides, base: ast.AST, yours: ast.AST) -> bool:
    texts = (sides.base.segment(sides.base.span(base)), sides.yours.segment(sides.yours.span(yours)))
    one, other = ([line.strip() for line in text.split("\n")] for text in texts)
    return one == other


def _replace(sides: Sides, yours: ast.AST, new: ast.AST, edits: list[Edit]) -> int:
    span = sides.yours.span(yours)
    grouped = sides.yours.outer_span(yours) != span
    taken = sides.new.span(new) if grouped else sides.new.outer_span(new)
    indent = sides.yours.indent_of(sides.yours.line_of(span[0]))
    edits.append(Edit(*span, part_for(sides.new, taken, indent, sides.yours)))
    return sides.new.key(new)


def merge_inside(
    sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST, edits: list[Edit]
) -> int:
    """Merge the fields of nodes that both sides changed."""
    if not type(base) is type(yours) is type(new):
        raise ClashError(_both(sides, base, yours, new))
    special = _SPECIAL.get(type(yours))
    fields = special(sides, base, yours, new, edits) if special else {}
    for name in yours._fields:
        if name not in fields and name != "ctx":
            fields[name] = _merge_field(sides, (base, yours, new), name, edits)
    return sides.yours.keys.composed(yours, fields)


def _merge_field(
    sides: Sides, nodes: tuple[ast.AST, ast.AST, ast.AST], name: str, edits: list[Edit]
) -> int:
    base, yours, new = (getattr(node, name, None) for node in nodes)
    keys = sides.base.key(base), sides.yours.key(yours), sides.new.key(new)
    if _is_placed(base) and _is_placed(yours) and _is_placed(new):
        return merge_node(sides, base, yours, new, edits)
    if isinstance(base, list) and len(base) == len(yours) == len(new):
        triples = zip(base, yours, new, strict=True)
        return sides.yours.keys.of_all(_merge_item(sides, *three, edits) for three in triples)
    if keys[2] in keys[:2]:
        return keys[1]
    if isinstance(base, ast.comprehension | ast.withitem):
        return merge_inside(sides, base, yours, new, edits)
    raise ClashError(_both(sides, *nodes))


def _merge_item(sides: Sides, base: object, yours: object, new: object, edits: list[Edit]) -> int:
    if isinstance(base, ast.AST) and isinstance(yours, ast.AST) and isinstance(new, ast.AST):
        if _is_placed(base):
            return merge_node(sides, base, yours, new, edits)
        return merge_inside(sides, base, yours, new, edits)
    keys = sides.base.key(base), sides.yours.key(yours), sides.new.key(new)
    if keys[2] in keys[:2]:
        return keys[1]
    raise ClashError("both sides changed a list")


def _is_placed(node: object) -> bool:
    return isinstance(node, ast.AST) and hasattr(node, "lineno")


def _both(sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST) -> str:
    if not (_is_placed(base) and _is_placed(yours) and _is_placed(new)):
        return "both sides changed this"
    before = _short(sides.base, base)
    return f"both sides changed {before}: {_short(sides.yours, yours)} / {_short(sides.new, new)}"


def _short(source: Source, node: ast.AST) -> str:
    text = " ".join(source.segment(source.span(node)).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


_SHOWN = 40


def _leaf(
    sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST, edits: list[Edit]
) -> Fields:
    raise ClashError(_both(sides, base, yours, new))


def _merge_call(
    sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST, edits: list[Edit]
) -> Fields:
    lists = [
        call_elements(source, node)
        for source, node in zip(_sources(sides), (base, yours, new), strict=True)
    ]
    return call_fields(sides, lists, "args", edits)


def call_fields(sides: Sides, lists: list[Elements], given: str, edits: list[Edit]) -> Fields:
    """Merge arguments; `given` is the field of those without a name."""
    merged = merge_elements(sides, *lists, edits, ARGUMENTS)
    of_all = sides.yours.keys.of_all
    return {
        given: of_all(keys[0] for kind, keys in merged if kind == "positional"),
        "keywords": of_all(keys[0] for kind, keys in merged if kind == "keyword"),
    }


def call_elements(source: Source, node: ast.AST) -> Elements:
    """The arguments of a call, between its parentheses."""
    assert isinstance(node, ast.Call)
    closed = source.span(node)[1] - 1
    opened = source.opening[closed]
    return read_elements(source, opened, (opened + 1, closed), parts_of_call(node))


def _merge_dict(
    sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST, edits: list[Edit]
) -> Fields:
    lists = [
        _bracketed(source, node, parts_of_dict(node, source))
        for source, node in zip(_sources(sides), (base, yours, new), strict=True)
        if isinstance(node, ast.Dict)
    ]
    merged = merge_elements(sides, *lists, edits, ENTRIES)
    keys = sides.yours.keys
    return {
        "keys": keys.of_all(
            found[0] if kind == "entry" else keys.of(None) for kind, found in merged
        ),
        "values": keys.of_all(found[-1] for _, found in merged),
    }


def _merge_list(policy: Policy) -> Callable[..., Fields]:
    def merge(
        sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST, edits: list[Edit]
    ) -> Fields:
        lists = [
            _bracketed(source, node, parts_of_list(node.elts, source))
            for source, node in zip(_sources(sides), (base, yours, new), strict=True)
            if isinstance(node, ast.List | ast.Tuple | ast.Set)
        ]
        merged = merge_elements(sides, *lists, edits, policy)
        return {"elts": sides.yours.keys.of_all(keys[0] for _, keys in merged)}

    return merge


def _bracketed(source: Source, node: ast.AST, parts: list) -> Elements:  # type: ignore[type-arg]
    start, end = source.span(node)
    if source.closing.get(start) == end - 1:
        return read_elements(source, start, (start + 1, end - 1), parts)
    return read_elements(source, NOWHERE, (start, end), parts)


def _merge_attribute(
    sides: Sides, base: ast.AST, yours: ast.AST, new: ast.AST, edits: list[Edit]
) -> Fields:
    assert isinstance(base, ast.Attribute)
    assert isinstance(yours, ast.Attribute)
    assert isinstance(new, ast.Attribute)
    value = merge_node(sides, base.value, yours.value, new.value, edits)
    attr = yours.attr
    if new.attr not in (base.attr, yours.attr):
        if yours.attr != base.attr:
            raise ClashError(_both(sides, base, yours, new))
        end = sides.yours.span(yours)[1]
        edits.append(Edit(end - len(yours.attr), end, new.attr))
        attr = new.attr
    return {"value": value, "attr": sides.yours.key(attr)}


def _sources(sides: Sides) -> tuple[Source, Source, Source]:
    return sides.base, sides.yours, sides.new


def _merge_nodes(
    sides: Sides, base: Element, yours: Element, new: Element, edits: list[Edit]
) -> tuple[int, ...]:
    if not len(base.nodes) == len(yours.nodes) == len(new.nodes):
        raise ClashError(f"both sides changed {shown(base)}")
    triples = zip(base.nodes, yours.nodes, new.nodes, strict=True)
    return tuple(merge_node(sides, *three, edits) for three in triples)


ARGUMENTS = Policy(
    _merge_nodes,
    commute=lambda yours, new: yours.kind != new.kind or yours.kind == "keyword",
    first=lambda yours, new: new.kind == "positional" != yours.kind,
)
ENTRIES = Policy(_merge_nodes, commute=lambda yours, new: True, free=True)
_LISTED = Policy(_merge_nodes, commute=lambda yours, new: True)
_PLACED = Policy(_merge_nodes, commute=lambda yours, new: False)

_SPECIAL: dict[type[ast.AST], Callable[..., Fields]] = {
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
