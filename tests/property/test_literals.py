"""Any value becomes source that reads back as the value and that black leaves alone."""

from __future__ import annotations

import ast

import black
from hypothesis import given, settings
from hypothesis import strategies as st

from lightgen.source import literal

LINE = 88
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-12, 12).map(lambda power: 10.0**power),
    st.text(),
    st.text(alphabet="'\"\\\n{}a", max_size=6),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=4), inner, max_size=3),
    ),
    max_leaves=6,
)


@given(values)
@settings(max_examples=300)
def test_a_literal_reads_back_as_the_value(value: object) -> None:
    # The text tells -0.0 from 0.0, True from 1 and a list from a tuple.
    assert repr(ast.literal_eval(literal(value))) == repr(value)


@given(values)
@settings(max_examples=200)
def test_black_leaves_a_literal_as_it_is(value: object) -> None:
    line = f"x = {literal(value)}\n"
    if len(line) <= LINE:
        assert black.format_str(line, mode=black.Mode(line_length=LINE)) == line
