"""Expressions that one side put into another, or took out of it, while the other changed them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeAlias

from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.source import Source
from lightgen.merge.python.splice import Edit, part_for

Path: TypeAlias = tuple[tuple[str, int], ...]
MergeNode: TypeAlias = Callable[[Sides, Three[ast.AST], list[Edit]], int]
_TELLING = ast.Call | ast.Dict | ast.List | ast.Tuple | ast.BinOp | ast.Subscript | ast.ListComp


def merge_around(
    sides: Sides, nodes: Three[ast.AST], edits: list[Edit], merge_node: MergeNode
) -> int | None:
    """Merge an expression that one side put into another or took out of one, None for neither."""
    base, yours, new = nodes
    keys = sides.yours.keys
    if not isinstance(base, ast.expr) or len(set(sides.keys((base, yours, new)))) < len(nodes):
        return None
    inner = _inside(sides.yours, yours, sides.yours.key(base))
    if inner:
        code = merge_node(sides, (base, at(yours, inner), new), edits)
        return _with(sides.yours, yours, inner, code)
    inner = _inside(sides.new, new, keys.of(base))
    if inner:
        return _put_into_new(sides, yours, new, inner, edits)
    inner = _inside(sides.sources[0], base, keys.of(new))
    if inner and _is_alike_around(sides, base, yours, inner):
        return _take_out(sides, yours, at(yours, inner), edits)
    inner = _inside(sides.sources[0], base, keys.of(yours))
    if inner and _is_alike_around(sides, base, new, inner):
        return merge_node(sides, (at(base, inner), yours, at(new, inner)), edits)
    return None


def _inside(source: Source, node: ast.AST, code: int) -> Path:
    """Where the one expression of that code stands within another; nothing if it is not one."""
    found = [path for path, child in _within(node, ()) if path and source.key(child) == code]
    telling = [path for path in found if isinstance(at(node, path), _TELLING)]
    return telling[0] if len(telling) == len(found) == 1 else ()


def _within(node: ast.AST, path: Path) -> Iterator[tuple[Path, ast.AST]]:
    yield path, node
    for name in node._fields:
        value = getattr(node, name, None)
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.AST):
                yield from _within(child, (*path, (name, index)))


def at(node: ast.AST, path: Path) -> ast.AST:
    """The node at a path."""
    for name, index in path:
        value = getattr(node, name)
        node = value[index] if isinstance(value, list) else value
    return node


def _with(source: Source, node: ast.AST, path: Path, code: int) -> int:
    """The number of a node in which what stands at a path has another number."""
    if not path:
        return code
    (name, index), *rest = path
    value = getattr(node, name)
    if isinstance(value, list):
        numbers = [source.key(item) for item in value]
        numbers[index] = _with(source, value[index], tuple(rest), code)
        return source.keys.composed(node, {name: source.keys.of_all(numbers)})
    return source.keys.composed(node, {name: _with(source, value, tuple(rest), code)})


def _is_alike_around(sides: Sides, base: ast.AST, other: ast.AST, path: Path) -> bool:
    """Whether two expressions differ at most in what stands at a path."""
    try:
        at(other, path)
    except (AttributeError, IndexError, TypeError):
        return False
    source = sides.yours
    return type(base) is type(other) and _with(source, base, path, 0) == _with(
        source, other, path, 0
    )


def _put_into_new(sides: Sides, yours: ast.AST, new: ast.AST, path: Path, edits: list[Edit]) -> int:
    """New's expression in the place of yours, with yours in it."""
    span, outer = sides.yours.span(yours), sides.new.span(new)
    inner = sides.new.span(at(new, path))
    indent = _indent(sides.yours, span[0])
    own, deeper = _indent(sides.new, outer[0]), _indent(sides.new, inner[0])
    within = indent + deeper.removeprefix(own)
    text = part_for(sides.new, (outer[0], inner[0]), indent, sides.yours)
    text += part_for(sides.yours, span, within, sides.yours)
    tail = part_for(sides.new, (inner[1], outer[1]), indent, sides.yours)
    if "\n" in tail:  # the lines of the tail are indented as the line on which new's part ends
        start = _indent(sides.new, inner[1])
        tail = part_for(
            sides.new, (inner[1], outer[1]), indent + start.removeprefix(own), sides.yours
        )
    edits.append(Edit(*span, text + tail))
    return _with(sides.new, new, path, sides.yours.key(yours))


def _take_out(sides: Sides, yours: ast.AST, inner: ast.AST, edits: list[Edit]) -> int:
    span = sides.yours.span(yours)
    indent = _indent(sides.yours, span[0])
    edits.append(Edit(*span, part_for(sides.yours, sides.yours.span(inner), indent, sides.yours)))
    return sides.yours.key(inner)


def _indent(source: Source, offset: int) -> str:
    return source.indent_of(source.line_of(offset))
