"""A change of a project: planned, staged, applied."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lightgen.inside import Found, place_fault
from lightgen.problems import Problem, ProjectError
from lightgen.transaction.files import (
    ABORTED,
    BACKUP,
    COMMITTED,
    DONE,
    NEW,
    STAGED,
    UNDO,
    about,
    drop_journals,
    file_of,
    read_journal,
    read_now,
    record,
    rename_journal,
    stage,
)
from lightgen.transaction.journal import Change, DamagedError, Journal
from lightgen.transaction.lock import hold_lock
from lightgen.transaction.recovery import finish, recover, take_back
from lightgen.tree import File

_STOPS = {signal.SIGINT, signal.SIGTERM}
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


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
    with hold_lock(root):
        with about(BACKUP):
            notes = recover(root)
        yield tuple(notes)


def is_cut_off(root: Path) -> bool:
    """Whether a killed update left something that entering `locked` finishes or takes back."""
    return any(os.path.lexists(record(root, each)) for each in (STAGED, COMMITTED, ABORTED, DONE))


def read_undo(root: Path) -> Undo | None:
    """What the last update changed, None where nothing is remembered. Call it inside `locked`."""
    for name in (DONE, UNDO):
        try:
            journal = read_journal(root, name)
        except DamagedError as error:
            what = f"the record of the last update is damaged: {error}"
            raise ProjectError(Problem(f"{BACKUP}/{name}", what, "remove it")) from error
        if journal is not None:
            before = {each.path: each.before for each in journal.changes}
            after = {each.path: each.after for each in journal.changes}
            return Undo(before, after) if journal.undo else None
    return None


def write_changes(
    root: Path,
    changes: Mapping[str, File | None],
    *,
    expected: Mapping[str, File | None],
    undo: bool = True,
) -> None:
    """Write and remove (None) files: all of them, or none. Call it inside `locked`.

    `expected` is what was read before of the changed paths, None or left out for no file;
    ProjectError if the disk differs. The change becomes the one that can be undone; with
    `undo=False` there is none afterwards. Interrupted, it leaves the project as it was.
    """
    journal, seen = _plan(root, changes, expected, undo)
    if not journal.changes:
        if not undo:
            with about(BACKUP):
                drop_journals(root, UNDO, DONE)
        return
    with ExitStack() as shield:
        try:
            stage(root, journal)
            _apply(root, journal, seen)
            shield.enter_context(_uninterrupted())
            with about(BACKUP):
                rename_journal(root, COMMITTED, DONE)
        except BaseException:
            shield.enter_context(_uninterrupted())
            take_back(root, journal)
            raise
        with suppress(OSError):  # the next run does what is left of it
            finish(root, journal)


# What stands at a path: None, or a file's inode, size and time.
_Seen = tuple[int, int, int] | None


def _plan(
    root: Path, changes: Mapping[str, File | None], expected: Mapping[str, File | None], undo: bool
) -> tuple[Journal, dict[str, _Seen]]:
    """What really changes, once it is known that it may, and what stands there now."""
    planned: list[Change] = []
    seen: dict[str, _Seen] = {}
    folders: set[str] = set()
    for path, after in sorted(changes.items()):
        with about(path):
            found = read_now(root, path)
            before = file_of(found)
            if before != expected.get(path):
                raise _changed_meanwhile(path)
            if before == after:
                continue
            folders |= _check_writable(root, path, found)
        mode = stat.S_IMODE(found.status.st_mode) if found else 0
        planned.append(Change(path, before, after, mode))
        seen[path] = _seen(found.status) if found else None
    return Journal(os.urandom(8).hex(), tuple(planned), tuple(sorted(folders)), undo), seen


def _check_writable(root: Path, path: str, found: Found | None) -> set[str]:
    """The folders that are to be made for a path. The mode counts, also for a superuser."""
    missing: set[str] = set()
    folder = path.rpartition("/")[0]
    while folder and not os.path.lexists(f"{root}/{folder}"):
        missing.add(folder)
        folder = folder.rpartition("/")[0]
    place = f"{root}/{folder}"
    if not os.stat(place).st_mode & _WRITABLE or not os.access(place, os.W_OK | os.X_OK):
        raise _read_only(folder or ".", "the folder")
    if found and not (found.status.st_mode & _WRITABLE and os.access(f"{root}/{path}", os.W_OK)):
        raise _read_only(path, "the file")
    return missing


def _read_only(path: str, what: str) -> ProjectError:
    return ProjectError(Problem(path, f"{what} is read-only", "change its mode and run it again"))


def _changed_meanwhile(path: str) -> ProjectError:
    return ProjectError(Problem(path, "was changed meanwhile", "run it again"))


def _apply(root: Path, journal: Journal, seen: Mapping[str, _Seen]) -> None:
    for change in journal.changes:
        path = f"{root}/{change.path}"
        with about(change.path):
            if place_fault(root, change.path) or _seen_at(path) != seen[change.path]:
                raise _changed_meanwhile(change.path)
            if change.after is None:
                os.unlink(path)
            else:
                os.replace(f"{root}/{journal.temporary(change.path, NEW)}", path)


def _seen_at(path: str) -> _Seen:
    try:
        return _seen(os.lstat(path))
    except FileNotFoundError:
        return None


def _seen(status: os.stat_result) -> _Seen:
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back requests to stop, and drop them: what happens inside is done to its end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        yield
    finally:
        while signal.sigpending() & _STOPS:
            signal.sigwait(_STOPS)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
