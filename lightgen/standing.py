"""How each file of a project stands to the last render."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lightgen.merge.outcome import marker_line
from lightgen.merge.trees import Yours, merge_trees
from lightgen.tree import File, Tree


class Kind(StrEnum):
    """How a file stands; a file of the user's own is no drift."""

    PRISTINE = "pristine"
    EDITED = "edited"
    MOVED = "moved"
    DELETED = "deleted"
    CONFLICT = "conflict"
    YOURS = "yours"


DRIFT = frozenset(Kind) - {Kind.PRISTINE, Kind.YOURS}


@dataclass(frozen=True)
class Standing:
    """One file. `line` is that of an unresolved conflict marker, `note` what else there is to say.

    A moved file names where it was generated.
    """

    path: str
    kind: Kind
    line: int = 0
    moved_from: str = ""
    note: str = ""


def standings(base: Tree, yours: Yours, own: Collection[str] = ()) -> tuple[Standing, ...]:
    """How the generated files stand, and the user's own after them."""
    moved = _moved(base, yours)
    generated = [_standing(path, file, yours, moved) for path, file in sorted(base.items())]
    known = {*base, *moved.values()}
    return (*generated, *(Standing(path, Kind.YOURS) for path in own if path not in known))


def _moved(base: Tree, yours: Yours) -> dict[str, str]:
    """Where the files are that are no longer where they were generated."""
    if all(path in yours.files or path in yours.blocked for path in base):
        return {}
    outcomes = merge_trees(base, yours, base)
    return {each.moved_from: each.path for each in outcomes if each.moved_from in base}


def _standing(path: str, base: File, yours: Yours, moved: Mapping[str, str]) -> Standing:
    if path in yours.blocked:
        return Standing(path, Kind.EDITED, note=yours.blocked[path])
    place = moved.get(path, path)
    origin = path if place != path else ""
    mine = yours.files.get(place)
    if mine is None:
        return Standing(path, Kind.DELETED)
    if mine == base:
        return Standing(place, Kind.MOVED if origin else Kind.PRISTINE, moved_from=origin)
    line = 0 if marker(base) else marker(mine)
    if line:
        return Standing(place, Kind.CONFLICT, line, origin)
    return Standing(place, Kind.MOVED if origin else Kind.EDITED, moved_from=origin)


def marker(file: File | None) -> int:
    """The line of a file's first unresolved conflict marker, 0 where there is none."""
    if file is None or b"<<<<<<<" not in file.content:
        return 0
    return marker_line(file.content.decode("latin-1"))


def spec_changes(recorded: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """The paths at which two specs differ; the order of the groups counts."""
    found = _changes(recorded, present, "")
    if not found and list(recorded.get("groups", ())) != list(present.get("groups", ())):
        return ["groups"]
    return found


def _changes(one: Any, other: Any, path: str) -> list[str]:
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return [] if (type(one), one) == (type(other), other) else [path]
    inner = f"{path}." if path else ""
    keys = [*one, *(key for key in other if key not in one)]
    return [
        changed
        for key in keys
        for changed in _changes(one.get(key), other.get(key), f"{inner}{key}")
    ]
