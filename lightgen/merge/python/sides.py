"""What every step of one merge knows: the three versions, and what the names ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias, TypeVar

from lightgen.merge.outcome import END, MIDDLE, START, Conflict, Labels, MergedText
from lightgen.merge.python.source import Source

T = TypeVar("T")
Three: TypeAlias = tuple[T, T, T]
"""Something in the base, in yours and in new."""

_MARK = "\x00"
_WIDTH = 88


@dataclass
class Sides:
    """The three versions of a file.

    `needed` are names whose imports stay although one side removed them; `doubtful` names that a
    change of new must not take away or use, so that it becomes a conflict.
    """

    sources: Three[Source]
    labels: Labels
    needed: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    whats: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def yours(self) -> Source:
        """Your version, the one that is edited."""
        return self.sources[1]

    @property
    def new(self) -> Source:
        """The new version."""
        return self.sources[2]

    def keys(self, three: Three[object]) -> Three[int]:
        """The numbers of something in three versions."""
        of = self.yours.keys.of
        return of(three[0]), of(three[1]), of(three[2])

    def conflict(self, yours: str, new: str, what: str) -> str:
        """Markers around two texts of whole lines."""
        self.whats.append(what)
        mark = f"{_MARK}{len(self.whats) - 1}"
        labels = self.labels
        return f"{START} {labels.yours}{mark}\n{yours}{MIDDLE}\n{new}{END} {labels.new}\n"

    @cached_property
    def limit(self) -> int:
        """The columns that lines of yours may have."""
        return max(_WIDTH, *map(len, self.yours.lines))


def finished(text: str, sides: Sides) -> MergedText:
    """The merged text with plain markers, and where each conflict stands."""
    conflicts: list[Conflict] = []
    lines: list[str] = []
    for part in _joined(_conflicts_in(text, sides)):
        if isinstance(part, str):
            lines.append(part)
            continue
        conflicts.append(Conflict(part.what, len(lines) + 1))
        lines += [f"{START} {sides.labels.yours}", *part.yours, MIDDLE]
        lines += [*part.new, f"{END} {sides.labels.new}"]
    return MergedText("\n".join(lines), tuple(conflicts), tuple(dict.fromkeys(sides.notes)))


@dataclass
class _Marked:
    what: str
    yours: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def _conflicts_in(text: str, sides: Sides) -> Iterator[str | _Marked]:
    """The lines of a text, those of a conflict taken together."""
    open_one: _Marked | None = None
    side: list[str] = []
    for line in text.split("\n"):
        if open_one is None and _MARK in line and line.startswith(START):
            open_one = _Marked(sides.whats[int(line.partition(_MARK)[2])])
            side = open_one.yours
        elif open_one is None:
            yield line
        elif side is open_one.yours and line == MIDDLE:
            side = open_one.new
        elif side is open_one.new and line == f"{END} {sides.labels.new}":
            yield open_one
            open_one = None
        else:
            side.append(line)


def _joined(parts: Iterable[str | _Marked]) -> list[str | _Marked]:
    """Conflicts that follow one another, with blank lines between them at most, as one."""
    found: list[str | _Marked] = []
    blank: list[str] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(last, _Marked) and part == "":
            blank.append("")
        elif isinstance(last, _Marked) and isinstance(part, _Marked):
            last.yours += [*(blank if part.yours else []), *part.yours]
            last.new += [*(blank if part.new else []), *part.new]
            blank = []
        else:
            found += [*blank, part]
            blank = []
    return found + blank


def taking_yours(text: str) -> str:
    """A merged text with every conflict decided for yours."""
    kept, side = [], ""
    for line in text.split("\n"):
        if line.startswith(START) and _MARK in line:
            side = START
        elif side == START and line == MIDDLE:
            side = MIDDLE
        elif side == MIDDLE and line.startswith(f"{END} "):
            side = ""
        elif side != MIDDLE:
            kept.append(line)
    return "\n".join(kept)
