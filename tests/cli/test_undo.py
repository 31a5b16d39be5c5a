"""lightgen undo: the last update taken back; what was edited since stays."""

from __future__ import annotations

import pytest
from support.command import Lightgen
from support.editing import CUSTOM, MODEL, OPTIM, TRAIN, Project

EPOCHS = ("--set", "trainer.max_epochs=7")


def test_an_update_is_taken_back_byte_for_byte(lightgen: Lightgen, project: Project) -> None:
    project.append(TRAIN, "# mine\r\n")
    project.write(CUSTOM, "mine = 1\n")
    (project.root / MODEL).unlink()
    (project.root / OPTIM).chmod(0o755)
    before = project.disk()
    flags = ("--optimizer", "custom", "--groups", "a:1,head:2", "--restore", MODEL, *EPOCHS)
    assert lightgen("update", "run", *flags).code == 1
    assert project.disk() != before
    outcome = lightgen.done("undo", "run")
    assert outcome.out.endswith("; the last update is taken back\n")
    assert project.disk() == before
    lightgen.done("update", "run", "--check")


def test_only_the_last_update_can_be_taken_back_and_once(
    lightgen: Lightgen, project: Project
) -> None:
    told = [f"{project.root}: there is nothing to undo; only the last update can be undone, once"]
    assert lightgen.refused("undo", "run", code=3) == told
    lightgen.done("update", "run", *EPOCHS)
    between = project.disk()
    lightgen.done("update", "run", "--lr", "0.5")
    lightgen.done("undo", "run")
    assert project.disk() == between
    assert lightgen.refused("undo", "run", code=3) == told
    assert lightgen.refused("undo", "run", "--dry-run", code=3) == told


def test_conflicts_are_taken_back_too(lightgen: Lightgen, project: Project) -> None:
    project.edit(TRAIN, "default=20,", "default=30,")
    before = project.disk()
    assert lightgen("update", "run", *EPOCHS).code == 1
    lightgen.done("undo", "run")
    assert project.disk() == before


def test_what_was_edited_since_stays(lightgen: Lightgen, project: Project) -> None:
    before = project.text(TRAIN)
    lightgen.done("update", "run", *EPOCHS)
    project.append(TRAIN, "\n\ndef mine() -> int:\n    return 1\n")
    project.append("lightgen.toml", "\n[data]\nbatch_size = 8\n")
    project.append(MODEL, "# mine\n")
    outcome = lightgen.done("undo", "run", "--json")
    assert {file["path"]: file["kind"] for file in outcome.json["files"]} == {
        TRAIN: "merged",
        "lightgen.toml": "merged",
    }
    assert project.text(TRAIN) == before + "\n\ndef mine() -> int:\n    return 1\n"
    assert "max_epochs" not in project.text("lightgen.toml")
    assert "batch_size = 8" in project.text("lightgen.toml")
    assert project.text(MODEL).endswith("# mine\n")


def test_what_was_edited_since_at_the_same_place_is_a_conflict(
    lightgen: Lightgen, project: Project
) -> None:
    lightgen.done("update", "run", *EPOCHS)
    project.edit(TRAIN, "default=7,", "default=9,")
    shown = lightgen("undo", "run", "--dry-run")
    objects = lightgen("undo", "run", "--dry-run", "--json").json
    outcome = lightgen("undo", "run", "--json")
    assert shown.code == objects["exit_code"] == outcome.code == 1
    assert f"conflict       {TRAIN}\n" in shown.out
    assert "+<<<<<<< now\n" in shown.out
    assert outcome.json["written"]
    for file in objects["files"]:
        del file["diff"]
    assert objects["files"] == outcome.json["files"]
    text = project.text(TRAIN)
    for line in ("<<<<<<< now\n", ">>>>>>> before the update\n", "default=9,", "default=20,"):
        assert line in text


def test_a_conflict_of_an_undo_speaks_of_the_undo(lightgen: Lightgen, project: Project) -> None:
    lightgen.done("update", "run", "--scheduler", "cosine")
    module = "src/run/module.py"
    project.write(module, project.text(module).replace('"step"', '"epoch"'))
    project.write(CUSTOM, "mine = 1\n")
    outcome = lightgen("undo", "run")
    assert outcome.code == 1
    assert "the undo removes what you changed: " in outcome.out
    assert "the new side" not in outcome.out
    assert outcome.out.splitlines()[-1].endswith(
        " 1 conflict; resolve what is in conflict: there you had edited since the update"
    )


def test_what_an_undo_cannot_merge_lies_beside(lightgen: Lightgen) -> None:
    project = Project(lightgen, "--optimizer", "custom")
    lightgen.done("update", "run", "--optimizer", "sgd")
    project.write(CUSTOM, "mine = 1\n")
    assert (
        f"conflict       {CUSTOM}\n"
        "    you have a file of this name, and so has the version before the update\n"
        f"    the version before the update is in {CUSTOM}.new: merge it by hand, "
        "then delete that\n"
    ) in lightgen("undo", "run").out


def test_a_dry_run_writes_nothing(lightgen: Lightgen, project: Project) -> None:
    lightgen.done("update", "run", *EPOCHS)
    after = project.disk()
    outcome = lightgen.done("undo", "run", "--dry-run")
    assert "-max_epochs = 7\n" in outcome.out
    assert outcome.out.endswith("would be: 2 updated\n")
    assert project.disk() == after
    lightgen.done("undo", "run")
    assert project.disk() != after


def test_files_that_the_update_added_and_removed(lightgen: Lightgen) -> None:
    project = Project(lightgen, "--optimizer", "custom")
    before = project.disk()
    lightgen.done("update", "run", "--optimizer", "sgd")
    assert not (project.root / CUSTOM).exists()
    lightgen.done("undo", "run")
    assert project.disk() == before


def test_a_file_that_the_update_added_and_the_user_edited_is_kept(
    lightgen: Lightgen, project: Project
) -> None:
    lightgen.done("update", "run", "--optimizer", "custom")
    project.append(CUSTOM, "# mine\n")
    outcome = lightgen.done("undo", "run")
    assert f"orphan kept    {CUSTOM}\n" in outcome.out
    assert project.text(CUSTOM).endswith("# mine\n")


def test_another_memory_is_not_overwritten(lightgen: Lightgen, project: Project) -> None:
    """As where git went to another commit meanwhile."""
    memory = project.text(".lightgen/state.toml")
    lightgen.done("update", "run", *EPOCHS)
    project.write(".lightgen/state.toml", memory)
    assert lightgen.refused("undo", "run", code=3) == [
        ".lightgen: .lightgen is no longer what the last update left; "
        "go back with git, or update with the old spec"
    ]


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_outside_of_a_project(lightgen: Lightgen, words: tuple[str, ...]) -> None:
    assert lightgen("undo", *words).code == 3


def test_it_works_from_a_subfolder(lightgen: Lightgen, project: Project) -> None:
    before = project.disk()
    lightgen.done("update", "run", *EPOCHS)
    lightgen.folder = project.root / "src"
    lightgen.done("undo")
    assert project.disk() == before
