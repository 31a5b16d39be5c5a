from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar, TypeAlias

import pytest
from support.faults import lay

from lightgen.transaction import locked, write_changes
from lightgen.tree import File

Changes: TypeAlias = dict[str, File | None]


class Case:
    """A project, and a change of it that does all that a change can do."""

    before: ClassVar[Changes] = {
        "src/run/train.py": File(b"train = 1\n"),
        "src/run/old/gone.py": File(b"gone = 1\n"),
        "src/run/old/deep/gone.py": File(b"gone = 2\n"),
        "run.sh": File(b"#!/bin/sh\n", executable=True),
        "plain.sh": File(b"#!/bin/sh\n"),
        "lightgen.toml": File(b"seed = 1\n"),
        ".lightgen/state.toml": File(b'lightgen = "0.1.0"\n'),
        ".lightgen/base/src/run/train.py.base": File(b"train = 1\n"),
        ".lightgen/base/src/run/old/gone.py.base": File(b"gone = 1\n"),
    }
    changes: ClassVar[Changes] = {
        "src/run/train.py": File(b"train = 2\n" * 100),
        "src/run/old/gone.py": None,
        "src/run/old/deep/gone.py": None,
        "src/run/new/more/added.py": File(b""),
        "added.sh": File(b"#!/bin/sh\n", executable=True),
        "run.sh": File(b"#!/bin/sh\ntrue\n", executable=True),
        "plain.sh": File(b"#!/bin/sh\n", executable=True),
        "lightgen.toml": File(b"seed = 2\n"),
        ".lightgen/state.toml": File(b'lightgen = "0.1.0"\nnew = true\n'),
        ".lightgen/base/src/run/train.py.base": File(b"train = 2\n" * 100),
        ".lightgen/base/src/run/old/gone.py.base": None,
    }
    mine: ClassVar[Changes] = {
        "src/run/mine.py": File(b"mine = 1\n"),
        ".lightgen-0123456789abcdef-0.new": File(b"a name like a temporary one\n"),
    }

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.first = folder / "first"
        self._lay(self.first)

    def fresh(self) -> Path:
        """The project before the change, with an earlier one that can be undone."""
        self.count += 1
        return shutil.copytree(self.first, self.folder / f"case{self.count}")

    def _lay(self, root: Path) -> None:
        lay(root, {**self.before, **self.mine, "src/run/train.py": File(b"train = 0\n")})
        (root / "src/run/train.py").chmod(0o640)
        (root / "src/run/old").chmod(0o750)
        with locked(root):
            earlier = File(b"train = 0\n")
            path = "src/run/train.py"
            write_changes(root, {path: self.before[path]}, expected={path: earlier})

    def write(self, root: Path, *, undo: bool = True) -> None:
        """Make the change."""
        expected = {path: self.before.get(path) for path in self.changes}
        write_changes(root, self.changes, expected=expected, undo=undo)


@pytest.fixture(autouse=True)
def _usual_mask() -> None:
    os.umask(0o022)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)
