"""What a project remembers, read back from `.lightgen/`: input as little to be trusted as any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightgen.tree import Tree


@dataclass(frozen=True)
class Memory:
    """The last render as remembered.

    `faults` says each way in which `base` isn't to be trusted; it is then to be rebuilt from
    `spec`, which is None where that is lost too.
    """

    lightgen: str
    base: Tree
    spec: Mapping[str, Any] | None
    resolved: str
    pack: Tree | None
    faults: tuple[str, ...]


def read_memory(root: Path) -> Memory:
    """Read `.lightgen/` of the project at `root`.

    Raises ProjectError where there is none, where a newer lightgen wrote it, and for damage that
    can't be told from an attack.
    """
    raise NotImplementedError
