"""Names of the lists that hold what has one name for one parameter."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable


def list_names(names: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """A list name for each name, its plural where that is free; no list gets a name of `taken`."""
    found: dict[str, str] = {}
    for name in names:
        wish = f"{name}es" if name.endswith("s") else f"{name}s"
        while wish in taken or wish in found.values() or keyword.iskeyword(wish):
            wish = f"{wish}_list"
        found[name] = wish
    return found
