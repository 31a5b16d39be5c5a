"""lightgen diff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from lightgen.cli.differences import print_difference
from lightgen.cli.places import settle
from lightgen.cli.report import print_json, print_notes, report_error
from lightgen.difference import unified
from lightgen.disk import find_project, read_yours
from lightgen.merge.trees import Yours
from lightgen.problems import LightgenError
from lightgen.remembered import read_memory
from lightgen.standing import DRIFT, Standing, standings
from lightgen.tree import Tree


@dataclass(frozen=True)
class _Found:
    """The diff of each file that has one, what became of the file, and what to say."""

    diffs: Mapping[str, str]
    kinds: Mapping[str, str]
    notes: tuple[str, ...] = ()


def run_diff(path: Path | None, *, of_update: bool, as_json: bool) -> int:
    """Show what the user changed, or what an update would; return the exit code."""
    try:
        root = find_project(path)
        said = settle(root)
        found = _of_update(root) if of_update else _of_user(root)
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    code, notes = int(bool(found.diffs)), (*said, *found.notes)
    if as_json:
        files = [
            {"path": path, "kind": found.kinds.get(path, ""), "diff": text}
            for path, text in found.diffs.items()
        ]
        print_json(code, path=str(root), files=files, notes=list(notes))
        return code
    print_difference(found.diffs.values())
    print_notes(notes)
    if not found.diffs:
        typer.echo(
            "an update would change nothing" if of_update else "no generated file has changed"
        )
    return code


def _of_user(root: Path) -> _Found:
    memory = read_memory(root)
    base: Tree = memory.base
    notes: tuple[str, ...] = ()
    if memory.faults:
        base, notes = _rebuilt(root)
    yours = read_yours(root, base)
    changed = [each for each in standings(base, yours) if each.kind in DRIFT]
    diffs = {each.path: _diff(each, base, yours) for each in changed}
    return _Found(diffs, {each.path: str(each.kind) for each in changed}, notes)


def _rebuilt(root: Path) -> tuple[Tree, tuple[str, ...]]:
    from lightgen.project import read_project
    from lightgen.update import rebuilt_base

    base = rebuilt_base(read_project(root))
    return base.settled(read_yours(root, base.paths).files), base.notes


def _diff(each: Standing, base: Tree, yours: Yours) -> str:
    if each.note:
        return f"{each.path} {each.note}\n"
    before = base[each.moved_from or each.path]
    return unified(each.path, before, yours.files.get(each.path), came_from=each.moved_from)


def _of_update(root: Path) -> _Found:
    from lightgen.cli.changes import diffs_of
    from lightgen.cli.update import plan_update
    from lightgen.update import Wish

    update = plan_update(root, Wish())
    kinds = {each.path: str(each.kind) for each in update.outcomes}
    return _Found(diffs_of(update), kinds, update.notes)
