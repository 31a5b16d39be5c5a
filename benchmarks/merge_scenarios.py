"""The merge of lightgen and of others on the scenarios of tests/merge: right, conflict or wrong.

`git merge-file` gets each file; copier and cruft, where they are installed, a project committed as
their template made it, edited and committed again, and a template in git with two versions. A clean
result is right if it is what is expected, as syntax plus comments and free of the order of imports,
definitions, keywords and groups, and if the scenario's checks of the text hold. It is silently
wrong if not, and where only a conflict is right.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.scenarios import Scenario, scenarios

from benchmarks.peers.merges import Merge, by, by_git, by_lightgen
from benchmarks.peers.updaters import add_programs, installed
from lightgen.tree import File

RIGHT, CONFLICT, WRONG = VERDICTS = ("clean and right", "conflict", "silently wrong")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--each", action="store_true", help="a line for each scenario too")
    options.add_argument("names", nargs="*", metavar="SCENARIO", help="left out: all of them")
    add_programs(options)
    arguments = options.parse_args()
    some = [each for each in scenarios() if each.name in (arguments.names or [each.name])]
    merges = {"lightgen": by_lightgen, "git merge-file": by_git}
    merges |= {f"{updater.name} update": by(updater) for updater in installed(arguments)}
    found = {name: verdicts(name, merge, some) for name, merge in merges.items()}
    console = Console(soft_wrap=True)
    if arguments.each:
        console.print(table_of_each(some, found))
    decided = [each for each in some if not (each.must_conflict or each.may_conflict)]
    console.print(table_of_counts("one right answer", decided, found))
    others = [each for each in some if each not in decided]
    console.print(table_of_counts("a conflict is right, or as good", others, found))


def verdicts(name: str, merge: Merge, some: Sequence[Scenario]) -> dict[str, str]:
    """What a merge makes of each scenario."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(partial(verdict, merge), some)
        shown = track(found, name, len(some), console=Console(stderr=True), transient=True)
        return {scenario.name: each for scenario, each in zip(some, shown, strict=True)}


def verdict(merge: Merge, scenario: Scenario) -> str:
    """What a merge makes of a scenario."""
    versions = (scenario.base, scenario.yours, scenario.new)
    base, yours, new = ({path: file.content for path, file in tree.items()} for tree in versions)
    files, is_undecided = merge(base, yours, new)
    if is_undecided:
        return CONFLICT
    tree = {path: File(content) for path, content in files.items()}
    return WRONG if scenario.must_conflict or scenario.faults(tree, exact=False) else RIGHT


def table_of_each(some: Iterable[Scenario], found: dict[str, dict[str, str]]) -> Table:
    table = Table("scenario", *found, title="each scenario")
    for scenario in some:
        words = (of[scenario.name].split()[-1] for of in found.values())
        table.add_row(scenario.name, *words)
    return table


def table_of_counts(
    title: str, some: Sequence[Scenario], found: dict[str, dict[str, str]]
) -> Table:
    table = Table("", title=f"{len(some)} scenarios: {title}")
    for head in VERDICTS:
        table.add_column(head, justify="right")
    for name, of in found.items():
        counts = Counter(of[scenario.name] for scenario in some)
        table.add_row(name, *(str(counts[head]) for head in VERDICTS))
    return table


if __name__ == "__main__":
    main()
