"""The project on disk: where it is, and what of it is the user's."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lightgen.merge.trees import Yours


def find_project(path: Path | None) -> Path:
    """The root of the project at `path`; without one, the nearest upwards from the current folder.

    Raises ProjectError where there is none.
    """
    raise NotImplementedError


def read_yours(root: Path, known: Collection[str]) -> Yours:
    """The user's side of a merge: the known paths, and the user's own text files, read lazily."""
    raise NotImplementedError


def list_yours(root: Path) -> list[str]:
    """The paths of all files that count as the project's, sorted; links are never followed."""
    raise NotImplementedError
