"""What any merge must hold to, for every edit of the library and every change of the spec.

A fixed sample in normal runs; `python -m pytest tests/merge --merges=all` runs all.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.edits import EDITS
from support.meetings import MEET, without_left_overs
from support.merging import differences, in_their_order, meaning, merge
from support.spec_changes import CHANGES, change

from lightgen.merge import merge_content
from lightgen.tree import Tree

SAMPLE = 120
PAIRS = [(edit, name) for name in CHANGES for edit in EDITS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "pair" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--merges") == "all"
        pairs = PAIRS if everything else sorted(random.Random(3).sample(PAIRS, SAMPLE))
        metafunc.parametrize("pair", pairs, ids=["-".join(pair) for pair in pairs])


def test_the_library_is_large() -> None:
    assert len(EDITS) >= 150 and len(CHANGES) >= 25


def test_what_may_conflict_is_known() -> None:
    """The table names edits and changes that there are, and few."""
    assert EDITS.keys() >= MEET.keys()
    assert all(CHANGES.keys() >= some.keys() for some in MEET.values())
    assert sum(map(len, MEET.values())) <= len(PAIRS) / 100


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_changes_something_and_leaves_python_whole(name: str) -> None:
    before = change("AdamW to SGD").before
    edited = EDITS[name](before)
    assert edited is not None and edited != before
    for path, file in edited.items():
        meaning(path, file.content)


def test_an_edit_commutes_with_a_spec_change(pair: tuple[str, str]) -> None:
    """merge(v1, edit(v1), v2) = edit(v2), as syntax plus comments."""
    edit, name = EDITS[pair[0]], change(pair[1])
    edited, expected = edit(name.before), edit(name.after)
    if edited is None or expected is None:
        pytest.skip("the edit has nothing to change on one side")
    result = merge(name.before, edited, name.after)
    if result.conflicts:
        assert pair[1] in MEET.get(pair[0], {}), "\n".join(result.conflicts)
        return
    found = differences(expected, result.tree)
    assert without_left_overs(found, [pair[0]], pair[1]) == []
    assert _orders(result.tree, edited) == _orders(expected, edited)


def _orders(tree: Tree, edited: Tree) -> dict[str, list[str]]:
    """The order of the definitions that the user had before the merge."""
    return {
        path: in_their_order(
            meaning(path, file.content)["order"], meaning(path, edited[path].content)["order"]
        )
        for path, file in tree.items()
        if path.endswith(".py") and path in edited
    }


edits = st.sampled_from(sorted(EDITS))
changes = st.sampled_from(sorted(CHANGES))


def _edited(tree: Tree, names: list[str]) -> Tree:
    for name in names:
        tree = EDITS[name](tree) or tree
    return tree


some_edits = st.lists(edits, min_size=1, max_size=4, unique=True)


@given(changes)
@settings(max_examples=20)
def test_without_edits_the_new_render_is_taken(name: str) -> None:
    """merge(b, b, n) = n, byte for byte."""
    made = change(name)
    assert merge(made.before, made.before, made.after).tree == made.after


@given(some_edits, changes)
@settings(max_examples=60)
def test_without_a_change_the_edits_stay(names: list[str], name: str) -> None:
    """merge(b, u, b) = u, byte for byte."""
    base = change(name).before
    yours = _edited(base, names)
    assert merge(base, yours, base).tree == yours


@given(some_edits, changes)
@settings(max_examples=40)
def test_the_same_on_both_sides_is_taken_once(names: list[str], name: str) -> None:
    """merge(b, x, x) = x, byte for byte."""
    base = change(name).before
    both = _edited(base, names)
    result = merge(base, both, both)
    assert result.tree == both and not result.conflicts


@given(edits, changes)
@settings(max_examples=60)
def test_twice_is_once(edit: str, name: str) -> None:
    """merge(n, merge(b, u, n), n) = merge(b, u, n)."""
    made = change(name)
    once = merge(made.before, _edited(made.before, [edit]), made.after).tree
    assert merge(made.after, once, made.after).tree == once


# The same for one file, and for the merge itself where a file's bytes do not decide at once.


@given(edits, changes)
@settings(max_examples=60)
def test_the_laws_hold_for_each_file(edit: str, name: str) -> None:
    made = change(name)
    yours = _edited(made.before, [edit])
    for path in made.before.keys() & yours.keys() & made.after.keys():
        base, mine, new = (each[path].content for each in (made.before, yours, made.after))
        for sides, expected in (
            ((base, base, new), new),
            ((base, mine, base), mine),
            ((base, mine, mine), mine),
        ):
            merged = merge_content(*sides, path)
            assert merged is not None and merged.content == expected and not merged.conflicts


def test_yours_and_new_at_once_conflicts_nowhere_in_layout() -> None:
    """A reformatted project takes every change of the spec; what it looks like does not matter."""
    made = change("much at once")
    for name in ("black_100_everywhere", "single_quotes_everywhere", "crlf_everywhere"):
        result = merge(made.before, _edited(made.before, [name]), made.after)
        assert not result.conflicts
