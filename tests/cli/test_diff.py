"""lightgen diff: what the user changed since generation, or what an update would change."""

from __future__ import annotations

import subprocess
import sys

from support.command import Lightgen
from support.editing import MODEL, OPTIM, TRAIN, Project, git


def test_nothing_changed(lightgen: Lightgen, project: Project) -> None:
    assert lightgen.done("diff", "run").out == "no generated file has changed\n"
    assert lightgen.done("diff", "run", "--update").out == "an update would change nothing\n"


def test_a_changed_spec_is_no_changed_file(lightgen: Lightgen, project: Project) -> None:
    project.append("lightgen.toml", "\n[trainer]\nmax_epochs = 7\n")
    assert lightgen.done("diff", "run").out == "no generated file has changed\n"


def test_what_the_user_changed(lightgen: Lightgen, project: Project) -> None:
    before = project.disk()
    project.edit(TRAIN, "default=20,", "default=30,")
    (project.root / OPTIM).unlink()
    project.write("notes.txt", "mine\n")
    outcome = lightgen("diff", "run")
    assert (outcome.code, outcome.err) == (1, "")
    assert f"--- a/{OPTIM}\n+++ /dev/null\n" in outcome.out
    assert f"--- a/{TRAIN}\n+++ b/{TRAIN}\n" in outcome.out
    assert '+    add("--max-epochs", type=int, default=30, ' in outcome.out
    assert "notes.txt" not in outcome.out
    found = lightgen("diff", "run", "--json").json
    assert (found["exit_code"], found["problems"]) == (1, [])
    assert {file["path"]: file["kind"] for file in found["files"]} == {
        OPTIM: "deleted",
        TRAIN: "edited",
    }
    assert "".join(file["diff"] for file in found["files"]) == outcome.out
    # Git takes it as a patch: applied backwards, the project is as it was written.
    (project.root / "notes.txt").unlink()
    (project.root / "my.patch").write_text(outcome.out)
    git(project.root, "apply", "-R", "my.patch")
    (project.root / "my.patch").unlink()
    assert project.disk() == before


def test_line_ends_and_modes_are_differences(lightgen: Lightgen, project: Project) -> None:
    text = project.text(MODEL)
    project.write(MODEL, text.replace("\n", "\r\n"))
    project.write(TRAIN, project.text(TRAIN).rstrip("\n"))
    (project.root / OPTIM).chmod(0o755)
    out = lightgen("diff", "run").out
    assert f"+{text.splitlines()[0]}\r\n" in out
    assert "\\ No newline at end of file\n" in out
    assert f"{OPTIM} is now executable\n" in out


def test_binary_content_is_one_line(lightgen: Lightgen, project: Project) -> None:
    project.write(MODEL, b"\0\1\n\2")
    outcome = lightgen("diff", "run")
    assert (outcome.code, outcome.out) == (1, f"Binary files a/{MODEL} and b/{MODEL} differ\n")


def test_a_file_that_became_empty_or_a_link(lightgen: Lightgen, project: Project) -> None:
    (project.root / MODEL).unlink()
    (project.root / MODEL).symlink_to("optim.py")
    assert lightgen("diff", "run").out == f"{MODEL} is a link\n"


def test_a_moved_file_is_compared_with_where_it_was(lightgen: Lightgen, project: Project) -> None:
    (project.root / "src/run/inner").mkdir()
    (project.root / MODEL).rename(project.root / "src/run/inner/model.py")
    moved = f"moved from {MODEL} to src/run/inner/model.py\n"
    assert lightgen("diff", "run").out == moved
    project.append("src/run/inner/model.py", "# mine\n")
    out = lightgen("diff", "run").out
    assert out.startswith(f"--- a/{MODEL}\n+++ b/src/run/inner/model.py\n@@ ")
    assert out.endswith("+# mine\n")


def test_what_an_update_would_change(lightgen: Lightgen, project: Project) -> None:
    project.append(OPTIM, "# mine\n")
    project.append("lightgen.toml", "\n[trainer]\nmax_epochs = 7\n")
    before = project.disk()
    outcome = lightgen("diff", "run", "--update")
    assert outcome.code == 1
    assert outcome.out.startswith(f"--- a/{TRAIN}\n+++ b/{TRAIN}\n")
    assert OPTIM not in outcome.out
    found = lightgen("diff", "run", "--update", "--json").json
    assert [(file["path"], file["kind"]) for file in found["files"]] == [(TRAIN, "updated")]
    assert project.disk() == before


def test_an_update_that_would_be_refused(lightgen: Lightgen, project: Project) -> None:
    project.append(TRAIN, "<<<<<<< a\n=======\n>>>>>>> b\n")
    [told] = lightgen.refused("diff", "run", "--update", code=3)
    assert told.endswith("an unresolved conflict starts here; resolve it first")
    project.write("lightgen.toml", "[trainer]\nmax_epoch = 3\n")
    assert lightgen("diff", "run").code == 1
    assert lightgen("diff", "run", "--update").code == 2


def test_a_base_that_cannot_be_trusted_is_rebuilt(lightgen: Lightgen, project: Project) -> None:
    project.append(f".lightgen/base/{MODEL}.base", "# not lightgen's\n")
    project.append(TRAIN, "# mine\n")
    outcome = lightgen("diff", "run")
    assert outcome.code == 1
    assert [line for line in outcome.out.splitlines() if line.startswith("--- ")] == [
        f"--- a/{TRAIN}"
    ]
    assert "the base is rebuilt from the recorded spec" in outcome.notes[0]


def test_outside_of_a_project(lightgen: Lightgen) -> None:
    [told] = lightgen.refused("diff", code=3)
    assert "there is no .lightgen here, nor in a folder above" in told


def test_it_works_in_a_subfolder_of_a_dirty_repository(lightgen: Lightgen) -> None:
    git(lightgen.folder, "init", "-q")
    lightgen.write("other/file", "untracked")
    project = Project(lightgen)
    project.append(MODEL, "# mine\n")
    lightgen.folder = project.root / "tests"
    assert lightgen("diff").out.endswith("+# mine\n")


def test_text_of_any_encoding_is_shown(lightgen: Lightgen, project: Project) -> None:
    project.write(MODEL, project.text(MODEL).encode() + b"# caf\xe9\n")
    assert lightgen("diff", "run").out.endswith("+# caf\\xe9\n")


def test_a_reader_that_stops_reading_is_no_failure(project: Project) -> None:
    project.write(MODEL, "x = 1\n" * 100_000)
    command = f"'{sys.executable}' -m lightgen diff | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=project.root, capture_output=True)
    assert (done.stdout, done.stderr) == (f"--- a/{MODEL}\n".encode(), b"")
