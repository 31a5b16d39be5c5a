"""Import blocks in the order of isort's defaults, as ruff checks it."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from lightgen.source import Source, block

_LIMIT = 88


class Imports:
    """What a file imports, collected and then sorted."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._modules: set[str] = set()
        self._names: dict[str, set[str]] = {}

    def module(self, *modules: str) -> Imports:
        """Add `import x` or `import x as y`."""
        self._modules.update(modules)
        return self

    def names(self, module: str, *names: str) -> Imports:
        """Add `from module import names`."""
        if names:
            self._names.setdefault(module, set()).update(names)
        return self

    def own(self, module: str, *names: str) -> Imports:
        """Add `from package.module import names`."""
        return self.names(f"{self._package}.{module}", *names)

    def source(self) -> Source:
        """The block: standard library, other packages, the project's own."""
        sections = (self._section(rank) for rank in range(3))
        return Source("\n\n".join(text for text in sections if text))

    def _section(self, rank: int) -> str:
        plain = [f"import {module}" for module in self._modules if self._rank(module) == rank]
        lines = sorted(plain, key=str.lower)
        for module in sorted(self._names, key=str.lower):
            if self._rank(module) == rank:
                lines += from_import(module, self._names[module])
        return block(lines)

    def _rank(self, module: str) -> int:
        root = module.split()[0].split(".")[0]
        if root == self._package:
            return 2
        return 0 if root in sys.stdlib_module_names else 1


def from_import(module: str, names: Iterable[str]) -> list[str]:
    """Lines of one from-import, exploded where it is too long for a line."""
    ordered = sorted(names, key=_isort_key)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= _LIMIT:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in ordered), ")"]


def _isort_key(name: str) -> tuple[int, str, str]:
    """Constants, then classes, then the rest, as isort's order-by-type."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower(), name
