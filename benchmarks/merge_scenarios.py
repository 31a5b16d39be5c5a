"""The merge of lightgen and of others on the scenarios of tests/merge: right, conflict or wrong.

A scenario with one right answer is merged right, ends in a conflict, or is silently wrong: clean,
but not what is right. Where only a conflict is right, a conflict counts as right and anything clean
as silently wrong. Answers are compared as syntax plus comments, free of the order of imports,
definitions, keywords and groups.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.merging import merge
from support.scenarios import Scenario, scenarios

from lightgen.tree import File, Tree

# A merge of three projects: the result, and whether it has conflicts.
Merge: TypeAlias = Callable[[Tree, Tree, Tree], tuple[Tree, bool]]

RIGHT, CONFLICT, WRONG = "clean and right", "conflict", "silently wrong"


def by_lightgen(base: Tree, yours: Tree, new: Tree) -> tuple[Tree, bool]:
    """lightgen's own merge of projects."""
    result = merge(base, yours, new)
    return result.tree, bool(result.conflicts)


def by_git(base: Tree, yours: Tree, new: Tree) -> tuple[Tree, bool]:
    """`git merge-file` for a file that both changed; who changed alone wins otherwise."""
    result: dict[str, File] = {}
    conflict = False
    for path in sorted(base.keys() | yours.keys() | new.keys()):
        sides = base.get(path), yours.get(path), new.get(path)
        file, clash = _file_by_git(*sides)
        conflict |= clash
        if file is not None:
            result[path] = file
    return result, conflict


def _file_by_git(
    base: File | None, mine: File | None, new: File | None
) -> tuple[File | None, bool]:
    if mine == new or new == base:
        return mine, False
    if mine == base:
        return new, False
    if mine is None or new is None:
        return mine or new, True
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("yours", "base", "new")]
        for path, file in zip(paths, (mine, base or File(b""), new), strict=True):
            path.write_bytes(file.content)
        done = subprocess.run(["git", "merge-file", "-p", *paths], capture_output=True)
    return File(done.stdout, mine.executable), done.returncode != 0


# copier and cruft need a template of each project: their place in the table is here.
CONTESTANTS: Mapping[str, Merge] = {"lightgen": by_lightgen, "git merge-file": by_git}


def verdict(scenario: Scenario, merge: Merge) -> str:
    """What a merge makes of a scenario."""
    tree, conflict = merge(scenario.base, scenario.yours, scenario.new)
    if conflict:
        return CONFLICT
    wrong = scenario.must_conflict or scenario.faults(tree, exact=False)
    return WRONG if wrong else RIGHT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", action="store_true", help="a line for each scenario")
    each = parser.parse_args().each
    console = Console(soft_wrap=True)
    found = {
        name: {scenario.name: verdict(scenario, merge) for scenario in scenarios()}
        for name, merge in CONTESTANTS.items()
    }
    if each:
        table = Table(title="each scenario")
        for head in ("scenario", *CONTESTANTS):
            table.add_column(head)
        for scenario in scenarios():
            table.add_row(scenario.name, *(found[name][scenario.name] for name in CONTESTANTS))
        console.print(table)
    for title, some in (
        (
            "one right answer",
            [s for s in scenarios() if not s.must_conflict and not s.may_conflict],
        ),
        (
            "a conflict is right, or as good",
            [s for s in scenarios() if s.must_conflict or s.may_conflict],
        ),
    ):
        table = Table(title=f"{len(some)} scenarios: {title}")
        table.add_column("")
        for head in (RIGHT, CONFLICT, WRONG):
            table.add_column(head, justify="right")
        for name in CONTESTANTS:
            counts = Counter(found[name][scenario.name] for scenario in some)
            table.add_row(name, *(str(counts[head]) for head in (RIGHT, CONFLICT, WRONG)))
        console.print(table)


if __name__ == "__main__":
    main()
