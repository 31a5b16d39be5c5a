"""Problems are values: gathered, told once, with the nearest guess."""

from __future__ import annotations

import pytest

from lightgen.problems import InputError, Problem, ProjectError, guess, raise_if_any


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("a.b", "is wrong", "write it"), "a.b: is wrong; write it"),
        (Problem("a.b", "is wrong"), "a.b: is wrong"),
        (Problem("", "is wrong", "write it"), "is wrong; write it"),
    ],
)
def test_a_problem_says_where_what_and_what_to_do(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_all_problems_are_raised_at_once_each_told_once() -> None:
    one, other = Problem("a", "x"), Problem("b", "y")
    with pytest.raises(InputError) as caught:
        raise_if_any([one, other, one])
    assert caught.value.problems == (one, other)
    assert str(caught.value) == "a: x\nb: y"
    raise_if_any([])


def test_errors_know_their_exit_code() -> None:
    assert (InputError.exit_code, ProjectError.exit_code) == (2, 3)


@pytest.mark.parametrize(
    ("word", "known", "text"),
    [
        ("adamv", ["SGD", "AdamW"], "did you mean 'AdamW'?"),
        ("SGD", ["sgd"], "did you mean 'sgd'?"),
        ("x", ["b", "a"], "known: a, b"),
        ("x", [], ""),
    ],
)
def test_a_guess_is_the_nearest_word_or_all_of_them(word: str, known: list[str], text: str) -> None:
    assert guess(word, known) == text
