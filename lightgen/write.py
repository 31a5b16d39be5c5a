"""The only module that writes: a whole project, or nothing."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from lightgen.problems import Problem, ProjectError
from lightgen.tree import Tree

_STAGING = ".lightgen-new"
_JOURNAL = "entries"
_CONTENT = "content"


def check_target(target: Path) -> None:
    """Raise ProjectError unless a project can be written there."""
    problem = _target_problem(target)
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
        try:
            entries = sorted(entry.name for entry in target.iterdir())
        except OSError as error:
            return Problem(where, f"cannot be read ({error.strerror})", "check the permissions")
        others = [name for name in entries if name not in (".git", _STAGING)]
        if others and _STAGING not in entries:
            return Problem(
                where,
                f"the folder is not empty ({others[0]}{', ...' if len(others) > 1 else ''})",
                "choose another path, or an empty folder",
            )
        return None
    parent = _existing_parent(target)
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
        what = f"cannot be written ({error.strerror or error})"
        raise ProjectError(Problem(str(target), what, "check space and permissions")) from error


def _make_folder(target: Path, tree: Tree) -> None:
    parent = target.absolute().parent
    made = _missing_parents(parent)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=parent))
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
    if staging.exists():
        _clear_interrupted(target, staging)
        check_target(target)
    content = staging / _CONTENT
    entries = sorted({path.split("/")[0] for path in tree})
    moved: list[Path] = []
    try:
        content.mkdir(parents=True)
        _write_tree(content, tree)
        (staging / _JOURNAL).write_text("\n".join(entries), encoding="utf-8")
        for name in entries:
            moved.append(target / name)
            (content / name).rename(target / name)
    except BaseException:
        for path in moved:
            _remove(path)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _clear_interrupted(target: Path, staging: Path) -> None:
    """Take back what a killed call had moved: the journal was complete before the first move."""
    journal = staging / _JOURNAL
    if journal.is_file() and not journal.is_symlink():
        for name in journal.read_text(encoding="utf-8").splitlines():
            if name and "/" not in name and name not in (".", "..", ".git", _STAGING):
                _remove(target / name)
    shutil.rmtree(staging)


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
