"""What Python files of one project know of each other: renamed names, imports that resolve."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lightgen.merge.python.definitions import parse
from lightgen.merge.python.keys import Keys
from lightgen.merge.python.renames import Renames, find_renames


def module_of(path: str) -> str:
    """The dotted name by which the file at a path is imported, with `src/` as a root."""
    parts = path.removeprefix("src/").removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def renamed_across(pairs: Mapping[str, tuple[str, str]], moved: Mapping[str, str]) -> Renames:
    """What you renamed so that other files see it.

    `pairs` are base and yours of the files that you edited, `moved` old and new path of those that
    you moved.
    """
    imported: dict[tuple[str, str], str] = {}
    for path, (base, yours) in pairs.items():
        keys = Keys()
        sources = parse(base, keys), parse(yours, keys)
        if sources[0] and sources[1]:
            for old, new in find_renames(sources[0], sources[1]).names.items():
                imported[module_of(path), old] = new
    modules = {module_of(old): module_of(new) for old, new in moved.items()}
    return Renames(imported=imported, modules=modules)


@dataclass(frozen=True)
class Import:
    """A name imported from a module, and where."""

    path: str
    module: str
    name: str


def broken_imports(texts: Mapping[str, str]) -> set[Import]:
    """Imports between the files of a project that don't resolve. Files that don't parse are
    taken to define everything.
    """
    trees = {path: syntax(text) for path, text in texts.items()}
    modules = {module_of(path): tree for path, tree in trees.items()}
    packages = {module.partition(".")[0] for module in modules if "." in module}
    found: set[Import] = set()
    for path, tree in trees.items():
        for module, name in imports_of(tree):
            if module.partition(".")[0] in packages and not _resolves(module, name, modules):
                found.add(Import(path, module, name))
    return found


def syntax(text: str) -> ast.Module | None:
    """The syntax of a text, None where it has none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def imports_of(tree: ast.Module | None) -> Iterator[tuple[str, str]]:
    """What a file imports: a module and a name of it, or none."""
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""


def _resolves(module: str, name: str, modules: Mapping[str, ast.Module | None]) -> bool:
    if module not in modules:
        return any(other.startswith(f"{module}.") for other in modules) and (
            not name or f"{module}.{name}" in modules
        )
    if not name or name == "*" or f"{module}.{name}" in modules:
        return True
    tree = modules[module]
    return tree is None or name in bound_names(tree)


def bound_names(tree: ast.Module) -> set[str]:
    """Names that a module has after its import; with a star import, all names."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
    return _Everything() if "*" in found or "__getattr__" in found else found


class _Everything(set[str]):
    def __contains__(self, name: object) -> bool:
        return True
