"""Which paths are a project's own: nothing outside of it is ever read or written."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

MEMORY = ".lightgen"
"""The folder of what a project remembers."""
_GIT = frozenset({".git", "git~1"})
_PRIVATE = frozenset({"backup", "lock"})


@dataclass(frozen=True)
class Found:
    """A regular file as it was read."""

    content: bytes
    status: os.stat_result

    @property
    def executable(self) -> bool:
        """Whether its owner may execute it."""
        return bool(self.status.st_mode & stat.S_IXUSR)


def outside_fault(path: str) -> str:
    """Why no project has a file of its own at this relative POSIX path; nothing where it may."""
    if not path or path.startswith("/"):
        return "is absolute" if path else "is empty"
    if "\\" in path or re.match(r"[A-Za-z]:", path):
        return "has a backslash" if "\\" in path else "has a drive letter"
    if any(unicodedata.category(character) == "Cc" for character in path):
        return "has a control character"
    if any("\ud800" <= character < "\udc80" for character in path):
        return "has half a character"  # others stand for bytes that are not UTF-8
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "leaves the project" if part == ".." else f"has a component '{part}'"
        # As file systems that fold case, drop final dots or ignore some characters see it.
        seen = "".join(each for each in part if unicodedata.category(each) != "Cf")
        seen = seen.casefold().split(":")[0].rstrip(". ")
        if seen in _GIT:
            return "is in git's own folder"
        if seen == MEMORY:
            return "is in lightgen's own folder"
    return ""


def write_fault(path: str) -> str:
    """Why a transaction may not write there; beside a project's files it may write the memory."""
    inner = path.removeprefix(f"{MEMORY}/")
    if inner != path and inner.split("/")[0].casefold() in _PRIVATE:
        return "is in lightgen's own folder"
    return outside_fault(inner)


def way_fault(root: Path, path: str) -> str:
    """What stands on the way to a path, so that it must be neither read nor written."""
    way = ""
    for part in path.split("/")[:-1]:
        way = f"{way}/{part}" if way else part
        try:
            mode = os.lstat(f"{root}/{way}").st_mode
        except FileNotFoundError:
            return ""
        if stat.S_ISLNK(mode):
            return f"lies behind a link ({way})"
        if not stat.S_ISDIR(mode):
            return f"a file is in the way ({way})"
    return ""


def place_fault(root: Path, path: str) -> str:
    """Why the file at a path must be neither read nor written: a link, a folder, the way there."""
    fault = way_fault(root, path)
    if fault:
        return fault
    try:
        mode = os.lstat(f"{root}/{path}").st_mode
    except FileNotFoundError:
        return ""
    if stat.S_ISLNK(mode):
        return "is a link"
    if stat.S_ISDIR(mode):
        return "a folder is in the way"
    return "" if stat.S_ISREG(mode) else "is no regular file"


def read_regular(path: str | Path) -> Found:
    """Read a regular file; its last component is not followed if it is a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(f"{path} is no regular file")
        return Found(stream.read(), status)
