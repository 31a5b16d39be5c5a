"""Random programs, edited at random on both sides: a clean merge is right in each statement."""

from __future__ import annotations

import random

import pytest
from support.numbered import Editor, facts, source, wrongs

from lightgen.merge import merge_content
from lightgen.merge.outcome import MIDDLE, START

ALL, SAMPLE, PER_TEST = 6_000, 600, 200


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "first" in metafunc.fixturenames:
        count = ALL if metafunc.config.getoption("--merges") == "all" else SAMPLE
        metafunc.parametrize("first", range(0, count, PER_TEST))


def case(seed: int) -> tuple[str, str, str]:
    """Three versions of a program; both sides change little, some or much."""
    drawn = random.Random(seed)
    base = Editor(drawn).block()
    rate = drawn.choice([0.03, 0.08, 0.2])
    yours = Editor(drawn, 1000).edited(base, rate)
    new = Editor(drawn, 2000).edited(base, rate)
    return source(base), source(yours), source(new)


def wrong(seed: int) -> list[str]:
    """What is wrong with the merge of a case; nothing where it is a conflict."""
    texts = case(seed)
    merged = merge_content(*(text.encode() for text in texts), "program.py")
    assert merged is not None
    text = merged.content.decode()
    if merged.conflicts:
        return [] if START in text and MIDDLE in text else ["a conflict without markers"]
    told = {note.split()[0] for note in merged.notes if "stays deleted" in note}
    return list(wrongs(*(facts(each) for each in (*texts, text)), told))


def test_a_clean_merge_is_right_in_each_statement(first: int) -> None:
    found = {seed: what for seed in range(first, first + PER_TEST) if (what := wrong(seed))}
    assert found == {}


def test_most_merges_are_clean() -> None:
    """A merge that always conflicts would pass the test above."""
    clean = 0
    for seed in range(100):
        texts = [text.encode() for text in case(seed)]
        merged = merge_content(*texts, "program.py")
        clean += merged is not None and not merged.conflicts
    assert clean > 35
