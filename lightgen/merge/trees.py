"""The merge of whole projects: a table over three trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightgen.merge.content import is_same, merge_content
from lightgen.merge.moves import find_moves
from lightgen.merge.outcome import Conflict, Kind, Labels, Outcome, Yours
from lightgen.tree import File, Tree

if TYPE_CHECKING:
    from lightgen.merge.python.reader import Elsewhere

__all__ = ["Kind", "Outcome", "Yours", "merge_trees"]


@dataclass(frozen=True)
class Triple:
    """One file in three versions, under the path that it has in the result.

    `origin` is its path in the base; where that is another, `moved_by_you` tells whose move it was.
    """

    path: str
    origin: str
    base: File | None
    mine: File | None
    new: File | None
    moved_by_you: bool = False

    @property
    def is_python(self) -> bool:
        """Whether it is Python in all its versions."""
        return self.path.endswith(".py") and self.origin.endswith(".py")

    @property
    def is_edited(self) -> bool:
        """Whether you changed it."""
        return bool(self.base and self.mine and self.base != self.mine)


def merge_trees(
    base: Tree, yours: Yours, new: Tree, labels: Labels | None = None
) -> tuple[Outcome, ...]:
    """Merge three trees; one outcome for each path of the base and of the new tree, sorted.

    Files of the user's that neither side knows are left out, unless the merge changes them.
    """
    labels = labels or Labels()
    triples = _triples(base, yours, new)
    if _is_simple(triples, base, yours, new):
        outcomes = [_outcome(triple, yours, labels) for triple in triples]
    else:
        from lightgen.merge.across import merge_across

        outcomes = merge_across(triples, yours, labels, _outcome)
    return tuple(sorted(outcomes, key=lambda outcome: outcome.path))


def _is_simple(triples: Sequence[Triple], base: Tree, yours: Yours, new: Tree) -> bool:
    """Whether no Python of yours could matter to what new changes in Python."""
    python = [triple for triple in triples if triple.is_python]
    if all(triple.new == triple.base for triple in python):
        return True
    if any(path.endswith(".py") and path not in base and path not in new for path in yours.files):
        return False
    return not any(
        triple.is_edited or triple.moved_by_you or (triple.base and not triple.mine)
        for triple in python
    )


def _triples(base: Tree, yours: Yours, new: Tree) -> list[Triple]:
    there = _moved_by_you(base, yours, new)
    anew = _renamed_by_new(base, yours, new, there)
    found = []
    for origin in base:
        path = there.get(origin) or anew.get(origin, origin)
        mine = yours.files.get(there.get(origin, origin))
        theirs = new.get(anew.get(origin, origin))
        found.append(Triple(path, origin, base[origin], mine, theirs, origin in there))
    for path in new.keys() - base.keys() - set(anew.values()):
        found.append(Triple(path, path, None, yours.files.get(path), new[path]))
    return found


def _moved_by_you(base: Tree, yours: Yours, new: Tree) -> dict[str, str]:
    gone = {
        path: file
        for path, file in base.items()
        if path not in yours.files and path not in yours.blocked
    }
    if not gone:
        return {}
    suffixes = tuple({path.rpartition("/")[2].rpartition(".")[2] for path in gone})
    places = [
        path
        for path in yours.files
        if path not in base and path not in new and path.endswith(suffixes)
    ]
    return find_moves(gone, places, yours.files)


def _renamed_by_new(base: Tree, yours: Yours, new: Tree, there: dict[str, str]) -> dict[str, str]:
    gone = {
        path: file
        for path, file in base.items()
        if path not in new and (path in there or yours.files.get(path, file) != file)
    }
    if not gone:
        return {}
    places = [
        path
        for path in new
        if path not in base and path not in yours.files and path not in yours.blocked
    ]
    return find_moves(gone, places, new)


def _outcome(
    triple: Triple, yours: Yours, labels: Labels, elsewhere: Elsewhere | None = None
) -> Outcome:
    """The table: what becomes of one file."""
    path, base, mine, new = triple.path, triple.base, triple.mine, triple.new
    reason = yours.blocked.get(path)
    if reason is not None:
        return _blocked(path, reason, base, new)
    if base is None:
        return _unknown_before(path, mine, new)
    if mine is None and new is None:
        return Outcome(path, Kind.UNCHANGED, None)
    if mine is None:
        notes = () if new == base else ("the new render differs from what you deleted",)
        return Outcome(path, Kind.STILL_DELETED, None, notes=notes)
    if new is None and not triple.moved_by_you and is_same(base, mine, path):
        return Outcome(path, Kind.DELETED, None)
    outcome = _changed(path, base, mine, new, labels, elsewhere)
    if path == triple.origin:
        return outcome
    kind = outcome.kind
    if not triple.moved_by_you and kind in (Kind.MERGED, Kind.KEPT):
        kind = Kind.MOVED
    return replace(outcome, kind=kind, moved_from=triple.origin)


def _changed(
    path: str,
    base: File,
    mine: File,
    new: File | None,
    labels: Labels,
    elsewhere: Elsewhere | None,
) -> Outcome:
    if new is None:
        return Outcome(path, Kind.ORPHAN, mine)
    if mine == base and not (elsewhere and elsewhere.renames):
        return Outcome(path, Kind.UNCHANGED if new == base else Kind.UPDATED, new)
    if new == base:
        return Outcome(path, Kind.KEPT if mine != base else Kind.UNCHANGED, mine)
    executable = new.executable if mine.executable == base.executable else mine.executable
    merged = merge_content(base.content, mine.content, new.content, path, labels, elsewhere)
    if merged is None:
        what = "both sides changed a file that is no text"
        return Outcome(path, Kind.CONFLICT, mine, (Conflict(what),), beside=new)
    file = File(merged.content, executable)
    if merged.conflicts:
        return Outcome(path, Kind.CONFLICT, file, merged.conflicts, merged.notes)
    kind = Kind.KEPT if file == mine else Kind.MERGED if mine != base else Kind.UPDATED
    return Outcome(path, kind, file, notes=merged.notes)


def _blocked(path: str, reason: str, base: File | None, new: File | None) -> Outcome:
    if new is None or new == base:
        return Outcome(path, Kind.KEPT, None, notes=(reason,))
    return Outcome(path, Kind.CONFLICT, None, (Conflict(reason),), beside=new)


def _unknown_before(path: str, mine: File | None, new: File | None) -> Outcome:
    if mine is None:
        return Outcome(path, Kind.ADDED, new)
    if new is None or mine.content == new.content:
        return Outcome(path, Kind.ADOPTED, mine)
    what = "you have a file of this name, and so has the new render"
    return Outcome(path, Kind.CONFLICT, mine, (Conflict(what),), beside=new)
