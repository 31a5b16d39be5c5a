"""A folder on disk -> the files of a pack, contained."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from lightgen.packs.names import is_unprintable
from lightgen.problems import Problem, ProjectError
from lightgen.tree import File, Tree

VERSION_CONTROL = frozenset({".git", ".hg"})


def load(directory: Path) -> Tree:
    """Re-read a stored pack, never following a link.

    Raises ProjectError where the folder is missing or holds a link or another thing that is no
    regular file.
    """
    if directory.is_symlink() or not directory.is_dir():
        raise ProjectError(
            Problem(
                str(directory),
                "the stored pack is missing or no folder",
                "restore it from version control",
            )
        )
    files, faults = read_folder(directory, follow_inner_links=False)
    if faults:
        raise ProjectError(*(Problem(str(directory), fault) for fault in faults))
    return files


def read_folder(
    root: Path, *, follow_inner_links: bool, only: Collection[str] | None = None
) -> tuple[dict[str, File], list[str]]:
    """Return the files under root, without `.git` and `.hg`, and what is wrong with the others.

    A link to a regular file inside of root is read through where follow_inner_links says so; every
    other link is a fault. `only` limits the reading to these paths.
    """
    real_root = root.resolve()
    files: dict[str, File] = {}
    faults: list[str] = []
    for path in _entries(root, only):
        name = path.relative_to(root).as_posix()
        fault = _name_fault(name)
        try:
            fault = fault or _kind_fault(path, real_root, follow_inner_links)
            if not fault:
                files[name] = read_file(path)
        except OSError as error:
            fault = f"cannot be read ({error.strerror or error})"
        if fault:
            faults.append(f"{_shown(name)} {fault}")
    return dict(sorted(files.items())), sorted(faults)


def read_file(path: Path) -> File:
    """Return the content and the executable bit of the file that path leads to."""
    return File(path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))


def write_folder(files: Tree, root: Path) -> None:
    """Write files, whose paths were checked, into the new folder root."""
    root.mkdir(parents=True)
    for name, file in files.items():
        path = root.joinpath(*PurePosixPath(name).parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        if file.executable:
            path.chmod(path.stat().st_mode | 0o111)


def _entries(root: Path, only: Collection[str] | None) -> Iterator[Path]:
    """Yield all that is not a real folder; links to folders are yielded, not entered."""
    wanted = None if only is None else _with_parents(only)
    for place, folders, names in os.walk(root, onerror=_raise):
        here = Path(place)
        kept = [
            name
            for name in folders + names
            if name.casefold() not in VERSION_CONTROL
            and (wanted is None or _key((here / name).relative_to(root).as_posix()) in wanted)
        ]
        folders[:] = [name for name in folders if name in kept and not (here / name).is_symlink()]
        yield from (here / name for name in kept if name not in folders)


def _raise(error: OSError) -> None:
    raise error


def _with_parents(paths: Collection[str]) -> set[str]:
    wanted = set()
    for path in paths:
        wanted.add(_key(path))
        wanted.update(_key(str(parent)) for parent in PurePosixPath(path).parents)
    return wanted


def _key(path: str) -> str:
    """One spelling for names that git and a macOS file system compose differently."""
    return unicodedata.normalize("NFC", path)


def _name_fault(name: str) -> str:
    if is_unprintable(name):
        return "has a character in its name that cannot be shown"
    return "has a backslash in its name" if "\\" in name else ""


def _kind_fault(path: Path, real_root: Path, follow_inner_links: bool) -> str:
    if path.is_symlink():
        return _link_fault(path, real_root, follow_inner_links)
    return "" if path.is_file() else "is not a regular file"


def _link_fault(path: Path, real_root: Path, follow_inner_links: bool) -> str:
    if not follow_inner_links:
        return "is a link"
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "is a link that leads nowhere"
    if not target.is_relative_to(real_root):
        return "is a link that leads outside"
    if VERSION_CONTROL & {part.casefold() for part in target.relative_to(real_root).parts}:
        return "is a link that leads into version control"
    return "" if target.is_file() else "is a link to something other than a regular file"


def _shown(name: str) -> str:
    return repr(name) if is_unprintable(name) else name
