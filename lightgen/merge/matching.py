"""Orders and identities: which entries of three versions belong together."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, TypeAlias

Keys: TypeAlias = list[Hashable]

# The first of these that an entry of a list has is its name.
_NAMES = ("name", "id", "repo", "key", "path", "module", "uses")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:[\[(<>=!~;@].*)?")


@dataclass(frozen=True)
class Matched:
    """Keys of the entries of three lists; what two sides add side by side `commutes` or not."""

    keys: Sequence[Keys]
    commutes: bool


def frozen(value: Any) -> Hashable:
    """A value to compare: its types count (1 is neither True nor 1.0), the order of keys not."""
    if isinstance(value, dict):
        return "map", frozenset((frozen(key), frozen(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "list", tuple(map(frozen, value))
    return type(value).__name__, repr(value)


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same."""
    return frozen(one) == frozen(other)


def shown(path: Sequence[Hashable]) -> str:
    """A path for a message."""
    parts = [part[1] if isinstance(part, tuple) and len(part) == 2 else part for part in path]
    words = ["on" if part is True else str(part) for part in parts if isinstance(part, str | int)]
    return ".".join(words) or "the file"


def asks_for_packages(path: Sequence[Hashable]) -> bool:
    """Whether the list there holds requirements of Python packages."""
    last = path[-1:] and path[-1]
    groups = {"optional-dependencies", "dependency-groups"}
    return last in ("dependencies", "requires") or bool(groups & {*path[-2:-1]})


def match(
    base: list[Any], yours: list[Any], new: list[Any], *, requirements: bool = False
) -> Matched | None:
    """Which entries of three lists are the same one; None where a list is only to be taken whole.

    Texts are a set, requirements go by the package's name, mappings by a name that they have.
    """
    sides = (base, yours, new)
    entries = [entry for side in sides for entry in side]
    if entries and all(isinstance(entry, str) for entry in entries):
        return _match_texts(base, yours, new, requirements)
    if entries and all(isinstance(entry, dict) for entry in entries):
        names = [_counted([_name(entry) or frozen(entry) for entry in side]) for side in sides]
        paired = [_paired(names[0], side, base, of) for side, of in zip(names, sides, strict=True)]
        return Matched(paired, commutes=all(_name(entry) for entry in entries))
    return None


def _match_texts(
    base: list[str], yours: list[str], new: list[str], requirements: bool
) -> Matched | None:
    sides = (base, yours, new)
    if requirements:
        names = [[_package(text) for text in side] for side in sides]
        if all(len(set(side)) == len(side) for side in names):
            return Matched(names, commutes=True)
    elif set(base) - set(yours) - set(new):
        known = {*base, *(set(yours) & set(new))}
        if set(yours) - known and set(new) - known:
            return None  # each put something else in one's place
    return Matched([_counted(side) for side in sides], commutes=True)


def _package(requirement: str) -> Hashable:
    """The normalized name of the package that a requirement asks for (PEP 503)."""
    found = _REQUIREMENT.fullmatch(requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else requirement


def _name(entry: dict[Any, Any]) -> Hashable:
    """A field that names an entry, without the version behind an @; None if it has none."""
    for field in _NAMES:
        if field in entry:
            value = entry[field]
            return field, value.partition("@")[0] if isinstance(value, str) else frozen(value)
    return None


def _counted(keys: Sequence[Hashable]) -> Keys:
    """The second of equal keys gets a key of its own, and so on."""
    seen: Counter[Hashable] = Counter()
    counted: Keys = []
    for key in keys:
        counted.append((key, seen[key]) if seen[key] else key)
        seen[key] += 1
    return counted


def _paired(base: Keys, side: Keys, of_base: list[Any], of_side: list[Any]) -> Keys:
    """Keys of a side, where entries that stand in the place of others of the base get their's."""
    keys = list(side)
    known, its = set(base), set(side)
    for tag, i0, i1, j0, j1 in SequenceMatcher(None, base, side, autojunk=False).get_opcodes():
        if tag != "replace" or i1 - i0 != j1 - j0:
            continue
        for i, j in zip(range(i0, i1), range(j0, j1), strict=True):
            alike = of_base[i].keys() == of_side[j].keys()
            if alike and side[j] not in known and base[i] not in its:
                keys[j] = base[i]
    return keys


def ordered(base: Keys, yours: Keys, new: Keys) -> Keys | None:
    """All keys of both sides in an order that fits both; None where both changed the order.

    The order is yours unless only the new side changed it. What one side adds goes behind what it
    stands behind there; where both add at one place, yours comes first.
    """
    common = {*base} & {*yours} & {*new}
    orders = [[key for key in side if key in common] for side in (base, yours, new)]
    if orders[1] == orders[2] or orders[0] == orders[2]:
        return _placed(yours, new, {*base})
    if orders[0] == orders[1]:
        return _placed(new, yours, {*base}, after=False)
    return None


def _placed(spine: Keys, other: Keys, base: set[Hashable], *, after: bool = True) -> Keys:
    """The spine with what only the other has; `after` what the spine adds at the same place."""
    result = list(spine)
    inside, others = {*spine}, {*other}
    for index, key in enumerate(other):
        if key in inside:
            continue
        before = next((known for known in reversed(other[:index]) if known in inside), None)
        behind = next((known for known in other[index + 1 :] if known in inside), None)
        if before is not None:
            place = result.index(before) + 1
        else:
            place = result.index(behind) if behind is not None else len(result)
        fresh = after and before is not None
        while fresh and place < len(result) and result[place] not in base | others:
            place += 1
        result.insert(place, key)
        inside.add(key)
    return result


def longest_rising(numbers: Sequence[int]) -> list[int]:
    """Where the numbers of a longest rising subsequence stand; no number stands twice."""
    tops: list[int] = []
    indices: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        place = bisect_left(tops, number)
        before.append(indices[place - 1] if place else -1)
        if place == len(tops):
            tops.append(number)
            indices.append(index)
        else:
            tops[place], indices[place] = number, index
    found = []
    at = indices[-1] if indices else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]
