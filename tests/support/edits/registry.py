"""The library's list: every edit by its name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeAlias

from lightgen.tree import File, Tree
from support.edits.source import NotHere

Edit: TypeAlias = Callable[[Tree], Tree | None]
EDITS: dict[str, Edit] = {}


def on_file(name: str) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
    """Register an edit of the text of one file, found by the end of its path."""

    def register(change: Callable[[str], str]) -> Callable[[str], str]:
        def edit(tree: Tree) -> Tree:
            path = path_of(tree, name)
            return {**tree, path: with_text(tree[path], change(text_of(tree[path])))}

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
        for path in edited:
            if path.endswith(".py") and edited[path] != tree.get(path):
                ast.parse(edited[path].content)  # an edit leaves Python whole
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


def text_of(file: File) -> str:
    """The text of a file with plain line ends, whatever an edit before made of its bytes."""
    return file.content.decode(_encoding(file)).replace("\r\n", "\n")


def with_text(file: File, text: str) -> File:
    """Another text, written as this file is."""
    if b"\r\n" in file.content:
        text = text.replace("\n", "\r\n")
    return File(text.encode(_encoding(file)), file.executable)


def _encoding(file: File) -> str:
    if file.content.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    return "latin-1" if b"coding: latin-1" in file.content[:200] else "utf-8"


def in_python(tree: Tree, change: Callable[[str], str]) -> Tree:
    """The same change in every Python file."""
    return {
        path: with_text(file, change(text_of(file))) if path.endswith(".py") else file
        for path, file in tree.items()
    }


def in_all(tree: Tree, change: Callable[[str], str]) -> Tree:
    """The same change in every text."""
    return {
        path: file if b"\0" in file.content else with_text(file, change(text_of(file)))
        for path, file in tree.items()
    }


def moved(tree: Tree, path: str, target: str) -> Tree:
    """The tree with a file under another path."""
    return {target if each == path else each: file for each, file in tree.items()}
