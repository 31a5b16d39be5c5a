"""`lightgen new` writes a whole project where it was asked to."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Lightgen

EXAMPLE = ("--optimizer", "custom", "--groups", "backbone:1e-4,head:1e-3")


def is_project(folder: Path, package: str) -> bool:
    return all(
        (folder / name).is_file()
        for name in ("lightgen.toml", f"src/{package}/train.py", ".lightgen/state.toml")
    )


def test_without_a_path_it_is_lightning_project(lightgen: Lightgen) -> None:
    lightgen.done("new")
    assert is_project(lightgen.folder / "lightning-project", "lightning_project")


def test_the_command_of_the_readme_is_whole_as_it_stands(lightgen: Lightgen) -> None:
    lightgen.done("new", "some/digits-run", *EXAMPLE)
    folder = lightgen.folder / "some" / "digits-run"
    assert is_project(folder, "digits_run")
    assert (folder / "lightgen.toml").read_text() == (
        "#:schema .lightgen/schema.json\n\n"
        '[project]\npackage = "digits_run"\n\n'
        '[optimizer]\nname = "custom"\n\n'
        "[groups.backbone]\nlr = 1e-4\n\n"
        "[groups.head]\nlr = 1e-3\n"
    )


@pytest.mark.parametrize("held", [[], [".git/HEAD"]], ids=["empty", "only .git"])
def test_a_folder_that_holds_nothing_is_filled(lightgen: Lightgen, held: list[str]) -> None:
    folder = lightgen.folder / "digits-run"
    folder.mkdir()
    for name in held:
        lightgen.write(f"digits-run/{name}", "kept")
    lightgen.done("new", "digits-run")
    assert is_project(folder, "digits_run")
    assert all((folder / name).read_text() == "kept" for name in held)
    assert not (folder / ".lightgen-new").exists()


def test_the_current_folder_gives_its_name_to_the_package(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightgen.folder = lightgen.folder / "digits-run"
    lightgen.folder.mkdir()
    outcome = lightgen.done("new", ".")
    assert is_project(lightgen.folder, "digits_run")
    assert outcome.out.endswith("next:\n  pip install -e .\n  python -m digits_run.train\n")


def test_what_comes_next_is_told_with_the_folder_quoted(lightgen: Lightgen) -> None:
    outcome = lightgen.done("new", "My Run")
    assert outcome.out.endswith(
        "next:\n  cd 'My Run' && pip install -e .\n  python -m my_run.train\n"
    )


def test_missing_parents_are_made(lightgen: Lightgen) -> None:
    lightgen.done("new", "a/b/c/run")
    assert is_project(lightgen.folder / "a/b/c/run", "run")


def test_every_file_is_told(lightgen: Lightgen) -> None:
    outcome = lightgen.done("new", "run")
    files = [path for path in lightgen.files("run") if (lightgen.folder / "run" / path).is_file()]
    own = sorted(path for path in files if not path.startswith(".lightgen/"))
    assert outcome.out.startswith(f"wrote {len(own)} files to run\n  " + "\n  ".join(own))


def test_each_group_is_told_with_its_rate(lightgen: Lightgen) -> None:
    out = lightgen.done("new", "run", "--groups", "stem:freeze,body:x0.1,neck:x0,rest:1e-2").out
    rows = [line.split() for line in out.splitlines()]
    assert ["stem", "stem", "frozen"] in rows
    assert ["body", "body", "0.0001"] in [row[:3] for row in rows]
    assert ["neck", "neck", "0"] in [row[:3] for row in rows]
    assert ["rest", "the", "rest", "0.01"] in [row[:4] for row in rows]


def test_a_dry_run_writes_nothing(lightgen: Lightgen) -> None:
    outcome = lightgen.done("new", "run", "--dry-run")
    assert outcome.out.startswith("would write ")
    assert "next:" not in outcome.out
    assert lightgen.files() == set()


@pytest.mark.parametrize(
    ("words", "code"),
    [("fresh", 0), ("fresh --lr fast", 2), ("taken", 3), ("taken/deeper", 3)],
)
def test_a_dry_run_has_the_exit_code_of_the_real_run(
    lightgen: Lightgen, words: str, code: int
) -> None:
    lightgen.write("taken", "a file")
    assert lightgen("new", "--dry-run", *words.split()).code == code
    assert lightgen("new", *words.split()).code == code


@pytest.mark.parametrize("name", ["src/run/optim.py", "./README.md", ".lightgen/state.toml"])
def test_show_prints_a_file_as_it_would_be_written(lightgen: Lightgen, name: str) -> None:
    shown = lightgen.done("new", "run", "--dry-run", "--show", name).out
    assert lightgen.files() == set()
    lightgen.done("new", "run")
    assert shown == (lightgen.folder / "run" / name).read_text()


def test_show_without_dry_run_is_refused(lightgen: Lightgen) -> None:
    assert lightgen.refused("new", "run", "--show", "README.md") == [
        "--show: goes with --dry-run; add --dry-run"
    ]


def test_show_of_an_unknown_file_guesses(lightgen: Lightgen) -> None:
    assert lightgen.refused("new", "run", "--dry-run", "--show", "src/run/opt.py") == [
        "--show: the project has no file 'src/run/opt.py'; did you mean 'src/run/optim.py'?"
    ]


def test_interactive_without_a_terminal_is_refused(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert lightgen.refused("new", "run", "--interactive") == [
        "--interactive: there is no terminal to ask on; say it with flags"
    ]


def test_interactive_with_a_spec_file_is_refused(lightgen: Lightgen) -> None:
    lightgen.write("spec.toml", "")
    assert lightgen.refused("new", "run", "-i", "--spec", "spec.toml") == [
        "--interactive: the spec file answers the questions; leave out one of the two"
    ]


def test_it_never_asks_without_interactive(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightgen.cli.wizard.ask", lambda *_: pytest.fail("asked"))
    lightgen.done("new", "run")


def test_json_is_one_object_on_success(lightgen: Lightgen) -> None:
    outcome = lightgen.done("new", "digits-run", *EXAMPLE, "--json")
    said = outcome.json
    assert outcome.err == ""
    assert (said["exit_code"], said["problems"], said["written"]) == (0, [], True)
    assert said["path"] == "digits-run"
    assert set(said["files"]) == {
        path
        for path in lightgen.files("digits-run")
        if (lightgen.folder / "digits-run" / path).is_file()
    }
    assert [(group["group"], group["lr"]) for group in said["groups"]] == [
        ("backbone", "0.0001"),
        ("head", "0.001"),
    ]
    assert said["next"][-1] == "python -m digits_run.train"


def test_json_of_a_dry_run_says_that_nothing_was_written(lightgen: Lightgen) -> None:
    said = lightgen.done("new", "run", "--dry-run", "--json").json
    assert said["exit_code"] == 0 and not said["written"] and "README.md" in said["files"]
    assert lightgen.files() == set()


def test_json_of_show_holds_the_file(lightgen: Lightgen) -> None:
    words = ("new", "run", "--dry-run", "--show", "lightgen.toml")
    said = lightgen.done(*words, "--json").json
    assert said == {
        "exit_code": 0,
        "files": ["lightgen.toml"],
        "problems": [],
        "content": lightgen.done(*words).out,
    }


@pytest.mark.parametrize(
    ("words", "code", "where"),
    [
        ("run --lr fast", 2, "optimizer.lr"),
        ("run --spec none.toml", 2, "none.toml"),
        ("run --groups backbone", 2, "--groups"),
        ("run --set nothing", 2, "--set"),
        ("run --show README.md", 2, "--show"),
        ("run --dry-run --show x", 2, "--show"),
        ("run --template none", 2, "template.source"),
        ("taken", 3, "taken"),
    ],
)
def test_json_is_one_object_on_failure(
    lightgen: Lightgen, words: str, code: int, where: str
) -> None:
    lightgen.write("taken", "a file")
    outcome = lightgen("new", *words.split(), "--json")
    assert (outcome.code, outcome.json["exit_code"], outcome.err) == (code, code, "")
    assert [problem["where"] for problem in outcome.json["problems"]] == [where]
    assert set(outcome.json["problems"][0]) == {"where", "what", "todo"}
    assert lightgen.files() == {"taken"}


@pytest.mark.parametrize("words", ["new run --optimizer custom --scheduler wsd", "list", "--help"])
def test_neither_torch_nor_a_formatter_nor_a_template_tool_is_loaded(
    tmp_path: Path, words: str
) -> None:
    """They take seconds; black is loaded where a name makes a line too long."""
    code = (
        "import sys; from lightgen.cli.entry import run\n"
        f"sys.argv = ['lightgen', *{words.split()}]\n"
        "try: run()\nexcept SystemExit as stop: assert not stop.code, stop.code\n"
        "slow = 'torch pytorch_lightning lightning numpy sklearn black cookiecutter questionary'\n"
        "print('loaded:', *(name for name in slow.split() if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_the_module_is_a_command_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lightgen", "new", "run", "--dry-run"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
