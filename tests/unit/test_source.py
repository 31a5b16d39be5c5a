"""Values become Python source that black leaves as it is, and nothing else becomes source."""

from __future__ import annotations

import pytest

from lightgen.source import Identifier, call, is_identifier, literal, prose

LITERALS = [
    (None, "None"),
    (True, "True"),
    (0, "0"),
    (-3, "-3"),
    (10**30, "1" + "0" * 30),
    (0.0, "0.0"),
    (-0.0, "-0.0"),
    (1.0, "1.0"),
    (0.5, "0.5"),
    (0.05, "0.05"),
    (0.01, "0.01"),
    (0.001, "1e-3"),
    (0.0001, "1e-4"),
    (0.0003, "3e-4"),
    (0.00025, "2.5e-4"),
    (-0.001, "-1e-3"),
    (0.0012345, "0.0012345"),
    (1e-08, "1e-8"),
    (1e20, "1e20"),
    (1.5e300, "1.5e300"),
    (5e-324, "5e-324"),
    ("a", '"a"'),
    ("a'b", '"a\'b"'),
    ('a"b', "'a\"b'"),
    ("a\"b'c", '"a\\"b\'c"'),
    ('"a"b\'c', "'\"a\"b\\'c'"),
    ("a\nb", '"a\\nb"'),
    ("\u00e9", '"\u00e9"'),
    ("\u2028", '"\\u2028"'),
    ("a\\", '"a\\\\"'),
    ((), "()"),
    ((1,), "(1,)"),
    ((0.9, 0.999), "(0.9, 0.999)"),
    ([], "[]"),
    (["a", 1], '["a", 1]'),
    ({"a": 1e-3}, '{"a": 1e-3}'),
]


@pytest.mark.parametrize(("value", "text"), LITERALS, ids=[text for _, text in LITERALS])
def test_a_literal_is_written_as_people_write_it(value: object, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), [float("nan")]])
def test_what_is_not_finite_has_no_literal(value: object) -> None:
    with pytest.raises(ValueError, match="has no literal"):
        literal(value)


@pytest.mark.parametrize("value", [object(), {1}, b"x", 1j])
def test_what_is_no_value_has_no_literal(value: object) -> None:
    with pytest.raises(TypeError, match="no literal for"):
        literal(value)


@pytest.mark.parametrize("name", ["a", "a_1", "A", "_"])
def test_an_identifier_is_one(name: str) -> None:
    assert is_identifier(name) and Identifier(name) == name


@pytest.mark.parametrize("name", ["", "1a", "a b", "class", "None", "a.b", "stra\u00dfe", "a\n"])
def test_what_is_none_is_refused(name: str) -> None:
    assert not is_identifier(name)
    with pytest.raises(ValueError, match="is not an identifier"):
        Identifier(name)


def test_prose_stays_on_its_line() -> None:
    assert prose("a\nb\x1b[31mc\u2028d") == "a b [31mc d"


def test_a_call_is_exploded_one_argument_a_line() -> None:
    assert call("f") == ["f()"]
    assert call("f", "a", b="1") == ["f(", "    a,", "    b=1,", ")"]
