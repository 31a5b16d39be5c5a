"""Which files are the user's, and what of them is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.faults import lay

import lightgen.disk
from lightgen.disk import find_project, list_yours, read_yours
from lightgen.problems import ProjectError
from lightgen.tree import File

KNOWN = ["src/run/train.py", "src/run/gone.py", "run.sh", "README.md", ".gitignore"]
MINE = {
    "src/run/train.py": File(b"train = 1\n"),
    "run.sh": File(b"#!/bin/sh\n", executable=True),
    "README.md": File(b"# Run\n"),
    ".gitignore": File(b"x\n"),
    "src/run/moved.py": File(b"moved = 1\n"),
    "src/run/logs/__init__.py": File(b""),
    "src/run/logs/writer.py": File(b"x = 1\n"),
    "notes.md": File(b"# Notes\n"),
    "tools/go.sh": File(b"", executable=True),
    "data/table.csv": File(b"1,2\n"),
    "a name with spaces \u00e9.py": File(b"\xff"),
}
NOT_MINE = [
    *(".git/config", ".git/hooks/x.py", ".lightgen/base/a.py.base", "lightgen.toml", ".DS_Store"),
    *(".venv/pyvenv.cfg", ".venv/lib/x.py", "env3/pyvenv.cfg", "env3/lib/x.py", "venv/x.py"),
    *("src/run/__pycache__/a.pyc", "node_modules/x/y.py", ".mypy_cache/x.py", ".ruff_cache/x"),
    *(".pytest_cache/x.md", ".ipynb_checkpoints/x.py", "src/run.egg-info/PKG-INFO", "a.pyc"),
    *("lightning_logs/version_0/hparams.yaml", "logs/a.md", "checkpoints/a.py", "best.ckpt"),
    *("model.pt", "build/lib/run/train.py", "dist/x.py", "src/.DS_Store"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lay(tmp_path, {**MINE, **dict.fromkeys(NOT_MINE, File(b"x\n"))})
    return tmp_path


def test_what_tools_and_runs_make_is_not_the_users(root: Path) -> None:
    assert list_yours(root) == sorted(MINE)


def test_a_lightgen_toml_further_down_is(root: Path) -> None:
    lay(root, {"other/lightgen.toml": File(b"")})
    assert "other/lightgen.toml" in list_yours(root)


def test_known_files_and_those_that_might_be_one(root: Path) -> None:
    yours = read_yours(root, KNOWN)
    assert yours.blocked == {}
    assert dict(yours.files) == {path: file for path, file in MINE.items() if path[-3:] != "csv"}
    assert len(yours.files) == len([*yours.files]) == len(MINE) - 1
    assert "data/table.csv" not in yours.files
    assert yours.files.get("data/table.csv") is None
    assert "src/run/gone.py" not in yours.files


@pytest.mark.parametrize("path", ["build/x.py", ".venv/lib/x.py", "a.pyc", "lightgen.toml"])
def test_a_known_file_counts_wherever_it_is(root: Path, path: str) -> None:
    lay(root, {path: File(b"known\n")})
    assert read_yours(root, [path]).files[path] == File(b"known\n")


def test_what_might_matter_is_read_only_when_it_is_looked_at(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(root, {f"more/{number}.py": File(b"x\n") for number in range(300)})
    lay(root, {"large.py": File(b"#" * 2_000_000)})
    read: list[str] = []
    real = lightgen.disk.read_regular
    monkeypatch.setattr(lightgen.disk, "read_regular", lambda path: read.append(path) or real(path))
    yours = read_yours(root, KNOWN)
    assert len(read) == 5
    assert len(yours.files) > 300
    assert "more/7.py" in yours.files
    assert "large.py" not in yours.files
    assert len(read) == 5
    assert yours.files["more/7.py"] is yours.files["more/7.py"]
    assert len(read) == 6


def test_a_file_that_goes_meanwhile_has_nothing_to_give(root: Path) -> None:
    yours = read_yours(root, KNOWN)
    (root / "notes.md").unlink()
    (root / "src/run/moved.py").unlink()
    (root / "src/run/moved.py").symlink_to(root / "README.md")
    assert yours.files["notes.md"].content == b""
    assert yours.files["src/run/moved.py"].content == b""


def test_what_stands_in_the_way_is_blocked(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    lay(outside, {"a.py": File(b"secret\n"), "sub/b.py": File(b"secret\n")})
    (root / "out").symlink_to(outside)
    (root / "in").symlink_to(root / "src")
    (root / "out.py").symlink_to(outside / "a.py")
    (root / "in.py").symlink_to("src/run/train.py")
    (root / "nowhere.py").symlink_to("nothing")
    (root / "folder.py").mkdir()
    os.mkfifo(root / "pipe.py")
    blocked = {
        "out/a.py": "lies behind a link (out)",
        "out/none.py": "lies behind a link (out)",
        "out/sub/b.py": "lies behind a link (out)",
        "in/run/train.py": "lies behind a link (in)",
        "out.py": "is a link",
        "in.py": "is a link",
        "nowhere.py": "is a link",
        "folder.py": "a folder is in the way",
        "pipe.py": "is no regular file",
        "README.md/a.py": "a file is in the way (README.md)",
        "../x.py": "leaves the project",
        "/etc/passwd": "is absolute",
        ".git/config": "is in git's own folder",
        ".lightgen/state.toml": "is in lightgen's own folder",
    }
    yours = read_yours(root, [*KNOWN, *blocked])
    assert yours.blocked == blocked
    assert not blocked.keys() & yours.files.keys()
    assert not any(path.startswith(("out/", "in/")) for path in yours.files)
    assert all(yours.files[path].content != b"secret\n" for path in yours.files)


def test_links_are_listed_and_not_entered(root: Path) -> None:
    (root / "in").symlink_to(root / "src")
    (root / "loop").symlink_to(root)
    (root / "data/link.py").symlink_to("nothing")
    assert set(list_yours(root)) - MINE.keys() == {"in", "loop", "data/link.py"}


def test_the_nearest_project_upwards(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "src/run")
    assert find_project(None) == root
    assert find_project(root) == root
    assert find_project(Path("../..")).resolve() == root
    lay(root, {"src/run/.lightgen/state.toml": File(b"")})
    assert find_project(None) == root / "src/run"


def test_no_project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ProjectError, match=r"no \.lightgen in it; give the folder of a project"):
        find_project(empty)
    with pytest.raises(ProjectError, match="there is no such folder"):
        find_project(empty / "none")
    with pytest.raises(ProjectError, match="this is no folder"):
        find_project(root / "README.md")
    with pytest.raises(ProjectError, match=r"no \.lightgen in it"):
        find_project(root / "src")
    lay(empty, {"lightgen.toml": File(b"")})
    with pytest.raises(ProjectError, match="--rebuild-base"):
        find_project(empty)
    assert find_project(empty, having="lightgen.toml") == empty


def test_no_project_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match="nor in a folder above; go to a project"):
        find_project(None, having="no such name")
