"""The single steps of a change: files under temporary names, journals, and what stands there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lightgen.inside import MEMORY, Found, place_fault, read_regular, way_fault, write_fault
from lightgen.problems import Problem, ProjectError
from lightgen.transaction.journal import (
    Change,
    DamagedError,
    Journal,
    decode_journal,
    encode_journal,
)
from lightgen.tree import File

BACKUP = f"{MEMORY}/backup"
STAGED, COMMITTED, ABORTED, DONE, UNDO = "staged", "committed", "aborted", "done", "undo"
NEW, OLD = "new", "old"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# There is none, or it isn't empty, or something of somebody else's stands there.
_NOTHING_TO_REMOVE = frozenset(
    {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EBUSY}
)
_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


@contextmanager
def about(path: str) -> Iterator[None]:
    """Say of which path the system refused something."""
    try:
        yield
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise ProjectError(Problem(path, what, "check space and permissions")) from error


def read_now(root: Path, path: str) -> Found | None:
    """What stands at a path, None for nothing. Raises ProjectError unless it may be written."""
    fault = write_fault(path) or place_fault(root, path)
    if fault:
        raise ProjectError(Problem(path, fault, "move it out of the way"))
    try:
        return read_regular(f"{root}/{path}")
    except FileNotFoundError:
        return None


def file_of(found: Found | None) -> File | None:
    """What was found, as a file of a tree."""
    return None if found is None else File(found.content, found.executable)


def record(root: Path, name: str) -> str:
    """Where a journal of that name stands."""
    return f"{root}/{BACKUP}/{name}"


def read_journal(root: Path, name: str) -> Journal | None:
    """The journal of that name, None where there is none. Raises DamagedError."""
    try:
        if way_fault(root, f"{BACKUP}/{name}"):
            raise DamagedError("a link or a file is in the way")
        return decode_journal(read_regular(record(root, name)).content)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedError(error.strerror or str(error)) from error


def rename_journal(root: Path, name: str, after: str) -> None:
    """Go one step on: one rename, so that it happens at once or not at all."""
    os.replace(record(root, name), record(root, after))


def drop_journals(root: Path, *names: str) -> None:
    """Remove journals, those that there are."""
    for name in names:
        with suppress(FileNotFoundError):
            os.unlink(record(root, name))


def stage(root: Path, journal: Journal) -> None:
    """Lay everything out beside what is there, then commit to it."""
    with about(BACKUP):
        with suppress(FileExistsError):
            os.mkdir(f"{root}/{BACKUP}", 0o700)  # it holds copies of the user's files
        _write(record(root, STAGED), encode_journal(journal))
    for folder in journal.folders:
        with about(folder):
            make_folder(root, folder)
    for change in journal.changes:
        with about(change.path):
            if change.before is not None:
                _keep(root, journal, change, change.before)
            if change.after is not None:
                lay_out(root, journal, change, change.after)
    with about(BACKUP):
        rename_journal(root, STAGED, COMMITTED)
        _sync_folder(f"{root}/{BACKUP}")


def make_folder(root: Path, folder: str) -> None:
    """Make a folder unless it is there, but behind no link."""
    fault = way_fault(root, f"{folder}/")
    if fault:
        raise ProjectError(Problem(folder, fault, "move it out of the way"))
    with suppress(FileExistsError):
        os.mkdir(f"{root}/{folder}")


def _keep(root: Path, journal: Journal, change: Change, before: File) -> None:
    """Give the old file a second name: to take the change back then needs no space."""
    old = f"{root}/{journal.temporary(change.path, OLD)}"
    try:
        os.link(f"{root}/{change.path}", old, follow_symlinks=False)
    except OSError:  # not every file system has links
        _write(old, before.content, mode=change.mode)


def lay_out(root: Path, journal: Journal, change: Change, file: File) -> str:
    """Write a file under its temporary name; it gets the mode of the one that it replaces."""
    fault = way_fault(root, change.path)
    if fault:
        raise ProjectError(Problem(change.path, fault, "move it out of the way"))
    path = f"{root}/{journal.temporary(change.path, NEW)}"
    # A base is guarded by its hash and can be made anew: it need not survive a loss of power.
    sync = not change.path.startswith(f"{MEMORY}/base/")
    _write(path, file.content, _mode(change, file), executable=file.executable, sync=sync)
    if change.before is not None:
        _give_to_owner(path, f"{root}/{change.path}")
    return path


def _give_to_owner(path: str, of: str) -> None:
    """What a superuser writes stays its owner's."""
    with suppress(OSError):
        ours, theirs = os.lstat(path), os.lstat(of)
        if (ours.st_uid, ours.st_gid) != (theirs.st_uid, theirs.st_gid):
            os.chown(path, theirs.st_uid, theirs.st_gid, follow_symlinks=False)


def _mode(change: Change, file: File) -> int | None:
    """The mode of the new file; None for what is usual."""
    if change.before is None:
        return None
    if file.executable == change.before.executable:
        return change.mode
    if file.executable:
        return change.mode | (change.mode & (stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)) >> 2
    return change.mode & ~_EXECUTABLE


def write_beside(root: Path, path: str, file: File) -> str:
    """Write a file as NAME.new, or under the next free name; returns its path."""
    number = 1
    while True:
        beside = f"{path}.new{number if number > 1 else ''}"
        try:
            _write(f"{root}/{beside}", file.content, executable=file.executable)
        except FileExistsError:
            number += 1
        else:
            return beside


def _write(
    path: str,
    content: bytes,
    mode: int | None = None,
    *,
    executable: bool = False,
    sync: bool = True,
) -> None:
    """Write a file that does not exist yet."""
    usual = 0o777 if executable else 0o666
    descriptor = os.open(path, _CREATE, usual if mode is None else 0o600)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if mode is not None:
            os.fchmod(descriptor, mode)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear(root: Path, journal: Journal) -> None:
    """Remove the temporary files of a change, those that there are."""
    paths = [
        journal.temporary(change.path, purpose)
        for change in journal.changes
        for purpose in (NEW, OLD)
    ]
    _remove_all(root, paths, os.unlink)


def remove_empty(root: Path, folders: Iterable[str]) -> None:
    """Remove those of the folders that are empty, the inner ones first."""
    _remove_all(root, sorted(folders, key=len, reverse=True), os.rmdir)


def _remove_all(root: Path, paths: Iterable[str], remove: Callable[[str], None]) -> None:
    """Remove all that can be; a refusal is told at the end."""
    refusal: OSError | None = None
    for path in paths:
        try:
            if not way_fault(root, path):
                remove(f"{root}/{path}")
        except OSError as error:
            if error.errno not in _NOTHING_TO_REMOVE:
                refusal = error
    if refusal:
        raise refusal
