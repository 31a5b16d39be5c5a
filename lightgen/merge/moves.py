"""Which file of one tree is which of another, where it has gone elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import pairwise

from lightgen.tree import File, Tree

_ENOUGH = 0.5
_SAME_NAME = 0.2
_FEWEST_LINES = 3
_WORD = re.compile(rb"\w+")
_DEFINITION = re.compile(rb"^(?:async\s+def|def|class)\s+\w+", re.MULTILINE)


def find_moves(gone: Tree, places: Collection[str], files: Tree) -> dict[str, str]:
    """For files that are gone, by path, the place whose file is most like each, if one is.

    Like means: the same words in the same order, more or less; a place is given to one file only.
    """
    likes = []
    marks = {path: _marks(file) for path, file in gone.items() if _is_telling(file)}
    if not marks:
        return {}
    for place in sorted(places):
        suffixes = {path for path in marks if _suffix(path) == _suffix(place)}
        if not suffixes:
            continue
        there = _marks(files[place])
        for path in suffixes:
            like = _likeness(marks[path], there) + _SAME_NAME * (_name(path) == _name(place))
            if like >= _ENOUGH + _SAME_NAME * (_name(path) == _name(place)) / 2:
                likes.append((like, path, place))
    found: dict[str, str] = {}
    for _, path, place in sorted(likes, key=lambda like: (-like[0], like[1:])):
        if path not in found and place not in found.values():
            found[path] = place
    return found


def _is_telling(file: File) -> bool:
    return file.content.count(b"\n") >= _FEWEST_LINES


def _marks(file: File) -> Counter[bytes]:
    """Pairs of words that follow one another, whatever the layout, and each definition."""
    words = _WORD.findall(file.content)
    found = Counter(first + b" " + second for first, second in pairwise(words))
    found.update(_DEFINITION.findall(file.content))
    return found


def _likeness(one: Mapping[bytes, int], other: Mapping[bytes, int]) -> float:
    first, second = Counter(one), Counter(other)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _suffix(path: str) -> str:
    name = _name(path)
    return name[name.rfind(".") :] if "." in name else name
