"""One update at a time: a lock that the system releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lightgen.inside import MEMORY, place_fault, way_fault
from lightgen.problems import Problem, ProjectError
from lightgen.transaction.files import BACKUP, about

_LOCK = f"{MEMORY}/lock"


@contextmanager
def hold_lock(root: Path) -> Iterator[None]:
    """Hold the project's lock. Raises ProjectError where another process does."""
    folder = f"{root}/{MEMORY}"
    with about(_LOCK):
        for fault in (way_fault(root, f"{BACKUP}/"), place_fault(root, _LOCK)):
            if fault:
                raise ProjectError(Problem(MEMORY, fault, "move it out of the way"))
        made = not os.path.lexists(folder)
        if made:
            os.mkdir(folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(f"{root}/{_LOCK}", flags, 0o666)
    try:
        with about(_LOCK):
            _lock(descriptor)
        yield
    finally:
        if made:
            _remove_unused(folder)
        with suppress(OSError):  # nothing of worth was written to it
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
        who = f" (process {holder})" if holder.isdigit() else ""
        what = f"another update is in progress{who}"
        raise ProjectError(Problem("", what, "wait for it, then run it again")) from None
    with suppress(OSError):  # a full disk: the number is only there to be told
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())


def _remove_unused(folder: str) -> None:
    """Remove a folder that was made for the lock, where nothing has been written beside it."""
    with suppress(OSError):
        if os.listdir(folder) == [os.path.basename(_LOCK)]:
            os.unlink(f"{folder}/{os.path.basename(_LOCK)}")
            os.rmdir(folder)
