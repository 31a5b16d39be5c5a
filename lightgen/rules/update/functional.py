"""A body with the semantics of a rule: every assignment makes a new tensor."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from lightgen.rules.kinds import Kind, kind_of, merged
from lightgen.rules.update.single import if_lines
from lightgen.rules.update.text import TextOf


def functional_lines(
    body: Sequence[ast.stmt], kinds: Mapping[str, Kind], helpers: Collection[str]
) -> list[str]:
    """The lines of a body in normal form."""
    return _block(body, dict(kinds), helpers)


def _block(body: Sequence[ast.stmt], kinds: dict[str, Kind], helpers: Collection[str]) -> list[str]:
    lines: list[str] = []
    for node in body:
        text = TextOf(kinds, helpers)
        if isinstance(node, ast.If):
            then, otherwise = dict(kinds), dict(kinds)
            sides = (_block(node.body, then, helpers), _block(node.orelse, otherwise, helpers))
            is_chain = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
            lines += if_lines(text(node.test), *sides, is_chain=is_chain)
            kinds |= merged(then, otherwise)
            continue
        assert isinstance(node, ast.Assign)
        (target,) = node.targets
        lines.append(f"{ast.unparse(target)} = {text(node.value)}")
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        found = {
            name.id: kind_of(value, kinds, helpers)
            for name, value in pairs
            if isinstance(name, ast.Name)
        }
        kinds |= found
    return lines
