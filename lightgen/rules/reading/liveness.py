"""What is computed for nothing: values that are overwritten, or that nothing reads."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from lightgen.problems import Problem
from lightgen.rules.rule import Function, Initial


def reads(node: ast.AST) -> set[str]:
    """The names that are read in an expression or in a whole statement."""
    found = {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    }
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        found.add(node.target.id)
    return found


def targets(node: ast.stmt) -> list[str]:
    """The names that an assignment binds."""
    if isinstance(node, ast.Assign):
        (target,) = node.targets
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        return [part.id for part in parts if isinstance(part, ast.Name)]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def live_before(
    body: Sequence[ast.stmt], live: Iterable[str], dead: list[tuple[str, ast.stmt]] | None = None
) -> set[str]:
    """The names whose values may be read in body or, `live`, after it.

    Assignments whose value nothing reads are added to `dead`.
    """
    now = set(live)
    for node in reversed(body):
        if isinstance(node, ast.If):
            then = live_before(node.body, now, dead)
            now = then | live_before(node.orelse, now, dead) | reads(node.test)
            continue
        bound = targets(node)
        if dead is not None and bound and not now & set(bound):
            dead.append((bound[0], node))
        now = (now - set(bound)) | reads(node)
    return now


def check_liveness(function: Function, where: str, *, is_prepare: bool) -> list[Problem]:
    """Say of values that nothing reads, and of states that are overwritten unread."""
    stored = {name for statement in function.body for name in all_targets(statement)}
    kept = {"param", *(state.name for state in function.states)}
    if is_prepare:
        kept |= stored
    dead: list[tuple[str, ast.stmt]] = []
    first = live_before(function.body, kept, dead)
    problems = []
    for name, node in sorted(dead, key=lambda pair: pair[1].lineno):
        what = f"the value of '{name}' is overwritten or never read"
        problems.append(Problem(f"{where}:{node.lineno}", what, "use it, or remove the line"))
    for state in function.states:
        is_kept = state.initial in (Initial.SHARED, Initial.PARAM)
        if state.name in stored and state.name not in first and not is_kept and not is_prepare:
            what = f"the state '{state.name}' is overwritten before its last value is read"
            todo = "read it first, or take a local name"
            problems.append(Problem(f"{where}:{function.line}", what, todo))
    return problems


def all_targets(node: ast.stmt) -> set[str]:
    """The names that a statement may bind, on any way through it."""
    if isinstance(node, ast.If):
        return {name for each in (*node.body, *node.orelse) for name in all_targets(each)}
    return set(targets(node))
