"""Three-way merge of data that know their text: yours wherever the new side changed nothing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from itertools import groupby
from typing import Any

from lightgen.merge.layout import ClashError, Conflicted, Marks, Piece, lay_out, relaid, shifted
from lightgen.merge.lines import merge_lines
from lightgen.merge.matching import Matched, asks_for_packages, match, ordered, same, shown
from lightgen.merge.nodes import Entry, Node, Path, in_frame, stripped
from lightgen.merge.outcome import CannotMergeError, Labels


class Merger:
    """Merges node by node; lines of values are indented anew only with `shift`."""

    def __init__(self, marks: Marks, shift: bool) -> None:
        self._marks = marks
        self._shift = shift

    def node(self, path: Path, base: Node, yours: Node, new: Node) -> str | None:
        """The text of the merged value; None for that of the new one as it is."""
        if yours.text == base.text:
            return None
        if new.text == base.text:
            return yours.text
        if yours.kind and base.kind == yours.kind == new.kind:
            names = _names(path, base, yours, new)
            if names is not None:
                return self._container(path, names, base, yours, new)
        if same(base.value, new.value) or same(yours.value, new.value):
            return yours.text
        if same(base.value, yours.value) and base.remarks() == yours.remarks():
            return None
        raise ClashError(f"both sides changed {shown(path)}")

    def _container(self, path: Path, names: Matched, base: Node, yours: Node, new: Node) -> str:
        order = _order(path, names, yours.kind)
        entries = [
            dict(zip(keys, node.entries, strict=True))
            for keys, node in zip(names.keys, (base, yours, new), strict=True)
        ]
        place = {key: index for index, key in enumerate(names.keys[1])}
        pieces: dict[Hashable, Piece | Conflicted] = {}
        removed: dict[Hashable, Piece] = {}
        for key in order:
            inner = (*path, *key) if yours.kind == "map" else (*path, key)
            old, mine, theirs = (side.get(key) for side in entries)
            ours = Piece(mine, mine.label + mine.node.text, place[key]) if mine else None
            other = self._fresh(theirs, yours, new) if theirs else None
            try:
                piece = self._entry(inner, old, ours, other, yours, new)
            except ClashError as error:
                sides = [(side,) if side else () for side in (ours, other)]
                piece = Conflicted((inner,), str(error), sides[0], sides[1])
            if piece is not None:
                pieces[key] = piece
            elif gone := ours or other:
                removed[key] = gone
        if not names.commutes:
            pieces = _crowded(path, names, order, pieces, removed)
        head = _frame(path, base.head, yours.head, new.head)
        tail = _frame(path, base.tail, yours.tail, new.tail)
        if not new.text and not pieces and base.remarks() == yours.remarks():
            return ""  # a table that is only told of by tables inside of it
        head = head or (new.head if pieces else "")
        return lay_out(yours, head, list(pieces.values()), tail, self._marks, shift=self._shift)

    def _fresh(self, entry: Entry, yours: Node, new: Node) -> Piece:
        """An entry of the new side to be fitted into your container."""
        label = entry.label
        if new.kind == "list":
            label = "" if yours.comma else "-" if entry.node.block else "- "
        return Piece(entry, label + entry.node.text, -1, new.indent)

    def _entry(
        self,
        path: Path,
        old: Entry | None,
        mine: Piece | None,
        theirs: Piece | None,
        yours: Node,
        new: Node,
    ) -> Piece | Conflicted | None:
        if mine is None or theirs is None:
            return _one_sided(path, old, mine, theirs)
        one, other = mine.entry, theirs.entry
        if old is None:
            if same(one.node.value, other.node.value):
                return mine
            if not one.node.kind == other.node.kind == "map":
                raise ClashError(f"both sides added {shown(path)}")
            old = replace(other, node=replace(other.node, value={}, entries=()))
        core = self.node(path, old.node, one.node, other.node)
        gone = not other.node.text if core is None else not core
        if gone and one.text and not one.label and stripped(old.lead) == stripped(one.lead):
            return None  # a table that lost its header
        trail = _trail(path, old.trail, one.trail, other.trail)
        lead = self._lead(path, (old.lead, one.lead, other.lead), yours, mine.place)
        if core is None and one.node.block != other.node.block:
            taken = theirs if not self._shift else _shifted(theirs, yours)
            return Piece(replace(other, lead=lead), taken.core, mine.place)
        if core is None:
            by = len(yours.indent) - len(new.indent) if self._shift else 0
            core = shifted(other.node.text, by)
        return Piece(replace(one, lead=lead, trail=trail), one.label + core, mine.place)

    def _lead(self, path: Path, leads: tuple[str, str, str], yours: Node, place: int) -> str:
        """The comments before an entry."""
        before, mine, theirs = map(stripped, leads)
        if theirs in (before, mine):
            return leads[1]
        if not yours.starts(place):
            raise ClashError(f"a comment goes to {shown(path)}, where there is no room for it")
        if mine == before:
            return relaid(leads[2], yours.indent)
        sides = ["".join(f"{line}\n" for line in side) for side in (before, mine, theirs)]
        merged = merge_lines(sides[0], sides[1], sides[2], self._marks.labels)
        if merged.conflicts:
            raise ClashError(f"both sides changed the comment at {shown(path)}")
        blank = leads[1][: len(leads[1]) - len(leads[1].lstrip("\n"))]
        return blank + relaid(merged.text, yours.indent)


def _shifted(piece: Piece, yours: Node) -> Piece:
    return replace(piece, core=shifted(piece.core, len(yours.indent) - len(piece.indent)))


def _one_sided(
    path: Path, old: Entry | None, mine: Piece | None, theirs: Piece | None
) -> Piece | None:
    if old is None:
        return mine or theirs
    if theirs is not None:
        if same(old.node.value, theirs.entry.node.value):
            return None
        raise ClashError(f"you removed {shown(path)}, which the new side changed")
    if mine is None:
        return None
    if same(old.node.value, mine.entry.node.value) and old.remarks() == mine.entry.remarks():
        return None
    raise ClashError(f"you changed {shown(path)}, which the new side removed")


def _names(path: Path, base: Node, yours: Node, new: Node) -> Matched | None:
    """The keys of the entries; None for a list that is only to be taken whole."""
    nodes = (base, yours, new)
    if yours.kind == "list":
        lists = [[entry.node.value for entry in node.entries] for node in nodes]
        return match(lists[0], lists[1], lists[2], requirements=asks_for_packages(path))
    names = [[entry.path for entry in node.entries] for node in nodes]
    if any(len(set(side)) < len(side) for side in names):
        raise CannotMergeError
    return Matched([[*side] for side in names], commutes=True)


def _order(path: Path, names: Matched, kind: str) -> list[Any]:
    """The order of the result; where it means something, both must not have changed it."""
    base, yours, new = names.keys
    order = ordered(base, yours, new)
    if order is None:
        if kind == "list":
            raise ClashError(f"both sides changed the order of {shown(path)}")
        order = ordered(new, yours, new) or []
    return order


def _crowded(
    path: Path,
    names: Matched,
    order: list[Hashable],
    pieces: dict[Hashable, Piece | Conflicted],
    removed: dict[Hashable, Piece],
) -> dict[Hashable, Piece | Conflicted]:
    """Where both sides added entries at one place of a list, nobody can say in which order.

    What one side removed there is in the other's half: either half taken is whole.
    """
    base, yours, new = (set(side) for side in names.keys)
    fresh = {key for key in pieces if key not in base and not {key} <= yours & new}
    result: dict[Hashable, Piece | Conflicted] = {}
    present = [key for key in order if key in pieces or key in removed]
    for is_open, run in groupby(present, lambda key: key in fresh or key in removed):
        keys = list(run)
        if not (is_open and fresh & yours & {*keys} and fresh & new & {*keys}):
            result |= {key: pieces[key] for key in keys if key in pieces}
            continue
        found = [(key, removed.get(key) or pieces[key]) for key in keys]
        ours, other = (
            tuple(each for key, each in found if key in side and isinstance(each, Piece))
            for side in (yours, new)
        )
        what = f"both sides added entries at one place of {shown(path)}"
        result[keys[0]] = Conflicted(tuple((*path, key) for key in keys), what, ours, other)
    return result


def _frame(path: Path, base: str, yours: str, new: str) -> str:
    """The head or tail of a container: yours, with the new side's comments if you left them."""
    before, mine, theirs = map(in_frame, (base, yours, new))
    if theirs in (before, mine):
        return yours
    if mine != before:
        merged = merge_lines(base, yours, new, Labels())
        if merged.conflicts:
            raise ClashError(f"both sides changed a comment at {shown(path)}")
        return merged.text
    fits = not yours or not new or yours.endswith("\n") == new.endswith("\n")
    return new if fits else yours


def _trail(path: Path, base: str, yours: str, new: str) -> str:
    """The comment behind an entry."""
    before, mine, theirs = (trail.strip() for trail in (base, yours, new))
    if theirs in (before, mine):
        return yours
    if mine != before or not yours.endswith("\n"):
        raise ClashError(f"both sides changed the comment behind {shown(path)}")
    return new.rstrip("\n") + "\n"
