"""The merge of what may be missing: annotations, defaults, values."""

from __future__ import annotations

import ast
from typing import cast

from lightgen.merge.python.expressions import merge_node
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.sides import Sides, Three
from lightgen.merge.python.splice import Edit, part_for


def merge_optional(
    sides: Sides, nodes: Three[ast.expr | None], edits: list[Edit], end: int, mark: str
) -> int:
    """Merge an expression that may be missing; `end` is where it would go, after `mark`."""
    if all(nodes):
        return merge_node(sides, cast("Three[ast.AST]", nodes), edits)
    keys = sides.keys(nodes)
    if keys[2] in keys[:2]:
        return keys[1]
    if keys[1] != keys[0]:
        raise ClashError("both sides changed an annotation or a value")
    _, yours, new = nodes
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
