"""What a merge yields: content, and what it could not decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lightgen.tree import File, Tree


@dataclass(frozen=True)
class Labels:
    """What the sides are called in conflict markers."""

    yours: str = "yours"
    new: str = "new"


@dataclass(frozen=True)
class Conflict:
    """One thing that both sides changed in different ways.

    `line` is where its first marker stands in the result, counted from 1; 0 where the file has no
    marker for it.
    """

    what: str
    line: int = 0


@dataclass(frozen=True)
class MergedText:
    """A merged text, its conflicts in the order of their lines, and what to say."""

    text: str
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Merged:
    """A merged file, its conflicts in the order of their lines, and what to say."""

    content: bytes
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()


class Kind(StrEnum):
    """What becomes of a file."""

    UNCHANGED = "unchanged"
    ADDED = "added"
    UPDATED = "updated"
    MERGED = "merged"
    ADOPTED = "adopted"
    KEPT = "kept yours"
    DELETED = "deleted"
    STILL_DELETED = "still deleted"
    ORPHAN = "orphan kept"
    MOVED = "moved"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Yours:
    """The user's side: files by relative POSIX path, and what is in the way but no file to read.

    `blocked` gives for a path why it must be neither read nor written: a link, a folder.
    """

    files: Tree
    blocked: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What becomes of one path.

    `file` is what stands there afterwards, None for nothing (or, where the path is blocked, for
    what is there now); `beside` what is written next to it as NAME.new. A file moved by either
    side names where it came from.
    """

    path: str
    kind: Kind
    file: File | None
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    moved_from: str = ""
    beside: File | None = None


class CannotMergeError(Exception):
    """A structured merge gives up; the file is merged by lines instead."""


START, MIDDLE, END = "<<<<<<<", "=======", ">>>>>>>"


def marked(yours: str, new: str, labels: Labels) -> str:
    """Conflict markers on whole lines around two texts, each empty or ended by a line end."""
    return f"{START} {labels.yours}\n{yours}{MIDDLE}\n{new}{END} {labels.new}\n"


def marker_line(text: str) -> int:
    """The line of the first unresolved conflict marker, counted from 1; 0 where there is none."""
    opened = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(f"{START} "):
            opened = opened or number
        elif line.startswith(f"{END} ") and opened:
            return opened
    return 0
