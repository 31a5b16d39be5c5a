"""Three-way merge of Markdown: by section, and by lines inside of one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from lightgen.merge.lines import ended_as, merge_lines, split_lines
from lightgen.merge.matching import ordered
from lightgen.merge.outcome import CannotMergeError, Conflict, Labels, MergedText, marked

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_ALIKE = 0.6
# More pairs of sections than that are not compared.
_PAIRS = 10_000

Sections: TypeAlias = "dict[Hashable, _Section]"


@dataclass
class _Section:
    """A heading and the text up to the next one; level 0 is what stands above all headings.

    `gap` are the blank lines at its end.
    """

    level: int
    title: str
    parent: int
    lines: list[str] = field(default_factory=list)
    gap: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def merge_markdown(base: str, yours: str, new: str, labels: Labels) -> MergedText:
    """Merge by section, found by its headings, or by its text where they changed.

    Raises CannotMergeError where sections can't be told apart.
    """
    documents = [_read(text) for text in (base, yours, new)]
    before: Sections = _keyed(documents[0])
    mine, theirs = (_matched(documents[0], side) for side in documents[1:])
    order = ordered([*before], [*mine], [*theirs])
    if order is None:
        raise CannotMergeError
    merge = _Merge(before, mine, theirs, labels)
    pieces = [(key, piece) for key in order if (piece := merge.section(key)) is not None]
    merge.check_parents([key for key, _ in pieces])
    text, conflicts = "", []
    for index, (key, piece) in enumerate(pieces):
        line = text.count("\n")
        conflicts += [replace(found, line=found.line + line) for found in piece.conflicts]
        last = index + 1 == len(pieces)
        text += piece.text + merge.gap(key, last=last, empty=not piece.text)
    ended = text if pieces and pieces[-1][1].conflicts else ended_as(text, base, yours, new)
    return MergedText(ended, tuple(conflicts), tuple(merge.notes))


def _read(text: str) -> list[_Section]:
    """The sections from top to bottom."""
    sections = [_Section(0, "", -1)]
    fence, matter = "", text.startswith("---\n")
    for number, line in enumerate(split_lines(text)):
        heading = _HEADING.fullmatch(line)
        found = _FENCE.match(line)
        if matter:
            matter = number == 0 or line.rstrip() not in ("---", "...")
        elif fence:
            closes = found and found[1].startswith(fence) and line.strip() == found[1]
            fence = "" if closes else fence
        elif found:
            fence = found[1]
        elif heading:
            level = len(heading[1])
            above = len(sections) - 1
            while sections[above].level >= level:
                above = sections[above].parent
            sections.append(_Section(level, (heading[2] or "").strip(), above))
        sections[-1].lines.append(line)
    for section in sections:
        while section.lines and not section.lines[-1].strip():
            section.gap.insert(0, section.lines.pop())
    return sections


def _keyed(sections: list[_Section]) -> Sections:
    names = {(section.parent, section.title) for section in sections}
    if len(names) < len(sections):
        raise CannotMergeError  # two sections of one name
    return dict(enumerate(sections))


def _matched(of_base: list[_Section], side: list[_Section]) -> Sections:
    """The sections of a side by the keys of the base; those that it has not by name."""
    _keyed(side)
    by_name = {(section.parent, section.title): key for key, section in enumerate(of_base)}
    keys: dict[int, Hashable] = {0: 0}
    taken: set[int] = {0}

    def take(pairs: Iterable[tuple[int, int]]) -> None:
        for key, index in pairs:
            if key not in taken and index not in keys:
                keys[index] = key
                taken.add(key)
        for index, section in enumerate(side):
            above = keys.get(section.parent)
            found = by_name.get((above, section.title)) if isinstance(above, int) else None
            if found is not None and index not in keys and found not in taken:
                keys[index] = found
                taken.add(found)

    take(())
    for search in (_moved, _renamed):
        left = [key for key in range(len(of_base)) if key not in taken]
        right = [index for index in range(len(side)) if index not in keys]
        take(search(of_base, side, left, right))
    for index, section in enumerate(side):
        keys.setdefault(index, (keys.get(section.parent), section.title))
    return {keys[index]: section for index, section in enumerate(side)}


def _moved(
    base: list[_Section], side: list[_Section], left: list[int], right: list[int]
) -> list[tuple[int, int]]:
    """Sections of one heading that stands once on each side, below another one."""
    ours, theirs = (
        {title: index for title, index in titles.items() if counts[title] == 1}
        for titles, counts in (
            ({base[i].title: i for i in left}, Counter(base[i].title for i in left)),
            ({side[j].title: j for j in right}, Counter(side[j].title for j in right)),
        )
    )
    return [(index, theirs[title]) for title, index in ours.items() if title in theirs]


def _renamed(
    base: list[_Section], side: list[_Section], left: list[int], right: list[int]
) -> list[tuple[int, int]]:
    """Sections of another heading, the most alike in their text first."""
    if len(left) * len(right) > _PAIRS:
        return []
    words = [
        {index: Counter(" ".join(sections[index].lines[1:]).split()) for index in open_}
        for sections, open_ in ((base, left), (side, right))
    ]
    alike = [(_alike(words[0][i], words[1][j]), i, j) for i in left for j in right]
    return [(i, j) for likeness, i, j in sorted(alike, key=_best_first) if likeness > _ALIKE]


def _best_first(pair: tuple[float, int, int]) -> tuple[float, int, int]:
    likeness, i, j = pair
    return -likeness, i, j


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """How alike two bodies are, from 0 to 1; a body of no words is like none."""
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else 0.0


@dataclass
class _Merge:
    base: Sections
    yours: Sections
    new: Sections
    labels: Labels
    notes: list[str] = field(default_factory=list)

    def section(self, key: Hashable) -> MergedText | None:
        """The merged section without the blank lines at its end; None if it goes."""
        sides = [side.get(key) for side in (self.base, self.yours, self.new)]
        old, mine, theirs = sides
        if mine is None and theirs is not None:
            return self._without_yours(key, old, theirs)
        if theirs is None and mine is not None:
            return self._without_new(key, old, mine)
        before, ours, other = (side.text if side else "" for side in sides)
        merged = merge_lines(before, ours, other, self.labels)
        named = [
            replace(conflict, what=f"{conflict.what} of {self._name(key)}")
            for conflict in merged.conflicts
        ]
        return replace(merged, conflicts=tuple(named))

    def _without_yours(
        self, key: Hashable, old: _Section | None, theirs: _Section
    ) -> MergedText | None:
        if old is None:
            above = key[0] if isinstance(key, tuple) else None
            if above not in self.base or above in self.yours:
                return MergedText(theirs.text)
            self.notes.append(f"{self._name(key)} is new in a section that you removed")
        elif old.text != theirs.text:
            self.notes.append(f"you removed {self._name(key)}, which the new side changed")
        return None

    def _without_new(
        self, key: Hashable, old: _Section | None, mine: _Section
    ) -> MergedText | None:
        if old is None:
            return MergedText(mine.text)
        fresh = (other for other in self.yours if other not in self.base)
        if old.text == mine.text and not any(isinstance(o, tuple) and o[0] == key for o in fresh):
            return None
        what = f"you changed {self._name(key)}, which the new side removed"
        return MergedText(marked(mine.text, "", self.labels), (Conflict(what, 1),))

    def _name(self, key: Hashable) -> str:
        found = self.yours.get(key) or self.new.get(key)
        return f'section "{found.title}"' if found and found.title else "the text at the top"

    def gap(self, key: Hashable, *, last: bool, empty: bool) -> str:
        """The blank lines behind a section."""
        if last:
            gap = [*self.yours.values()][-1].gap
        else:
            gaps = [side[key].gap for side in (self.base, self.yours, self.new) if key in side]
            gap = gaps[-1] if len(gaps) == 3 and gaps[0] == gaps[1] else gaps[-2:][0]
            ends = any([*side][-1] == key for side in (self.base, self.yours, self.new))
            gap = gap or [""] * (ends and not empty)
        return "".join(f"{line}\n" for line in gap)

    def check_parents(self, keys: list[Hashable]) -> None:
        """Each section stands below the one that it belongs to, or CannotMergeError is raised."""
        above: list[tuple[int, Hashable]] = []
        for key in keys:
            level = self._decided(key, _level)
            while above and above[-1][0] >= level:
                above.pop()
            parent = above[-1][1] if above else -1
            if parent != self._decided(key, _parent):
                raise CannotMergeError
            above.append((level, key))

    def _decided(self, key: Hashable, what: Callable[[Sections, Hashable], Any]) -> Any:
        base, yours, new = (
            what(side, key) if key in side else None for side in (self.base, self.yours, self.new)
        )
        return new if yours is None or (yours == base and new is not None) else yours


def _level(sections: Sections, key: Hashable) -> int:
    return sections[key].level


def _parent(sections: Sections, key: Hashable) -> Hashable:
    parent = sections[key].parent
    return [*sections][parent] if parent >= 0 else -1
