"""The merge of TOML: what stands, what conflicts, and that nothing else changes."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from trees_of_data import edited, random_data

from lightgen.merge.data import merged_data
from lightgen.merge.matching import same
from lightgen.merge.outcome import CannotMergeError, Labels, MergedText, marked
from lightgen.merge.toml import merge_toml

LABELS = Labels("yours", "new")
ROOT = Path(__file__).parents[2]
BASE = (ROOT / "golden/projects/custom-two-groups/pyproject.toml").read_text(encoding="utf-8")


def merge(base: str, yours: str, new: str) -> MergedText:
    return merge_toml(base, yours, new, LABELS)


def swap(old: str, new: str, text: str = BASE) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


RUFF = "[tool.ruff]\n"
OVERRIDE = "ignore_missing_imports = true\n"
MYPY = '[tool.mypy]\nfiles = ["src"]\n\n'
BLACK = "[tool.black]\nline-length = 100\n"
# Edit of yours, edit of the new side: both stand, and nothing else changes.
BOTH_STAND = {
    "a requirement raised, one added": (
        ('"torch>=2.13,<3",', '"torch>=2.14,<3",'),
        ('"scikit-learn>=1.5",', '"scikit-learn>=1.5",\n    "lion-pytorch>=0.2",'),
    ),
    "on one line": (('"pytest>=8"', '"pytest>=8", "pytest-xdist"'), ('"ruff>=0.8"', '"ruff>=1"')),
    "keys of one table": (("line-length = 88", "line-length = 100"), ('src = ["src"]', "src = []")),
    "keys beside each other": (
        ('version = "0.1.0"', 'version = "0.2.0"'),
        ('name = "digits-run"', 'name = "rows-run"'),
    ),
    "comments": (
        ("    # The data lives in memory, where", "    # Mine:"),
        ("    # A resumed run goes on", "    # Theirs goes on"),
    ),
    "a comment and the value below it": (
        ("    # A resumed run goes on in the folder of its checkpoint.\n", "    # Mine.\n"),
        ('"E", "F"', '"E", "N", "F"'),
    ),
    "a comment behind a key": (
        ("line-length = 88", "line-length = 88  # as black"),
        ('src = ["src"]', 'src = ["src", "tests"]  # both'),
    ),
    "a table with its comment": (
        ("line-length = 88", "line-length = 100"),
        (RUFF, f"# Coverage.\n[tool.coverage]\nbranch = true  # yes\n\n{RUFF}"),
    ),
    "comments below the last key": (
        ("line-length = 88", "line-length = 100"),
        ('build-backend = "hatchling.build"\n', 'build-backend = "hatchling.build"\n# End.\n'),
    ),
    "a table gone": (
        ("line-length = 88", "line-length = 100"),
        (MYPY, ""),
    ),
    "a requirement gone": (
        ('"torch>=2.13,<3",', '"torch>=2.13,<3",\n    "wandb>=0.16",'),
        ('    "scikit-learn>=1.5",\n', ""),
    ),
}


@pytest.mark.parametrize("edits", BOTH_STAND.values(), ids=BOTH_STAND)
def test_both_edits_stand_and_nothing_else_changes(
    edits: tuple[tuple[str, str], tuple[str, str]],
) -> None:
    mine, theirs = edits
    both = swap(*theirs, swap(*mine))
    assert merge(BASE, swap(*mine), swap(*theirs)) == MergedText(both)
    assert merge(BASE, swap(*theirs), swap(*mine)) == MergedText(both)


def test_what_both_add_at_one_place_stands_yours_first() -> None:
    ours, other = '"ruff>=0.8", "ipython"]', '"ruff>=0.8", "coverage"]'
    merged = merge(BASE, swap('"ruff>=0.8"]', ours), swap('"ruff>=0.8"]', other))
    assert merged == MergedText(swap('"ruff>=0.8"]', '"ruff>=0.8", "ipython", "coverage"]'))


def test_tables_that_both_add_at_the_end_stand() -> None:
    isort = "[tool.isort]\nprofile = 'black'\n"
    merged = merge(BASE, f"{BASE}\n{BLACK}", f"{BASE}\n{isort}")
    assert merged == MergedText(f"{BASE}\n{BLACK}\n{isort}")


def test_entries_of_arrays_of_tables_that_both_add_stand() -> None:
    def more(name: str) -> str:
        return f'\n[[tool.mypy.overrides]]\nmodule = ["{name}.*"]\nignore_errors = true\n'

    merged = merge(BASE, swap(OVERRIDE, OVERRIDE + more("a")), swap(OVERRIDE, OVERRIDE + more("b")))
    assert merged == MergedText(swap(OVERRIDE, OVERRIDE + more("a") + more("b")))


def test_a_table_that_another_one_implies_merges_by_key() -> None:
    yours, new = swap('files = ["src"]\n', 'files = ["src"]\nstrict = true\n'), swap(MYPY, "")
    merged = merge(BASE, yours, new)
    assert merged == MergedText(swap('files = ["src"]\n', "strict = true\n"))
    assert merge(BASE, new, yours).text == swap(MYPY, "[tool.mypy]\nstrict = true\n\n")


def test_layout_comments_and_order_of_yours_stay() -> None:
    yours = swap(
        '[tool.ruff]\nline-length = 88\nsrc = ["src"]\n',
        "[tool.ruff]   # mine\n\nsrc    = ['src',\n       ]\n# why 88?\nline-length=88\n",
    )
    new = swap("line-length = 88", "line-length = 120")
    assert merge(BASE, yours, new) == MergedText(swap("line-length=88", "line-length=120", yours))


def test_a_value_written_differently_is_no_change() -> None:
    base, new = "a = 0.001\nb = 'x'\n", "a = 0.001\nb = 'y'\n"
    assert merge(base, 'a = 1e-3\nb = "x"\n', new).text == "a = 1e-3\nb = 'y'\n"
    assert (
        merge("a = 1\nb = 1\n", "a = true\nb = 1\n", "a = 1\nb = 2\n").text == "a = true\nb = 2\n"
    )


CONFLICTS = {
    "one value": ("line-length = 88\n", "line-length = 100\n", "line-length = 120\n"),
    "changed and removed": ("line-length = 88\n", "line-length = 100\n", ""),
    "removed and changed": ("line-length = 88\n", "", "line-length = 100\n"),
    "one requirement": (
        '    "torch>=2.13,<3",\n',
        '    "torch>=2.14,<3",\n',
        '    "torch>=2.15,<3",\n',
    ),
    "one place in a list": (
        'packages = ["src/digits_run"]\n',
        'packages = ["src/mine"]\n',
        'packages = ["src/theirs"]\n',
    ),
    "a table changed and removed": (
        '\n[tool.ruff.lint]\nselect = ["E", "F", "W", "I", "B", "UP"]\n',
        '\n[tool.ruff.lint]\nselect = ["E", "F", "W", "I", "B", "UP"]\nignore = []\n',
        "",
    ),
    "a comment changed, its key removed": (
        "    # Lightning's own use of a name that torch renames.\n"
        '    "ignore:.*LeafSpec.*:FutureWarning",\n',
        '    # Ask again.\n    "ignore:.*LeafSpec.*:FutureWarning",\n',
        "",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_is_marked_around_the_lines_of_the_key(case: tuple[str, str, str]) -> None:
    old, mine, theirs = case
    merged = merge(BASE, swap(old, mine), swap(old, theirs))
    assert merged.text == swap(old, marked(mine, theirs, LABELS))
    (conflict,) = merged.conflicts
    assert merged.text.split("\n")[conflict.line - 1] == "<<<<<<< yours"


def test_a_conflict_says_the_key() -> None:
    ours, other = swap("line-length = 88", "line-length = 1"), swap("line-length = 88\n", "")
    assert [found.what for found in merge(BASE, ours, other).conflicts] == [
        "you changed tool.ruff.line-length, which the new side removed"
    ]


def test_conflicts_stand_beside_what_merges() -> None:
    yours = swap("line-length = 88", "line-length = 1", swap("0.1.0", "0.2.0"))
    new = swap("line-length = 88", "line-length = 2", swap("digits-run", "rows-run"))
    merged = merge(BASE, yours, new)
    assert len(merged.conflicts) == 1
    assert 'name = "rows-run"\nversion = "0.2.0"\n' in merged.text


def test_one_key_on_a_line_of_several_takes_the_line_into_the_conflict() -> None:
    yours, new = "x = {a = 1, b = 3}\n", "x = {a = 1, b = 4}\n"
    assert merge("x = {a = 1, b = 2}\n", yours, new).text == marked(yours, new, LABELS)
    assert merge("x = {a = 1, b = 2}\n", yours, "x = {a = 5, b = 2}\n").text == (
        "x = {a = 5, b = 3}\n"
    )


def test_the_last_line_ends_as_yours() -> None:
    yours, new = swap("0.1.0", "0.2.0").rstrip("\n"), swap("digits-run", "rows-run")
    assert merge(BASE, yours, new).text == swap("digits-run", "rows-run", yours)


def test_text_of_all_kinds_of_values_is_found() -> None:
    text = (
        "# licence\n\n# on a\na.b . 'c d' = 1 # one\n\"\\u00e9\" = '''x\n[no]\n'''\n"
        'e = """a\\"""b"""\nf = 1979-05-27 07:32:00\ng = [ [1,2], # in\n [] ,\n {h={i=inf}} ]\n'
        '[ j . "k.l" ] # m\n[[n]]\no=1\n[n.p]\nq=-0.5\n[[n]]\n# end\n'
    )
    base, new = text, text.replace("= 1 # one", "= 2 # one")
    yours = text.replace("q=-0.5", "q=0.5")
    assert merge(base, yours, new) == MergedText(yours.replace("= 1 # one", "= 2 # one"))


def test_what_is_no_toml_is_left_to_lines() -> None:
    with pytest.raises(CannotMergeError):
        merge("a = 1\n", "a = \n", "a = 2\n")


def test_another_layout_of_the_same_table_is_never_a_guess() -> None:
    """Dotted keys above the header instead of below: by lines, and it parses or it is marked."""
    yours = swap(MYPY, "")
    yours = f'tool.mypy.files = ["src"]\n\n{yours}'
    new = swap('[tool.mypy]\nfiles = ["src"]\n', '[tool.mypy]\nfiles = ["src", "tests"]\n')
    merged = merge(BASE, yours, new)
    assert merged.conflicts or tomllib.loads(merged.text)


def test_a_result_by_lines_that_does_not_parse_is_all_in_markers() -> None:
    base = "[a]\nx = 1\n\n\n[c]\nx = 1\n"
    yours = "[a]\nx = 1\n[b]\ny.z = 1\n\n\n[c]\nx = 1\n"
    new = "b.y = 5\n[a]\nx = 1\n\n\n[c]\nx = 2\n"
    merged = merge(base, yours, new)
    assert merged.text == marked(yours, new, LABELS)


def written(data: dict[str, object]) -> str:
    return tomlkit.dumps(data)


@given(st.integers(0, 10**9))
def test_edits_that_commute_both_stand(seed: int) -> None:
    chance = random.Random(seed)
    base = random_data(chance)
    yours, new = edited(base, chance, 0, "mine"), edited(base, chance, 1, "new")
    merged = merge(written(base), written(yours), written(new))
    if not merged.conflicts:
        data = tomllib.loads(merged.text)
        assert same(data, merged_data(base, yours, new, prefer=1, clashes=()))
        again = merge(written(base), merged.text, written(new))
        assert same(tomllib.loads(again.text), data)
    else:
        with pytest.raises(CannotMergeError):
            merged_data(base, yours, new, prefer=1, clashes=())


@given(st.integers(0, 10**9))
def test_no_edit_is_lost_whatever_both_do(seed: int) -> None:
    chance = random.Random(seed)
    base = random_data(chance)
    yours, new = (edited(base, chance, chance.randint(0, 1), mark) for mark in ("mine", "new"))
    merged = merge(written(base), written(yours), written(new))
    for side, mark in ((yours, "mine"), (new, "new")):
        for word in (f"changed by {mark}", f"{mark}-key"):
            if f"'{word}'" in repr(side):
                assert word in merged.text
