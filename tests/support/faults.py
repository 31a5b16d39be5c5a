"""Faults at will: a stand-in for `os` that counts the steps of a change, and children to kill."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgen.inside
from lightgen.problems import ProjectError
from lightgen.transaction import change, files, lock, recovery
from lightgen.tree import File

_MODULES: tuple[Any, ...] = (lightgen.inside, change, files, lock, recovery)
Step = Callable[[int, str], None]
GROWING = {"open", "write", "mkdir", "link", "ftruncate"}
CHANGING = GROWING | {"replace", "unlink", "rmdir", "fchmod", "fsync"}
_NO_STEPS = {"urandom", "getpid"}


class _Os:
    """`os`, with a look at each call of it."""

    def __init__(self, before: Step) -> None:
        self._before = before
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if not callable(found) or isinstance(found, type) or name in _NO_STEPS:
            return found

        def call(*words: Any, **named: Any) -> Any:
            self._count += 1
            # Reading needs no space: only an open that creates counts as one.
            grows = name != "open" or words[1] & os.O_CREAT
            self._before(self._count, name if grows else "read")
            return found(*words, **named)

        return call


@contextmanager
def stepping(before: Step) -> Iterator[None]:
    """Call `before` with number and name ahead of each call of the system by a change."""
    stand_in = _Os(before)
    for module in _MODULES:
        module.os = stand_in
    try:
        yield
    finally:
        for module in _MODULES:
            module.os = os


def kill_at(at: int) -> Step:
    """Die at that step, as by a loss of power."""

    def step(number: int, name: str) -> None:
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def fail_at(at: int, code: int) -> Step:
    """Fail once."""

    def step(number: int, name: str) -> None:
        if number == at:
            raise OSError(code, os.strerror(code))

    return step


def full_from(at: int) -> Step:
    """From that step on the disk is full."""

    def step(number: int, name: str) -> None:
        if number >= at and name in GROWING:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return step


def stop_at(at: int, number_of_signal: int = signal.SIGINT, times: int = 1) -> Step:
    """Receive a signal, as by Ctrl-C: handled as soon as the interpreter looks."""

    def step(number: int, name: str) -> None:
        if at <= number < at + times:
            os.kill(os.getpid(), number_of_signal)

    return step


DONE, REFUSED, INTERRUPTED, WRONG = 0, 3, 130, 99


def in_child(act: Callable[[], object]) -> int:
    """Call it in a forked child: how that ended, minus the signal where one killed it."""
    sys.stderr.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = WRONG
    try:
        for each in (signal.SIGTERM, signal.SIGINT):  # in the background a shell ignores the latter
            signal.signal(each, signal.default_int_handler)
        act()
        code = DONE
    except ProjectError:
        code = REFUSED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def snapshot(root: Path) -> dict[str, tuple[int, bytes | None]]:
    """Everything in a project, with modes; not what only lightgen needs to work."""
    found: dict[str, tuple[int, bytes | None]] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name == ".lightgen/lock" or name.startswith(".lightgen/backup"):
            continue
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[name] = (stat.S_IMODE(status.st_mode), content)
    return found


def lay(root: Path, files: Mapping[str, File | None]) -> None:
    """Write files as they are."""
    for name, file in files.items():
        if file is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
            path.chmod(0o755 if file.executable else 0o644)
