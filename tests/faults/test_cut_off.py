"""Killed at any point, a change is made or not; a system that refuses leaves the old project."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Case
from support.faults import (
    CHANGING,
    DONE,
    INTERRUPTED,
    REFUSED,
    Step,
    fail_at,
    full_from,
    in_child,
    kill_at,
    lay,
    snapshot,
    stepping,
    stop_at,
)

from lightgen.problems import ProjectError
from lightgen.transaction import is_cut_off, locked, read_undo, write_changes
from lightgen.tree import File

UNDO = pytest.mark.parametrize("undo", [True, False])


def change(case: Case, root: Path, step: Step, *, undo: bool = True) -> Callable[[], None]:
    """Make the change under a fault; the lock is taken before."""

    def act() -> None:
        with locked(root), stepping(step):
            case.write(root, undo=undo)

    return act


def recover(root: Path, step: Step) -> Callable[[], None]:
    def act() -> None:
        with stepping(step), locked(root):
            pass

    return act


def numbers_of_steps(case: Case, *, undo: bool = True) -> list[int]:
    """Each call of the system."""
    return [number for number, _ in steps_of(case, undo=undo)]


def numbers_of_changes(case: Case, *, undo: bool = True) -> list[int]:
    """Each call that changes something: to die ahead of another is to die ahead of the next."""
    return [number for number, name in steps_of(case, undo=undo) if name in CHANGING]


def steps_of(case: Case, *, undo: bool) -> list[tuple[int, str]]:
    seen: list[tuple[int, str]] = []
    root = case.fresh()
    with locked(root), stepping(lambda number, name: seen.append((number, name))):
        case.write(root, undo=undo)
    assert sum(name in CHANGING for _, name in seen) > 50
    return seen


def old_and_new(case: Case) -> tuple[object, object]:
    root = case.fresh()
    old = snapshot(root)
    with locked(root):
        case.write(root)
    return old, snapshot(root)


def check_record(case: Case, root: Path, *, is_new: bool, undo: bool) -> None:
    """What can be undone fits what is there."""
    record = read_undo(root)
    if is_new and not undo:
        assert record is None
        return
    assert record is not None
    if is_new:
        assert record.after == case.changes
        assert record.before == {path: case.before.get(path) for path in case.changes}
    else:
        assert record.after == {"src/run/train.py": case.before["src/run/train.py"]}
    assert sorted(each.name for each in (root / ".lightgen/backup").iterdir()) == ["undo"]


def test_the_change_does_what_it_says(case: Case) -> None:
    root = case.fresh()
    with locked(root) as notes:
        assert notes == ()
        case.write(root)
        check_record(case, root, is_new=True, undo=True)
    found = snapshot(root)
    for path, file in {**case.before, **case.mine, **case.changes}.items():
        assert found.get(path, (0, None))[1] == (file and file.content), path
    assert found["src/run/train.py"][0] == 0o640
    assert found["run.sh"][0] == found["plain.sh"][0] == found["added.sh"][0] == 0o755
    assert found["src/run/new/more/added.py"][0] == 0o644
    assert not any(path.startswith("src/run/old") for path in found)
    assert ".lightgen/base/src/run/old" not in found


@UNDO
def test_killed_at_each_step(case: Case, undo: bool) -> None:
    old, new = old_and_new(case)
    results = []
    for at in numbers_of_changes(case, undo=undo):
        root = case.fresh()
        assert in_child(change(case, root, kill_at(at), undo=undo)) == -signal.SIGKILL
        with locked(root):
            found = snapshot(root)
            assert found in (old, new), at
            check_record(case, root, is_new=found == new, undo=undo)
            assert not is_cut_off(root)
        results.append(found == new)
    assert results == sorted(results), "there is one point of no return"
    assert {*results} == {False, True}


def test_killed_again_while_the_next_run_recovers(case: Case) -> None:
    """The first run dies with some files in their places, the second at each step of the rest."""
    _, new = old_and_new(case)
    steps = numbers_of_changes(case)
    for at in (steps[-25], steps[-1]):
        for again in range(1, 10_000, 3):
            root = case.fresh()
            assert in_child(change(case, root, kill_at(at))) == -signal.SIGKILL
            ended = in_child(recover(root, kill_at(again)))
            with locked(root):
                assert snapshot(root) == new, (at, again)
            if ended == DONE:
                assert again > 20
                break


def test_killed_at_random_instants(case: Case) -> None:
    root = case.fresh()
    old, new = old_and_new(case)
    back = {path: case.before.get(path) for path in case.changes}

    def act() -> None:
        is_new = snapshot(root) == new
        while True:
            with locked(root):
                if is_new:
                    write_changes(root, back, expected=case.changes)
                else:
                    write_changes(root, case.changes, expected=back)
            is_new = not is_new

    folders = {path for path, (_, content) in [*old.items(), *new.items()] if content is None}
    for seed in range(60):
        child = os.fork()
        if not child:
            act()
        time.sleep(random.Random(seed).uniform(0.001, 0.06))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        with locked(root):
            # Folders that come back have the usual mode.
            found = {path: each for path, each in snapshot(root).items() if path not in folders}
        contents = {path: content for path, (_, content) in found.items()}
        wanted = [
            {path: content for path, (_, content) in each.items() if path not in folders}
            for each in (old, new)
        ]
        assert contents in wanted, seed


CODES = [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS]


@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
def test_a_refusal_at_each_step(case: Case, code: int) -> None:
    old, new = old_and_new(case)
    reads = numbers_of_steps(case)[::3] if code == errno.EIO else []
    for at in sorted({*numbers_of_changes(case), *reads}):
        root = case.fresh()
        ended = in_child(change(case, root, fail_at(at, code)))
        assert ended in (DONE, REFUSED), at
        # What is left to clear away after the last step, the next run clears.
        assert ended == DONE or snapshot(root) == old, at
        with locked(root):
            assert snapshot(root) == (new if ended == DONE else old), at
            check_record(case, root, is_new=ended == DONE, undo=True)


def test_a_disk_that_is_full_from_each_step_on(case: Case) -> None:
    old, new = old_and_new(case)
    ends = []
    for at in numbers_of_changes(case):
        root = case.fresh()
        ended = in_child(change(case, root, full_from(at)))
        assert snapshot(root) == (new if ended == DONE else old), at
        check_record(case, root, is_new=ended == DONE, undo=True)
        ends.append(ended)
    assert {*ends} == {DONE, REFUSED}


def test_a_write_that_the_system_cuts_off(case: Case) -> None:
    """A limit of the system's own, not a stand-in."""
    root = case.fresh()
    old = snapshot(root)

    def act() -> None:
        with locked(root):
            resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
            case.write(root)

    assert in_child(act) == REFUSED
    assert snapshot(root) == old
    check_record(case, root, is_new=False, undo=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_at_each_step(case: Case, number: int) -> None:
    old, new = old_and_new(case)
    ends = []
    for at in numbers_of_changes(case):
        root = case.fresh()
        ended = in_child(change(case, root, stop_at(at, number)))
        assert ended in (DONE, INTERRUPTED), at
        assert snapshot(root) == (new if ended == DONE else old), at
        check_record(case, root, is_new=ended == DONE, undo=True)
        ends.append(ended)
    assert {*ends} == {DONE, INTERRUPTED}


def test_interrupts_without_end(case: Case) -> None:
    """Whoever keeps the keys pressed gets the old project, or the next command brings the new."""
    old, new = old_and_new(case)
    for at in numbers_of_changes(case):
        root = case.fresh()
        ended = in_child(change(case, root, stop_at(at, times=10_000)))
        assert ended in (DONE, INTERRUPTED)
        with locked(root):
            assert snapshot(root) == (new if ended == DONE else old), at


def test_a_refusal_while_the_next_run_recovers(case: Case) -> None:
    """It says so, and the run after it gets on with it."""
    _, new = old_and_new(case)
    at = numbers_of_changes(case)[-25]
    for again in range(1, 10_000, 3):
        root = case.fresh()
        assert in_child(change(case, root, kill_at(at))) == -signal.SIGKILL
        ended = in_child(recover(root, fail_at(again, errno.EIO)))
        assert ended in (DONE, REFUSED)
        with locked(root):
            assert snapshot(root) == new, again
        if ended == DONE and again > 400:
            break


def cut_off_everywhere(case: Case) -> Iterator[tuple[int, Path]]:
    for at in numbers_of_changes(case)[::2]:
        root = case.fresh()
        assert in_child(change(case, root, kill_at(at))) == -signal.SIGKILL
        yield at, root


def test_what_the_user_edits_after_a_crash_stays(case: Case) -> None:
    old, new = old_and_new(case)
    edit = File(b"edited after the crash\n")
    seen = set()
    for at, root in cut_off_everywhere(case):
        lay(root, {"src/run/train.py": edit})
        with locked(root) as notes:
            pass
        found = snapshot(root)
        assert found.pop("src/run/train.py")[1] == edit.content, at
        if "src/run/train.py.new" in found:
            beside = found.pop("src/run/train.py.new")[1]
            assert beside == new["src/run/train.py"][1]
            assert any("src/run/train.py.new" in note for note in notes)
        assert found in [
            {path: each for path, each in tree.items() if path != "src/run/train.py"}
            for tree in (old, new)
        ], at
        seen.add(notes)
    assert len(seen) == 2


def test_what_the_user_deletes_or_keeps_after_a_crash_stays_so(case: Case) -> None:
    for at, root in cut_off_everywhere(case):
        (root / "src/run/train.py").unlink()
        kept = root / "src/run/old/gone.py"
        is_there = kept.exists()
        if is_there:
            kept.write_bytes(b"edited\n")
        with locked(root):
            pass
        assert not (root / "src/run/train.py").exists(), at
        assert not is_there or kept.read_bytes() == b"edited\n", at


def test_a_link_that_the_user_makes_after_a_crash_is_not_followed(case: Case) -> None:
    outside = case.folder / "outside"
    lay(outside, {"train.py": File(b"train = 1\n"), "gone.py": File(b"gone = 1\n")})
    before = snapshot(outside)
    for at, root in cut_off_everywhere(case):
        (root / "src/run/train.py").unlink()
        (root / "src/run/train.py").symlink_to(outside / "train.py")
        (root / "src/run").rename(root / "elsewhere")
        (root / "src/run").symlink_to(outside)
        with locked(root):
            pass
        assert snapshot(outside) == before, at


def test_a_file_changed_between_reading_and_writing(case: Case) -> None:
    """At each step: it is noticed, or it was written over an instant before."""
    old, _ = old_and_new(case)
    path = "src/run/train.py"
    edit = b"edited meanwhile\n"
    for at in numbers_of_steps(case)[::2]:
        root = case.fresh()

        def step(number: int, _: str, at: int = at, root: Path = root) -> None:
            if number == at:
                (root / path).write_bytes(edit)

        with locked(root):
            try:
                with stepping(step):
                    case.write(root)
            except ProjectError as error:
                assert path in str(error)
                found = snapshot(root)
                assert found.pop(path)[1] == edit
                assert found == {name: each for name, each in old.items() if name != path}
            else:
                assert (root / path).read_bytes() in (edit, case.changes[path].content)
                assert read_undo(root).after == case.changes
