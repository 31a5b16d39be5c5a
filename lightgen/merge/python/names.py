"""Names that a file reads and nothing binds, and attributes of self that nothing sets."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from lightgen.merge.python.source import Source, statements_in

_KNOWN = frozenset(dir(builtins)) | {
    "__file__",
    "__name__",
    "__doc__",
    "__path__",
    "__class__",
    "__spec__",
    "__annotations__",
    "__module__",
    "__qualname__",
}


def unresolved(source: Source) -> frozenset[tuple[str, str]]:
    """Pairs of scope and name: "" for the module's names, a class for attributes of self, a
    function for locals that are read on lines before all that set them.
    """
    found = {(cls.name, name) for cls in _classes(source.tree) for name in _unset(cls)}
    for node in statements_in(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= {(f"{node.name}()", name) for name in _read_too_early(node)}
    if not _has_star(source.tree):
        found |= {("", name) for name in _unbound(source.text)}
        found |= {("__all__", name) for name in _exported(source.tree) - _bound_here(source.text)}
    return frozenset(found)


def _exported(tree: ast.Module) -> set[str]:
    return {
        text.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for text in ast.walk(node.value)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


def _bound_here(text: str) -> set[str]:
    table = symtable.symtable(text, "merged", "exec")
    return {symbol.get_name() for symbol in table.get_symbols() if _binds(symbol)}


def _has_star(tree: ast.Module) -> bool:
    return any(
        alias.name == "*"
        for node in statements_in(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def _unbound(text: str) -> set[str]:
    table = symtable.symtable(text, "merged", "exec")
    bound = _bound_here(text)
    bound |= {
        symbol.get_name()
        for inner in _tables(table)
        for symbol in inner.get_symbols()
        if symbol.is_declared_global() and symbol.is_assigned()
    }
    read = {
        symbol.get_name()
        for inner in _tables(table)
        for symbol in inner.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or inner is table)
    }
    return read - bound - _KNOWN


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _read_too_early(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    given = function.args
    known = {arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    known |= {arg.arg for arg in (given.vararg, given.kwarg) if arg}
    read: dict[str, int] = {}
    bound: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id not in known:
            seen = read if isinstance(node.ctx, ast.Load) else bound
            seen[node.id] = min(node.lineno, seen.get(node.id, node.lineno))
    return {name for name, line in read.items() if name in bound and line < bound[name]}


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    for node in statements_in(tree):
        if isinstance(node, ast.ClassDef):
            yield node


def _unset(cls: ast.ClassDef) -> set[str]:
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(cls):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Load()):
                read.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                bound.add(name)
    for node in cls.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            bound.add(node.target.id)
        elif isinstance(node, ast.Assign):
            bound |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return read - bound


def imported_names(tree: ast.Module) -> set[str]:
    """What the import statements of the module itself bind."""
    return {
        alias.asname or alias.name.partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
