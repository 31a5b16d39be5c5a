"""Three-way merge of `.gitignore` and its like: an ordered set of lines."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from lightgen.merge.lines import ended_as, split_lines
from lightgen.merge.matching import Keys, ordered
from lightgen.merge.outcome import CannotMergeError, Conflict, Labels, MergedText


@dataclass(frozen=True)
class _Lines:
    """Lines by key, each with the blank lines above it; equal comments are told apart."""

    lines: dict[Hashable, str]
    tail: str


def merge_ignore(base: str, yours: str, new: str, labels: Labels) -> MergedText:
    """Merge line by line, wherever they stand: what either side adds or removes.

    Of a pattern and its exception the last one counts: where one side adds the one and the other
    side the other, that is a conflict. Raises CannotMergeError where both sides put another line in
    a line's place.
    """
    sides = [_read(text) for text in (base, yours, new)]
    before, mine, theirs = ([*side.lines] for side in sides)
    order = ordered(before, mine, theirs) or ordered(theirs, mine, theirs) or []
    stays = [key for key in order if key not in before or (key in mine and key in theirs)]
    _check_replaced(before, mine, theirs)
    doubts = list(_doubts(stays, mine, theirs))
    text = "".join(sides[1].lines.get(key) or sides[2].lines[key] for key in stays)
    text = ended_as(text + sides[1].tail, base, yours, new)
    return MergedText(text, tuple(map(Conflict, doubts)))


def _read(text: str) -> _Lines:
    lines: dict[Hashable, str] = {}
    blank = ""
    for line in split_lines(text):
        if not line.strip():
            blank += f"{line}\n"
            continue
        word: Hashable = line if line.endswith("\\ ") else line.rstrip()
        count = 0
        while word in lines:
            count += 1
            word = (line, count)
        lines[word] = f"{blank}{line}\n"
        blank = ""
    return _Lines(lines, blank)


def _check_replaced(base: Keys, yours: Keys, new: Keys) -> None:
    """Neither may there be two lines for one, nor two settings of one pattern."""
    fresh = [{*side} - {*base} for side in (yours, new)]
    mine, theirs = fresh[0] - fresh[1], fresh[1] - fresh[0]
    if mine and theirs and {*base} - {*yours} - {*new}:
        raise CannotMergeError
    words = [{_words(key)[0] for key in side if len(_words(key)) > 1} for side in (mine, theirs)]
    if words[0] & words[1]:
        raise CannotMergeError


def _words(key: Hashable) -> list[str]:
    """A pattern and its attributes, as in `.gitattributes`."""
    return [] if _is_comment(key) else str(key).split()


def _is_comment(key: Hashable) -> bool:
    return not isinstance(key, str) or key.startswith("#")


def _doubts(merged: Keys, yours: Keys, new: Keys) -> Iterator[str]:
    """Patterns and exceptions from them whose order no side knows.

    Raises CannotMergeError if the sides know it differently.
    """
    patterns = [key for key in merged if isinstance(key, str) and not _is_comment(key)]
    place = {key: index for index, key in enumerate(merged)}
    orders = [{key: index for index, key in enumerate(side)} for side in (yours, new)]
    for exception in (key for key in patterns if key.startswith("!")):
        for pattern in patterns:
            known = [side for side in orders if pattern in side and exception in side]
            after = place[pattern] < place[exception]
            kept = [(side[pattern] < side[exception]) == after for side in known]
            if pattern.startswith("!") or (known and all(kept)):
                continue
            if not _related(pattern, exception[1:]):
                continue
            if known:
                raise CannotMergeError
            what = f"one side added {pattern}, the other {exception}: the last one counts"
            yield f"{what}; see that they stand in the right order"


def _related(pattern: str, exception: str) -> bool:
    """Whether both may mean one file; rather too often than too seldom."""
    one, other = pattern.strip("/"), exception.strip("/")
    one = one.removeprefix("**/")
    parts = [*other.split("/"), other]
    return (
        any(fnmatch(part, one) for part in parts)
        or fnmatch(other, f"{one}/*")
        or (fnmatch(one, other) or fnmatch(one.rpartition("/")[2], other))
    )
