"""The merge of three versions of a project, by lightgen and by others."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from benchmarks.compare import script
from benchmarks.peers.updaters import Updater, git, make_home, make_project
from benchmarks.trees import Files, read_files, without, write_files

# Base, yours and new to the result, and whether there was said to be anything to decide.
Merge: TypeAlias = Callable[[Files, Files, Files], tuple[Files, bool]]

# No text has it: a template that is the same whatever its variable is.
_NAME = "zebra"
_START = b"<<<<<<< "
# Templates without a file are none.
_COMMON = {"zebra.txt": b"In each version.\n"}


def by_lightgen(base: Files, yours: Files, new: Files) -> tuple[Files, bool]:
    """`lightgen merge` of three folders."""
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, name) for name in ("base", "yours", "new", "merged")]
        for place, files in zip(places, (base, yours, new), strict=False):
            place.mkdir()
            write_files(place, files)
        command = [script("lightgen"), "merge", *map(str, places[:3]), "-o", str(places[3])]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return read_files(places[3]), done.returncode == 1


def by_git(base: Files, yours: Files, new: Files) -> tuple[Files, bool]:
    """`git merge-file` for a file that both changed; who changed alone wins otherwise."""
    result: dict[str, bytes] = {}
    is_undecided = False
    for path in sorted(base.keys() | yours.keys() | new.keys()):
        content, clash = _file_by_git(base.get(path), yours.get(path), new.get(path))
        is_undecided |= clash
        if content is not None:
            result[path] = content
    return result, is_undecided


def _file_by_git(
    base: bytes | None, mine: bytes | None, new: bytes | None
) -> tuple[bytes | None, bool]:
    if mine == new or new == base:
        return mine, False
    if mine == base:
        return new, False
    if mine is None or new is None:
        return mine or new, True
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("yours", "base", "new")]
        for path, content in zip(paths, (mine, base or b"", new), strict=True):
            path.write_bytes(content)
        done = subprocess.run(["git", "merge-file", "-p", *paths], capture_output=True, check=False)
    return done.stdout, done.returncode != 0


def by(updater: Updater) -> Merge:
    """An update by a tool that has a template.

    It has said so if it failed, or complained, or left a marker, a rejected patch, or a file that
    git takes for unmerged; copier and cruft exit 0 on a conflict.
    """

    def merge(base: Files, yours: Files, new: Files) -> tuple[Files, bool]:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            make_home(home)
            versions = [{**files, **_COMMON} for files in (base, yours, new)]
            project = make_project(updater, home, versions, _NAME)
            done = updater.run_update(project, home)
            files = without(read_files(project), [updater.own, *_COMMON])
            is_undecided = (
                done.returncode != 0
                or b"error:" in done.stdout + done.stderr
                or any(path.endswith(".rej") for path in files)
                or any(_has_marker(content) for content in files.values())
                or bool(git(project, home, "ls-files", "--unmerged"))
            )
            return files, is_undecided

    return merge


def _has_marker(content: bytes) -> bool:
    return any(line.startswith(_START) for line in content.splitlines())
