"""The flow of an undo: what the last update changed, taken back, later edits kept."""

from __future__ import annotations

from dataclasses import replace

from lightgen.changes import Update, changes_of, with_beside
from lightgen.inside import MEMORY
from lightgen.merge import Labels, Outcome, Yours, merge_trees
from lightgen.problems import Problem, ProjectError
from lightgen.transaction import Undo
from lightgen.tree import File, Tree

LABELS = Labels("now", "before the update")
# What the sides are called where a merge tells of a conflict.
_SIDES = {"the new side": "the undo", "the new render": "the version before the update"}


def make_undo(undo: Undo, memory_files: Tree, base: Tree, yours: Yours) -> Update:
    """Merge (after the update, now, before it); the memory goes back as it was.

    `base` is the render that the project has now; `yours` has these files and all that the update
    changed. Raises ProjectError where `.lightgen` is no longer what that update left.
    """
    own = {path for path in undo.after if not path.startswith(f"{MEMORY}/")}
    memory = undo.after.keys() - own
    if any(memory_files.get(path) != undo.after[path] for path in memory):
        what = ".lightgen is no longer what the last update left"
        raise ProjectError(Problem(MEMORY, what, "go back with git, or update with the old spec"))
    # The other files stand on all sides alike: they show what the changed ones refer to.
    others = {path: yours.files[path] for path in base.keys() - own if path in yours.files}
    after, before = (
        others | {path: file for path in own if (file := side[path])}
        for side in (undo.after, undo.before)
    )
    merged = _touched(merge_trees(after, yours, before, LABELS), own)
    outcomes = tuple(_reworded(outcome) for outcome in merged)
    changes, beside = changes_of(outcomes, yours)
    expected: dict[str, File | None] = {path: yours.files.get(path) for path in changes}
    expected |= {path: undo.after[path] for path in memory}
    changes |= {path: undo.before[path] for path in memory}
    return Update(outcomes, changes, expected, beside)


def paths_to_read(undo: Undo, base: Tree) -> set[str]:
    """The paths that an undo looks at."""
    return with_beside({path for path in undo.after if not path.startswith(f"{MEMORY}/")} | {*base})


def _touched(outcomes: tuple[Outcome, ...], own: set[str]) -> tuple[Outcome, ...]:
    return tuple(each for each in outcomes if {each.path, each.moved_from} & own)


def _reworded(outcome: Outcome) -> Outcome:
    conflicts = (replace(each, what=_of_undo(each.what)) for each in outcome.conflicts)
    notes = map(_of_undo, outcome.notes)
    return replace(outcome, conflicts=tuple(conflicts), notes=tuple(notes))


def _of_undo(text: str) -> str:
    for side, name in _SIDES.items():
        text = text.replace(side, name, 1)
    return text
