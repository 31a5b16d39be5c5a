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
        descriptor = _open_locked(f"{root}/{_LOCK}")
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(f"{root}/{_LOCK}")
        if made:
            with suppress(OSError):  # unless something has been written into it
                os.rmdir(folder)
        with suppress(OSError):  # nothing of worth was written to it
            os.close(descriptor)


def _open_locked(path: str) -> int:
    """The lock, once it is held and is still the one that others find: a holder removes it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            _lock(descriptor)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
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
