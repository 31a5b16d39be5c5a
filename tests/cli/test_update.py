"""lightgen update: renders anew, keeps what the user wrote, says what became of each file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.command import Lightgen
from support.editing import CUSTOM, GROUPS, MODEL, OPTIM, TRAIN, Project, disk

from lightgen.transaction import locked

NOTHING = "nothing to update: the project is what its spec says, but for your edits\n"
EPOCHS = ("--set", "trainer.max_epochs=7")


def kinds(outcome: Any) -> dict[str, str]:
    return {file["path"]: file["kind"] for file in outcome.json["files"]}


# What changes, and what does not.


def test_nothing_to_update_is_said_and_nothing_is_written(
    lightgen: Lightgen, project: Project
) -> None:
    before = project.disk()
    assert lightgen.done("update", "run").out == NOTHING
    assert project.disk() == before
    assert not (project.root / ".lightgen/backup").exists()


def test_an_edit_alone_is_nothing_to_update(lightgen: Lightgen, project: Project) -> None:
    project.append(TRAIN, "# mine\n")
    before = project.disk()
    assert lightgen.done("update", "run").out == NOTHING
    assert project.disk() == before
    assert kinds(lightgen.done("update", "run", "--json")) == {TRAIN: "kept yours"}


def test_a_changed_spec_is_rendered(lightgen: Lightgen, project: Project) -> None:
    project.append("lightgen.toml", "\n[trainer]\nmax_epochs = 7 # short\n")
    spec = project.text("lightgen.toml")
    assert lightgen.done("update", "run").out == (
        f"updated        {TRAIN}\n1 updated; to take it back: lightgen undo\n"
    )
    assert "default=7," in project.text(TRAIN)
    assert project.text("lightgen.toml") == spec
    assert "default=7," in project.text(f".lightgen/base/{TRAIN}.base")
    assert lightgen.done("update", "run").out == NOTHING
    lightgen.done("status", "run", "--check")


def test_an_update_gives_what_new_gives(lightgen: Lightgen, project: Project) -> None:
    flags = ("--optimizer", "sgd", "--scheduler", "cosine", "--lr", "1e-2", *EPOCHS)
    lightgen.done("update", "run", *flags, "--groups", "net:1e-2")
    project.root.rename(lightgen.folder / "updated")
    lightgen.done("new", "run", *flags, "--groups", "net:1e-2")
    updated, new = disk(lightgen.folder / "updated"), disk(lightgen.folder / "run")
    for path in ("lightgen.toml", ".lightgen/state.toml"):
        texts = [tree.pop(path)[0] for tree in (updated, new)]
        contents = [tomllib.loads(text.decode()) for text in texts if isinstance(text, bytes)]
        assert contents[0] == contents[1]
    assert updated == new


def test_flags_change_the_spec_and_keep_its_comments_and_order(
    lightgen: Lightgen, project: Project
) -> None:
    project.write(
        "lightgen.toml",
        "# what we run\r\n[groups.backbone] # slow\r\nlr = 1e-4 # tuned\r\n\r\n"
        "[groups.head]\r\nlr = 1e-3\r\n\r\n[project]\r\npackage = 'run'\r\n",
    )
    outcome = lightgen.done("update", "run", "--set", "groups.backbone.lr=3e-4", "--json")
    assert kinds(outcome) == {"lightgen.toml": "updated", OPTIM: "updated"}
    assert project.text("lightgen.toml") == (
        "# what we run\r\n[groups.backbone] # slow\r\nlr = 3e-4 # tuned\r\n\r\n"
        "[groups.head]\r\nlr = 1e-3\r\n\r\n[project]\r\npackage = 'run'\r\n"
    )


def test_a_flag_that_says_what_the_spec_says_changes_nothing(
    lightgen: Lightgen, project: Project
) -> None:
    before = project.disk()
    assert lightgen.done("update", "run", "--set", "groups.head.lr=0.001").out == NOTHING
    assert project.disk() == before


def test_a_table_that_goes_leaves_no_blank_lines(lightgen: Lightgen, project: Project) -> None:
    before = project.text("lightgen.toml")
    lightgen.done("update", "run", "--scheduler", "cosine")
    lightgen.done("update", "run", "--scheduler", "none")
    assert project.text("lightgen.toml") == before
    project.append("lightgen.toml", "\n\n")
    lightgen.done("update", "run", "--set", "groups.head.lr=0.002")
    assert project.text("lightgen.toml") == before.replace("lr = 1e-3", "lr = 2e-3") + "\n\n"


def test_a_byte_order_mark_stays(lightgen: Lightgen, project: Project) -> None:
    project.write("lightgen.toml", "\ufeff" + project.text("lightgen.toml"))
    lightgen.done("update", "run", *EPOCHS)
    assert project.text("lightgen.toml").startswith("\ufeff#:schema")


def test_another_class_drops_arguments_and_says_so(lightgen: Lightgen, project: Project) -> None:
    lightgen.done("update", "run", "--set", "optimizer.betas=[0.8,0.9]")
    outcome = lightgen.done("update", "run", "--optimizer", "sgd")
    note = "sgd has no argument betas: optimizer.betas is dropped"
    assert note in outcome.notes
    assert tomllib.loads(project.text("lightgen.toml"))["optimizer"] == {"name": "sgd"}


def test_groups_that_stay_keep_their_settings(lightgen: Lightgen, project: Project) -> None:
    lightgen.done("update", "run", "--set", "groups.head.weight_decay=0.5")
    lightgen.done("update", "run", "--groups", "stem:1e-5,backbone:2e-4,head:1e-3")
    groups = tomllib.loads(project.text("lightgen.toml"))["groups"]
    assert list(groups.items()) == [
        ("stem", {"lr": 1e-5}),
        ("backbone", {"lr": 2e-4}),
        ("head", {"lr": 1e-3, "weight_decay": 0.5}),
    ]


def test_a_whole_spec_takes_the_place_of_the_present(lightgen: Lightgen, project: Project) -> None:
    spec = "# ours\n" + project.text("lightgen.toml") + "\n[trainer]\nmax_epochs = 9 # long\n"
    project.write("lightgen.toml", spec)
    lightgen.write("other.toml", "[optimizer]\nname = 'sgd'\n[trainer]\nmax_epochs = 8\n")
    outcome = lightgen.done("update", "run", "--spec", "other.toml", "--lr", "0.2", "--json")
    assert kinds(outcome)["lightgen.toml"] == "updated"
    content = tomllib.loads(project.text("lightgen.toml"))
    assert content == {
        "project": {"package": "run"},
        "optimizer": {"name": "sgd", "lr": 0.2},
        "trainer": {"max_epochs": 8},
    }
    assert project.text("lightgen.toml").startswith("# ours\n")
    assert "max_epochs = 8 # long" in project.text("lightgen.toml")


# The user's edits.


def test_an_edit_elsewhere_is_merged(lightgen: Lightgen, project: Project) -> None:
    project.append(TRAIN, "\n\ndef mine() -> int:\n    return 1\n")
    outcome = lightgen.done("update", "run", *EPOCHS)
    assert f"merged         {TRAIN}\n" in outcome.out
    text = project.text(TRAIN)
    assert "default=7," in text
    assert text.endswith("\n\ndef mine() -> int:\n    return 1\n")


def test_files_that_the_render_leaves_alone_are_counted(
    lightgen: Lightgen, project: Project
) -> None:
    project.append(OPTIM, "# mine\n")
    outcome = lightgen.done("update", "run", *EPOCHS, "--dry-run")
    assert outcome.out.endswith(
        f"updated        lightgen.toml\nupdated        {TRAIN}\n"
        "would be: 2 updated, 1 edited file left alone\n"
    )
    project.append(MODEL, "# mine\n")
    found = kinds(lightgen.done("update", "run", *EPOCHS, "--dry-run", "--json"))
    assert (found[OPTIM], found[MODEL]) == ("kept yours", "kept yours")
    last = "2 updated, 2 edited files left alone; to take it back: lightgen undo"
    assert lightgen.done("update", "run", *EPOCHS).out.splitlines()[-1] == last


def test_an_edit_that_stands_against_a_new_render_is_told(
    lightgen: Lightgen, project: Project
) -> None:
    project.edit(TRAIN, "default=20,", "default=7,")
    assert lightgen.done("update", "run", *EPOCHS).out == (
        f"updated        lightgen.toml\nkept yours     {TRAIN}\n"
        "1 updated, 1 kept yours; to take it back: lightgen undo\n"
    )


def test_an_import_that_an_update_breaks_is_a_conflict(lightgen: Lightgen) -> None:
    project = Project(lightgen, "--optimizer", "custom")
    test = "tests/test_custom_optimizer.py"
    project.append(test, "\n\ndef mine() -> int:\n    return 1\n")
    outcome = lightgen("update", "run", "--optimizer", "sgd")
    assert outcome.code == 1
    told = "CustomOptimizer is imported from run.custom_optimizer, where it is no more"
    assert f"    {told}: mend the import, or delete the file\n" in outcome.out


@pytest.fixture
def conflicting(project: Project) -> Project:
    """The user's number of epochs is another one."""
    project.edit(TRAIN, "default=20,", "default=30,")
    return project


def test_a_conflict_is_marked_once(lightgen: Lightgen, conflicting: Project) -> None:
    outcome = lightgen("update", "run", *EPOCHS)
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert lines[:2] == ["updated        lightgen.toml", f"conflict       {TRAIN}"]
    text = conflicting.text(TRAIN)
    number = text.split("\n").index("<<<<<<< yours") + 1
    assert lines[2].startswith(f"    line {number}: ")
    assert lines[-1] == (
        "1 updated, 1 conflict; resolve what is in conflict, or take all back: lightgen undo"
    )
    assert text.count(">>>>>>> new render") == 1
    assert "default=30," in text
    assert "default=7," in text
    unresolved = [f"{TRAIN}:{number}: an unresolved conflict starts here; resolve it first"]
    assert lightgen.refused("update", "run", code=3) == unresolved
    conflicting.write(TRAIN, resolved(text))
    assert lightgen.done("update", "run").out == NOTHING
    assert conflicting.text(TRAIN) == resolved(text)


def resolved(text: str) -> str:
    """The user's side of all conflicts."""
    kept, side = [], ""
    for line in text.splitlines(keepends=True):
        if line.startswith(("<<<<<<<", ">>>>>>>")) or (side and line == "=======\n"):
            side = {"<": "yours", "=": "new", ">": ""}[line[0]]
        elif side != "new":
            kept.append(line)
    return "".join(kept)


def test_a_conflict_as_an_object(lightgen: Lightgen, conflicting: Project) -> None:
    outcome = lightgen("update", "run", *EPOCHS, "--json")
    assert (outcome.code, outcome.json["exit_code"], outcome.json["problems"]) == (1, 1, [])
    [file] = [file for file in outcome.json["files"] if file["path"] == TRAIN]
    text = conflicting.text(TRAIN)
    number = text.split("\n").index("<<<<<<< yours") + 1
    assert (file["kind"], file["moved_from"], file["notes"]) == ("conflict", "", [])
    assert [conflict["line"] for conflict in file["conflicts"]] == [number]
    assert file["conflicts"][0]["what"]


def test_a_deleted_file_stays_deleted(lightgen: Lightgen, project: Project) -> None:
    (project.root / "src/run/plot.py").unlink()
    (project.root / TRAIN).unlink()
    outcome = lightgen.done("update", "run", *EPOCHS)
    assert outcome.out.endswith(
        f"still deleted  {TRAIN}\n    the new render differs from what you deleted\n"
        f"    to bring it back: lightgen update --restore {TRAIN}\n"
        "1 updated, 1 still deleted; to take it back: lightgen undo\n"
    )
    assert "plot.py" not in outcome.out
    assert not (project.root / TRAIN).exists()
    assert lightgen.done("update", "run").out == NOTHING


def test_a_file_that_is_no_longer_generated(lightgen: Lightgen) -> None:
    project = Project(lightgen, "--optimizer", "custom")
    test = "tests/test_custom_optimizer.py"
    project.append(CUSTOM, "# mine\n")
    outcome = lightgen.done("update", "run", "--optimizer", "sgd", "--json")
    assert (kinds(outcome)[CUSTOM], kinds(outcome)[test]) == ("orphan kept", "deleted")
    assert project.text(CUSTOM).endswith("# mine\n")
    assert not (project.root / test).exists()
    assert CUSTOM not in kinds(lightgen.done("update", "run", *EPOCHS, "--json"))


@pytest.mark.parametrize("is_ignored", [True, False])
def test_a_file_in_the_way_is_not_overwritten(
    lightgen: Lightgen, project: Project, is_ignored: bool
) -> None:
    project.write(CUSTOM, "mine = 1\n")
    if is_ignored:
        project.append(".gitignore", "custom_optimizer.py\n*.new\n")
    outcome = lightgen("update", "run", "--optimizer", "custom")
    assert outcome.code == 1
    what = "you have a file of this name, and so has the new render"
    todo = f"the new render is in {CUSTOM}.new: merge it by hand, then delete that"
    assert f"conflict       {CUSTOM}\n    {what}\n    {todo}\n" in outcome.out
    assert project.text(CUSTOM) == "mine = 1\n"
    base = project.text(f".lightgen/base/{CUSTOM}.base")
    assert project.text(f"{CUSTOM}.new") == base
    assert lightgen.done("update", "run").out == NOTHING


def test_what_lies_beside_is_not_overwritten_either(lightgen: Lightgen, project: Project) -> None:
    project.write(CUSTOM, "mine = 1\n")
    project.write(f"{CUSTOM}.new", "mine too\n")
    outcome = lightgen("update", "run", "--optimizer", "custom", "--json")
    [file] = [file for file in outcome.json["files"] if file["path"] == CUSTOM]
    assert file["beside"] == f"{CUSTOM}.new2"
    assert project.text(f"{CUSTOM}.new") == "mine too\n"
    assert "class" in project.text(f"{CUSTOM}.new2")


def test_links_are_not_followed(lightgen: Lightgen, project: Project) -> None:
    outside = lightgen.folder / "outside"
    (project.root / "src/run").rename(outside)
    (project.root / "src/run").symlink_to(outside)
    before = disk(outside)
    outcome = lightgen("update", "run", *EPOCHS)
    assert outcome.code == 1
    todo = f"the new render is in .lightgen/base/{TRAIN}.base: merge it by hand"
    lines = f"conflict       {TRAIN}\n    lies behind a link (src/run)\n    {todo}\n"
    assert lines in outcome.out
    assert OPTIM not in outcome.out
    assert disk(outside) == before


def test_binary_content_is_not_merged(lightgen: Lightgen, project: Project) -> None:
    project.write(TRAIN, b"\0\1\2")
    outcome = lightgen("update", "run", *EPOCHS)
    assert outcome.code == 1
    assert (project.root / TRAIN).read_bytes() == b"\0\1\2"
    assert "default=7," in project.text(f"{TRAIN}.new")


# Looking without writing.


def test_a_dry_run_shows_what_the_run_does(lightgen: Lightgen, conflicting: Project) -> None:
    conflicting.append(OPTIM, "# mine\n")
    flags = ("update", "run", *EPOCHS, "--lr", "0.5")
    before = conflicting.disk()
    shown = lightgen(*flags, "--dry-run")
    objects = lightgen(*flags, "--dry-run", "--json").json
    assert conflicting.disk() == before
    assert shown.code == objects["exit_code"] == 1
    assert f"--- a/{TRAIN}\n+++ b/{TRAIN}\n" in shown.out
    assert "+<<<<<<< yours\n" in shown.out
    assert shown.out.splitlines()[-1].startswith("would be: ")
    assert not objects["written"]
    diffs = {file["path"]: file.pop("diff") for file in objects["files"]}
    assert "+max_epochs = 7" in diffs["lightgen.toml"]
    done = lightgen(*flags, "--json").json
    assert (done["files"], done["written"]) == (objects["files"], True)


def test_check_finds_drift(lightgen: Lightgen, project: Project) -> None:
    assert lightgen.done("update", "run", "--check").out == NOTHING
    project.append("lightgen.toml", "\n[trainer]\nmax_epochs = 7\n")
    before = project.disk()
    outcome = lightgen("update", "run", "--check")
    assert (outcome.code, outcome.out) == (1, f"updated        {TRAIN}\nwould be: 1 updated\n")
    found = lightgen("update", "run", "--check", "--json").json
    assert (found["exit_code"], found["written"]) == (1, False)
    assert project.disk() == before


def test_a_spec_that_renders_the_same_is_remembered(lightgen: Lightgen, project: Project) -> None:
    project.write("lightgen.toml", "seed = 42\n" + project.text("lightgen.toml"))
    assert lightgen("update", "run", "--check").code == 1
    said = "no file changes, but for what .lightgen remembers; to take it back: lightgen undo\n"
    assert lightgen.done("update", "run").out == said
    assert lightgen.done("update", "run", "--check").out == NOTHING


def test_nothing_changed_keeps_the_undo_of_before(lightgen: Lightgen, project: Project) -> None:
    before = project.disk()
    lightgen.done("update", "run", *EPOCHS)
    lightgen.done("update", "run")
    lightgen.done("undo", "run")
    assert project.disk() == before


def test_the_difference_is_coloured_on_a_terminal(lightgen: Lightgen, project: Project) -> None:
    pexpect = pytest.importorskip("pexpect")
    command = [sys.executable, "-m", "lightgen", "update", "run", *EPOCHS, "--dry-run"]
    shown = pexpect.run(" ".join(command), cwd=str(lightgen.folder)).decode()
    assert "\x1b[32m+max_epochs = 7\x1b[0m" in shown
    assert "\x1b[36m@@ " in shown


# Deleted files, lost and damaged memories.


def test_a_deleted_file_is_brought_back(lightgen: Lightgen, project: Project) -> None:
    before = project.disk()
    (project.root / TRAIN).unlink()
    (project.root / OPTIM).unlink()
    assert lightgen.done("update", "run", "--restore", TRAIN, "--restore", f"./{OPTIM}").out == (
        f"added          {OPTIM}\nadded          {TRAIN}\n"
        "2 added; to take it back: lightgen undo\n"
    )
    assert project.disk() == before


def test_a_deleted_file_is_brought_back_as_newly_rendered(
    lightgen: Lightgen, project: Project
) -> None:
    (project.root / TRAIN).unlink()
    lightgen.folder = project.root / "src/run"
    lightgen.done("update", "--restore", "train.py", *EPOCHS)
    assert "default=7," in project.text(TRAIN)


def test_what_cannot_be_brought_back_is_told(lightgen: Lightgen, project: Project) -> None:
    assert lightgen.refused("update", "run", "--restore", "src/run/trian.py") == [
        f"--restore: 'src/run/trian.py' is no generated file; did you mean '{TRAIN}'?"
    ]
    assert lightgen.refused("update", "run", "--restore", TRAIN) == [
        f"--restore: '{TRAIN}' is not deleted; leave it out"
    ]


def test_a_lost_spec_is_told_and_brought_back(lightgen: Lightgen, project: Project) -> None:
    content = tomllib.loads(project.text("lightgen.toml"))
    (project.root / "lightgen.toml").unlink()
    assert lightgen.refused("update", "run", code=3) == [
        "lightgen.toml: the spec file is gone; "
        "bring back the last one with --restore lightgen.toml, or give one with --spec FILE"
    ]
    lightgen.done("update", "run", "--restore", "lightgen.toml")
    assert tomllib.loads(project.text("lightgen.toml")) == content
    assert lightgen.done("update", "run").out == NOTHING


REBUILT = "the base is rebuilt from lightgen.toml: what differs from its render is your edit"


def test_a_lost_memory_is_rebuilt(lightgen: Lightgen, conflicting: Project) -> None:
    before = conflicting.disk()
    remove(conflicting.root / ".lightgen")
    assert lightgen.refused("update", "run", code=3) == [
        "run: there is no .lightgen in it; "
        "run lightgen update --rebuild-base to make it anew from the spec"
    ]
    lightgen.folder = conflicting.root / "src"
    for command in ("update", "status", "diff"):
        assert lightgen.refused(command, code=3) == [
            f"{conflicting.root}: there is no .lightgen in it; "
            "run lightgen update --rebuild-base to make it anew from the spec"
        ]
    outcome = lightgen.done("update", "--rebuild-base")
    assert outcome.out == (
        "no file changes, but for what .lightgen remembers, 1 edited file left alone; "
        "to take it back: lightgen undo\n"
    )
    lightgen.folder = conflicting.root.parent
    assert outcome.notes == [REBUILT]
    assert conflicting.disk() == before
    assert lightgen.done("update", "run").out == NOTHING


def remove(folder: Path) -> None:
    subprocess.run(["rm", "-r", folder], check=True)


def test_a_memory_is_rebuilt_from_the_spec_as_it_stands(
    lightgen: Lightgen, conflicting: Project
) -> None:
    remove(conflicting.root / ".lightgen")
    lightgen.folder = conflicting.root
    outcome = lightgen("update", "--rebuild-base", *EPOCHS)
    assert outcome.code == 1
    assert "<<<<<<< yours" in conflicting.text(TRAIN)


def test_without_a_spec_nothing_can_be_rebuilt(lightgen: Lightgen) -> None:
    lightgen.write("run/x", "")
    told = lightgen.refused("update", "run", "--rebuild-base", code=3)
    assert told[0].startswith("run: there is no lightgen.toml in it")


def test_a_base_at_odds_with_its_hashes_is_rebuilt(
    lightgen: Lightgen, conflicting: Project
) -> None:
    before = conflicting.disk()
    conflicting.append(f".lightgen/base/{TRAIN}.base", "# not lightgen's\n")
    outcome = lightgen.done("update", "run")
    assert outcome.notes == [
        f".lightgen is not as it was left (.lightgen/base/{TRAIN}.base differs from its hash): "
        "the base is rebuilt from the recorded spec"
    ]
    assert conflicting.disk() == before


def test_a_base_edited_along_with_the_project_takes_no_edit_away(
    lightgen: Lightgen, project: Project
) -> None:
    """As a search and replace over all files does it."""
    for path in (TRAIN, f".lightgen/base/{TRAIN}.base"):
        project.append(path, "\n\ndef mine() -> int:\n    return 1\n")
    lightgen.done("update", "run", *EPOCHS)
    assert "def mine() -> int:" in project.text(TRAIN)
    assert "def mine() -> int:" not in project.text(f".lightgen/base/{TRAIN}.base")


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--check",), ("--rebuild-base",)])
def test_a_newer_memory_is_refused(
    lightgen: Lightgen, project: Project, words: tuple[str, ...]
) -> None:
    state = project.text(".lightgen/state.toml")
    project.write(".lightgen/state.toml", 'lightgen = "99.1"\n' + state.partition("\n")[2])
    told = lightgen.refused("update", "run", *words, code=3)
    assert told[0].startswith(".lightgen: was written by lightgen 99.1, and this is ")


def test_a_damaged_memory_is_refused_and_can_be_rebuilt(
    lightgen: Lightgen, project: Project
) -> None:
    before = project.disk()
    project.write(".lightgen/state.toml", "lightgen = \n")
    told = lightgen.refused("update", "run", code=3)
    assert told[0].startswith(".lightgen/state.toml: is damaged")
    lightgen.done("update", "run", "--rebuild-base")
    assert project.disk() == before


def test_another_version_alone_is_no_change(lightgen: Lightgen, project: Project) -> None:
    state = project.text(".lightgen/state.toml")
    project.write(".lightgen/state.toml", 'lightgen = "0.0.1"\n' + state.partition("\n")[2])
    assert lightgen.done("update", "run", "--check").out == NOTHING


# Where it works.


def test_the_project_is_found_upwards(lightgen: Lightgen, project: Project) -> None:
    lightgen.folder = project.root / "src/run"
    lightgen.done("update", *EPOCHS)
    assert "default=7," in project.text(TRAIN)


def test_outside_of_a_project(lightgen: Lightgen) -> None:
    [told] = lightgen.refused("update", code=3)
    assert told.endswith("go to a project, or give its path")
    [told] = lightgen.refused("update", "nowhere", code=3)
    assert told == "nowhere: there is no such folder; give the folder of a project"
    lightgen.write("else/x", "")
    assert lightgen.refused("update", "else", code=3) == [
        "else: there is no .lightgen in it; give the folder of a project, or run lightgen new"
    ]


def test_a_folder_inside_of_a_project_names_the_project(
    lightgen: Lightgen, project: Project
) -> None:
    assert lightgen.refused("update", "run/src/run", code=3) == [
        "run/src/run: there is no .lightgen in it; it is in a project: give run"
    ]


def test_one_update_at_a_time(lightgen: Lightgen, project: Project) -> None:
    with locked(project.root):
        outcome = lightgen("update", "run", *EPOCHS)
    assert outcome.code == 3
    assert outcome.messages[0].startswith("another update is in progress")
    assert "default=20," in project.text(TRAIN)


def test_torch_is_not_imported(lightgen: Lightgen, project: Project) -> None:
    code = (
        "import sys\nfrom lightgen.cli.app import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "assert not {'torch', 'lightning', 'pytorch_lightning'} & {*sys.modules}\n"
    )
    for words in (("update", "run", *EPOCHS), ("status", "run"), ("undo", "run"), ("diff", "run")):
        subprocess.run([sys.executable, "-c", code, *words], cwd=lightgen.folder, check=True)


# What is wrong.

WRONG = {
    ("--lr", "fast"): "optimizer.lr: 'fast' is not a number",
    ("--optimizer", "adamww"): "optimizer.name: unknown optimizer 'adamww'",
    ("--spec", "nowhere.toml"): "nowhere.toml: there is no such file",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_spec_is_told(lightgen: Lightgen, project: Project, words: tuple[str, ...]) -> None:
    [told] = lightgen.refused("update", "run", *words)
    assert told.startswith(WRONG[words])


def test_all_that_is_wrong_is_told_at_once(lightgen: Lightgen, project: Project) -> None:
    project.append("lightgen.toml", "\n[trainer]\nmax_epoch = 3\n")
    assert len(lightgen.refused("update", "run", "--lr", "fast")) == 2


def test_a_spec_file_that_cannot_be_read(lightgen: Lightgen, project: Project) -> None:
    project.write("lightgen.toml", b"# \xff\n")
    assert lightgen.refused("update", "run") == [
        "lightgen.toml: byte 2 is not UTF-8; save the file as UTF-8 text"
    ]
    project.write("lightgen.toml", "[project\n")
    [told] = lightgen.refused("update", "run")
    assert told.startswith("lightgen.toml:1:9: this is not TOML")
    project.write("lightgen.toml", "<<<<<<< a\nseed = 1\n=======\nseed = 2\n>>>>>>> b\n")
    assert lightgen.refused("update", "run", code=3) == [
        "lightgen.toml:1: an unresolved conflict starts here; resolve it first"
    ]


def test_a_refusal_as_an_object(lightgen: Lightgen, project: Project) -> None:
    outcome = lightgen("update", "run", "--lr", "fast", "--json")
    assert (outcome.code, outcome.json["exit_code"], outcome.err) == (2, 2, "")
    assert outcome.json["problems"][0]["where"] == "optimizer.lr"


# Packs.


@pytest.fixture
def pack(lightgen: Lightgen) -> Path:
    lightgen.write("pack/cookiecutter.json", '{"team": "vision", "slug": "x"}')
    lightgen.write("pack/{{ cookiecutter.slug }}/NOTICE", "{{ cookiecutter.team }}\n")
    return lightgen.folder / "pack"


@pytest.fixture
def packed(lightgen: Lightgen, pack: Path) -> Project:
    return Project(lightgen, "--template", "pack")


def test_the_stored_pack_is_rendered(lightgen: Lightgen, packed: Project, pack: Path) -> None:
    remove(pack)
    lightgen.done("update", "run", "--set", "template.variables.team=speech")
    assert packed.text("NOTICE") == "speech\n"
    assert lightgen.done("update", "run").out == NOTHING


def test_a_pack_is_fetched_anew_where_it_is_asked_for(
    lightgen: Lightgen, packed: Project, pack: Path
) -> None:
    assert tomllib.loads(packed.text("lightgen.toml"))["template"]["source"] == "../pack"
    lightgen.write("pack/{{ cookiecutter.slug }}/NOTICE", "new words\n")
    assert lightgen.done("update", "run").out == NOTHING
    lightgen.folder = packed.root / "src"
    lightgen.done("update", "--template", "../../pack")
    assert packed.text("NOTICE") == "new words\n"
    assert tomllib.loads(packed.text("lightgen.toml"))["template"]["source"] == "../pack"


def test_a_ref_alone_is_one_of_the_same_pack(lightgen: Lightgen, pack: Path) -> None:
    commands = ["init -q", "add -A", "commit -qm one", "tag v1"]
    for command in commands:
        words = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *command.split()]
        subprocess.run(words, cwd=pack, check=True)
    lightgen.write("pack/{{ cookiecutter.slug }}/NOTICE", "later words\n")
    project = Project(lightgen, "--template", "pack")
    assert project.text("NOTICE") == "later words\n"
    lightgen.folder = Path(os.sep)
    lightgen.done("update", project.root, "--checkout", "v1")
    assert project.text("NOTICE") == "vision\n"
    template = tomllib.loads(project.text("lightgen.toml"))["template"]
    assert template == {"source": "../pack", "ref": "v1"}


def test_a_pack_that_there_is_not_is_told(lightgen: Lightgen, project: Project) -> None:
    [told] = lightgen.refused("update", "run", "--template", "nowhere")
    assert told.startswith("template.source: there is no folder 'nowhere'")


def test_a_template_is_taken_up_later(lightgen: Lightgen, project: Project, pack: Path) -> None:
    outcome = lightgen.done("update", "run", "--template", "pack", "--json")
    assert kinds(outcome)["NOTICE"] == "added"
    state = tomllib.loads(project.text(".lightgen/state.toml"))
    assert state["template_resolved"].startswith("sha256:")


def test_the_object_is_one(lightgen: Lightgen, project: Project) -> None:
    found = json.loads(lightgen.done("update", "run", "--groups", GROUPS, "--json").out)
    assert found == {
        "exit_code": 0,
        "files": [],
        "problems": [],
        "path": str(project.root),
        "written": False,
        "notes": found["notes"],
    }


def test_a_model_of_the_users_own_is_kept(lightgen: Lightgen, project: Project) -> None:
    project.write(MODEL, "from torch import nn\n\nNetwork = nn.Linear\n")
    outcome = lightgen.done("update", "run", *EPOCHS, "--json")
    assert kinds(outcome)[MODEL] == "kept yours"
    assert project.text(MODEL) == "from torch import nn\n\nNetwork = nn.Linear\n"
