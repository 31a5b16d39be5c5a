"""lightgen status: one line a file, and whether the spec is what was rendered."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Any

import pytest
from support.command import Lightgen
from support.editing import MODEL, OPTIM, TRAIN, Project

SAME = "lightgen.toml is what was rendered"


def kinds(outcome: Any) -> dict[str, str]:
    return {file["path"]: file["kind"] for file in outcome.json["files"]}


def test_what_was_just_written_is_pristine(lightgen: Lightgen, project: Project) -> None:
    lines = lightgen.done("status", "run", "--check").out.splitlines()
    assert f"pristine  {TRAIN}" in lines
    assert {line.split()[0] for line in lines[:-2]} == {"pristine"}
    assert lines[-2:] == [f"{len(lines) - 2} pristine", SAME]


def test_each_kind_has_its_line(lightgen: Lightgen, project: Project) -> None:
    project.append(TRAIN, "# mine\n")
    (project.root / OPTIM).unlink()
    project.append(MODEL, "<<<<<<< a\n=======\n>>>>>>> b\n")
    (project.root / "src/run/inner").mkdir()
    (project.root / "src/run/data.py").rename(project.root / "src/run/inner/data.py")
    project.write("notes.txt", "mine\n")
    number = project.text(MODEL).split("\n").index("<<<<<<< a") + 1
    outcome = lightgen.done("status", "run")
    for line in (
        f"edited    {TRAIN}\n",
        f"deleted   {OPTIM}\n",
        f"conflict  {MODEL}:{number}\n",
        "moved     src/run/inner/data.py (from src/run/data.py)\n",
        "yours     notes.txt\n",
        "1 edited, 1 moved, 1 deleted, 1 conflict, 1 yours\n",
    ):
        assert line in outcome.out
    found = lightgen.done("status", "run", "--json")
    assert kinds(found)["src/run/inner/data.py"] == "moved"
    assert kinds(found)[TRAIN] == "edited"
    assert found.json["spec_differs"] == []
    assert lightgen("status", "run", "--check").code == 1


CHANGES = {
    "an edit": lambda project: project.append(TRAIN, "# mine\n"),
    "a deletion": lambda project: (project.root / TRAIN).unlink(),
    "a mode": lambda project: (project.root / TRAIN).chmod(0o755),
    "a link": lambda project: (
        (project.root / TRAIN).rename(project.root / "t.py"),
        (project.root / TRAIN).symlink_to("../../t.py"),
    ),
    "the spec": lambda project: project.write("lightgen.toml", "seed = 3\n"),
    "no spec": lambda project: (project.root / "lightgen.toml").unlink(),
    "the base": lambda project: project.append(f".lightgen/base/{TRAIN}.base", "#\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_check_finds_drift(lightgen: Lightgen, project: Project, change: str) -> None:
    CHANGES[change](project)
    before = project.disk()
    assert lightgen("status", "run", "--check").code == 1
    assert lightgen("status", "run", "--check", "--json").json["exit_code"] == 1
    assert lightgen("status", "run").code == 0
    assert project.disk() == before


def test_files_of_the_users_own_are_no_drift(lightgen: Lightgen, project: Project) -> None:
    project.write("src/run/mine.py", "x = 1\n")
    outcome = lightgen.done("status", "run", "--check", "--json")
    assert kinds(outcome)["src/run/mine.py"] == "yours"


def test_what_tools_and_runs_make_is_not_the_users(lightgen: Lightgen, project: Project) -> None:
    for path in (
        ".venv/pyvenv.cfg",
        ".venv/lib/x.py",
        "src/run/__pycache__/x.pyc",
        "runs/version_0/checkpoints/best.ckpt",
        "runs/version_0/metrics.csv",
        "runs/version_0/curves.png",
        "lightning_logs/version_0/metrics.csv",
        ".git/HEAD",
    ):
        project.write(path, "x")
    assert set(kinds(lightgen.done("status", "run", "--json")).values()) == {"pristine"}


SPECS = {
    "seed = 3\n[project]\npackage = 'run'": ["seed", "groups"],
    "[project]\npackage = 'run'\n[groups.head]\nlr = 1e-3\n[groups.backbone]\nlr = 1e-4": [
        "groups"
    ],
    "[project]\npackage = 'run'\n[groups.backbone]\nlr = 2e-4\n[groups.head]\nlr = 1e-3": [
        "groups.backbone.lr"
    ],
    "# x\n[groups]\nbackbone = {lr = 0.0001}\nhead = {lr = 1e-3}\n[project]\npackage = 'run'": [],
}


@pytest.mark.parametrize("text", SPECS)
def test_the_spec_is_compared_by_what_it_says(
    lightgen: Lightgen, project: Project, text: str
) -> None:
    project.write("lightgen.toml", text)
    outcome = lightgen.done("status", "run", "--json")
    assert sorted(outcome.json["spec_differs"]) == sorted(SPECS[text])
    last = lightgen.done("status", "run").out.splitlines()[-1]
    assert last.startswith("lightgen.toml differs from what was rendered") == bool(SPECS[text])
    assert last.endswith("to render it: lightgen update") or last == SAME


NO_SPEC = {
    "not toml": "lightgen.toml cannot be read (Expected '=' after a key in a key/value pair "
    "(at line 1, column 5)); mend it",
    "seed = 1\n<<<<<<< a\n=======\n>>>>>>> b\n": (
        "lightgen.toml:2 has an unresolved conflict; resolve it first"
    ),
}


@pytest.mark.parametrize("text", NO_SPEC)
def test_a_spec_that_cannot_be_read_is_told(
    lightgen: Lightgen, project: Project, text: str
) -> None:
    project.write("lightgen.toml", text)
    assert lightgen("status", "run", "--check").out.splitlines()[-1] == NO_SPEC[text]
    found = lightgen("status", "run", "--check", "--json").json
    assert (found["exit_code"], found["spec_fault"]) == (1, NO_SPEC[text])


def test_a_spec_that_is_gone_is_told(lightgen: Lightgen, project: Project) -> None:
    (project.root / "lightgen.toml").unlink()
    last = lightgen.done("status", "run").out.splitlines()[-1]
    assert last == ("lightgen.toml is gone; bring it back: lightgen update --restore lightgen.toml")


def test_a_memory_with_faults_is_told(lightgen: Lightgen, project: Project) -> None:
    project.append(f".lightgen/base/{TRAIN}.base", "#\n")
    assert lightgen.done("status", "run").notes == [
        f".lightgen: .lightgen/base/{TRAIN}.base differs from its hash; "
        "the next update rebuilds the base"
    ]


def test_a_lost_base_is_told_in_one_line(lightgen: Lightgen, project: Project) -> None:
    count = sum(path.is_file() for path in (project.root / ".lightgen/base").rglob("*"))
    shutil.rmtree(project.root / ".lightgen/base")
    first = ".lightgen/base/.github/workflows/ci.yml.base is missing"
    second = ".lightgen/base/.gitignore.base is missing"
    damage = f"{first}; {second}; and {count - 2} more"
    [note] = lightgen.done("status", "run").notes
    assert note == f".lightgen: {damage}; the next update rebuilds the base"
    [note] = lightgen.done("update", "run").notes
    assert note == (
        f".lightgen is not as it was left ({damage}): the base is rebuilt from the recorded spec"
    )


def test_outside_of_a_project(lightgen: Lightgen) -> None:
    [told] = lightgen.refused("status", code=3)
    assert "there is no .lightgen here, nor in a folder above" in told
    outcome = lightgen("status", "--json")
    assert (outcome.code, outcome.json["exit_code"]) == (3, 3)


def test_nothing_slow_is_imported(project: Project) -> None:
    code = (
        "import sys\nfrom lightgen.cli.status import run_status\n"
        "run_status(None, check=True, as_json=True)\n"
        "slow = 'torch pydantic jinja2 black yaml cookiecutter lightgen.generate'.split()\n"
        "print([name for name in slow if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project.root, capture_output=True)
    assert done.stderr == b"[]\n", done.stderr
