"""Merge projects, and compare the results: as syntax plus comments, sets free of order."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from lightgen.merge import Kind, Outcome, Yours, merge_trees
from lightgen.tree import Tree


@dataclass(frozen=True)
class Result:
    """A merged project and what was said of it."""

    tree: Tree
    outcomes: tuple[Outcome, ...]

    @property
    def conflicts(self) -> list[str]:
        """The conflicts, each with its path."""
        return [
            f"{outcome.path}: {conflict.what}"
            for outcome in self.outcomes
            for conflict in outcome.conflicts
        ]


def merge(base: Tree, yours: Tree, new: Tree) -> Result:
    """Merge three projects in memory."""
    outcomes = merge_trees(base, Yours(yours), new)
    tree = dict(yours)
    for outcome in outcomes:
        tree.pop(outcome.moved_from, None)
    for outcome in outcomes:
        if outcome.file is not None:
            tree[outcome.path] = outcome.file
        else:
            tree.pop(outcome.path, None)
        if outcome.beside is not None:
            tree[f"{outcome.path}.new"] = outcome.beside
    for outcome in outcomes:
        assert bool(outcome.conflicts) == (outcome.kind == Kind.CONFLICT), outcome
    return Result(dict(sorted(tree.items())), outcomes)


def differences(expected: Tree, got: Tree) -> list[str]:
    """What sets two projects apart, in words; nothing where they mean the same."""
    found = [f"{path} is missing" for path in expected.keys() - got.keys()]
    found += [f"{path} is too much" for path in got.keys() - expected.keys()]
    for path in sorted(expected.keys() & got.keys()):
        if expected[path] != got[path]:
            found += [f"{path}: {what}" for what in _file_differences(path, expected, got)]
    return found


def _file_differences(path: str, expected: Tree, got: Tree) -> list[str]:
    a, b = expected[path], got[path]
    if a.executable != b.executable:
        return ["is executable on one side"]
    if _form(a.content) != _form(b.content):
        return [f"line ends or byte-order mark: {_form(a.content)} became {_form(b.content)}"]
    try:
        left, right = meaning(path, a.content), meaning(path, b.content)
    except (SyntaxError, ValueError, yaml.YAMLError) as error:
        return [f"does not parse: {error}"]
    return [
        f"{key} differ: {_first(left[key], right[key])}" for key in left if left[key] != right[key]
    ]


def _first(a: Any, b: Any) -> str:
    """What is on one side only."""
    if isinstance(a, Counter):
        return f"-{dict(a - b)} +{dict(b - a)}"[:300]
    left, right = str(a), str(b)
    at = next((i for i, (x, y) in enumerate(zip(left, right, strict=False)) if x != y), 0)
    at = max(0, at - 60)
    return f"...{left[at : at + 200]} | ...{right[at : at + 200]}"


def _form(content: bytes) -> tuple[bool, bool, bool]:
    text = content.replace(b"\r\n", b"")
    return content.startswith(b"\xef\xbb\xbf"), b"\r\n" in content, b"\n" in text


def meaning(path: str, content: bytes) -> dict[str, Any]:
    """What a file says, under a few heads."""
    if b"\0" in content:
        return {"bytes": content}
    if path.endswith(".py"):
        return _python(content)
    text = content.decode().replace("\r\n", "\n")
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    if path.endswith(".toml"):
        return {"values": _as_sets(tomllib.loads(text)), "comments": _hash_comments(text)}
    if path.endswith((".yml", ".yaml")):
        return {"values": yaml.safe_load(text), "comments": _hash_comments(text)}
    if path.endswith(".md"):
        headings = [line for line in lines if line.startswith("#")]
        return {"lines": Counter(lines), "headings": headings}
    return {"lines": Counter(lines)}


def _as_sets(value: Any) -> Any:
    """TOML with lists of texts as sets."""
    if isinstance(value, dict):
        return {key: _as_sets(inner) for key, inner in value.items()}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return sorted(value)
    return value


def _hash_comments(text: str) -> Counter[str]:
    return Counter(re.findall(r'(?:^|\s)(#[^"\n]*)$', text, re.M))


@lru_cache(maxsize=400)
def _python(content: bytes) -> dict[str, Any]:
    tree = ast.parse(content)
    imports = sorted(_imports(tree))
    order = [each.name for each in tree.body if isinstance(each, _DEFINITIONS)]
    order += [
        f"{each.name}.{inner.name}"
        for each in tree.body
        if isinstance(each, ast.ClassDef)
        for inner in each.body
        if isinstance(inner, _DEFINITIONS)
    ]
    tree.body = [each for each in tree.body if not isinstance(each, ast.Import | ast.ImportFrom)]
    plain = ast.dump(_Free().visit(tree))
    comments = Counter(
        each.string.rstrip()
        for each in tokenize.tokenize(io.BytesIO(content).readline)
        if each.type == tokenize.COMMENT
    )
    return {"imports": imports, "syntax": plain, "comments": comments, "order": order}


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {f"import {each.name} as {each.asname}" for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            head = f"from {'.' * node.level}{node.module}"
            found |= {f"{head} import {each.name} as {each.asname}" for each in node.names}
    return found


class _Free(ast.NodeTransformer):
    """Order set aside where it has no meaning: definitions, keywords, keys, lists of tables."""

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Constants that follow one another may stand in any order."""
        body = node.body
        for at in range(len(body)):
            while at and _is_constant(body[at - 1]) and _is_constant(body[at]):
                if ast.dump(body[at - 1]) <= ast.dump(body[at]):
                    break
                body[at - 1], body[at] = body[at], body[at - 1]
                at -= 1
        return self._body(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._body(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        _clean_docstring(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if all(each.arg for each in node.keywords):
            node.keywords.sort(key=lambda each: each.arg or "")
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        if all(node.keys):
            pairs = zip(node.keys, node.values, strict=True)
            ordered = sorted(pairs, key=lambda pair: ast.dump(pair[0]) if pair[0] else "")
            node.keys, node.values = [list(each) for each in zip(*ordered, strict=True)] or [[], []]
        return node

    def visit_List(self, node: ast.List) -> ast.AST:
        self.generic_visit(node)
        if any(isinstance(each, ast.Dict | ast.Starred) for each in node.elts):
            node.elts.sort(key=ast.dump)
        return node

    def _body(self, node: ast.Module | ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        _clean_docstring(node)
        node.body.sort(key=lambda each: getattr(each, "name", ""))
        return node


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)


def _clean_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        first = node.body[0]
        assert isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        first.value.value = inspect.cleandoc(first.value.value)


def in_their_order(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names that are known, in the order that they have."""
    return [name for name in names if name in set(known)]
