"""What `.lightgen/` says is taken for true only where it can be."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from support.faults import lay

from lightgen import __version__
from lightgen.memory import memory_of
from lightgen.problems import ProjectError
from lightgen.remembered import read_memory, stored_files
from lightgen.tree import File, Tree

RENDERED = {
    "README.md": File(b"# Run\n"),
    "src/run/train.py": File(b"train = 1\n"),
    "run.sh": File(b"#!/bin/sh\n", executable=True),
}
SPEC = {"seed": 1, "groups": {"head": {"lr": 1e-3}, "backbone": {"lr": 1e-4}}}
PACK = {"{{ lightgen.package }}/a.py.jinja": File(b"{{ x }}"), "x.sh": File(b"", executable=True)}
STATE = ".lightgen/state.toml"
BASE = ".lightgen/base/src/run/train.py.base"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lay(tmp_path, memory_of(RENDERED, SPEC, PACK, "abc123"))
    return tmp_path


def change_state(root: Path, **changes: Any) -> None:
    state = tomlkit.parse((root / STATE).read_text())
    state.update(changes)
    (root / STATE).write_text(tomlkit.dumps(state))


def test_it_reads_back_what_was_written(root: Path) -> None:
    memory = read_memory(root)
    assert memory.lightgen == __version__
    assert memory.base == RENDERED
    assert memory.spec == SPEC
    assert list(memory.spec["groups"]) == ["head", "backbone"]
    assert memory.pack == PACK
    assert memory.resolved == "abc123"
    assert memory.faults == ()


def test_the_lock_and_the_backup_are_no_memory(root: Path) -> None:
    lay(root, {".lightgen/lock": File(b"1"), ".lightgen/backup/undo": File(b"x")})
    assert stored_files(root) == memory_of(RENDERED, SPEC, PACK, "abc123")


def test_without_a_pack(tmp_path: Path) -> None:
    lay(tmp_path, memory_of(RENDERED, SPEC))
    memory = read_memory(tmp_path)
    assert (memory.pack, memory.resolved) == (None, "")


MARKED = b"<<<<<<< HEAD\ntrain = 1\n=======\ntrain = 2\n>>>>>>> other\n"
FAULTS: dict[str, tuple[Tree | dict[str, File | None], str]] = {
    "edited": ({BASE: File(b"train = 2\n")}, f"{BASE} differs from its hash"),
    "markers": ({BASE: File(MARKED)}, f"{BASE} has conflict markers"),
    "missing": ({BASE: None}, f"{BASE} is missing"),
    "more": (
        {".lightgen/base/x.py.base": File(b"")},
        f".lightgen/base/x.py.base is not in {STATE}",
    ),
    "pack": (
        {".lightgen/pack/x.sh": File(MARKED)},
        ".lightgen/pack/x.sh has conflict markers",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_base_that_is_not_to_be_trusted(root: Path, name: str) -> None:
    files, said = FAULTS[name]
    for path, file in files.items():
        if file is None:
            (root / path).unlink()
        else:
            lay(root, {path: file})
    memory = read_memory(root)
    assert memory.faults == (said,)
    assert memory.spec == SPEC


def test_the_state_is_lost(root: Path) -> None:
    (root / STATE).unlink()
    memory = read_memory(root)
    assert memory.faults == (f"{STATE} is missing",)
    assert (memory.spec, memory.lightgen) == (None, "")
    assert {path: file.content for path, file in memory.base.items()} == {
        path: file.content for path, file in RENDERED.items()
    }


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_git_left_markers_in_the_state(root: Path, style: str) -> None:
    text = (root / STATE).read_text()
    before = "||||||| base\nseed = 0\n" if style == "diff3" else ""
    marked = f"<<<<<<< HEAD\nseed = 1\n{before}=======\nseed = 2\n>>>>>>> other\n"
    (root / STATE).write_text(text.replace("seed = 1\n", marked))
    memory = read_memory(root)
    assert memory.faults == (f"{STATE} has conflict markers",)
    assert memory.spec is None


def bumped(at: int) -> str:
    numbers = [int(number) for number in __version__.split(".")]
    return ".".join(str(number + (place == at)) for place, number in enumerate(numbers))


@pytest.mark.parametrize("version", [bumped(0), bumped(1), bumped(2), f"{bumped(2)}.dev1", "99"])
def test_a_newer_lightgen_wrote_it(root: Path, version: str) -> None:
    change_state(root, lightgen=version, files=7)
    with pytest.raises(ProjectError) as caught:
        read_memory(root)
    assert caught.value.exit_code == 3
    assert f"lightgen {version}" in str(caught.value)
    assert f"this is {__version__}" in str(caught.value)


@pytest.mark.parametrize("version", ["0.0.1", f"{__version__}.dev3", f"{__version__}rc1", "0"])
def test_an_older_lightgen_wrote_it(root: Path, version: str) -> None:
    change_state(root, lightgen=version)
    assert read_memory(root).lightgen == version


HASH = hashlib.sha256(b"").hexdigest()
WRONG: dict[str, dict[str, Any]] = {
    "no version": {"lightgen": 1},
    "an odd version": {"lightgen": "new"},
    "files are no table": {"files": [1]},
    "spec is no table": {"spec": "x"},
    "no hash": {"files": {"a": {}}},
    "a hash that is none": {"files": {"a": {"sha256": 1}}},
    "an entry that is none": {"files": {"a": HASH}},
    "executable": {"files": {"a": {"sha256": HASH, "executable": 1}}},
    "resolved": {"template_resolved": 7},
    **{
        repr(path): {"files": {path: {"sha256": HASH}}}
        for path in [
            *("../x", "a/../../x", "/etc/passwd", "C:/x", "c:x", "a\\b", "a\0b", "", "a//b", "./a"),
            *(".git/config", "a/.GIT/hooks", ".git./x", ".git /x", ".gi\u200ct/x", "git~1/x"),
            *(".git::$INDEX_ALLOCATION/x", ".lightgen/state.toml", ".Lightgen/x", "a\nb"),
        ]
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_told_from_an_attack(root: Path, name: str) -> None:
    change_state(root, **WRONG[name])
    with pytest.raises(ProjectError, match=r"state\.toml") as caught:
        read_memory(root)
    assert "--rebuild-base" in str(caught.value)


@pytest.mark.parametrize("text", ["[", "x = 1\nx = 2\n", "\xff", "[" * 100_000])
def test_a_state_that_is_no_toml(root: Path, text: str) -> None:
    (root / STATE).write_bytes(text.encode("latin-1"))
    with pytest.raises(ProjectError, match="is damaged"):
        read_memory(root)


@pytest.mark.parametrize("path", ["", "/state.toml", "/base", "/base/src", "/base/README.md.base"])
@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_links_are_not_followed(root: Path, tmp_path: Path, path: str, kind: str) -> None:
    place = root / f".lightgen{path}"
    moved = root / "moved"
    place.rename(moved)
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(moved if kind == "link" else root / "nowhere")
    with pytest.raises(ProjectError, match=r"is a link|is no folder|is no regular file"):
        read_memory(root)


def test_no_memory_at_all(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"there is no \.lightgen"):
        read_memory(tmp_path)
