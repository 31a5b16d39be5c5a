"""Edits that change how a file looks, and not what it says."""

from __future__ import annotations

import ast
import re
import tokenize
from functools import lru_cache

import black

from lightgen.tree import File, Tree
from support.edits.registry import in_python, on_file, on_tree, path_of
from support.edits.source import Code, tokens

EVERYWHERE = ("README.md", "pyproject.toml", "ci.yml", ".gitignore", "model.py", "module.py")
EVERYWHERE += ("optim.py", "train.py", "test_groups.py", "test_training.py")


@lru_cache(maxsize=600)
def as_black(text: str, length: int, *, commas: bool = True, quotes: bool = True) -> str:
    mode = black.Mode(line_length=length, magic_trailing_comma=commas, string_normalization=quotes)
    return black.format_str(text, mode=mode)


@on_tree
def black_100_everywhere(tree: Tree) -> Tree:
    return in_python(tree, lambda text: as_black(text, 100))


@on_tree
def black_100_without_magic_commas_everywhere(tree: Tree) -> Tree:
    return in_python(tree, lambda text: as_black(text, 100, commas=False))


@on_tree
def black_60_everywhere(tree: Tree) -> Tree:
    return in_python(tree, lambda text: as_black(text, 60))


@on_file("optim.py")
def black_40(text: str) -> str:
    return as_black(text, 40)


@on_file("optim.py")
def wide_without_magic_commas(text: str) -> str:
    return as_black(text, 120, commas=False)


def _single_quoted(text: str) -> str:
    lines = text.splitlines(keepends=True)
    for token in reversed(list(tokens(text))):
        if token.type == tokenize.STRING and re.fullmatch(r'f?"[^"\'\\]*"', token.string):
            row, start = token.start
            line = lines[row - 1]
            quoted = token.string.replace('"', "'")
            lines[row - 1] = line[:start] + quoted + line[token.end[1] :]
    return "".join(lines)


@on_tree
def single_quotes_everywhere(tree: Tree) -> Tree:
    return in_python(tree, _single_quoted)


@on_file("module.py")
def single_quotes(text: str) -> str:
    return _single_quoted(text)


@on_file("train.py")
def single_quotes_and_black_100(text: str) -> str:
    return as_black(_single_quoted(text), 100, quotes=False)


@on_file("optim.py")
def blank_lines_in_bodies(text: str) -> str:
    return re.sub(r"\n(    (?:return|for|raise) )", r"\n\n\1", text)


@on_file("module.py")
def three_blank_lines_between_definitions(text: str) -> str:
    return re.sub(r"\n(class |def )", r"\n\n\1", text)


@on_file("module.py")
def no_blank_lines_between_methods(text: str) -> str:
    return re.sub(r"\n\n(    def )", r"\n\1", text)


@on_file("optim.py")
def redundant_parentheses(text: str) -> str:
    code = Code(text)
    node = code.expression("model.head.named_parameters", "parameter_groups")
    return code.replace(node, f"({code.of(node)})")


@on_file("train.py")
def a_call_on_one_line(text: str) -> str:
    code = Code(text)
    node = code.call("ModelCheckpoint", "train")
    return code.replace(node, ast.unparse(node))


@on_file("optim.py")
def a_string_joined_with_backslash(text: str) -> str:
    return text.replace(
        "            owners.setdefault(id(parameter), []).append(",
        "            owners.setdefault(id(parameter), []) \\\n                .append(",
    )


@on_file("optim.py")
def trailing_spaces(text: str) -> str:
    return re.sub(r"(?m)^(    (?:return|for|groups).*[,:\[])$", r"\1  ", text)


@on_file("recipe.py")
def tabs(text: str) -> str:
    """Indented by tabs where a statement begins or a call goes on, but not in texts."""
    within = _rows_in_texts(text)
    lines = text.splitlines(keepends=True)
    for row, line in enumerate(lines, start=1):
        depth = (len(line) - len(line.lstrip(" "))) // 4
        if row not in within:
            lines[row - 1] = "\t" * depth + line[4 * depth :]
    return "".join(lines)


def _rows_in_texts(text: str) -> set[int]:
    """The lines that begin within a string."""
    found = (each for each in tokens(text) if each.type == tokenize.STRING)
    return {row for each in found for row in range(each.start[0] + 1, each.end[0] + 1)}


@on_file("optim.py")
def two_spaces(text: str) -> str:
    within = _rows_in_texts(text)
    lines = text.splitlines(keepends=True)
    for row, line in enumerate(lines, start=1):
        margin = len(line) - len(line.lstrip(" "))
        if row not in within:
            lines[row - 1] = " " * (margin // 2) + line[margin:]
    return "".join(lines)


@on_file("module.py")
def no_final_newline(text: str) -> str:
    return text.rstrip("\n")


@on_file("optim.py")
def blank_lines_at_the_end(text: str) -> str:
    return text + "\n\n"


def _with_bytes(tree: Tree, name: str, content: bytes) -> Tree:
    path = path_of(tree, name)
    return {**tree, path: File(content, tree[path].executable)}


def _content(tree: Tree, name: str) -> bytes:
    return tree[path_of(tree, name)].content


@on_tree
def crlf(tree: Tree) -> Tree:
    return _with_bytes(tree, "optim.py", _content(tree, "optim.py").replace(b"\n", b"\r\n"))


@on_tree
def crlf_everywhere(tree: Tree) -> Tree:
    """Of the files that every project has."""
    paths = [path_of(tree, name) for name in EVERYWHERE]
    edited = {path: tree[path].content.replace(b"\n", b"\r\n") for path in paths}
    return {**tree, **{path: File(edited[path], tree[path].executable) for path in paths}}


@on_tree
def byte_order_mark(tree: Tree) -> Tree:
    return _with_bytes(tree, "module.py", b"\xef\xbb\xbf" + _content(tree, "module.py"))


@on_tree
def latin_1(tree: Tree) -> Tree:
    head = "# -*- coding: latin-1 -*-\n# Angelegt von J\xfcrgen\n".encode("latin-1")
    return _with_bytes(tree, "optim.py", head + _content(tree, "optim.py"))
