"""Two people update on their branches, git merges: in either order the same project comes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import Lightgen
from support.editing import MODEL, OPTIM, TRAIN, Project, disk, git

NOTHING = "nothing to update: the project is what its spec says, but for your edits\n"

# name -> what the one does and what the other does, each as flags of an update.
CHANGES = {
    "different files": (
        ("--set", "groups.backbone.lr=3e-4"),
        ("--set", "trainer.max_epochs=7"),
    ),
    "the same file": (
        ("--set", "groups.backbone.lr=3e-4"),
        ("--set", "groups.head.lr=3e-3"),
    ),
    "files more, and a rate": (
        ("--optimizer", "custom"),
        ("--set", "groups.backbone.lr=3e-4"),
    ),
    "the same lines": (
        ("--optimizer", "sgd"),
        ("--set", "groups.head.weight_decay=0.5"),
    ),
}


@pytest.fixture
def project(lightgen: Lightgen) -> Project:
    project = Project(lightgen)
    # Apart from each other, so that git has nothing to ask about the spec.
    project.write(
        "lightgen.toml",
        "[project]\npackage = 'run'\n\n[optimizer]\nname = 'adamw'\n\n# slow\n[groups.backbone]\n"
        "lr = 1e-4\n\n# fast\n[groups.head]\nlr = 1e-3\n\n# long\n[trainer]\nmax_epochs = 20\n",
    )
    lightgen.done("update", "run")
    return project


def commit(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


def two_branches(project: Project, one: Callable[[], object], other: Callable[[], object]) -> None:
    root = project.root
    git(root, "init", "-q")
    commit(root, "new")
    for name, change in (("one", one), ("other", other)):
        git(root, "checkout", "-q", "-b", name, "main")
        change()
        commit(root, name)


def merged(project: Project, ours: str, theirs: str) -> Path:
    """A clone in which git has merged; what conflicts is left as git leaves it."""
    clone = project.root.parent / f"{ours}-{theirs}"
    git(project.root.parent, "clone", "-q", "-b", ours, str(project.root), str(clone))
    words = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    command = [*words, "merge", "-q", "-m", "merge", f"origin/{theirs}"]
    subprocess.run(command, cwd=clone, check=False, capture_output=True)
    return clone


def conflicts(clone: Path) -> list[str]:
    """The files that git could not merge."""
    return git(clone, "diff", "--name-only", "--diff-filter=U").split()


@pytest.mark.parametrize("side", ["--ours", "--theirs"])
@pytest.mark.parametrize("changes", CHANGES)
def test_both_orders_give_the_same_project(
    lightgen: Lightgen, project: Project, changes: str, side: str
) -> None:
    one, other = CHANGES[changes]
    two_branches(
        project,
        lambda: lightgen.done("update", "run", *one),
        lambda: lightgen.done("update", "run", *other),
    )
    found = []
    for ours, theirs in (("one", "other"), ("other", "one")):
        clone = merged(project, ours, theirs)
        undecided = conflicts(clone)
        for path in undecided:
            if not path.startswith(".lightgen/"):
                git(clone, "checkout", side, "--", path)
        notes = lightgen.done("update", clone).notes
        assert bool(notes) == bool(undecided) == (changes != "different files")
        if notes:
            assert notes[0].startswith(
                ".lightgen is not as it was left (.lightgen/state.toml has conflict markers): "
                "the base is rebuilt from "
            )
        assert lightgen.done("update", clone).out == NOTHING
        lightgen.done("status", clone, "--check")
        found.append(disk(clone))
    assert found[0] == found[1]
    git(project.root, "checkout", "-q", "main")
    lightgen.done("update", "run", *one)
    lightgen.done("update", "run", *other)
    assert found[0] == project.disk()


def test_markers_in_generated_files_are_resolved_first(
    lightgen: Lightgen, project: Project
) -> None:
    one, other = CHANGES["the same lines"]
    two_branches(
        project,
        lambda: lightgen.done("update", "run", *one),
        lambda: lightgen.done("update", "run", *other),
    )
    clone = merged(project, "one", "other")
    [told] = lightgen.refused("update", clone, code=3)
    assert told.startswith(f"{OPTIM}:")
    assert told.endswith("an unresolved conflict starts here; resolve it first")
    git(clone, "checkout", "--theirs", "--", OPTIM)
    lightgen.done("update", clone)
    text = (clone / OPTIM).read_text()
    assert "SGD" in text
    assert '"weight_decay": 0.5' in text
    lightgen.done("status", clone, "--check")


@pytest.mark.parametrize("side", ["--ours", "--theirs"])
def test_a_memory_of_one_side_is_no_worse(lightgen: Lightgen, project: Project, side: str) -> None:
    two_branches(
        project,
        lambda: lightgen.done("update", "run", "--set", "groups.backbone.lr=3e-4"),
        lambda: lightgen.done("update", "run", "--set", "trainer.max_epochs=7"),
    )
    clone = merged(project, "one", "other")
    for path in conflicts(clone):
        git(clone, "checkout", side, "--", path)
    lightgen.done("update", clone)
    lightgen.done("status", clone, "--check")
    assert "default=7," in (clone / TRAIN).read_text()
    assert '"lr": 3e-4' in (clone / OPTIM).read_text()


def test_edits_of_both_survive(lightgen: Lightgen, project: Project) -> None:
    def one() -> None:
        lightgen.done("update", "run", "--set", "groups.backbone.lr=3e-4")
        project.append(MODEL, "\n\ndef one() -> int:\n    return 1\n")

    def other() -> None:
        lightgen.done("update", "run", "--set", "trainer.max_epochs=7")
        project.append(OPTIM, "\n\ndef other() -> int:\n    return 2\n")

    two_branches(project, one, other)
    found = []
    for ours, theirs in (("one", "other"), ("other", "one")):
        clone = merged(project, ours, theirs)
        lightgen.done("update", clone)
        found.append(disk(clone))
        outcome = lightgen.done("update", clone, "--set", "seed=3")
        assert "conflict" not in outcome.out
        assert "def one() -> int:" in (clone / MODEL).read_text()
        assert "def other() -> int:" in (clone / OPTIM).read_text()
        assert "default=7," in (clone / TRAIN).read_text()
        assert 'lr": 3e-4' in (clone / OPTIM).read_text()
    assert found[0] == found[1]
