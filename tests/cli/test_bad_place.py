"""Places that do not allow a project: exit code 3, and the disk is as it was before."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Lightgen

ELSEWHERE = "choose another path"


def refused(lightgen: Lightgen, path: str) -> list[str]:
    told = lightgen.refused("new", path, code=3)
    assert lightgen.refused("new", path, "--dry-run", code=3) == told
    return told


def test_a_folder_that_holds_something_is_refused(lightgen: Lightgen) -> None:
    lightgen.write("run/notes.txt", "mine")
    assert refused(lightgen, "run") == [
        f"run: the folder is not empty (notes.txt); {ELSEWHERE}, or an empty folder"
    ]
    lightgen.write("run/.git/HEAD", "")
    lightgen.write("run/a.txt", "mine")
    assert refused(lightgen, "run") == [
        f"run: the folder is not empty (a.txt, ...); {ELSEWHERE}, or an empty folder"
    ]


def test_a_project_is_not_written_over(lightgen: Lightgen) -> None:
    lightgen.done("new", "run")
    assert "the folder is not empty" in refused(lightgen, "run")[0]


def test_a_file_is_refused(lightgen: Lightgen) -> None:
    lightgen.write("run", "mine")
    assert refused(lightgen, "run") == [f"run: a file is in the way; {ELSEWHERE}"]


@pytest.mark.parametrize("path", ["file/run", "file/a/b"])
def test_a_file_as_parent_is_refused(lightgen: Lightgen, path: str) -> None:
    file = lightgen.write("file", "mine")
    assert refused(lightgen, path) == [f"{file}: a file is in the way; {ELSEWHERE}"]


def test_a_link_to_nothing_is_refused(lightgen: Lightgen) -> None:
    link = lightgen.folder / "link"
    link.symlink_to("nowhere")
    assert refused(lightgen, "link") == [
        f"link: this is a link to nothing; remove it, or {ELSEWHERE}"
    ]
    assert refused(lightgen, "link/run") == [f"{link}: this is a link to nothing; {ELSEWHERE}"]


def test_a_link_to_an_empty_folder_is_filled(lightgen: Lightgen) -> None:
    (lightgen.folder / "real").mkdir()
    (lightgen.folder / "link").symlink_to("real")
    lightgen.done("new", "link")
    assert (lightgen.folder / "real/lightgen.toml").is_file()


def test_a_read_only_folder_is_refused_whoever_asks(lightgen: Lightgen) -> None:
    folder = lightgen.folder / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    what = "the folder is read-only; change its mode, or choose another"
    assert refused(lightgen, "locked") == [f"locked: {what}"]
    assert refused(lightgen, "locked/run") == [f"{folder}: {what}"]
    assert refused(lightgen, "locked/a/run") == [f"{folder}: {what}"]


def test_a_name_that_is_too_long_is_refused(lightgen: Lightgen) -> None:
    name = "a" * 300
    assert refused(lightgen, name) == [f"{name}: cannot be used (File name too long); {ELSEWHERE}"]


def test_a_current_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    command = f"mkdir gone && cd gone && rmdir ../gone && '{sys.executable}' -m lightgen new run"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr == (
        "error: the system refused (No such file or directory)\n  check space and permissions\n"
    )


@pytest.mark.parametrize("path", ["run", "a/b/run", "existing"])
@pytest.mark.parametrize("file", [1, 7, 30])
def test_a_full_disk_leaves_nothing(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch, path: str, file: int
) -> None:
    (lightgen.folder / "existing/.git").mkdir(parents=True)
    write, written = Path.write_bytes, []

    def until_full(target: Path, content: bytes) -> int:
        written.append(target)
        if len(written) == file:
            write(target, content[:10])
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return write(target, content)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    assert lightgen.refused("new", path, code=3) == [
        f"{path}: cannot be written (No space left on device); check space and permissions"
    ]
    assert len(written) == file


def killed(lightgen: Lightgen, moves: int) -> None:
    """Call `lightgen new run` in a child that dies after so many moves into the folder."""
    child = os.fork()
    if not child:
        rename, moved = Path.rename, []

        def dying(path: Path, target: Path) -> Path:
            if len(moved) == moves:
                os._exit(9)
            moved.append(path)
            return rename(path, target)

        Path.rename = dying  # type: ignore[method-assign,assignment]
        lightgen("new", "run")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("moves", [0, 1, 4])
def test_what_a_killed_call_left_is_cleared_by_the_next(lightgen: Lightgen, moves: int) -> None:
    lightgen.write("run/.git/HEAD", "ref")
    killed(lightgen, moves)
    assert (lightgen.folder / "run/.lightgen-new").is_dir()
    lightgen.done("new", "run", "--dry-run")
    lightgen.done("new", "run", "--scheduler", "cosine")
    assert not (lightgen.folder / "run/.lightgen-new").exists()
    assert (lightgen.folder / "run/.git/HEAD").read_text() == "ref"
    assert '"cosine"' in (lightgen.folder / "run/lightgen.toml").read_text()


def test_what_was_edited_since_a_killed_call_is_never_cleared(lightgen: Lightgen) -> None:
    (lightgen.folder / "run").mkdir()
    killed(lightgen, 4)
    edited = lightgen.folder / "run/README.md"
    edited.write_text(edited.read_text() + "my notes\n")
    lightgen.write("run/own.py", "mine")
    assert refused(lightgen, "run") == [
        f"run: the folder is not empty (README.md, ...); {ELSEWHERE}, or an empty folder"
    ]
    assert edited.read_text().endswith("my notes\n")


@pytest.mark.parametrize("journal", ["", "[1]", "{", '{"../x": ""}', '{"own.py": "0"}'])
def test_a_journal_that_makes_no_sense_removes_nothing(lightgen: Lightgen, journal: str) -> None:
    lightgen.write("x", "mine")
    lightgen.write("run/own.py", "mine")
    lightgen.write("run/.lightgen-new/entries", journal)
    assert "the folder is not empty (own.py)" in refused(lightgen, "run")[0]
