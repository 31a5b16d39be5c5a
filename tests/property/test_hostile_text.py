"""Whatever text a user puts anywhere: it is refused, or it stays text."""

from __future__ import annotations

import ast
import keyword
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import texts, wild_assignments, wild_groups, wild_specs

from lightgen.generate import Generated, generate
from lightgen.problems import InputError, LightgenError
from lightgen.spec.document import parse_document
from lightgen.spec.flags import Flags
from lightgen.tree import Tree


def made_from(spec: dict[str, Any], flags: Flags | None = None) -> Generated:
    document = parse_document(tomlkit.dumps(spec))
    return generate(document, flags or Flags(), "run")


def sources(tree: Tree) -> Iterator[tuple[str, ast.Module]]:
    for path, file in tree.items():
        if path.endswith(".py"):
            yield path.rpartition("/")[2], ast.parse(file.text)


def shape(tree: ast.Module, package: str) -> list[str]:
    """The kinds of all nodes and what is imported: all that hostile text could change."""
    found = []
    for node in ast.walk(tree):
        found.append(type(node).__name__)
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            root, dot, rest = str(node.module).partition(".")
            found.append(f"package{dot}{rest}" if root == package else str(node.module))
    return found


def placed(where: str, text: str) -> dict[str, Any]:
    """A spec with a text at one of the places where users write names."""
    custom = {"name": "custom", "class_name": "Own"}
    return {
        "group": {"groups": {text: {"lr": 1e-3}, "tail": {"lr": 1e-4}}},
        "pattern": {"groups": {"a": {"match": text, "lr": 1e-3}, "rest": {"lr": 1e-4}}},
        "frozen": {"groups": {"a": {"match": text, "freeze": True}, "rest": {"lr": 1e-4}}},
        "regex": {"groups": {"a": {"match": f"re:{text}", "lr": 1e-3}, "rest": {"lr": 1e-4}}},
        "package": {"project": {"package": text}},
        "class_name": {"optimizer": {**custom, "class_name": text}},
        "hyperparameter": {"optimizer": {**custom, "hyperparameters": {text: 0.5}}},
        "monitor": {"scheduler": {"name": "ReduceLROnPlateau", "monitor": text}},
        "optimizer": {"optimizer": {"name": text}},
        "strategy": {"trainer": {"strategy": text}},
        "folder": {"trainer": {"default_root_dir": text}},
    }[where]


BENIGN = {
    "group": ["stem", "ste-m"],
    "pattern": ["stem", "stem.0", "*stem"],
    "frozen": ["stem", "stem.0", "stem.0.a", "*stem"],
    "regex": ["stem"],
    "package": ["benign"],
    "class_name": ["Benign"],
    "hyperparameter": ["benign"],
    "monitor": ["val/loss"],
    "optimizer": ["adamw"],
    # Several processes log one mean.
    "strategy": ["ddp", "auto"],
    "folder": ["folder"],
}


def alike(text: str) -> str:
    """A harmless path of as many parts, words, keywords and numbers in the same places."""
    parts = text.split(".")
    if not all(part.isidentifier() or part.isdigit() for part in parts):
        return "stem"
    words = ("class" if keyword.iskeyword(part) else "stem" for part in parts)
    return ".".join(
        "0" if part.isdigit() else word for part, word in zip(parts, words, strict=True)
    )


def shapes(where: str, text: str) -> Iterator[tuple[str, list[str]]]:
    spec = placed(where, text)
    package = spec.get("project", {}).get("package") or "run"
    for name, tree in sources(made_from(spec).rendered):
        yield name, shape(tree, package)


@pytest.mark.parametrize("where", BENIGN)
def test_a_text_is_refused_or_stays_text(where: str) -> None:
    known: dict[str, list[list[str]]] = {}
    for benign in BENIGN[where]:
        for name, found in shapes(where, benign):
            known.setdefault(name, []).append(found)

    @given(texts)
    @settings(max_examples=40)
    def check(text: str) -> None:
        try:
            made = dict(shapes(where, text))
        except InputError:
            return
        harmless = dict(shapes(where, alike(text))) if where == "frozen" else {}
        for name, found in made.items():
            if where != "optimizer":
                assert found in [*known[name], harmless.get(name)], (name, text)

    check()


@given(st.text() | texts)
@settings(max_examples=40)
def test_a_text_comes_back_from_the_spec_the_state_and_the_code(text: str) -> None:
    spec = {"project": {"package": "run"}, "trainer": {"default_root_dir": text}}
    tree = made_from(spec).tree
    assert tomllib.loads(tree["lightgen.toml"].text) == spec
    assert tomllib.loads(tree[".lightgen/state.toml"].text)["spec"] == spec
    code = ast.parse(tree["src/run/train.py"].text)
    keywords = [node for node in ast.walk(code) if isinstance(node, ast.keyword)]
    [given_text] = [node.value for node in keywords if node.arg == "default_root_dir"]
    assert ast.literal_eval(given_text) == text


@given(texts.filter(lambda text: text.strip()))
@settings(max_examples=40)
def test_a_regular_expression_comes_back_from_the_spec_and_the_code(text: str) -> None:
    groups = {"a": {"match": f"re:{text}", "lr": 1e-3}, "rest": {"lr": 1e-4}}
    try:
        tree = made_from({"groups": groups}).tree
    except InputError:
        return
    assert tomllib.loads(tree["lightgen.toml"].text)["groups"] == groups
    code = ast.parse(tree["src/run/optim.py"].text)
    texts_in_code = [n.value for n in ast.walk(code) if isinstance(n, ast.Constant)]
    assert f"re:{text}" in texts_in_code


@given(wild_specs)
@settings(max_examples=150)
def test_any_spec_is_refused_or_rendered(spec: dict[str, Any]) -> None:
    try:
        made = made_from(spec)
    except LightgenError as error:
        assert error.problems
        return
    assert tomllib.loads(made.tree["lightgen.toml"].text)
    assert list(sources(made.rendered))


@given(wild_specs, wild_groups, st.lists(wild_assignments, max_size=3), texts | st.none())
@settings(max_examples=150)
def test_any_flags_are_refused_or_applied(
    spec: dict[str, Any], groups: str, assignments: list[str], name: str | None
) -> None:
    flags = Flags(groups=groups, assignments=tuple(assignments), optimizer=name, scheduler=name)
    try:
        made_from(spec, flags)
    except LightgenError as error:
        assert error.problems


@given(wild_groups, st.lists(wild_assignments, max_size=3))
@settings(max_examples=150)
def test_what_flags_wrote_reads_back_as_what_was_rendered(
    groups: str, assignments: list[str]
) -> None:
    flags = Flags(groups=groups or None, assignments=tuple(assignments))
    try:
        tree = made_from({}, flags).tree
    except LightgenError:
        return
    spec = tomllib.loads(tree["lightgen.toml"].text)
    remembered = tomllib.loads(tree[".lightgen/state.toml"].text)["spec"]
    assert remembered == spec
    assert list(remembered.get("groups", {})) == list(spec.get("groups", {}))


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
@settings(max_examples=200)
def test_any_file_is_refused_or_read(text: str) -> None:
    try:
        document = parse_document(text)
    except InputError as error:
        assert error.problems
        return
    assert document.unwrap() == tomllib.loads(text)
