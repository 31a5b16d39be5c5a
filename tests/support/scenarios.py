"""Scenarios of edits against regeneration: three projects and the right merge of them.

A scenario is a text with a title, a reason and sections, one a file of a side: see README.md in
tests/merge/scenarios. Or a folder with whole projects, and checks in its meta.json.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lightgen.tree import File, Tree
from support.merging import differences
from support.oracles import sides

FOLDER = Path(__file__).parents[1] / "merge" / "scenarios"
SECTION = re.compile(
    r"(?m)^==== (base|yours|new|expected|conflict|note|or conflict) ?(\S*)( \(deleted\))?\n"
)


_PATHS = {
    "MODULE": "src/flowers/module.py",
    "MODEL": "src/flowers/model.py",
    "OPTIM": "src/flowers/optim.py",
    "CALLBACKS": "src/flowers/callbacks.py",
    "TRAIN": "src/flowers/train.py",
    "DATA": "src/flowers/data.py",
    "PYPROJECT": "pyproject.toml",
    "CONFIG": "configs/train.toml",
    "README": "README.md",
}
# What a check says that looks at the running project.
_RUNNING = re.compile(r"\b(opt|m|groups|fit|torch_randn)\b(?!\.py)")


@dataclass(frozen=True)
class Scenario:
    """Three projects, and what is right.

    `expected` gives texts for a path, each of them right, or none where the file must be gone;
    `conflict` what must stand in and around the markers; `note` what must be said.
    `checks` are expressions on the result.
    """

    name: str
    title: str
    base: Tree
    yours: Tree
    new: Tree
    expected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conflict: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    note: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    may_conflict: bool = False
    whole: Tree | None = None
    checks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def must_conflict(self) -> bool:
        """Whether there is no right answer but a conflict."""
        return bool(self.conflict)

    def failed_checks(self, got: Tree) -> list[str]:
        """The checks of the text that do not hold; those of the running project are left out."""
        where = look_at(got) if self.checks else {}
        return [each for each in self.checks if not _RUNNING.search(each) and not eval(each, where)]

    def faults(self, got: Tree, *, exact: bool = True) -> list[str]:
        """What is wrong with a merge, by its texts; by their meaning where it is not exact."""
        found = [
            fault
            for path, texts in self.expected.items()
            for fault in _expected(path, texts, got, exact)
        ]
        for path, lines in self.conflict.items():
            found += _marked(path, lines, got)
        if self.whole is not None:
            found += differences(self.whole, got)
        return [*found, *self.failed_checks(got)]


def _expected(path: str, texts: tuple[str, ...], got: Tree, exact: bool) -> list[str]:
    if not texts:
        return [f"{path} is still there"] if path in got else []
    if path not in got:
        return [f"{path} is missing"]
    if any(got[path].content == text.encode() for text in texts):
        return []
    if exact:
        return [f"{path} became\n{got[path].text}"]
    either = [differences({path: File.from_text(t)}, {path: got[path]}) for t in texts]
    return [] if [] in either else either[0]


def _marked(path: str, lines: tuple[str, ...], got: Tree) -> list[str]:
    mine, theirs = (text.splitlines() for text in sides(got[path].text))
    found = []
    for line in lines:
        mark, text = line[:2], line[2:]
        there = (text in mine, text in theirs)
        if there != {"- ": (True, False), "+ ": (False, True), "  ": (True, True)}[mark]:
            found.append(f"{path}: {line!r} is not where it should be in\n{got[path].text}")
    return found


def look_at(tree: Tree) -> dict[str, Any]:
    """What checks of the text see."""
    texts = {path: file.content.decode(errors="replace") for path, file in tree.items()}
    return {
        **_PATHS,
        "src": texts,
        "raw": {path: file.content for path, file in tree.items()},
        "names": set(tree),
        "toml": tomllib.loads(texts["pyproject.toml"]),
        "cfg": tomllib.loads(texts["configs/train.toml"]),
    }


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All of them, by name."""
    texts = [_from_text(path) for path in sorted(FOLDER.glob("*.txt"))]
    folders = [_from_folder(path.parent) for path in sorted(FOLDER.glob("*/meta.json"))]
    return (*texts, *folders)


def _from_text(path: Path) -> Scenario:
    head, *parts = SECTION.split(path.read_text())
    trees: dict[str, dict[str, File]] = {"base": {}, "yours": {}, "new": {}}
    said: dict[str, dict[str, tuple[str, ...]]] = {
        "expected": {},
        "conflict": {},
        "note": {},
    }
    may_conflict = False
    for kind, name, deleted, text in zip(*(parts[at::4] for at in range(4)), strict=True):
        if kind == "base":
            for tree in trees.values():
                tree[name] = File.from_text(text)
        elif kind == "or conflict":
            may_conflict = True
        elif kind == "expected":
            said[kind][name] = () if deleted else (*said[kind].get(name, ()), text)
        elif kind in ("conflict", "note"):
            said[kind][name] = tuple(text.splitlines())
        elif deleted:
            del trees[kind][name]
        else:
            trees[kind][name] = File.from_text(text)
    title = head.strip().splitlines()[0]
    return Scenario(path.stem, title, **trees, **said, may_conflict=may_conflict)


def _from_folder(folder: Path) -> Scenario:
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    checks = [*meta["user_checks"], *meta["template_checks"], *meta["merged_checks"]]
    return Scenario(
        folder.name,
        meta["title"],
        _tree(folder / "base"),
        _tree(folder / "user"),
        _tree(folder / "template"),
        may_conflict=meta["conflict_ok"],
        whole=_tree(folder / "expected") if meta["has_expected"] else None,
        checks=tuple(checks),
    )


def _tree(folder: Path) -> Tree:
    return {
        path.relative_to(folder).as_posix(): File(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
