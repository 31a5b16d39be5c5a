"""Three-way merge by lines.

Changes that overlap or touch are a conflict, as with git, unless both sides made the same one or
one side did nothing but insert what the other inserted too. A change that could as well stand
elsewhere (a line more among equal lines) is in doubt wherever it could stand: what the other side
changes there is a conflict, not a guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from lightgen.merge.matching import longest_rising
from lightgen.merge.outcome import Conflict, Labels, MergedText, marked

WHAT = "both sides changed these lines"
# Lines without a unique one among them are compared up to this many pairs.
_PAIRS = 250_000


class Hunk(NamedTuple):
    """Lines `start` to `end` of the base became lines `from_` to `to` of a side."""

    start: int
    end: int
    from_: int
    to: int


def merge_lines(base: str, yours: str, new: str, labels: Labels) -> MergedText:
    """Merge line by line (diff3); the final newline is as yours where you changed it."""
    sides = [split_lines(text) for text in (base, yours, new)]
    regions = [found for found in _regions(*sides) if found.conflict or found.yours]
    pieces: list[str] = []
    conflicts: list[Conflict] = []
    line = 1
    for region in regions:
        if region.conflict:
            conflicts.append(Conflict(WHAT, line))
            text = marked(_whole(region.yours), _whole(region.new), labels)
        else:
            text = _whole(region.yours)
        pieces.append(text)
        line += text.count("\n")
    text = "".join(pieces)
    if regions and not regions[-1].conflict:
        text = ended_as(text, base, yours, new)
    return MergedText(text, tuple(conflicts))


def ended_as(text: str, base: str, yours: str, new: str) -> str:
    """The merged text with a final newline or without: as yours, else as the new one."""
    ends = [not side or side.endswith("\n") for side in (base, yours, new)]
    ended = ends[2] if ends[1] == ends[0] else ends[1]
    return text if ended else text.removesuffix("\n")


def whole_lines(text: str) -> str:
    """The text with a line end behind the last line."""
    return text if text.endswith("\n") or not text else text + "\n"


def split_lines(text: str) -> list[str]:
    r"""The lines of a text without their ends; only \n ends a line."""
    return text.removesuffix("\n").split("\n") if text else []


def hunks(base: Sequence[str], side: Sequence[str]) -> list[Hunk]:
    """What changed from the base to a side, from top to bottom; no two touch."""
    found, at, to = [], 0, 0
    for i, j in [*matches(base, side), (len(base), len(side))]:
        if (at, to) != (i, j):
            found.append(Hunk(at, i, to, j))
        at, to = i + 1, j + 1
    return found


def matches(base: Sequence[str], side: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of equal lines, rising on both sides."""
    pending = [(0, len(base), 0, len(side))]
    while pending:
        low, high, left, right = pending.pop()
        head = _common(base[low:high], side[left:right])
        yield from zip(range(low, low + head), range(left, left + head), strict=True)
        low, left = low + head, left + head
        tail = _common(base[low:high][::-1], side[left:right][::-1])
        high, right = high - tail, right - tail
        if tail:
            # Equal lines only: they are yielded as the head of a piece of their own.
            pending.append((high, high + tail, right, right + tail))
        if low < high and left < right:
            pending += reversed(list(_pieces(base, side, low, high, left, right)))


def _whole(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class _Region:
    yours: Sequence[str]
    new: Sequence[str] = ()
    conflict: bool = False


def _regions(base: list[str], yours: list[str], new: list[str]) -> Iterator[_Region]:
    """The result from top to bottom."""
    done = 0
    mine, theirs = hunks(base, yours), hunks(base, new)
    for group in _groups(_Side(base, yours, mine), _Side(base, new, theirs)):
        start = min(hunk.start for hunks_ in group for hunk in hunks_)
        end = max(hunk.end for hunks_ in group for hunk in hunks_)
        yield _Region(base[done:start])
        ours = _applied(base, yours, group[0], start, end)
        other = _applied(base, new, group[1], start, end)
        yield from _decided(base[start:end], ours, other)
        done = end
    yield _Region(base[done:])


def _applied(
    base: list[str], side: list[str], changes: list[Hunk], start: int, end: int
) -> list[str]:
    """Lines `start` to `end` of the base with the changes of one side."""
    lines: list[str] = []
    for hunk in changes:
        lines += [*base[start : hunk.start], *side[hunk.from_ : hunk.to]]
        start = hunk.end
    return lines + base[start:end]


def _decided(base: list[str], yours: list[str], new: list[str]) -> Iterator[_Region]:
    if new == base:
        yield _Region(yours)
        return
    if base == yours or yours == new:
        yield _Region(new)
        return
    head = _common(yours, new)
    tail = _common(yours[head:][::-1], new[head:][::-1])
    ours, other = yours[head : len(yours) - tail], new[head : len(new) - tail]
    # What both inserted around the base is told apart from the base's own lines, or it is in doubt.
    ends = {*yours[:head][:1], *yours[len(yours) - tail :][-1:]}
    clear = not ends & {*base[:1], *base[-1:]}
    yield _Region(yours[:head])
    if clear and ours == base:
        yield _Region(other)
    elif clear and other == base:
        yield _Region(ours)
    else:
        yield _Region(ours, other, conflict=True)
    yield _Region(yours[len(yours) - tail :])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines at the start are the same."""
    same = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        same += 1
    return same


@dataclass(frozen=True)
class _Side:
    base: list[str]
    lines: list[str]
    hunks: list[Hunk]

    def reach(self, index: int) -> tuple[int, int]:
        """The lines of the base among which a change could as well stand."""
        hunk = self.hunks[index]
        block = self.lines[hunk.from_ : hunk.to] or self.base[hunk.start : hunk.end]
        if hunk.end > hunk.start and hunk.to > hunk.from_:
            return hunk.start, hunk.end
        first = self.hunks[index - 1].end if index else 0
        last = self.hunks[index + 1].start if index + 1 < len(self.hunks) else len(self.base)
        up = down = 0
        size = len(block)
        while hunk.start - up > first and self.base[hunk.start - up - 1] == block[-1 - up % size]:
            up += 1
        while hunk.end + down < last and self.base[hunk.end + down] == block[down % size]:
            down += 1
        return hunk.start - up, hunk.end + down


def _groups(yours: _Side, new: _Side) -> Iterator[tuple[list[Hunk], list[Hunk]]]:
    """Changes that have to be decided together, from top to bottom."""
    spans = [(hunk.start, hunk.end) for hunk in (*yours.hunks, *new.hunks)]
    spans += [*_doubts(yours, new), *_doubts(new, yours)]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    left = [list(reversed(side.hunks)) for side in (yours, new)]
    for _, end in joined:
        mine, theirs = ([*_until(hunks_, end)] for hunks_ in left)
        yield mine, theirs


def _until(pending: list[Hunk], end: int) -> Iterator[Hunk]:
    while pending and pending[-1].end <= end:
        yield pending.pop()


def _doubts(side: _Side, other: _Side) -> Iterator[tuple[int, int]]:
    """From a change that could stand elsewhere to what the other side changes there."""
    agreed = {(*hunk[:2], *other.lines[hunk.from_ : hunk.to]) for hunk in other.hunks}
    for index, hunk in enumerate(side.hunks):
        first, last = side.reach(index)
        if (first, last) == hunk[:2]:
            continue
        if (*hunk[:2], *side.lines[hunk.from_ : hunk.to]) in agreed:
            continue
        for its in other.hunks:
            if its.start < last and its.end > first:
                yield min(hunk.start, its.start), max(hunk.end, its.end)


def _pieces(
    base: Sequence[str], side: Sequence[str], low: int, high: int, left: int, right: int
) -> Iterator[tuple[int, int, int, int]]:
    """A region cut before each pair of lines that belong together: first the unique ones."""
    anchors = _unique_pairs(base[low:high], side[left:right])
    if not anchors:
        if (high - low) * (right - left) > _PAIRS:
            return
        matcher = SequenceMatcher(None, base[low:high], side[left:right], autojunk=False)
        for i, j, size in matcher.get_matching_blocks():
            if size:
                yield low + i, low + i + size, left + j, left + j + size
        return
    starts = [(low + i, left + j) for i, j in anchors]
    cuts = [(low, left), *starts, (high, right)]
    for (i, j), (k, m) in pairwise(cuts):
        yield i, k, j, m


def _unique_pairs(base: Sequence[str], side: Sequence[str]) -> list[tuple[int, int]]:
    """Lines that stand once on each side, in their longest common order (patience)."""
    once = [{line for line, n in Counter(lines).items() if n == 1} for lines in (base, side)]
    both = once[0] & once[1]
    where = {line: index for index, line in enumerate(side) if line in both}
    pairs = [(index, where[line]) for index, line in enumerate(base) if line in both]
    return [pairs[index] for index in longest_rising([j for _, j in pairs])]
