"""Calls between the files of a project that don't fit what they call."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Callee: TypeAlias = tuple[str, str]
"""A module and the name of a function, of a class, or of a method with that of its class."""


@dataclass(frozen=True)
class Misfit:
    """A call with arguments that its callee does not take, or without some that it asks for."""

    path: str
    callee: str
    what: str


def signatures(module: str, tree: ast.Module) -> Iterator[tuple[Callee, ast.arguments]]:
    """What the functions, classes and methods of a module take, self left out."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (module, node.name), node.args
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and _is_bound(inner):
                    name = node.name if inner.name == "__init__" else f"{node.name}.{inner.name}"
                    yield (module, name), _without_self(inner.args)


def _is_bound(method: ast.FunctionDef) -> bool:
    names = {ast.unparse(decorator) for decorator in method.decorator_list}
    return not names and bool(method.args.posonlyargs or method.args.args)


def _without_self(arguments: ast.arguments) -> ast.arguments:
    fields = {name: getattr(arguments, name) for name in arguments._fields}
    first = "posonlyargs" if arguments.posonlyargs else "args"
    return ast.arguments(**{**fields, first: fields[first][1:]})


def misfits(
    path: str, module: str, tree: ast.Module, known: Mapping[Callee, ast.arguments]
) -> Iterator[Misfit]:
    """The calls of a file that don't fit."""
    names = {name: (module, name) for at, name in known if at == module}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = (node.module or "", alias.name)
    for owner, call in _calls(tree, ""):
        callee = names.get(call.func.id, ("", "")) if isinstance(call.func, ast.Name) else ("", "")
        match call.func:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr) if owner:
                callee = (module, f"{owner}.{attr}")
        what = _fault(call, known[callee]) if callee in known else ""
        if what:
            yield Misfit(path, callee[1], what)


def _calls(node: ast.AST, owner: str) -> Iterator[tuple[str, ast.Call]]:
    """All calls, with the class that they stand in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield owner, child
        yield from _calls(child, child.name if isinstance(child, ast.ClassDef) else owner)


def _fault(call: ast.Call, takes: ast.arguments) -> str:
    """Why a call doesn't fit, nothing where it does or that can't be known."""
    given = {keyword.arg for keyword in call.keywords}
    if None in given or any(isinstance(arg, ast.Starred) for arg in call.args):
        return ""
    places = [arg.arg for arg in (*takes.posonlyargs, *takes.args)]
    only = [arg.arg for arg in takes.kwonlyargs]
    unknown = sorted(name for name in given if name and name not in (*places, *only))
    if unknown and not takes.kwarg:
        return f"is called with {', '.join(unknown)}, which it does not take"
    if len(call.args) > len(places) and not takes.vararg:
        return f"is called with {len(call.args)} arguments in order, and takes {len(places)}"
    asked = places[len(call.args) : len(places) - len(takes.defaults)]
    pairs = zip(only, takes.kw_defaults, strict=True)
    asked += [name for name, default in pairs if default is None]
    missing = [name for name in asked if name not in given]
    return f"is called without {', '.join(missing)}" if missing else ""
