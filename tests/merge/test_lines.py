"""The merge by lines: what it merges, what it leaves to you, and laws that hold for any text."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightgen.merge.lines import hunks, matches, merge_lines
from lightgen.merge.outcome import END, MIDDLE, START, Labels, marked

LABELS = Labels("yours", "new")


def merged(base: str, yours: str, new: str) -> str:
    return merge_lines(base, yours, new, LABELS).text


def lines(words: str) -> str:
    """A line a word."""
    return "".join(f"{word}\n" for word in words.split())


CLEAN = {
    "far apart": ("a b c d e", "A b c d e", "a b c d E", "A b c d E"),
    "one line between": ("a b c", "A b c", "a b C", "A b C"),
    "the same change": ("a b c", "a X c", "a X c", "a X c"),
    "the same change and another": ("a b c d e", "a X c d e", "a X c d E", "a X c d E"),
    "the same insertion beside a change": ("a b c", "a P b c", "a P B c", "a P B c"),
    "one deletes, one inserts elsewhere": ("a b c d", "a c d", "a b c d e", "a c d e"),
    "both delete the same": ("a b c", "a c", "a c", "a c"),
    "anchored by a line that stands once": (
        "def_a x end def_b x end",
        "def_a x end def_b y end",
        "def_0 x end def_a x end def_b x end",
        "def_0 x end def_a x end def_b y end",
    ),
}


@pytest.mark.parametrize("case", CLEAN.values(), ids=CLEAN)
def test_both_changes_stand(case: tuple[str, str, str, str]) -> None:
    base, yours, new, expected = map(lines, case)
    assert merged(base, yours, new) == expected
    assert merged(base, new, yours) == expected
    assert merge_lines(base, yours, new, LABELS).conflicts == ()


CONFLICTS = {
    "the same line": ("a b c", "a X c", "a Y c", "a", "X", "Y", "c"),
    "beside each other": ("a b c d", "a X c d", "a b Y d", "a", "X c", "b Y", "d"),
    "inserted at one place": ("a b", "a X b", "a Y b", "a", "X", "Y", "b"),
    "deleted and changed": ("a b c", "a c", "a Y c", "a", "", "Y", "c"),
    "only what differs": ("a b c", "a P X Q c", "a P Y Q c", "a P", "X", "Y", "Q c"),
}


@pytest.mark.parametrize("case", CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_is_marked_around_what_differs(case: tuple[str, ...]) -> None:
    base, yours, new, before, mine, theirs, after = map(lines, case)
    result = merge_lines(base, yours, new, LABELS)
    assert result.text == before + marked(mine, theirs, LABELS) + after
    (conflict,) = result.conflicts
    assert conflict.what == "both sides changed these lines"
    assert result.text.split("\n")[conflict.line - 1] == "<<<<<<< yours"


def test_a_line_more_among_equal_lines_is_in_doubt() -> None:
    """Nobody can say which of the equal blocks the change belongs to."""
    base, new = lines("x y x y"), lines("x y x y x y")
    assert merge_lines(base, lines("x Y x y"), new, LABELS).conflicts


def test_a_final_newline_is_yours_where_you_changed_it() -> None:
    assert merged("a\nb\nc", "a\nb\nc\n", "A\nb\nc") == "A\nb\nc\n"
    assert merged("a\nb\nc\n", "a\nb\nc", "A\nb\nc\n") == "A\nb\nc"
    assert merged("a\nb\nc\n", "A\nb\nc\n", "a\nb\nc") == "A\nb\nc"


def test_markers_stand_on_lines_of_their_own_at_the_end_too() -> None:
    assert merged("a", "b", "c") == marked("b\n", "c\n", LABELS)


def test_no_other_character_ends_a_line() -> None:
    assert merged("a\x0cb\r\u2028\nx\ny\n", "A\x0cb\r\u2028\nx\ny\n", "a\x0cb\r\u2028\nx\nY\n") == (
        "A\x0cb\r\u2028\nx\nY\n"
    )


def test_many_lines_take_no_square_of_their_number() -> None:
    base = [str(number) for number in range(30_000)]
    yours = [*base[:100], "mine", *base[101:]]
    new = [*base[:20_000], *base[20_010:], "more"]
    result = merged(*("\n".join(side) for side in (base, yours, new)))
    assert result.split("\n") == [*base[:100], "mine", *base[101:20_000], *base[20_010:], "more"]


texts = st.lists(st.sampled_from(["a", "b", "c", "d", "", "x y"]), max_size=8).flatmap(
    lambda words: st.sampled_from(["\n".join(words), "".join(f"{word}\n" for word in words)])
)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str, str]:
    """A text of which some lines are unique and two texts edited from it."""
    alphabet = st.sampled_from(["a", "b", "", *"0123456789"])
    base = draw(st.lists(alphabet, max_size=12))
    sides = []
    for fresh in "mn":
        side = list(base)
        for number in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(side)))
            side[at : at + draw(st.integers(0, 2))] = [f"{fresh}{number}"][
                : draw(st.integers(0, 1))
            ]
        sides.append("".join(f"{line}\n" for line in side))
    return "".join(f"{line}\n" for line in base), sides[0], sides[1]


@given(texts, texts)
def test_laws_of_one_side(base: str, other: str) -> None:
    assert merged(base, base, other) == other
    assert merged(base, other, base) == other
    assert merged(base, other, other) == other


@given(texts, texts)
def test_matches_are_equal_lines_in_order(base: str, other: str) -> None:
    one, two = base.split("\n"), other.split("\n")
    pairs = list(matches(one, two))
    assert all(one[i] == two[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    rebuilt, at = [], 0
    for hunk in hunks(one, two):
        rebuilt += [*one[at : hunk.start], *two[hunk.from_ : hunk.to]]
        at = hunk.end
    assert rebuilt + one[at:] == two


@given(edited())
def test_no_line_that_a_side_adds_is_lost(sides: tuple[str, str, str]) -> None:
    base, yours, new = sides
    result = Counter(merged(base, yours, new).split("\n"))
    for side in (yours, new):
        added = Counter(side.split("\n")) - Counter(base.split("\n"))
        assert not added - result


@given(texts, texts, texts)
def test_no_kind_of_line_is_lost(base: str, yours: str, new: str) -> None:
    """Lines that stand many times, too: as many as a side adds are there, or more."""
    result = Counter(merged(base, yours, new).split("\n"))
    for side in (yours, new):
        added = Counter(side.rstrip("\n").split("\n")) - Counter(base.rstrip("\n").split("\n"))
        assert {word for word in added if word} <= result.keys()


@given(edited())
def test_a_merge_is_the_same_from_both_sides(sides: tuple[str, str, str]) -> None:
    base, yours, new = sides
    one, other = merge_lines(base, yours, new, LABELS), merge_lines(base, new, yours, LABELS)
    assert len(one.conflicts) == len(other.conflicts)
    if not one.conflicts:
        assert one.text == other.text


@given(edited())
def test_a_clean_merge_deletes_what_either_deleted_and_nothing_else(
    sides: tuple[str, str, str],
) -> None:
    base, yours, new = sides
    result = merge_lines(base, yours, new, LABELS)
    if result.conflicts:
        return
    # Lines of the base that stand once can be told apart.
    once = [line for line, n in Counter(base.split("\n")).items() if n == 1 and line.isdigit()]
    for line in once:
        stays = line in yours.split("\n") and line in new.split("\n")
        assert (line in result.text.split("\n")) == stays


@given(edited())
def test_markers_come_in_threes_on_their_own_lines(sides: tuple[str, str, str]) -> None:
    result = merge_lines(*sides, LABELS)
    starts = [line.split(" ")[0] for line in result.text.split("\n")]
    found = [word for word in starts if word in (START, MIDDLE, END)]
    assert found == [START, MIDDLE, END] * len(result.conflicts)
    at = [number for number, word in enumerate(starts, 1) if word == START]
    assert [conflict.line for conflict in result.conflicts] == at
