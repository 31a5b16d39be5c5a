"""The merge of Markdown: sections that move, come, go and change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightgen.merge.markdown import merge_markdown
from lightgen.merge.outcome import CannotMergeError, Labels, MergedText, marked

LABELS = Labels("yours", "new")
ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "golden/projects"
BASE = (PROJECTS / "custom-two-groups/README.md").read_text(encoding="utf-8")
FLAT = "None: the learning rates are constant.\n"
SCHEDULE = f"## Schedule\n\n{FLAT}\n"


def merge(base: str, yours: str, new: str) -> MergedText:
    return merge_markdown(base, yours, new, LABELS)


def swap(old: str, new: str, text: str = BASE) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


MORE = "## More\n\nText.\n\n"
SUB = "### Details\n\nText.\n\n"
LAST = "| `tests/` | proofs of the wiring |"
BOTH_STAND = {
    "in two sections": ((FLAT, "Mine.\n"), (LAST, "| `tests/` | proofs |")),
    "a section more": ((FLAT, "Mine.\n"), ("## Files", MORE + "## Files")),
    "a section more right behind": (
        (FLAT, "Mine.\n"),
        ("## Command line", MORE + "## Command line"),
    ),
    "a section in a section": ((FLAT, "Mine.\n"), ("## Command line", SUB + "## Command line")),
    "a section gone": ((LAST, "| `tests/` | proofs |"), (SCHEDULE, "")),
    "a heading": (("## Command line", "## How to call it"), ("write loss", "draw loss")),
    "the title": (("# digits-run\n", "# Digits\n"), (FLAT, "Theirs.\n")),
}


@pytest.mark.parametrize("edits", BOTH_STAND.values(), ids=BOTH_STAND)
def test_both_edits_stand_and_nothing_else_changes(
    edits: tuple[tuple[str, str], tuple[str, str]],
) -> None:
    mine, theirs = edits
    both = swap(*theirs, swap(*mine))
    assert merge(BASE, swap(*mine), swap(*theirs)) == MergedText(both)
    assert merge(BASE, swap(*theirs), swap(*mine)) == MergedText(both)


def test_a_section_that_you_moved_is_changed_where_it_is() -> None:
    yours = swap("## Optimizer", f"{SCHEDULE}## Optimizer", swap(SCHEDULE, ""))
    assert merge(BASE, yours, swap(FLAT, "Linear.\n")).text == swap(FLAT, "Linear.\n", yours)


def test_a_section_that_the_new_side_moved_takes_your_edit_along() -> None:
    new = swap("## Optimizer", f"{SCHEDULE}## Optimizer", swap(SCHEDULE, ""))
    assert merge(BASE, swap(FLAT, "Mine.\n"), new).text == swap(FLAT, "Mine.\n", new)


def test_sections_that_both_add_at_the_end_stand_with_a_blank_line_between() -> None:
    merged = merge(BASE, f"{BASE}\n## Mine\n\nText\n", f"{BASE}\n## New\n\nText\n")
    assert merged == MergedText(f"{BASE}\n## Mine\n\nText\n\n## New\n\nText\n")


def test_one_line_changed_by_both_is_a_conflict_that_names_its_section() -> None:
    merged = merge(BASE, swap(FLAT, "Mine.\n"), swap(FLAT, "Theirs.\n"))
    assert merged.text == swap(FLAT, marked("Mine.\n", "Theirs.\n", LABELS))
    (conflict,) = merged.conflicts
    assert conflict.what == 'both sides changed these lines of section "Schedule"'
    assert merged.text.split("\n")[conflict.line - 1] == "<<<<<<< yours"


def test_a_section_that_you_removed_stays_removed_and_that_is_said() -> None:
    merged = merge(BASE, swap(SCHEDULE, ""), swap(FLAT, f"Linear.\n\n{SUB}"))
    assert merged.text == swap(SCHEDULE, "")
    assert merged.notes == (
        'you removed section "Schedule", which the new side changed',
        'section "Details" is new in a section that you removed',
    )


def test_a_section_that_you_changed_and_the_new_side_removed_is_a_conflict() -> None:
    merged = merge(BASE, swap(FLAT, "Mine.\n"), swap(SCHEDULE, ""))
    mine = "## Schedule\n\nMine.\n"
    assert merged.text == swap(SCHEDULE, marked(mine, "", LABELS) + "\n")
    assert merged.conflicts[0].what == (
        'you changed section "Schedule", which the new side removed'
    )


def test_what_looks_like_a_heading_in_code_and_front_matter_is_none() -> None:
    base = "---\n# a\ntitle: b\n---\n\n# One\n\n```sh\n# Two\n```\n\n~~~~\n~~~\n# Three\n~~~~\n"
    yours = base.replace("title: b", "title: mine")
    new = base.replace("# Two", "# 2").replace("# Three", "# 3")
    assert merge(base, yours, new).text == new.replace("title: b", "title: mine")


def test_headings_of_one_name_are_told_apart_by_where_they_stand() -> None:
    base = "# 1.1\n\n## Added\n\nx\n\n# 1.0\n\n## Added\n\ny\n"
    new = f"# 1.2\n\n## Added\n\nz\n\n{base}"
    assert merge(base, base.replace("y", "mine"), new).text == new.replace("y", "mine")


def test_headings_that_cannot_be_told_apart_are_left_to_lines() -> None:
    with pytest.raises(CannotMergeError):
        merge("# A\n\n# A\n", "# A\n\n# A\n\nx\n", "y\n\n# A\n\n# A\n")


def test_a_section_never_gets_below_another_heading() -> None:
    """Both put something behind the same section, and one of it belongs into it."""
    base = "# A\n\nx\n\n# B\n\ny\n"
    yours, new = base.replace("# B", "# Mine\n\n# B"), base.replace("# B", "## In A\n\n# B")
    with pytest.raises(CannotMergeError):
        merge(base, yours, new)


def test_a_new_render_of_another_project_keeps_your_sections() -> None:
    new = (PROJECTS / "muon-wsd/README.md").read_text(encoding="utf-8")
    yours = swap("## Files", f"{MORE}## Files", BASE)
    assert merge(BASE, yours, new) == MergedText(swap("## Files", f"{MORE}## Files", new))


def test_a_final_newline_and_blank_lines_at_the_end_are_yours() -> None:
    assert merge("# A\n\nx\n", "# A\n\nx", "# B\n\nx\n").text == "# B\n\nx"
    assert merge("# A\n\nx\n", "# A\n\nx\n\n\n", "# B\n\nx\n").text == "# B\n\nx\n\n\n"


titles = st.lists(st.sampled_from("ABCDEF"), max_size=5, unique=True)
bodies = st.lists(st.sampled_from(["one\n", "two words\n", "- x\n", "```\n# A\n```\n"]), max_size=2)


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(["", "top\n\n"]))
    for title in draw(titles):
        mark = "#" * draw(st.integers(1, 2))
        text += f"{mark} {title}\n\n" + "".join(f"{body}\n" for body in draw(bodies))
    return text.rstrip("\n") + "\n" * draw(st.integers(0, 2)) if text else ""


@given(documents(), documents())
def test_laws_of_one_side(base: str, other: str) -> None:
    for sides in ((base, other, base), (base, other, other)):
        try:
            assert merge(*sides).text == other
        except CannotMergeError:
            continue


@given(documents(), documents(), documents())
def test_nothing_that_a_side_adds_is_lost(base: str, yours: str, new: str) -> None:
    try:
        merged = merge(base, yours, new)
    except CannotMergeError:
        return
    added = {*yours.split("\n")} - {*base.split("\n")}
    assert added <= {*merged.text.split("\n")}
    theirs = {*new.split("\n")} - {*base.split("\n")}
    if not merged.notes:
        assert theirs <= {*merged.text.split("\n")}
