"""A pack as it was fetched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lightgen.tree import Tree


@dataclass(frozen=True)
class Pack:
    """A fetched pack: what was wished, what that resolved to, and its raw template files."""

    source: str
    ref: str
    resolved: str
    files: Tree


def digest(files: Tree) -> str:
    """Return `sha256:<hex>` over the sorted paths, modes and contents of files."""
    total = hashlib.sha256()
    for path in sorted(files):
        file = files[path]
        head = f"{path}\0{int(file.executable)}\0{len(file.content)}\0"
        total.update(head.encode("utf-8"))
        total.update(file.content)
    return f"sha256:{total.hexdigest()}"
