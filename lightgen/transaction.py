"""The only module that writes into a project: all changes, or none, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightgen.tree import File


@dataclass(frozen=True)
class Undo:
    """What the last update changed: each path's file before and after, None for no file."""

    before: Mapping[str, File | None]
    after: Mapping[str, File | None]


@contextmanager
def locked(root: Path) -> Iterator[tuple[str, ...]]:
    """Keep other updates out; yields what there is to say of an update that was cut off.

    On entry the rest of such an update is finished or taken back. Raises ProjectError where
    another update is in progress.
    """
    raise NotImplementedError
    yield ()


def write_changes(
    root: Path,
    changes: Mapping[str, File | None],
    *,
    expected: Mapping[str, File | None],
    undo: bool = True,
) -> None:
    """Write and remove (None) files: all of them, or none. Call it inside `locked`.

    `expected` is what was read before of the changed paths; ProjectError if the disk differs.
    The change becomes the one that can be undone; with `undo=False` there is none afterwards.
    """
    raise NotImplementedError


def read_undo(root: Path) -> Undo | None:
    """What the last update changed, None where nothing is remembered."""
    raise NotImplementedError
