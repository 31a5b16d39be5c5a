"""What Python files of one project know of each other: renamed names, imports that resolve."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from lightgen.merge.python.calls import Callee, Misfit, misfits, signatures
from lightgen.merge.python.reader import Reader
from lightgen.merge.python.renames import Renames, called_as, members_renamed
from lightgen.merge.python.source import statements_in


def module_of(path: str) -> str:
    """The dotted name by which the file at a path is imported, with `src/` as a root."""
    parts = path.removeprefix("src/").removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def renamed_across(
    pairs: Mapping[str, tuple[str, str]],
    moved: Mapping[str, str],
    homes: Mapping[tuple[str, str], str],
    reader: Reader,
) -> Renames:
    """What you renamed so that other files see it.

    `pairs` are base and yours of the files that you edited, `moved` old and new path of those that
    you moved, `homes` the modules to which you moved definitions.
    """
    imported: dict[tuple[str, str], str] = {}
    members: dict[tuple[str, str], str] = {}
    keywords: dict[tuple[str, str], Mapping[str, str]] = {}
    for path, (base, yours) in pairs.items():
        before, mine = reader.find(base), reader.find(yours)
        if before and mine:
            renames = reader.renames(before, mine)
            members |= members_renamed(before, renames)
            for old, new in renames.names.items():
                imported[module_of(path), old] = new
            for scope, names in renames.local.items():
                keywords[module_of(path), called_as(scope)] = names
    modules = {module_of(old): module_of(new) for old, new in moved.items()}
    return Renames(
        imported=imported, modules=modules, members=members, keywords=keywords, homes=homes
    )


@dataclass(frozen=True)
class Import:
    """A name imported from a module, and where."""

    path: str
    module: str
    name: str


class Modules:
    """The files of one side of a project and what they define; each text is looked at once."""

    def __init__(self) -> None:
        self._trees: dict[str, ast.Module | None] = {}
        self._bound: dict[str, set[str]] = {}
        self._imports: dict[str, list[tuple[str, str]]] = {}

    def _tree(self, text: str) -> ast.Module | None:
        if text not in self._trees:
            try:
                self._trees[text] = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError):
                self._trees[text] = None
        return self._trees[text]

    def bound(self, text: str) -> set[str]:
        """The names that a module has; all of them where it doesn't parse."""
        if text not in self._bound:
            tree = self._tree(text)
            self._bound[text] = _bound_names(tree) if tree else _Everything()
        return self._bound[text]

    def imports(self, text: str) -> list[tuple[str, str]]:
        """What a module imports."""
        if text not in self._imports:
            tree = self._tree(text)
            self._imports[text] = list(_imports_of(tree)) if tree else []
        return self._imports[text]

    def misfits(self, texts: Mapping[str, str]) -> set[Misfit]:
        """Calls between some files that don't fit what they call."""
        trees = {path: self._tree(text) for path, text in texts.items()}
        known: dict[Callee, ast.arguments] = {}
        for path, tree in trees.items():
            known |= dict(signatures(module_of(path), tree)) if tree else {}
        return {
            misfit
            for path, tree in trees.items()
            if tree
            for misfit in misfits(path, module_of(path), tree, known)
        }

    def takes(self, texts: Mapping[str, str]) -> dict[Callee, str]:
        """What the functions, classes and methods of some files take, as text."""
        return {
            callee: ast.unparse(arguments)
            for path, text in texts.items()
            if (tree := self._tree(text))
            for callee, arguments in signatures(module_of(path), tree)
        }

    def broken(self, texts: Mapping[str, str], others: Collection[str] = ()) -> set[Import]:
        """Imports between some files that don't resolve; `others` are further modules."""
        modules = {module_of(path): text for path, text in texts.items()}
        packages = {module.partition(".")[0] for module in modules if "." in module}
        return {
            Import(path, module, name)
            for path, text in texts.items()
            for module, name in self.imports(text)
            if module.partition(".")[0] in packages
            and module not in others
            and f"{module}.{name}" not in others
            and not self._resolves(module, name, modules)
        }

    def _resolves(self, module: str, name: str, modules: Mapping[str, str]) -> bool:
        if f"{module}.{name}" in modules:
            return True
        if module not in modules:
            return not name and any(other.startswith(f"{module}.") for other in modules)
        return name in ("", "*") or name in self.bound(modules[module])


def _imports_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What a file imports: a module and a name of it, or none."""
    for node in statements_in(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""


def _bound_names(tree: ast.Module) -> set[str]:
    """Names that a module has after its import; all of them with a star import."""
    found: set[str] = set()
    for node in _run_at_import(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        else:
            found |= {name.id for name in ast.walk(node) if _is_stored(name)}
    return _Everything() if found & {"*", "__getattr__"} else found


def _run_at_import(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module, those in its ifs, loops and tries too."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from statements_in(node)


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


class _Everything(set[str]):
    def __contains__(self, name: object) -> bool:
        return True
