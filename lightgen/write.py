"""What is written where no project is yet: a whole folder, or a file; all of it or nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from pathlib import Path

from lightgen.problems import Problem, ProjectError
from lightgen.tree import File, Tree

_STAGING = ".lightgen-new"
_JOURNAL = "entries"
_CONTENT = "content"


def check_target(target: Path) -> None:
    """Raise ProjectError unless a project can be written there."""
    try:
        problem = _target_problem(target)
    except OSError as error:
        what = f"cannot be used ({error.strerror or error})"
        problem = Problem(str(target), what, "choose another path")
    if problem:
        raise ProjectError(problem)


def _target_problem(target: Path) -> Problem | None:
    where = str(target)
    if target.is_symlink() and not target.exists():
        return Problem(where, "this is a link to nothing", "remove it, or choose another path")
    if target.exists():
        if not target.is_dir():
            return Problem(where, "a file is in the way", "choose another path")
        if _read_only(target):
            return Problem(where, "the folder is read-only", "change its mode, or choose another")
        ours = {".git", _STAGING, *_left_behind(target)}
        others = sorted(entry.name for entry in target.iterdir() if entry.name not in ours)
        if others:
            return Problem(
                where,
                f"the folder is not empty ({others[0]}{', ...' if len(others) > 1 else ''})",
                "choose another path, or an empty folder",
            )
        return None
    parent = _existing_parent(target)
    if not parent.exists():
        return Problem(str(parent), "this is a link to nothing", "choose another path")
    if not parent.is_dir():
        return Problem(str(parent), "a file is in the way", "choose another path")
    if _read_only(parent):
        return Problem(str(parent), "the folder is read-only", "change its mode, or choose another")
    return None


def _read_only(folder: Path) -> bool:
    """The mode counts, also for a superuser, whom the system would let write."""
    bits = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return not folder.stat().st_mode & bits or not os.access(folder, os.W_OK | os.X_OK)


def _existing_parent(target: Path) -> Path:
    parent = target.absolute().parent
    while not parent.exists() and not parent.is_symlink():
        parent = parent.parent
    return parent


def write_project(target: Path, tree: Tree) -> None:
    """Write a new project: all of it or nothing, whatever goes wrong meanwhile.

    A target that does not exist appears by one rename. Into an existing empty folder the staged
    entries are moved one by one; a journal beside them lets the next call clear what a killed one
    left. Raises ProjectError if the target is occupied or the system refuses.
    """
    check_target(target)
    try:
        if target.exists():
            _fill_folder(target, tree)
        else:
            _make_folder(target, tree)
    except OSError as error:
        raise _refused(target, error) from error


def write_file(target: Path, file: File) -> None:
    """Write a file by one rename; one that is there keeps its mode, but for the executable bit.

    Raises ProjectError if the system refuses.
    """
    place = Path(os.path.realpath(target))
    try:
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder is in the way")
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o666 & ~_umask()
        mode = mode | (mode & 0o444) >> 2 if file.executable else mode & ~0o111
        handle, name = tempfile.mkstemp(prefix=f".{place.name[:32]}.", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(file.content)
            os.chmod(name, mode)
            os.replace(name, place)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise _refused(target, error) from error


def _refused(target: Path, error: OSError) -> ProjectError:
    what = f"cannot be written ({error.strerror or error})"
    return ProjectError(Problem(str(target), what, "check space and permissions"))


def _make_folder(target: Path, tree: Tree) -> None:
    parent = target.absolute().parent
    made = _missing_parents(parent)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name[:32]}.", dir=parent))
        try:
            _write_tree(staging, tree)
            staging.chmod(0o777 & ~_umask())
            staging.rename(target)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    except BaseException:
        for folder in made:
            _remove_if_empty(folder)
        raise


def _missing_parents(parent: Path) -> list[Path]:
    """Parents that do not exist yet, the innermost first."""
    missing = []
    while not parent.exists():
        missing.append(parent)
        parent = parent.parent
    return missing


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _fill_folder(target: Path, tree: Tree) -> None:
    staging = target / _STAGING
    for name in _left_behind(target):
        _remove(target / name)
    _remove(staging)
    content = staging / _CONTENT
    moved: list[Path] = []
    try:
        content.mkdir(parents=True)
        _write_tree(content, tree)
        digests = {path: _digest(file.content) for path, file in tree.items()}
        (staging / _JOURNAL).write_text(json.dumps(digests), encoding="utf-8")
        for name in sorted({path.split("/")[0] for path in tree}):
            if os.path.lexists(target / name):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
            moved.append(target / name)
            (content / name).rename(target / name)
    except BaseException:
        for path in moved:
            _remove(path)
        raise
    finally:
        _remove(staging)


def _left_behind(target: Path) -> set[str]:
    """Entries that a killed call had moved into the folder and that nobody has changed since.

    The journal was complete before the first move.
    """
    try:
        digests = json.loads((target / _STAGING / _JOURNAL).read_bytes())
    except (OSError, ValueError):
        return set()
    if not isinstance(digests, dict):
        return set()
    names = {str(path).split("/")[0] for path in digests} - {"", ".", "..", ".git", _STAGING}
    return {name for name in names if _is_pristine(target, name, digests)}


def _is_pristine(target: Path, name: str, digests: dict[str, str]) -> bool:
    entry = target / name
    if not os.path.lexists(entry):
        return False
    found = [path for path in [entry, *entry.rglob("*")] if path.is_symlink() or path.is_file()]
    return all(
        not path.is_symlink()
        and digests.get(path.relative_to(target).as_posix()) == _digest(path.read_bytes())
        for path in found
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write_tree(folder: Path, tree: Tree) -> None:
    made: set[Path] = set()
    for relative, file in tree.items():
        path = folder / relative
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_bytes(file.content)
        if file.executable:
            path.chmod(0o777 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
