"""Hostile content of `.lightgen/` never leads to a read or a write outside of the project."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.faults import lay, snapshot

from lightgen import __version__
from lightgen.disk import list_yours, read_yours
from lightgen.problems import ProjectError
from lightgen.remembered import read_memory
from lightgen.transaction import locked, read_undo
from lightgen.transaction.journal import Change, Journal, encode_journal
from lightgen.tree import File

HEX = "0123456789abcdef"
SECRET = b"a secret outside of the project"
_watched: list[tuple[Path, list[str]]] = []


def _watch(event: str, words: tuple[Any, ...]) -> None:
    if _watched and (event == "open" or event.startswith(("os.", "shutil."))):
        root, found = _watched[-1]
        for word in words[:2]:
            if isinstance(word, str | bytes | Path) and event != "os.putenv":
                folder, name = os.path.split(os.fsdecode(word))
                # A link is removed or renamed itself; what is opened or listed is its target.
                follows = event in ("open", "os.listdir", "os.scandir")
                path = os.path.join(os.path.realpath(folder), name)
                path = os.path.realpath(path) if follows else path
                if not path.startswith(f"{root}/") and path != str(root):
                    found.append(f"{event} {path}")


sys.addaudithook(_watch)


@contextmanager
def nothing_outside(root: Path) -> Iterator[None]:
    """Fail if a file or folder outside of a project is opened, listed or changed meanwhile."""
    found: list[str] = []
    _watched.append((root.resolve(), found))
    try:
        yield
    finally:
        _watched.pop()
    own = (sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    assert [each for each in found if not each.split(" ", 1)[1].startswith(own)] == []


def test_the_watch_sees(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to(tmp_path / "out")
    (tmp_path / "out").write_bytes(SECRET)
    for path in ("out", "in/link"):
        with pytest.raises(AssertionError), nothing_outside(tmp_path / "in"):
            (tmp_path / path).read_bytes()


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    lay(folder, {"outside/secret.py": File(SECRET), "x": File(SECRET), "outside.py": File(SECRET)})
    yield folder
    shutil.rmtree(folder)


def fresh(place: Path) -> Path:
    root = place / "project"
    shutil.rmtree(root, ignore_errors=True)
    lay(root, {"src/a.py": File(b"a = 1\n"), ".git/config": File(b"[core]\n")})
    (root / "linked").symlink_to(place / "outside")
    (root / "link.py").symlink_to(place / "outside/secret.py")
    (root / ".lightgen").mkdir()
    return root


_PARTS = ["..", ".", "", "a", "src", "a.py", "linked", "secret.py", "link.py", "outside", ".git"]
_PARTS += ["config", ".lightgen", "backup", "lock", "x", "C:", "~", "\\..", "..\\x", "\0", "\n"]
_PARTS += [".GIT", "git~1", ".git.", ".git ", ".gi\u200ct", "state.toml", "base", "con", "é" * 200]
_PARTS += ["\ud800", "\udcff", "a" * 250 + "/" + "b" * 250]
paths = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=5).map("/".join) | st.text(
    max_size=8
)
contents = st.sampled_from([SECRET, b"a = 1\n", b""])
files = st.none() | st.builds(File, contents, st.booleans())


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(paths, st.booleans(), max_size=4), st.lists(paths, max_size=3))
@example({"../x": True, "../outside/secret.py": True}, ["../x", "linked/secret.py"])
def test_hostile_paths_in_the_state(place: Path, named: dict[str, bool], known: list[str]) -> None:
    root = fresh(place)
    entries = {
        path.encode("utf-8", "replace").decode(): {
            "sha256": hashlib.sha256(SECRET).hexdigest(),
            "executable": executable,
        }
        for path, executable in named.items()
    }
    state = {"lightgen": __version__, "files": entries, "spec": {"seed": 1}}
    (root / ".lightgen/state.toml").write_text(tomlkit.dumps(state), encoding="utf-8")
    lay(root, {".lightgen/base/src/a.py.base": File(b"a = 1\n")})
    before = snapshot(place)
    with nothing_outside(root):
        with suppress(ProjectError):
            memory = read_memory(root)
            assert SECRET not in {file.content for file in memory.base.values()}
        yours = read_yours(root, [*named, *known])
        assert SECRET not in {yours.files[path].content for path in yours.files}
        assert not {path for path in yours.files if ".git" in path.lower().split("/")}
        list_yours(root)
    assert snapshot(place) == before


changes = st.builds(Change, paths, files, files, st.sampled_from([0o644, 0o4777, 0, -1]))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["staged", "committed", "aborted", "done", "undo"]),
    st.lists(changes, max_size=3, unique_by=lambda change: change.path),
    st.lists(paths, max_size=2),
    st.booleans(),
)
@example("committed", [Change("../x", File(SECRET), File(b"taken"))], [], True)
@example("committed", [Change("linked/secret.py", File(SECRET), None)], ["linked/new"], True)
@example("committed", [Change("link.py", None, File(b"taken"))], [], True)
@example("aborted", [Change("src/../../x", None, File(SECRET))], [], True)
@example("staged", [], ["../outside"], True)
def test_hostile_paths_in_a_journal(
    place: Path, name: str, found: list[Change], folders: list[str], undo: bool
) -> None:
    root = fresh(place)
    journal = Journal(HEX, tuple(found), tuple(folders), undo)
    lay(root, {f".lightgen/backup/{name}": File(encode_journal(journal))})
    outside = {
        path: each for path, each in snapshot(place).items() if not path.startswith("project/")
    }
    config = (root / ".git/config").read_bytes()
    with nothing_outside(root), suppress(ProjectError), locked(root):
        read_undo(root)
    left = {path: each for path, each in snapshot(place).items() if not path.startswith("project/")}
    assert left == outside
    assert (root / ".git/config").read_bytes() == config
    assert [path.name for path in (root / ".git").iterdir()] == ["config"]


HEADS: list[Any] = [
    {},
    [],
    None,
    7,
    {"format": 2, "token": HEX, "undo": True, "folders": [], "changes": []},
    {"format": 1, "token": "../../x/../../y", "undo": True, "folders": [], "changes": []},
    {"format": 1, "token": 7, "undo": True, "folders": [], "changes": []},
    {"format": 1, "token": HEX, "undo": True, "folders": [7], "changes": []},
    {"format": 1, "token": HEX, "undo": True, "folders": [], "changes": [{"path": "a"}]},
    {"format": 1, "token": HEX, "undo": True, "folders": [], "changes": 3},
    *(
        {
            "format": 1,
            "token": HEX,
            "undo": True,
            "folders": [],
            "changes": [
                {"path": "a", "mode": mode, "before": None, "after": {"size": size, **more}}
            ],
        }
        for size, mode, more in [
            (9999, 0, {"executable": True}),
            (-5, 0, {"executable": True}),
            ("x", 0, {"executable": True}),
            (1, "x", {"executable": True}),
            (1, 0, {}),
        ]
    ),
]


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
@pytest.mark.parametrize("name", ["committed", "aborted", "done", "staged", "undo"])
def test_journals_of_a_wrong_shape(place: Path, head: Any, name: str) -> None:
    root = fresh(place)
    body = json.dumps(head).encode() + b"\nx"
    content = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
    lay(root, {f".lightgen/backup/{name}": File(content)})
    before = snapshot(root)
    with nothing_outside(root):
        if name == "staged":  # it was cut off before anything else was written
            with locked(root):
                pass
        else:
            with pytest.raises(ProjectError, match="is damaged"), locked(root):
                read_undo(root)
    assert snapshot(root) == before


@pytest.mark.parametrize("name", ["committed", "aborted", "done", "staged", "undo"])
@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "torn"])
def test_journals_that_are_none(place: Path, name: str, kind: str) -> None:
    root = fresh(place)
    journal = encode_journal(Journal(HEX, (Change("src/a.py", None, File(b"taken")),)))
    lay(root, {".lightgen/backup/x": File(b"")})
    record = root / ".lightgen/backup" / name
    if kind == "link":
        (place / "journal").write_bytes(journal)
        record.symlink_to(place / "journal")
    elif kind == "folder":
        record.mkdir()
    elif kind == "pipe":
        os.mkfifo(record)
    else:
        record.write_bytes(journal[:-3])
    with suppress(ProjectError), locked(root):
        read_undo(root)
    assert (root / "src/a.py").read_bytes() == b"a = 1\n"


def test_a_temporary_name_that_is_a_link(place: Path) -> None:
    """Recovery never writes through it."""
    root = fresh(place)
    change = Change("src/a.py", File(b"a = 1\n"), File(b"a = 2\n"))
    journal = Journal(HEX, (change,))
    lay(root, {".lightgen/backup/committed": File(encode_journal(journal))})
    for purpose in ("new", "old"):
        (root / journal.temporary(change.path, purpose)).symlink_to(place / "outside/secret.py")
    with nothing_outside(root), locked(root):
        pass
    assert (root / "src/a.py").read_bytes() == b"a = 2\n"
    assert (place / "outside/secret.py").read_bytes() == SECRET
