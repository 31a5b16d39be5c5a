"""What stands in the way of a change: another one, modes, links, what was not expected."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from conftest import Case
from support.faults import DONE, REFUSED, in_child, lay, snapshot

from lightgen.problems import ProjectError
from lightgen.transaction import locked, read_undo, write_changes
from lightgen.tree import File


def test_two_at_once_one_wins(case: Case) -> None:
    root = case.fresh()
    old = snapshot(root)
    with locked(root):
        said = rf"in progress \(process {os.getpid()}\)"
        with pytest.raises(ProjectError, match=said), locked(root):
            raise AssertionError("both in")
        assert in_child(lambda: locked(root).__enter__()) == REFUSED
        assert snapshot(root) == old
    with locked(root):
        pass


def test_the_lock_dies_with_its_holder(case: Case) -> None:
    root = case.fresh()

    def hold() -> None:
        with locked(root):
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(hold) == -signal.SIGKILL
    with locked(root):
        pass


def test_many_at_once_never_mix(case: Case) -> None:
    """Eight processes write a pair of files each; those let in one by one, the others say so."""
    root = case.fresh()
    pair = ["a.py", "src/b.py"]
    children = []
    for number in range(8):
        child = os.fork()
        if not child:
            code = REFUSED
            try:
                with locked(root):
                    files = {path: root / path for path in pair}
                    now = {p: File(f.read_bytes()) for p, f in files.items() if f.exists()}
                    new = File(str(number).encode())
                    write_changes(root, dict.fromkeys(pair, new), expected=now)
                code = DONE
            except ProjectError:
                pass
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert {*codes} <= {DONE, REFUSED}
    winners = {str(number).encode() for number, code in enumerate(codes) if code == DONE}
    assert (root / "a.py").read_bytes() == (root / "src/b.py").read_bytes()
    assert (root / "a.py").read_bytes() in winners


READ_ONLY = {
    "src/run/train.py": 0o444,
    "src/run/old/gone.py": 0o444,
    "src/run": 0o555,
    ".": 0o555,
    ".lightgen": 0o555,
    ".lightgen/base/src/run": 0o555,
    "src/run/old": 0o555,
    "lightgen.toml": 0o400,
}


@pytest.mark.parametrize("path", READ_ONLY)
def test_read_only_is_left_as_it_is(case: Case, path: str) -> None:
    root = case.fresh()
    usual = (root / path).stat().st_mode
    (root / path).chmod(READ_ONLY[path])
    before = snapshot(root)
    with locked(root):
        with pytest.raises(ProjectError) as caught:
            case.write(root)
        assert snapshot(root) == before
        assert [problem.where for problem in caught.value.problems] == [path]
        assert "is read-only" in str(caught.value)
        (root / path).chmod(usual)
        case.write(root)


UNEXPECTED = {
    "src/run/train.py": b"edited\n",
    "src/run/old/gone.py": b"edited\n",
    "src/run/new/more/added.py": b"there already\n",
    "lightgen.toml": None,
}


@pytest.mark.parametrize("path", UNEXPECTED)
def test_what_is_not_as_it_was_read_is_left_alone(case: Case, path: str) -> None:
    root = case.fresh()
    content = UNEXPECTED[path]
    if content is None:
        (root / path).unlink()
    else:
        lay(root, {path: File(content)})
    before = snapshot(root)
    with locked(root), pytest.raises(ProjectError, match=f"{path}: was changed meanwhile"):
        case.write(root)
    assert snapshot(root) == before


def test_a_changed_mode_is_a_change(case: Case) -> None:
    root = case.fresh()
    (root / "run.sh").chmod(0o644)
    with locked(root), pytest.raises(ProjectError, match=r"run\.sh: was changed"):
        case.write(root)


@pytest.mark.parametrize("path", ["src/run/train.py", "src/run/old", "src", ".lightgen/base"])
def test_nothing_is_written_through_a_link(case: Case, path: str) -> None:
    root = case.fresh()
    outside = case.folder / "outside"
    (root / path).rename(outside)
    (root / path).symlink_to(outside)
    beyond = snapshot(case.folder)
    with locked(root), pytest.raises(ProjectError, match=r"is a link|lies behind a link"):
        case.write(root)
    assert snapshot(case.folder) == beyond


@pytest.mark.parametrize("path", ["", "/lock", "/backup"])
def test_a_link_in_place_of_lightgens_own(case: Case, path: str) -> None:
    root = case.fresh()
    outside = case.folder / "outside"
    place = root / f".lightgen{path}"
    if path == "/lock":
        outside.write_bytes(b"7")
    else:
        place.rename(outside)
    place.symlink_to(outside)
    beyond = snapshot(case.folder)
    with pytest.raises(ProjectError, match="link"), locked(root):
        raise AssertionError("let in")
    assert snapshot(case.folder) == beyond


def test_a_folder_in_the_way(case: Case) -> None:
    root = case.fresh()
    lay(root, {"added.sh/x.py": File(b"")})
    before = snapshot(root)
    with locked(root), pytest.raises(ProjectError, match=r"added\.sh: a folder is in the way"):
        case.write(root)
    assert snapshot(root) == before


WRONG = ["../x", "/x", "a/../../x", ".git/config", "a//b", "C:/x", ".lightgen/lock", ""]
WRONG += [".lightgen/backup/undo", ".lightgen/../x", ".GIT/config", "a\\..\\b", "a\0b", "./a"]


@pytest.mark.parametrize("path", WRONG)
@pytest.mark.parametrize("file", [File(b""), None], ids=["write", "remove"])
def test_no_path_leads_out(case: Case, path: str, file: File | None) -> None:
    root = case.fresh()
    before = snapshot(case.folder)
    with locked(root), pytest.raises(ProjectError):
        write_changes(root, {path: file}, expected={})
    assert snapshot(case.folder) == before


def test_an_undo_is_used_up(case: Case) -> None:
    root = case.fresh()
    old = {path: content for path, (_, content) in snapshot(root).items()}
    with locked(root):
        case.write(root)
        record = read_undo(root)
        assert record is not None
        write_changes(root, record.before, expected=record.after, undo=False)
        assert read_undo(root) is None
    assert {path: content for path, (_, content) in snapshot(root).items()} == old


def test_no_change_keeps_the_record_and_forgets_it_on_request(case: Case) -> None:
    root = case.fresh()
    same = {path: file for path, file in case.before.items() if path != "src/run/train.py"}
    with locked(root):
        record = read_undo(root)
        write_changes(root, same, expected=same)
        assert read_undo(root) == record is not None
        write_changes(root, {}, expected={}, undo=False)
        assert read_undo(root) is None


def test_a_damaged_record_is_told(case: Case) -> None:
    root = case.fresh()
    (root / ".lightgen/backup/undo").write_bytes(b"x\n{}")
    with locked(root):
        with pytest.raises(ProjectError, match="record of the last update is damaged"):
            read_undo(root)
        case.write(root)
        assert read_undo(root) is not None


def test_the_lock_of_a_lost_memory_leaves_nothing(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert (tmp_path / ".lightgen/lock").exists()
    assert [*tmp_path.iterdir()] == []
    with locked(tmp_path):
        write_changes(tmp_path, {"a": File(b"")}, expected={})
    assert (tmp_path / ".lightgen/backup/undo").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only a superuser gives files away")
def test_what_a_superuser_writes_stays_its_owners(case: Case) -> None:
    root = case.fresh()
    os.chown(root / "src/run/train.py", 1234, 4321)
    with locked(root):
        case.write(root)
    status = (root / "src/run/train.py").stat()
    assert (status.st_uid, status.st_gid) == (1234, 4321)


def test_copies_of_private_files_are_private(case: Case) -> None:
    root = case.fresh()
    (root / "src/run/train.py").chmod(0o600)
    with locked(root):
        case.write(root)
    assert (root / "src/run/train.py").stat().st_mode & 0o777 == 0o600
    assert (root / ".lightgen/backup").stat().st_mode & 0o777 == 0o700
