"""Curves as text."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lightgen.check.draw import draw


def test_a_rise_and_a_fall() -> None:
    assert draw([0.0, 0.5, 1.0, 0.5, 0.0], 5, 2, ascii_only=False) == ["  █  ", " ███ "]


def test_in_plain_characters() -> None:
    assert draw([0.0, 0.25, 1.0], 3, 1, ascii_only=True) == [" :@"]


def test_what_is_above_zero_is_seen_and_what_is_no_number_is_not() -> None:
    assert draw([1.0, 1e-9, 0.0, math.nan], 4, 1, ascii_only=False) == ["█▁  "]


@given(
    st.lists(st.floats(), min_size=1, max_size=200), st.integers(1, 100), st.integers(1, 5),
    st.booleans(),
)  # fmt: skip
def test_any_numbers_fill_the_frame(
    points: list[float], width: int, height: int, ascii_only: bool
) -> None:
    lines = draw(points, width, height, ascii_only=ascii_only)
    assert [len(line) for line in lines] == [width] * height
