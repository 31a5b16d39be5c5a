"""The merge of ignore files: an ordered set of lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightgen.merge.ignore import merge_ignore
from lightgen.merge.outcome import CannotMergeError, Labels, MergedText

LABELS = Labels("yours", "new")
ROOT = Path(__file__).parents[2]
BASE = (ROOT / "golden/projects/custom-two-groups/.gitignore").read_text(encoding="utf-8")


def merge(base: str, yours: str, new: str) -> MergedText:
    return merge_ignore(base, yours, new, LABELS)


def test_what_both_add_stands_yours_first() -> None:
    yours = BASE + "\n# Mine.\nwandb/\n"
    assert merge(BASE, yours, f"{BASE}lightning_logs/\n").text == f"{yours}lightning_logs/\n"


def test_what_the_new_side_removes_goes_and_what_it_adds_comes_with_its_comment() -> None:
    yours = BASE.replace("dist/\n", "dist/\nout/\n")
    new = BASE.replace("build/\n", "").replace("runs/\n", "runs/\n\n# Curves.\n*.png\n")
    both = yours.replace("build/\n", "").replace("runs/\n", "runs/\n\n# Curves.\n*.png\n")
    assert merge(BASE, yours, new) == MergedText(both)


def test_a_line_stands_once() -> None:
    assert merge("a\n", "a\nx\nb\n", "a\nb\ny\n").text == "a\nx\nb\ny\n"


def test_your_order_comments_and_blank_lines_stay() -> None:
    yours = "# all\n\nb\n  \na\n# end\n"
    assert merge("a\nb\n", yours, "a\nb\nc\n").text == "# all\n\nb\nc\n  \na\n# end\n"


def test_a_final_newline_is_as_yours() -> None:
    assert merge("a\nb\n", "a\nb\nc", "a\n").text == "a\nc"


def test_an_exception_stays_behind_its_pattern() -> None:
    base, yours = "*.ckpt\ndist/\n", "*.ckpt\n!best.ckpt\ndist/\n"
    assert merge(base, yours, f"{base}*.tmp\n") == MergedText(f"{yours}*.tmp\n")


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("!keep.log", "*.log"),
        ("*.log", "!keep.log"),
        ("!/data/.gitkeep", "data/"),
        ("/a/*", "!a/b"),
    ],
)
def test_whether_a_pattern_or_its_exception_comes_last_is_a_conflict(
    mine: str, theirs: str
) -> None:
    merged = merge("x\n", f"{mine}\nx\n", f"x\n{theirs}\n")
    assert [conflict.line for conflict in merged.conflicts] == [0]
    assert mine in merged.conflicts[0].what and theirs in merged.conflicts[0].what
    assert merged.conflicts[0].what.endswith("; see that they stand in the right order")
    assert {mine, theirs, "x"} == {*merged.text.split()}


def test_an_exception_of_something_else_is_none() -> None:
    assert merge("x\n", "!keep.log\nx\n", "x\n*.tmp\n").conflicts == ()


def test_sides_that_order_a_pattern_and_its_exception_differently_are_left_to_lines() -> None:
    with pytest.raises(CannotMergeError):
        merge("a\n*.log\n!a.log\n", "a\n!a.log\n*.log\nmine\n", "*.log\n!a.log\na\nnew\n")


def test_one_line_that_each_side_replaces_is_left_to_lines() -> None:
    with pytest.raises(CannotMergeError):
        merge("runs/\n", "out/\n", "logs/\n")


def test_two_settings_of_one_pattern_are_left_to_lines() -> None:
    with pytest.raises(CannotMergeError):
        merge("a text\n", "a text\n*.csv text\n", "a text\n*.csv -text\n")


words = st.sampled_from(["a", "b", "c", "*.d", "# e", "# f", "g h", "/i", ""])
files = st.lists(words, max_size=7, unique=True).map(lambda lines: "".join(f"{i}\n" for i in lines))


@given(files, files)
def test_laws_of_one_side(base: str, other: str) -> None:
    assert merge(base, other, base).text == other
    assert merge(base, other, other).text == other
    assert {*merge(base, base, other).text.split("\n")} >= {*other.split("\n")} - {""}


@given(files, files, files)
def test_a_line_is_there_if_a_side_added_it_or_none_removed_it(
    base: str, yours: str, new: str
) -> None:
    try:
        merged = merge(base, yours, new)
    except CannotMergeError:
        return
    before, mine, theirs, result = (
        {*text.split("\n")} - {""} for text in (base, yours, new, merged.text)
    )
    assert result == (mine | theirs) - (before - mine) - (before - theirs)
    again = merge(base, merged.text, new)
    assert again.text == merged.text
