"""One of several optimizers, seen as if it were the only one.

`[optimizers.NAME]` with its groups and scheduler says what `[optimizer]`, `[groups]` and
`[scheduler]` say of the only optimizer. A home is the path of such a table; that of the only
optimizer is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

TABLE = "optimizers"
# What stands beside an optimizer's own table where there is one.
_BESIDE = ("groups", "scheduler")

Path: TypeAlias = tuple[str, ...]


def split_home(path: Path) -> tuple[Path, Path]:
    """The home that a path lies in, and the path that it would have alone."""
    if path[0] != TABLE or len(path) < 3:
        return (), path
    inner = path[2:]
    return path[:2], inner if inner[0] in _BESIDE else ("optimizer", *inner)


def in_home(home: Path, path: Path) -> Path:
    """The path in the spec of what would have that path alone."""
    if not home:
        return path
    return (*home, *(path[1:] if path[0] == "optimizer" else path))


def alone(content: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """The content of a spec with the optimizer of that home as its only one."""
    if not home:
        return dict(content)
    several = content.get(TABLE)
    table = several.get(home[1]) if isinstance(several, Mapping) else None
    own = dict(table) if isinstance(table, Mapping) else {}
    beside = {key: own.pop(key) for key in _BESIDE if key in own}
    rest = {key: value for key, value in content.items() if key not in (TABLE, *_BESIDE)}
    return {**rest, "optimizer": own, **beside}
