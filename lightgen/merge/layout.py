"""Entries of three texts put together in the layout of one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lightgen.merge.nodes import Entry, Node, Path, stripped
from lightgen.merge.outcome import CannotMergeError, Conflict, Labels, marked


class ClashError(Exception):
    """Both sides changed one thing in different ways; whoever can puts markers around it."""


@dataclass(frozen=True)
class Piece:
    """An entry of the result: the lead and trail of `entry`, and between them `core`.

    `place` is its index among the entries of the layout; -1 for one that has to be fitted in, from
    a container with the indentation `indent`.
    """

    entry: Entry
    core: str
    place: int
    indent: str = ""


@dataclass(frozen=True)
class Conflicted:
    """Entries that both sides have their own version of; none where one removed them."""

    paths: tuple[Path, ...]
    what: str
    yours: tuple[Piece, ...]
    new: tuple[Piece, ...]


class Marks:
    """The conflicts of one merge: each start marker carries a number until the text is done."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._found: list[Conflicted] = []

    def put(self, conflict: Conflicted, yours: str, new: str) -> str:
        """Markers around two versions; comments that both begin with stay in front."""
        self._found.append(conflict)
        shared = 0
        if conflict.yours and conflict.new:
            leads = conflict.yours[0].entry.lead.split("\n")[:-1]
            both = zip(leads, yours.split("\n"), new.split("\n"), strict=False)
            shared = sum(len(line) + 1 for line in _while_equal(both))
        numbered = Labels(f"{self.labels.yours}\0{len(self._found) - 1}\0", self.labels.new)
        return yours[:shared] + marked(yours[shared:], new[shared:], numbered)

    def read(self, text: str) -> tuple[str, set[Path], list[Conflict]]:
        """The text without the numbers, the paths in doubt, and the conflicts from the top."""
        numbers = list(re.finditer("\0(\\d+)\0", text))
        found = [self._found[int(number[1])] for number in numbers]
        lines = [text.count("\n", 0, number.start()) + 1 for number in numbers]
        paths = {path for conflicted in found for path in conflicted.paths}
        conflicts = [Conflict(its.what, line) for its, line in zip(found, lines, strict=True)]
        return re.sub("\0\\d+\0", "", text), paths, conflicts


def _while_equal(lines: zip[tuple[str, str, str]]) -> list[str]:
    equal = []
    for lead, yours, new in lines:
        if not lead == yours == new:
            break
        equal.append(lead)
    return equal


def lay_out(
    layout: Node,
    head: str,
    pieces: Sequence[Piece | Conflicted],
    tail: str,
    marks: Marks,
    *,
    shift: bool,
) -> str:
    """The text of a container. Raises ClashError for a conflict that is no whole lines."""
    text = head
    last_has_comma = bool(layout.entries and layout.entries[-1].sep)
    for number, piece in enumerate(pieces):
        comma = layout.comma and (number + 1 < len(pieces) or last_has_comma)
        place = _Place(
            layout, text.endswith("\n") or (not text and layout.top), text == head, comma
        )
        if isinstance(piece, Piece):
            text += place.fitted(piece, shift)
            continue
        sides = [place.together(side, shift) for side in (piece.yours, piece.new)]
        if not place.at_start or any(side and not side.endswith("\n") for side in sides):
            raise ClashError(piece.what)
        text += marks.put(piece, *sides)
    if layout.starts(len(layout.entries)) and text and not text.endswith("\n"):
        text += "\n"
    return text + tail


@dataclass(frozen=True)
class _Place:
    """Where the next entry goes: at the start of a line or behind something."""

    layout: Node
    at_start: bool
    first: bool
    comma: bool

    def together(self, pieces: Sequence[Piece], shift: bool) -> str:
        """Several entries, all but the last with a comma."""
        before = replace(self, comma=self.layout.comma)
        return "".join(
            place.fitted(piece, shift)
            for piece, place in zip(pieces, [*[before] * (len(pieces) - 1), self], strict=False)
        )

    def fitted(self, piece: Piece, shift: bool) -> str:
        """The text of an entry as it has to be here."""
        entry, core, trail = piece.entry, piece.core, piece.entry.trail
        if piece.place >= 0:
            lead = self._lead(entry.lead, piece.place)
        else:
            lead = relaid(entry.lead, self.layout.indent) if self.at_start else self._inside(entry)
            core = shifted(core, len(self.layout.indent) - len(piece.indent)) if shift else core
            if self.layout.comma:
                trail = trail.rstrip("\n") + "\n" if self.at_start else ""
            elif not entry.node.block and not trail.endswith("\n"):
                trail = "\n"
        table = self.layout.kind == "map" and not entry.label
        before = self.layout.entries[: piece.place] if piece.place >= 0 else ()
        fresh = not any(its.text for its in before) or not entry.text
        if table and fresh and core and not self.first and not lead.startswith("\n"):
            lead = "\n" + lead
        sep = (entry.sep or ",") if self.comma else ""
        return f"{lead}{core}{sep}{trail}"

    def _lead(self, lead: str, place: int) -> str:
        """The lead of an entry of the layout, where its neighbours may have changed."""
        started = self.layout.starts(place)
        if started == self.at_start:
            alone = not started and self.layout.comma and not lead.strip()
            if alone and self.first != (place == 0):
                return self._first_lead() if self.first else " "
            return lead
        if self.at_start:
            return self.layout.indent
        if not self.first:
            return "\n" + lead
        if stripped(lead):
            raise CannotMergeError
        return ""

    def _inside(self, entry: Entry) -> str:
        """The lead of a new entry on the line of others."""
        if stripped(entry.lead) or (self.layout.comma and stripped(entry.trail)):
            raise CannotMergeError  # no room for a comment
        return self._first_lead() if self.first else " "

    def _first_lead(self) -> str:
        entries = self.layout.entries
        return entries[0].lead if entries and not self.layout.starts(0) else ""


def relaid(lead: str, indent: str) -> str:
    """Comments before an entry, with another indentation."""
    lines = [line.strip() for line in lead.split("\n")[:-1]]
    return "".join(f"{indent}{line}\n" if line else "\n" for line in lines) + indent


def shifted(text: str, by: int) -> str:
    """All lines but the first one, moved to the right."""
    if not by:
        return text
    first, *lines = text.split("\n")
    moved = [" " * by + line if line else line for line in lines]
    if by < 0:
        moved = [re.sub(f"^ {{0,{-by}}}", "", line) for line in lines]
    return "\n".join([first, *moved])
