"""Helpers of a rule: plain torch functions, copied. Their syntax and names are checked."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence

from lightgen.problems import Problem, guess
from lightgen.rules.reading.signature import name_problem

_GIVEN = {"torch", "math", "Tensor"}


def names_called(node: ast.AST) -> set[str]:
    """The plain names that are called in node."""
    return {
        each.func.id
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }


def check_helpers(
    helpers: Mapping[str, ast.FunctionDef],
    users: Sequence[ast.FunctionDef],
    where: str,
    problems: list[Problem],
) -> dict[str, ast.FunctionDef]:
    """The helpers that `users` need, in the order of the file; what is wrong with them."""
    needed: set[str] = set()
    todo: list[ast.AST] = list(users)
    while todo:
        node = todo.pop()
        found = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        new = (found & helpers.keys()) - needed
        needed |= new
        todo += [helpers[name] for name in new]
    used = {name: node for name, node in helpers.items() if name in needed}
    for name, node in used.items():
        fault = name_problem(name)
        if fault:
            problems.append(Problem(f"{where}:{node.lineno}", *fault))
        problems += _unknown_names(node, used, where) + _changed_arguments(node, where)
    return used


def _changed_arguments(node: ast.FunctionDef, where: str) -> list[Problem]:
    """A helper that writes into its argument would change a parameter or a state unseen."""
    arguments = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    new: set[str] = set()
    problems = []
    for each in sorted(ast.walk(node), key=lambda each: getattr(each, "lineno", 0)):
        name = _written_into(each)
        if name in arguments - new:
            what = f"the helper {node.name} changes its argument '{name}' in place"
            todo = f"make a new tensor: {name} = ..."
            problems.append(Problem(f"{where}:{getattr(each, 'lineno', 1)}", what, todo))
        if isinstance(each, ast.Assign):
            new |= {target.id for target in each.targets if isinstance(target, ast.Name)}
    return problems


def _written_into(node: ast.AST) -> str:
    match node:
        case ast.AugAssign(target=ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name))):
            return name
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))]):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
            return name if method.endswith("_") and not method.startswith("_") else ""
    return ""


def _unknown_names(
    node: ast.FunctionDef, helpers: Mapping[str, ast.FunctionDef], where: str
) -> list[Problem]:
    # Scopes are not told apart: a name that is bound anywhere in the helper counts as known.
    bound = {name for each in ast.walk(node) for name in _bound(each)}
    known = bound | _GIVEN | helpers.keys()
    return [
        Problem(
            f"{where}:{each.lineno}",
            f"unknown name '{each.id}' in the helper {node.name}",
            guess(each.id, known),
        )
        for each in ast.walk(node)
        if isinstance(each, ast.Name)
        and isinstance(each.ctx, ast.Load)
        and each.id not in known
        and not hasattr(builtins, each.id)
    ]


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(ctx=ast.Store()):
            return [node.id]
        case ast.arg():
            return [node.arg]
        case ast.FunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.alias():
            return [node.asname or node.name.partition(".")[0]]
        case ast.ExceptHandler(name=str(name)):
            return [name]
    return []
