"""The project on disk: where it is, and what of it is the user's."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from lightgen.inside import MEMORY, Found, outside_fault, place_fault, read_regular
from lightgen.merge.trees import Yours
from lightgen.problems import Problem, ProjectError
from lightgen.tree import File

_SPEC_NAME = "lightgen.toml"
# Made by tools and by runs, never by hand.
_MADE = frozenset(f"""
    .git .hg .svn {MEMORY} __pycache__ node_modules lightning_logs wandb mlruns
    .mypy_cache .ruff_cache .pytest_cache .ipynb_checkpoints .hypothesis .tox .nox .eggs
    """.split())
_MADE_ENDINGS = (".egg-info", ".pyc", ".pyo", ".ckpt", ".pt", ".DS_Store", ".coverage")
# By these names there are packages too, with code in them.
_OFTEN_MADE = frozenset({"logs", "runs", "checkpoints", "build", "dist", "venv", ".venv"})
_LARGEST_BYTES = 1_000_000


def find_project(path: Path | None, having: str = MEMORY) -> Path:
    """The root of the project at `path`; without one, the nearest upwards from the current folder.

    A project is a folder that has `having`. Raises ProjectError where there is none.
    """
    if path is None:
        here = Path.cwd()
        found = _above(here, having)
        if found:
            return found
        if having == MEMORY and (lost := _above(here, _SPEC_NAME)):
            raise ProjectError(_missing(lost, MEMORY))
        what = f"there is no {having} here, nor in a folder above"
        raise ProjectError(Problem(str(here), what, "go to a project, or give its path"))
    if not path.is_dir():
        what = "this is no folder" if os.path.lexists(path) else "there is no such folder"
        raise ProjectError(Problem(str(path), what, "give the folder of a project"))
    if not os.path.lexists(path / having):
        raise ProjectError(_missing(path, having))
    return path.absolute()


def _above(folder: Path, having: str) -> Path | None:
    """The nearest folder upwards that has it."""
    for each in (folder, *folder.parents):
        if os.path.lexists(each / having):
            return each
    return None


def _missing(folder: Path, having: str) -> Problem:
    todo = "give the folder of a project, or run lightgen new"
    if os.path.lexists(folder / _SPEC_NAME):
        todo = "run lightgen update --rebuild-base to make it anew from the spec"
    elif project := _above(folder.absolute(), having):
        todo = f"it is in a project: give {os.path.relpath(project)}"
    return Problem(str(folder), f"there is no {having} in it", todo)


def read_yours(root: Path, known: Collection[str]) -> Yours:
    """The user's side of a merge: the known paths, and own files that may have to do with them.

    Those are the ones that could be a known file under another name, or hold what was in it: of a
    kind that there is among the known, and not large. They are read when they are looked at.
    Raises ProjectError for a known file that can't be read.
    """
    files: dict[str, File] = {}
    blocked: dict[str, str] = {}
    for path in known:
        fault = outside_fault(path) or _place_fault(root, path)
        if fault:
            blocked[path] = fault
        else:
            found = _read_known(root, path)
            if found:
                files[path] = File(found.content, found.executable)
    kinds = {_kind(path) for path in known} | {".py"}
    others = {
        path
        for path, entry in _own_files(root)
        if _kind(path) in kinds and _is_small(entry) and path not in blocked
    }
    return Yours(_LazyTree(root, files, others - files.keys()), blocked)


def list_yours(root: Path) -> list[str]:
    """The paths of all files in the project that somebody wrote, generated or not, sorted.

    A link is listed and never followed. The spec file is not among them.
    """
    return sorted(path for path, _ in _own_files(root))


def _place_fault(root: Path, path: str) -> str:
    try:
        return place_fault(root, path)
    except OSError as error:  # a folder that is not to be entered, a name that is too long
        return f"cannot be reached ({error.strerror or error})"


def _read_known(root: Path, path: str) -> Found | None:
    try:
        return read_regular(f"{root}/{path}")
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise ProjectError(Problem(path, what, "check the permissions")) from error


def _kind(path: str) -> str:
    """What a name says of the content: its ending, or else all of it."""
    name = path.rpartition("/")[2]
    return os.path.splitext(name)[1] or name


def _is_small(entry: os.DirEntry[str]) -> bool:
    if not entry.is_file(follow_symlinks=False):
        return False
    try:
        return entry.stat(follow_symlinks=False).st_size <= _LARGEST_BYTES
    except OSError:  # it has gone meanwhile
        return False


def _own_files(root: Path, folder: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The files and links in a folder, but for those that tools and runs make."""
    try:
        with os.scandir(f"{root}/{folder}") as found:
            entries = list(found)
    except OSError:  # a folder of somebody else's
        return
    names = {entry.name for entry in entries}
    unlike_code = folder.rpartition("/")[2] in _OFTEN_MADE and "__init__.py" not in names
    if unlike_code or "pyvenv.cfg" in names:
        return
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name in _MADE or entry.name.endswith(_MADE_ENDINGS) or path == _SPEC_NAME:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _own_files(root, path)
        elif not (entry.is_symlink() and entry.name in _OFTEN_MADE):
            yield path, entry


class _LazyTree(Mapping[str, File]):
    """Files that have been read, and others that are read when they are looked at."""

    def __init__(self, root: Path, files: dict[str, File], others: set[str]) -> None:
        self._root = root
        self._files = files
        self._paths = sorted(files.keys() | others)
        self._known = frozenset(self._paths)

    def __getitem__(self, path: str) -> File:
        if path not in self._known:
            raise KeyError(path)
        if path not in self._files:
            self._files[path] = self._read(path)
        return self._files[path]

    def __contains__(self, path: object) -> bool:
        return path in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def _read(self, path: str) -> File:
        """A file that has gone meanwhile, or that is not to be read, has nothing to give."""
        try:
            found = read_regular(f"{self._root}/{path}")
        except OSError:
            return File(b"")
        return File(found.content, found.executable)
