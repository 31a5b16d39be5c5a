"""The way back, and the end of what was cut off."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from lightgen.inside import MEMORY, read_regular
from lightgen.problems import Problem, ProjectError
from lightgen.transaction.files import (
    ABORTED,
    BACKUP,
    COMMITTED,
    DONE,
    OLD,
    STAGED,
    UNDO,
    clear,
    drop_journals,
    file_of,
    lay_out,
    make_folder,
    read_journal,
    read_now,
    remove_empty,
    rename_journal,
    write_beside,
)
from lightgen.transaction.journal import Change, DamagedError, Journal
from lightgen.tree import File


def recover(root: Path) -> list[str]:
    """Bring to its end what a killed run left, and return what there is to say of it."""
    notes: list[str] = []
    try:
        journal = read_journal(root, STAGED)
    except DamagedError:
        drop_journals(root, STAGED)  # cut off before anything else was written
    else:
        if journal:
            _withdraw(root, journal)
    journal = _trusted(root, ABORTED)
    if journal:
        notes.append("an update that failed was taken back")
        for change in journal.changes:
            _restore(root, journal, change)
        _withdraw(root, journal)
    journal = _trusted(root, COMMITTED)
    if journal:
        notes.append("an update that was cut off was finished")
        clear(root, journal)
        for change in journal.changes:
            notes += _complete(root, journal, change)
        rename_journal(root, COMMITTED, DONE)
    journal = _trusted(root, DONE)
    if journal:
        finish(root, journal)
    return notes


def _trusted(root: Path, name: str) -> Journal | None:
    try:
        return read_journal(root, name)
    except DamagedError as error:
        what = f"the record of an update that was cut off is damaged: {error}"
        todo = "look through your files, then remove it"
        raise ProjectError(Problem(f"{BACKUP}/{name}", what, todo)) from error


def take_back(root: Path, journal: Journal) -> None:
    """Undo the steps of a run that failed. What can't be restored is left to the next run."""
    whole = True
    with suppress(OSError):  # where nothing was committed yet
        rename_journal(root, COMMITTED, ABORTED)
    for change in journal.changes:
        try:
            _restore(root, journal, change)
        except (OSError, ProjectError):
            whole = False
    if whole:
        with suppress(OSError):
            _withdraw(root, journal)


def _withdraw(root: Path, journal: Journal) -> None:
    """Remove every trace of a change of which no file is in its place."""
    clear(root, journal)
    remove_empty(root, journal.folders)
    drop_journals(root, STAGED, COMMITTED, ABORTED)


def _restore(root: Path, journal: Journal, change: Change) -> None:
    """Put the file before in its place again, unless somebody else has changed it since."""
    try:
        now = file_of(read_now(root, change.path))
    except ProjectError:
        return
    if now == change.before or not _same(now, change.after):
        return
    path = f"{root}/{change.path}"
    if change.before is None:
        os.unlink(path)
        return
    old = f"{root}/{journal.temporary(change.path, OLD)}"
    if not _holds(old, change.before):
        old = lay_out(root, journal, change, change.before)
    os.replace(old, path)


def _same(now: File | None, ours: File | None) -> bool:
    """Whether it is this file; not every file system keeps the executable bit."""
    return (now and now.content) == (ours and ours.content)


def _holds(path: str, file: File) -> bool:
    try:
        return read_regular(path).content == file.content
    except OSError:
        return False


def _complete(root: Path, journal: Journal, change: Change) -> list[str]:
    """Put the file after in its place; where somebody has changed it since, beside it."""
    try:
        now = file_of(read_now(root, change.path))
    except ProjectError as error:
        return [f"{problem}; it is left as it is" for problem in error.problems]
    if now == change.after:
        return []
    if _same(now, change.before) or _same(now, change.after):
        _place(root, journal, change)
        return []
    if change.path.startswith(f"{MEMORY}/"):
        return []  # its hash will tell
    if now is None or change.after is None:
        return [f"{change.path}: you changed it since; it is left as it is"]
    beside = write_beside(root, change.path, change.after)
    return [f"{change.path}: you changed it since; the update's is {beside}"]


def _place(root: Path, journal: Journal, change: Change) -> None:
    path = f"{root}/{change.path}"
    if change.after is None:
        os.unlink(path)
        return
    parts = change.path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        make_folder(root, "/".join(parts[:depth]))
    os.replace(lay_out(root, journal, change, change.after), path)


def finish(root: Path, journal: Journal) -> None:
    """Remove what a change that stands no longer needs, and keep its record for an undo."""
    clear(root, journal)
    emptied = {
        change.path.rsplit("/", depth)[0]
        for change in journal.changes
        if change.after is None
        for depth in range(1, change.path.count("/") + 1)
    }
    remove_empty(root, emptied - {MEMORY})
    if journal.undo:
        rename_journal(root, DONE, UNDO)
    else:
        drop_journals(root, UNDO, DONE)
