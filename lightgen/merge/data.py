"""The merge of plain data: what a merged text has to mean."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lightgen.merge.matching import asks_for_packages, match, ordered, same
from lightgen.merge.nodes import Path
from lightgen.merge.outcome import CannotMergeError


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def merged_data(
    base: Any, yours: Any, new: Any, *, prefer: int, clashes: Collection[Path], path: Path = ()
) -> Any:
    """Merge plain data, with your side (1) or the new one (2) where there is a known clash.

    Raises CannotMergeError for a clash that is not known.
    """
    sides = (base, yours, new)
    if path in clashes:
        return sides[prefer]
    if same(base, new) or same(yours, new):
        return yours
    if same(base, yours):
        return new
    if isinstance(yours, dict) and isinstance(new, dict) and isinstance(base, dict | _Absent):
        maps = [side if isinstance(side, dict) else {} for side in sides]
        keys = list(dict.fromkeys([*maps[1], *maps[2]]))
        return _merged_maps(maps, keys, prefer, clashes, path)
    if all(isinstance(side, list) for side in sides):
        names = match(base, yours, new, requirements=asks_for_packages(path))
        order = ordered(*names.keys) if names else None
        if names and order is not None:
            maps = [dict(zip(k, s, strict=True)) for k, s in zip(names.keys, sides, strict=True)]
            return list(_merged_maps(maps, order, prefer, clashes, path).values())
    raise CannotMergeError


def _merged_maps(
    maps: list[dict[Any, Any]], keys: list[Any], prefer: int, clashes: Collection[Path], path: Path
) -> dict[Any, Any]:
    merged = {}
    for key in keys:
        base, yours, new = (side.get(key, ABSENT) for side in maps)
        inner = (*path, key)
        value = merged_data(base, yours, new, prefer=prefer, clashes=clashes, path=inner)
        if value is not ABSENT:
            merged[key] = value
    return merged
