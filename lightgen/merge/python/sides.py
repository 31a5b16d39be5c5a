"""What every step of one merge knows: the three versions, and what the names ask for."""

from __future__ import annotations

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
    conflicts, lines = [], text.split("\n")
    for number, line in enumerate(lines):
        if _MARK in line and line.startswith(START):
            lines[number], _, index = line.partition(_MARK)
            conflicts.append(Conflict(sides.whats[int(index)], number + 1))
    return MergedText("\n".join(lines), tuple(conflicts), tuple(dict.fromkeys(sides.notes)))


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
