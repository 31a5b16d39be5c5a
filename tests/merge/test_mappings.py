"""The merge of YAML and JSON: what stands, what conflicts, and that nothing else changes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from trees_of_data import edited, random_data

from lightgen.merge.data import merged_data
from lightgen.merge.mappings import merge_mappings
from lightgen.merge.matching import same
from lightgen.merge.outcome import CannotMergeError, Labels, MergedText, marked

LABELS = Labels("yours", "new")
ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "golden/projects/custom-two-groups/.github/workflows/ci.yml"
CI = WORKFLOW.read_text(encoding="utf-8")
SETTINGS = """{
  "a": 1,
  "b": {"x": [1, 2], "y": "é"},
  "list": [
    "one",
    "two"
  ]
}
"""


def merge(base: str, yours: str, new: str) -> MergedText:
    return merge_mappings(base, yours, new, LABELS)


def swap(old: str, new: str, text: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


MATRIX = "    strategy:\n      matrix:\n        os: [ubuntu-latest]\n"
# Text, edit of yours, edit of the new side: both stand, and nothing else changes.
BOTH_STAND = {
    "settings of a step": (CI, ('"3.11"', '"3.12"'), ("checkout@v4", "checkout@v5")),
    "keys": (
        CI,
        ("    runs-on", MATRIX + "    runs-on"),
        ("run: mypy", "run: mypy src"),
    ),
    "steps at different places": (
        CI,
        (
            "      - run: ruff check .\n",
            "      - run: ruff check .\n      # mine\n      - run: a\n",
        ),
        ("      - run: mypy\n", "      - run: mypy\n      - run: b\n"),
    ),
    "keys that were empty": (
        CI,
        ("  push:\n", "  push:\n    branches: [main]\n"),
        ("  pull_request:\n", "  pull_request:\n  workflow_dispatch:  # by hand\n"),
    ),
    "a step gone": (CI, ("ubuntu-latest", "macos-latest"), ("      - run: mypy\n", "")),
    "comments": (
        CI,
        ("jobs:\n", "# Mine.\njobs:\n"),
        ("    steps:\n", "    # Theirs.\n    steps:  # all\n"),
    ),
    "a comment and the value below it": (
        CI,
        ("      - run: mypy\n", "      # Types.\n      - run: mypy\n"),
        ("run: python -m pytest", "run: pytest"),
    ),
    "a block of text": (
        CI,
        ("      - run: mypy\n", "      - run: |\n          mypy\n          mypy src\n"),
        ("run: python -m pytest", "run: |\n          pytest\n          coverage"),
    ),
    "members": (SETTINGS, ('"a": 1', '"a": 2'), ('"y": "é"', '"y": "e", "z": null')),
    "members at the end": (
        SETTINGS,
        ('"a": 1', '"a": 2'),
        ('"two"\n  ]', '"two"\n  ],\n  "new": {\n    "z": null\n  }'),
    ),
    "the last entry gone": (SETTINGS, ('"a": 1', '"a": 2'), (',\n    "two"', "")),
    "the first entry gone": (SETTINGS, ('"x": [1, 2], ', ""), ('    "one",\n', "")),
}


@pytest.mark.parametrize("case", BOTH_STAND.values(), ids=BOTH_STAND)
def test_both_edits_stand_and_nothing_else_changes(
    case: tuple[str, tuple[str, str], tuple[str, str]],
) -> None:
    base, mine, theirs = case
    both = swap(*theirs, swap(*mine, base))
    assert merge(base, swap(*mine, base), swap(*theirs, base)) == MergedText(both)
    assert merge(base, swap(*theirs, base), swap(*mine, base)) == MergedText(both)


def test_texts_that_both_add_at_one_place_stand_yours_first() -> None:
    yours, new = (swap('"two"', f'"two",\n    "{word}"', SETTINGS) for word in ("mine", "new"))
    both = swap('"two"', '"two",\n    "mine",\n    "new"', SETTINGS)
    assert merge(SETTINGS, yours, new) == MergedText(both)


def test_named_entries_that_both_add_at_one_place_stand() -> None:
    base = "repos:\n  - repo: a\n    rev: 1\n"
    yours, new = f"{base}  - repo: mine\n    rev: 2\n", f"{base}  - repo: new\n    rev: 3\n"
    assert merge(base, yours, new).text == f"{yours}  - repo: new\n    rev: 3\n"


def test_steps_without_a_name_that_both_add_at_one_place_are_a_conflict() -> None:
    """Steps run in their order, and nobody can say which."""
    mine, theirs = "      - run: mine\n", "      - run: a\n      - run: b\n"
    merged = merge(CI, CI + mine, CI + theirs)
    assert merged.text == CI + marked(mine, theirs, LABELS)
    (conflict,) = merged.conflicts
    assert conflict.what == "both sides added entries at one place of jobs.test.steps"
    assert conflict.line == CI.count("\n") + 1


STEPS = "- uses: a\n", "- run: pytest\n", "- run: z\n"
ADDED_BESIDE_A_REPLACED_STEP = {
    "before it": ("- uses: cache\n- run: pytest\n", "- run: pytest -q\n- run: mypy\n"),
    "behind it": ("- run: pytest\n- run: mine\n", "- run: pytest -q\n- run: mypy\n"),
    "replaced by you": ("- run: pytest -q\n- run: mypy\n", "- uses: cache\n- run: pytest\n"),
}


@pytest.mark.parametrize("case", ADDED_BESIDE_A_REPLACED_STEP)
def test_half_of_a_conflict_holds_all_that_the_side_has_there(case: str) -> None:
    mine, theirs = ADDED_BESIDE_A_REPLACED_STEP[case]
    first, _, last = STEPS
    merged = merge("".join(STEPS), f"{first}{mine}{last}", f"{first}{theirs}{last}")
    assert merged.text == f"{first}{marked(mine, theirs, LABELS)}{last}"


def test_a_step_that_new_removes_beside_one_that_you_added_is_no_conflict() -> None:
    first, second, last = STEPS
    mine = "- run: mine\n"
    assert merge("".join(STEPS), f"{first}{mine}{second}{last}", f"{first}{last}") == MergedText(
        f"{first}{mine}{last}"
    )


CONFLICTS = {
    "one value": (CI, "    runs-on: ubuntu-latest\n", "    runs-on: a\n", "    runs-on: b\n"),
    "one step": (CI, "      - run: mypy\n", "      - run: mypy .\n", "      - run: mypy src\n"),
    "removed and changed": (CI, "      - run: mypy\n", "", "      - run: mypy src\n"),
    "changed and removed": (CI, "name: ci\n", "name: CI\n", ""),
    "a member": (SETTINGS, '  "a": 1,\n', '  "a": 2,\n', '  "a": 3,\n'),
    "a member on a line of several": (
        SETTINGS,
        '  "b": {"x": [1, 2], "y": "é"},\n',
        '  "b": {"x": [1, 3], "y": "é"},\n',
        '  "b": {"x": [1], "y": "é"},\n',
    ),
}


@pytest.mark.parametrize("case", CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_is_marked_around_the_lines_of_the_entry(
    case: tuple[str, str, str, str],
) -> None:
    base, old, mine, theirs = case
    merged = merge(base, swap(old, mine, base), swap(old, theirs, base))
    assert merged.text == swap(old, marked(mine, theirs, LABELS), base)
    (conflict,) = merged.conflicts
    assert merged.text.split("\n")[conflict.line - 1] == "<<<<<<< yours"


def test_new_entries_get_your_indentation() -> None:
    yours = "jobs:\n    test:\n        steps:\n        - run: a\n        - run: c\n"
    base = "jobs:\n  test:\n    steps:\n      - run: a\n      - run: b\n"
    new = f"{base}      - name: x\n        run: |\n          1\n          2\n  docs:\n    y: 1\n"
    assert merge(base, yours, new).text == (
        f"{yours}        - name: x\n          run: |\n            1\n            2\n"
        "    docs:\n      y: 1\n"
    )
    assert merge(SETTINGS, SETTINGS.replace("  ", "\t"), swap('"a": 1', '"a": 2', SETTINGS)) == (
        MergedText(swap('"a": 1', '"a": 2', SETTINGS).replace("  ", "\t"))
    )


def test_flow_and_block_style_are_yours() -> None:
    base, new = "on: [push]\nx: 1\n", "on: [push, pull_request]\nx: 1\n"
    yours = "on:\n  - push\nx: 2\n"
    assert merge(base, yours, new).text == "on:\n  - push\n  - pull_request\nx: 2\n"


def test_documents_keep_their_frame() -> None:
    base = "# licence\n\n---\n# top\na: 1\nb: 2\n# end\n"
    assert merge(base, base.replace("1", "3"), base.replace("2", "4")).text == (
        "# licence\n\n---\n# top\na: 3\nb: 4\n# end\n"
    )
    assert merge("[1, 2]\n", "[1, 2, 3]\n", "[1, 2]\n").text == "[1, 2, 3]\n"


@pytest.mark.parametrize(
    "text",
    ["a: &x 1\nb: *x\n", "a: !tag 1\n", "a: 1\n---\nb: 1\n", "%YAML 1.1\n---\na: 1\n", "a: [\n"],
    ids=["alias", "tag", "two documents", "directive", "no YAML"],
)
def test_what_is_not_plain_is_left_to_lines(text: str) -> None:
    with pytest.raises(CannotMergeError):
        merge("a: 1\n", text, "a: 2\n")


@pytest.mark.parametrize(
    "text", ["? a\n: 1\nb: 1\n", "a: |+\n  x\n\nb: 1\n", '{"a": 1, "a": 2, "b": 1}\n']
)
def test_what_is_hard_to_edit_is_never_a_guess(text: str) -> None:
    new = text.replace("b: 1", "b: 2").replace('"b": 1', '"b": 2')
    yours = f"# mine\n{text}" if "b: 1" in text else text.replace('"a": 1', '"a": 3')
    try:
        merged = merge(text, yours, new)
    except CannotMergeError:
        return
    assert merged.conflicts or ("b: 2" in merged.text and "# mine" in merged.text)


def as_json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_yaml(data: Any) -> str:
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000)
    assert isinstance(text, str)
    return text


def as_flow(data: Any) -> str:
    """Mappings by lines, what is in them on one line, and lists a little indented."""
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("write", [as_json, as_yaml, as_flow])
@given(seed=st.integers(0, 10**9))
def test_edits_that_commute_both_stand(write: Any, seed: int) -> None:
    chance = random.Random(seed)
    base = random_data(chance)
    yours, new = edited(base, chance, 0, "mine"), edited(base, chance, 1, "new")
    merged = merge(write(base), write(yours), write(new))
    if not merged.conflicts:
        data = yaml.safe_load(merged.text)
        assert same(data, merged_data(base, yours, new, prefer=1, clashes=()))
        again = merge(write(base), merged.text, write(new))
        assert same(yaml.safe_load(again.text), data)
    elif write is not as_flow:  # whose layout depends on the data
        with pytest.raises(CannotMergeError):
            merged_data(base, yours, new, prefer=1, clashes=())


@pytest.mark.parametrize("write", [as_json, as_yaml, as_flow])
@given(seed=st.integers(0, 10**9))
def test_no_edit_is_lost_whatever_both_do(write: Any, seed: int) -> None:
    chance = random.Random(seed)
    base = random_data(chance)
    yours, new = (edited(base, chance, chance.randint(0, 1), mark) for mark in ("mine", "new"))
    merged = merge(write(base), write(yours), write(new))
    for side, mark in ((yours, "mine"), (new, "new")):
        for word in (f"changed by {mark}", f"{mark}-key"):
            if f"'{word}'" in repr(side):
                assert word in merged.text
