"""The parent of a check: children that die, hang or are interrupted; projects that don't import."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from pathlib import Path

import pytest
from support.checks import Edit, copy_golden, package_of, told_by

from lightgen.check import prove
from lightgen.check.proof import NAMES, Report
from lightgen.problems import Problem, ProjectError

TELL = """
import json, os, sys, time
wanted = sys.argv[4:]
def tell(**message): print(json.dumps(message), flush=True)
def prove(name):
    tell(begin=name)
    tell(proof=dict(name=name, holds=True, what=name, detail=[]), groups=[], curve=None)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_golden("defaults", tmp_path)


def supervise(
    root: Path, script: str, monkeypatch: pytest.MonkeyPatch, timeout: float = 30
) -> Report:
    """Prove with a child that does what a script says."""
    monkeypatch.setattr(prove, "_BOOT", TELL + script)
    return prove.prove_project(root, timeout)


def states(report: Report) -> dict[str, bool]:
    return {proof.name: proof.holds for proof in report.proofs}


def test_what_a_child_tells_is_gathered(
    root: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = supervise(root, "for name in wanted: prove(name)\ntell(end=True)", monkeypatch)
    assert states(report) == dict.fromkeys(NAMES, True)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("death", "what"),
    [
        ("os._exit(7)", "the interpreter ended with exit code 7"),
        ("os.abort()", "the interpreter died of SIGABRT"),
        ("os._exit(0)", "the interpreter ended with exit code 0"),
    ],
)
def test_a_child_that_dies_fails_the_proof_that_it_was_at(
    death: str, what: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""
for name in wanted:
    if name == "step":
        tell(begin=name)
        open("check.log", "w").write("first\\nlast words\\n")
        {death}
    prove(name)
tell(end=True)
"""
    report = supervise(root, script, monkeypatch)
    assert states(report) == {**dict.fromkeys(NAMES, True), "step": False}
    assert report.proofs[3].what == what
    assert report.proofs[3].detail == ("last words",)


def test_a_child_that_takes_too_long_is_ended_and_the_rest_proven(
    root: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
for name in wanted:
    if name == "curve":
        tell(begin=name)
        time.sleep(600)
    prove(name)
tell(end=True)
"""
    report = supervise(root, script, monkeypatch, timeout=5)
    assert states(report) == {**dict.fromkeys(NAMES, True), "curve": False}
    assert report.proofs[2].what == "took longer than 5 seconds; --timeout allows more"
    assert list(temporary.iterdir()) == []


def test_a_start_that_dies_leaves_nothing_to_prove(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = supervise(root, "tell(begin='start'); os._exit(1)", monkeypatch)
    assert states(report) == dict.fromkeys(NAMES, False)
    assert report.proofs[1].what == "not proven: nothing starts"


def test_an_interrupt_ends_the_child_and_all_that_it_started(
    root: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    born = root.parent / "born"
    script = f"""
import subprocess
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(born)!r}, "w").write(f"{{os.getpid()}} {{worker.pid}}")
time.sleep(600)
"""
    monkeypatch.setattr(prove, "_BOOT", TELL + script)

    def interrupt() -> None:
        while not (born.is_file() and len(born.read_text().split()) == 2):
            threading.Event().wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    # Whoever started the tests may have told them to ignore it, as a shell does in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            prove.prove_project(root, 60)
    finally:
        signal.signal(signal.SIGINT, before)
    for process in map(int, born.read_text().split()):
        assert is_gone(process)
    assert list(temporary.iterdir()) == []


def is_gone(process: int) -> bool:
    """Ended, or ended and only waiting for a parent to be told."""
    for _ in range(100):
        try:
            status = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return True
        if status.rpartition(")")[2].split()[0] in "ZX":
            return True
        threading.Event().wait(0.05)
    return False


def test_a_problem_of_the_child_is_raised(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = {"where": "a.py:3", "what": "the project can't be imported", "todo": ""}
    script = f"tell(problem=json.loads({json.dumps(problem)!r}))"
    with pytest.raises(ProjectError) as raised:
        supervise(root, script, monkeypatch)
    assert raised.value.problems == (Problem(**problem),)


def test_without_torch(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "find_spec", lambda name: None)
    with pytest.raises(ProjectError) as raised:
        prove.prove_project(root, 60)
    [problem] = raised.value.problems
    assert problem.what.startswith("check needs torch and pytorch_lightning, not installed")
    assert "pip install 'lightgen[torch]'" in problem.todo


IMPORT_ERRORS = [
    (
        Edit("optim.py", "ParameterGroup: TypeAlias", "oops\nParameterGroup: TypeAlias"),
        "src/digits_defaults/optim.py:12",
        "NameError: name 'oops' is not defined",
        "the project has to be imported before",
    ),
    (
        Edit("module.py", "class Classifier(", "class class Classifier("),
        "src/digits_defaults/module.py:18",
        "SyntaxError: invalid syntax",
        "the project has to be imported before",
    ),
    (
        Edit("data.py", "from sklearn.datasets", "from nonesuch.datasets"),
        "src/digits_defaults/data.py:8",
        "ModuleNotFoundError: No module named 'nonesuch'",
        "run lightgen in the project's environment",
    ),
    (
        Edit("model.py", "from torch import", "raise SystemExit(4)\nfrom torch import"),
        "src/digits_defaults/model.py:3",
        "SystemExit: 4",
        "the project has to be imported before",
    ),
]


@pytest.mark.parametrize(("edit", "place", "what", "todo"), IMPORT_ERRORS)
def test_an_import_error_is_the_users_in_two_lines(
    edit: Edit, place: str, what: str, todo: str, tmp_path: Path
) -> None:
    messages = told_by(copy_golden("defaults", tmp_path, edit), tmp_path)
    assert [*messages[-1]] == ["problem"]
    problem = Problem(**messages[-1]["problem"])
    assert (problem.where, problem.what) == (place, f"the project can't be imported: {what}")
    assert problem.todo.startswith(todo)


def test_a_folder_without_a_package_is_said(root: Path) -> None:
    package_of(root).rename(root / "elsewhere with spaces")
    with pytest.raises(ProjectError, match="there is no package 'digits_defaults', and none"):
        prove.prove_project(root, 60)
