"""Projects to check, and the child of a check, forked from a process that has torch already."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightgen.check.proof import NAMES, Gathered, Proof, Report
from support.projects import in_project

Check = Callable[..., Report]
GOLDEN = Path(__file__).parents[2] / "golden" / "projects"


@dataclass(frozen=True)
class Edit:
    """A change to a file of the package: what stands there, and what instead."""

    file: str
    old: str
    new: str

    def apply(self, package: Path) -> None:
        path = package / self.file
        text = path.read_text()
        assert self.old in text, f"{self.file} has no {self.old!r}"
        path.write_text(text.replace(self.old, self.new))


def package_of(root: Path) -> Path:
    return next(path for path in (root / "src").iterdir() if path.is_dir())


def copy_golden(name: str, folder: Path, *edits: Edit) -> Path:
    """A golden project, edited."""
    root = folder / "project"
    shutil.copytree(GOLDEN / name, root)
    for edit in edits:
        edit.apply(package_of(root))
    return root


def listing(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def told_by(root: Path, folder: Path, wanted: Sequence[str] = NAMES) -> list[Mapping[str, Any]]:
    """What a child tells of a project; nothing may be left in it."""
    import pytorch_lightning  # noqa: F401  once, before children are forked
    import sklearn.datasets  # noqa: F401
    import tensorboard  # noqa: F401

    from lightgen.check import prove, run

    place = folder / "place"
    place.mkdir()
    prove.mirror(root, place)
    messages: list[Mapping[str, Any]] = []

    def act() -> list[Mapping[str, Any]]:
        sys.dont_write_bytecode = True
        os.environ["TMPDIR"] = str(place)
        run.serve(root, wanted, messages.append)
        return messages

    before = listing(root)
    told: list[Mapping[str, Any]] = in_project(place, act)
    assert listing(root) == before
    return told


def report_of(messages: list[Mapping[str, Any]]) -> Report:
    gathered = Gathered()
    for message in messages:
        if "proof" in message:
            gathered.add(dict(message))
    return gathered.report()


def failed(report: Report) -> dict[str, Proof]:
    return {proof.name: proof for proof in report.proofs if not proof.holds}
