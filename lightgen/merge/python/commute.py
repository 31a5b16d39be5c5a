"""Whether statements that both sides insert at one place may stand in any order."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_LOGGING = ("self.log", "self.log_dict", "print")


@dataclass(frozen=True)
class Effects:
    """What running a statement binds and reads; `plain` if it does nothing else."""

    binds: frozenset[str]
    reads: frozenset[str]
    plain: bool


def commutes(yours: ast.stmt, new: ast.stmt) -> bool:
    """Whether the order of two statements makes no difference."""
    one, other = effects_of(yours), effects_of(new)
    if not (one.plain and other.plain) and not (is_definition(yours) or is_definition(new)):
        return False
    return not (one.binds & other.binds or one.binds & other.reads or other.binds & one.reads)


def is_definition(node: ast.stmt) -> bool:
    """Whether a statement only makes names known."""
    return isinstance(node, _DEFINITIONS)


_DEFINITIONS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def effects_of(node: ast.stmt) -> Effects:
    """The effects of one statement; assignments count as plain, whatever they call."""
    match node:
        case ast.Import() | ast.ImportFrom():
            bound = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            return Effects(frozenset(bound), frozenset(), True)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return Effects(frozenset({node.name}), _reads_of_definition(node), True)
        case ast.Assign(targets=targets, value=value):
            return _assignment(targets, [*targets, value])
        case ast.AnnAssign(target=target):
            return _assignment([target], [node])
        case ast.Expr(value=ast.Constant()):
            return Effects(frozenset(), frozenset(), True)
        case ast.Expr(value=ast.Call(func=func)) if ast.unparse(func) in _LOGGING:
            return Effects(frozenset(), frozenset(_reads([node])), True)
    return Effects(frozenset(), frozenset(_reads([node])), False)


def _assignment(targets: list[ast.expr], nodes: Sequence[ast.AST]) -> Effects:
    bound = {ast.unparse(target) for target in targets}
    simple = all(isinstance(target, ast.Name | ast.Attribute) for target in targets)
    return Effects(frozenset(bound), frozenset(_reads(nodes)), simple)


def _reads_of_definition(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> frozenset[str]:
    """What is evaluated when the definition itself is run."""
    evaluated: list[ast.AST] = list(node.decorator_list)
    if isinstance(node, ast.ClassDef):
        evaluated += [*node.bases, *node.keywords, *node.body]
    else:
        evaluated += [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
    return frozenset(_reads(evaluated))


def _reads(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
                yield child.id
            elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Load):
                yield ast.unparse(child)
