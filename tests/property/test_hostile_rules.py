"""Whatever text stands in or around a rule: it is refused, or it stays text."""

from __future__ import annotations

import ast
import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.rules import LION
from support.strategies import texts

from lightgen.generate import Generated, generate
from lightgen.problems import InputError
from lightgen.render.custom.rule_optimizer import render_rule_optimizer
from lightgen.rules.reading.parse import read_rule
from lightgen.spec.document import parse_document
from lightgen.spec.flags import Flags
from lightgen.spec.rule import RuleFile, parse_rule, path_fault, place_for
from lightgen.tree import File

# What a rule would say of itself is compared without: the docstrings.
RULE = LION.replace('    """Lion (arXiv:2302.06675)."""\n', "")


def made_from(optimizer: dict[str, Any], rule: str | bytes = RULE) -> Generated:
    content = rule if isinstance(rule, bytes) else rule.encode("utf-8", "surrogatepass")
    document = parse_document(tomlkit.dumps({"optimizer": optimizer}))
    files = {"rules/lion.py": File(content)}
    return generate(
        document,
        Flags(),
        "run",
        rule_files=lambda path: RuleFile(files.get(path, File(content)), path),
    )


def shapes(made: Generated, *, but: str = "") -> dict[str, list[str]]:
    """The kinds of all nodes of what lightgen wrote: all that hostile text could change."""
    return {
        path: [type(node).__name__ for node in ast.walk(ast.parse(file.text))]
        for path, file in made.rendered.items()
        if path.endswith(".py") and path != but
    }


@given(texts.map("rules/{}.py".format) | texts | texts.map("rules/lion.py:{}".format))
@settings(max_examples=15, deadline=None)
@example("rules/lion.py:lion")
@example("rules/a-b.c.py")
@example("rules/.git/lion.py")
@example("rules/lion.py\n")
def test_a_path_of_a_rule_is_refused_or_stays_text(reference: str) -> None:
    try:
        made = made_from({"name": "custom", "rule": reference})
    except InputError:
        return
    rule = made.plan.optimizer.rule
    assert rule is not None
    known = made_from({"name": "custom", "rule": "rules/lion.py"})
    assert shapes(made, but=rule.path) == shapes(known, but="rules/lion.py")
    assert made.rendered[rule.path] == rule.file
    settings_ = tomllib.loads(made.rendered["pyproject.toml"].text)
    [excluded] = settings_["tool"]["ruff"]["extend-exclude"]
    assert rule.path.startswith(excluded)
    assert tomllib.loads(made.tree["lightgen.toml"].text)["optimizer"]["rule"] == reference


@given(texts)
@settings(max_examples=15, deadline=None)
@example("Lion")
def test_a_class_name_is_refused_or_stays_a_name(name: str) -> None:
    try:
        made = made_from({"rule": "rules/lion.py", "class_name": name})
    except InputError:
        return
    assert shapes(made) == shapes(made_from({"rule": "rules/lion.py"}))


def kinds_of(rule: str) -> list[str]:
    """The kinds of all nodes of the class that a rule makes, but for docstrings."""
    code = render_rule_optimizer(read_rule(rule, "lion.py"), "Lion")
    found = [type(node).__name__ for node in ast.walk(ast.parse(code))]
    return [kind for kind in found if kind not in ("Constant", "Expr")]


@given(st.text(max_size=40) | texts)
@settings(max_examples=40, deadline=None)
@example('"""')
@example("'''")
@example("\\")
@example("\\N{DIGIT ONE}")
@example('ends in "')
@example("\\x41 {x} {{ x }} {% x %}")
@example("a" * 200)
def test_a_comment_of_a_rule_stays_text(text: str) -> None:
    comment = "".join(char if char.isprintable() else " " for char in text)
    rule = RULE.replace("):\n", f"):  # {comment}\n", 1)
    try:
        found = kinds_of(rule)
    except InputError:
        return
    assert found == kinds_of(RULE)


@given(st.text(max_size=40) | texts)
@settings(max_examples=40, deadline=None)
@example('"""')
@example("\\")
@example("ends in \\")
@example('ends in "')
@example("{x} {{ x }} {% x %}")
@example("line\n" * 30)
@example("word " * 60)
def test_a_docstring_of_a_rule_stays_text(text: str) -> None:
    rule = LION.replace('"""Lion (arXiv:2302.06675)."""', ascii(text))
    try:
        found = kinds_of(rule)
    except InputError:
        return
    assert found == kinds_of(RULE)


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "ignore"))
)
@settings(max_examples=100, deadline=None)
@example(b"\x00")
@example(b"def f(param, grad, *, lr=1" + b"0" * 5000 + b"): pass")
@example(b"(" * 500)
@example(b"def f(param, grad, *, lr=0.1):\n    param -= lr * " + b"-" * 3000 + b"grad\n")
@example(b"# coding: latin-1\n" + LION.encode())
def test_any_rule_is_refused_or_compiled(content: bytes) -> None:
    try:
        rule = parse_rule(RuleFile(File(content), "lion.py"), "")
    except InputError as error:
        assert error.problems
        return
    assert ast.parse(render_rule_optimizer(rule, "Lion"))


@given(texts | st.text())
@settings(max_examples=100)
def test_any_name_of_a_file_becomes_a_place_in_a_project(name: str) -> None:
    place = place_for(name)
    assert not path_fault(place)
    assert place.startswith("rules/")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("lion.py", "rules/lion.py"),
        ("my rule (v2).py", "rules/my_rule_v2.py"),
        ("stdin", "rules/stdin.py"),
        (".py", "rules/rule.py"),
        ("ä.py", "rules/rule.py"),
    ],
)
def test_places(name: str, place: str) -> None:
    assert place_for(name) == place
