"""Thousands of merges that nobody wrote an answer for: nothing lost, nothing broken, and where the
edits fit the new render too, the same as if they had been made there.

A fixed sample in normal runs; `python -m pytest tests/merge --merges=all` runs all.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from support.edits import EDITS, FORMATTING
from support.meetings import without_left_overs
from support.merging import Result, differences, merge
from support.oracles import faults
from support.spec_changes import CHANGES, change

from lightgen.tree import Tree

ALL, SAMPLE, PER_TEST = 2_400, 120, 40


@dataclass(frozen=True)
class Case:
    """Some edits, perhaps a reformatting, and a spec change."""

    edits: tuple[str, ...]
    change: str

    def expected(self) -> Tree | None:
        """The same edits of the new render; None where one has nothing to change on a side."""
        made = change(self.change)
        sides: list[Tree] = [made.before, made.after]
        for name in self.edits:
            edited = [EDITS[name](side) for side in sides]
            if None in edited:
                return None
            sides = [each for each in edited if each is not None]
        return sides[1]

    @property
    def sides(self) -> tuple[Tree, Tree, Tree]:
        """Base, yours and new."""
        made = change(self.change)
        yours = made.before
        for name in self.edits:
            yours = EDITS[name](yours) or yours
        return made.before, yours, made.after


def cases() -> list[Case]:
    """The same cases on every run."""
    drawn = random.Random(20)
    plain = [name for name in EDITS if name not in FORMATTING]
    made = []
    for _ in range(ALL):
        edits = drawn.sample(plain, drawn.randint(1, 4))
        if drawn.random() < 0.25:
            edits.insert(drawn.randint(0, len(edits)), drawn.choice(FORMATTING))
        made.append(Case(tuple(edits), drawn.choice(list(CHANGES))))
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "first" in metafunc.fixturenames:
        count = ALL if metafunc.config.getoption("--merges") == "all" else SAMPLE
        metafunc.parametrize("first", range(0, count, PER_TEST))


def run(case: Case) -> tuple[Result, list[str]]:
    """Merge, and say what is wrong; the order of definitions is not, where edits meet."""
    base, yours, new = case.sides
    result = merge(base, yours, new)
    found = faults(base, yours, new, result)
    if not found and not result.conflicts:
        expected = case.expected()
        found = differences(expected, result.tree) if expected is not None else []
        found = without_left_overs(found, case.edits, case.change)
    return result, [each for each in found if ": order " not in each]


def test_random_merges_lose_and_break_nothing(
    first: int, record_property: pytest.RecordProperty
) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for case in cases()[first : first + PER_TEST]:
        result, found = run(case)
        counts["conflict" if result.conflicts else "clean"] += 1
        wrong += [f"{case}: {fault}" for fault in found]
    for kind, count in counts.items():
        record_property(kind, count)
    print(dict(counts))
    assert not wrong, "\n".join(wrong)


def test_the_oracles_bite() -> None:
    """They see a lost edit, a name without a definition, a text that does not parse."""
    made = change("AdamW to SGD")
    for name in ("method_at_the_end", "literal_changed", "comment_above_a_function"):
        yours = EDITS[name](made.before)
        assert yours is not None
        lost = Result(made.after, ())
        assert any(
            fault.startswith("lost") for fault in faults(made.before, yours, made.after, lost)
        )
    path = "src/sample_run/optim.py"
    for old, new, word in (
        ("import torch\n", "", "resolves"),
        ("def check_coverage", "def check_", "resolves"),
        ("def check_coverage", "def check_coverage(", "parse"),
        ("def check_coverage", "<<<<<<< yours\ndef check_coverage", "markers"),
    ):
        text = made.after[path].text.replace(old, new, 1)
        broken = {**made.after, path: type(made.after[path]).from_text(text)}
        outcomes = merge(made.before, made.before, broken).outcomes
        found = faults(made.before, made.before, made.after, Result(broken, outcomes))
        assert any(word in fault for fault in found), (word, found)
