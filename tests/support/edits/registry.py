"""The library's list: every edit by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from support.edits.source import NotHere

from lightgen.tree import File, Tree

Edit: TypeAlias = Callable[[Tree], Tree | None]
EDITS: dict[str, Edit] = {}


def on_file(name: str) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
    """Register an edit of the text of one file, found by the end of its path."""

    def register(change: Callable[[str], str]) -> Callable[[str], str]:
        def edit(tree: Tree) -> Tree:
            path = path_of(tree, name)
            return {**tree, path: with_text(tree[path], change(tree[path].text))}

        _add(change.__name__, edit)
        return change

    return register


def on_tree(change: Callable[[Tree], Tree]) -> Callable[[Tree], Tree]:
    """Register an edit of several files, or of more than a file's text."""
    _add(change.__name__, change)
    return change


def _add(name: str, change: Callable[[Tree], Tree]) -> None:
    def edit(tree: Tree) -> Tree | None:
        try:
            edited = change(tree)
        except NotHere:
            return None
        return None if edited == tree else dict(sorted(edited.items()))

    assert name not in EDITS, name
    edit.__name__ = name
    EDITS[name] = edit


def path_of(tree: Tree, name: str) -> str:
    """The path of a file by the end of it."""
    found = [path for path in tree if f"/{path}".endswith(f"/{name}")]
    if not found:
        raise NotHere(name)
    return found[0]


def with_text(file: File, text: str) -> File:
    return File.from_text(text, executable=file.executable)


def in_python(tree: Tree, change: Callable[[str], str]) -> Tree:
    """The same change in every Python file."""
    return {
        path: with_text(file, change(file.text)) if path.endswith(".py") else file
        for path, file in tree.items()
    }


def in_all(tree: Tree, change: Callable[[str], str]) -> Tree:
    """The same change in every text."""
    return {path: with_text(file, change(file.text)) for path, file in tree.items()}


def moved(tree: Tree, path: str, target: str) -> Tree:
    """The tree with a file under another path."""
    return {target if each == path else each: file for each, file in tree.items()}
