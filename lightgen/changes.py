"""What a merge changes on disk: files, renders beside them, the memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lightgen.inside import MEMORY
from lightgen.merge import Kind, Outcome, Yours
from lightgen.tree import File, Tree

Changes: TypeAlias = Mapping[str, File | None]

STATE = f"{MEMORY}/state.toml"


@dataclass(frozen=True)
class Update:
    """What becomes of each file, and every path to write or remove with what is there before.

    `beside` says under which name the new render of a file is written that is not merged;
    `left_alone` which edited files had nothing to be merged with.
    """

    outcomes: tuple[Outcome, ...]
    changes: Changes
    expected: Changes
    beside: Mapping[str, str] = field(default_factory=dict)
    left_alone: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def has_conflicts(self) -> bool:
        """Whether something is left for the user to decide."""
        return any(outcome.kind == Kind.CONFLICT for outcome in self.outcomes)


def with_beside(paths: Collection[str]) -> set[str]:
    """These paths and where a render that is not merged would go."""
    return {name for path in paths for name in (path, f"{path}.new")}


def changes_of(
    outcomes: Collection[Outcome], yours: Yours
) -> tuple[dict[str, File | None], dict[str, str]]:
    """What outcomes change on disk, each path with what stands there afterwards; names beside."""
    changes: dict[str, File | None] = {}
    beside: dict[str, str] = {}
    known = {outcome.path for outcome in outcomes}
    for outcome in outcomes:
        path, origin = outcome.path, outcome.moved_from
        if path not in yours.blocked and outcome.file != yours.files.get(path):
            changes[path] = outcome.file
        if origin in yours.files and origin not in known:
            changes[origin] = None
        name = _beside_name(outcome, yours)
        if name:
            beside[path] = name
            if name not in yours.files:
                changes[name] = outcome.beside
    return changes, beside


def _beside_name(outcome: Outcome, yours: Yours) -> str:
    """Where the new render of a file goes that is not merged: to a free name.

    Empty where there is nothing to write, or no place for it: behind a link.
    """
    name, count = f"{outcome.path}.new", 1
    if outcome.beside is None or name in yours.blocked:
        return ""
    while (taken := yours.files.get(name)) and taken.content != outcome.beside.content:
        count += 1
        name = f"{outcome.path}.new{count}"
    return name


def left_alone(outcomes: Collection[Outcome], base: Tree, new: Tree) -> frozenset[str]:
    """The edited files that stay as they are because the new side has nothing new for them."""
    return frozenset(
        each.path
        for each in outcomes
        if each.kind == Kind.KEPT
        and base.get(each.moved_from or each.path) == new.get(each.moved_from or each.path)
        and (each.file is None or not each.notes)
    )


def memory_changes(before: Tree, tree: Tree) -> Changes:
    """The files of `.lightgen/` to write, and those of renders and packs gone by to remove."""
    after = {path: file for path, file in tree.items() if path.startswith(f"{MEMORY}/")}
    changes: dict[str, File | None] = {
        path: file for path, file in after.items() if not _remembers(before.get(path), file, path)
    }
    kept = (f"{MEMORY}/base/", f"{MEMORY}/pack/")
    changes.update({path: None for path in before if path.startswith(kept) and path not in after})
    return changes


def _remembers(before: File | None, after: File, path: str) -> bool:
    if before is None:
        return False
    if path == STATE:  # another version of lightgen alone, in the first line, is no change
        return _rest(before) == _rest(after)
    is_executed = path.startswith(f"{MEMORY}/pack/")
    return before.content == after.content and (
        not is_executed or before.executable == after.executable
    )


def _rest(file: File) -> bytes:
    return file.content.partition(b"\n")[2]
