"""Whatever happens, the exit code says what, and nothing is half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Lightgen

from lightgen import __version__, write


def raising(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_zero_is_done(lightgen: Lightgen) -> None:
    assert lightgen("new", "run").code == 0


def test_two_is_a_wrong_spec(lightgen: Lightgen) -> None:
    assert lightgen("new", "run", "--lr", "fast").code == 2


def test_three_is_a_place_that_does_not_allow_it(lightgen: Lightgen) -> None:
    lightgen.write("run", "a file")
    assert lightgen("new", "run").code == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EOFError()])
def test_130_is_an_interrupt_while_writing_and_nothing_stays(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(write, "_write_tree", raising(error))
    outcome = lightgen("new", "a/b/run")
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err == "interrupted; nothing is half-written\n"
    assert lightgen.files() == set()


def test_130_is_an_interrupt_while_an_existing_folder_is_filled(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lightgen.folder / "run" / ".git").mkdir(parents=True)
    rename, moved = Path.rename, []

    def interrupted(path: Path, target: Path) -> Path:
        if len(moved) == 3:
            raise KeyboardInterrupt
        moved.append(path)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    assert lightgen("new", "run").code == 130
    assert lightgen.files() == {"run", "run/.git"}


def test_130_is_a_request_to_stop(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from lightgen import write; from lightgen.cli.entry import run\n"
        "write._write_tree = lambda *_: os.kill(os.getpid(), signal.SIGTERM) or signal.pause()\n"
        "sys.argv = ['lightgen', 'new', 'run']; run()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
    assert (done.returncode, list(tmp_path.iterdir())) == (130, [])


def test_70_is_a_bug_and_shows_where(lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_write_tree", raising(ZeroDivisionError("a slip")))
    outcome = lightgen("new", "run")
    assert outcome.code == 70
    assert "ZeroDivisionError: a slip" in outcome.err
    assert outcome.err.endswith(
        "this is a bug of lightgen; please report it with the lines above\n"
    )
    assert lightgen.files() == set()


def test_three_is_an_error_of_the_system_that_nobody_foresaw(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightgen.cli.new.package_from", raising(FileNotFoundError(2, "No folder")))
    outcome = lightgen("new", "run")
    assert outcome.code == 3
    assert outcome.messages == ["the system refused (No folder); check space and permissions"]


@pytest.mark.parametrize("words", ["show optimizer adamw", "--help"])
def test_a_reader_that_stops_reading_is_no_failure(tmp_path: Path, words: str) -> None:
    command = f"set -o pipefail; '{sys.executable}' -m lightgen {words} | true"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_output_is_told_without_a_traceback(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lightgen", "list"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr


def test_names_that_the_terminal_cannot_show_stop_nothing(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path / "r\u00fcn") + b"\xff"
    done = subprocess.run(
        [sys.executable, "-m", "lightgen", "new", name, "--set", "project.package=named"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_version_is_printed(lightgen: Lightgen) -> None:
    assert lightgen.done("--version").out == f"lightgen {__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["new", "--help"], ["show", "-h"]])
def test_help_is_printed(lightgen: Lightgen, words: list[str]) -> None:
    assert "Usage: lightgen" in lightgen.done(*words).out


@pytest.mark.parametrize("words", [["--help"], ["update", "--help"]])
def test_a_flag_without_a_value_shows_none(lightgen: Lightgen, words: list[str]) -> None:
    assert "bool" not in lightgen.done(*words).out.lower()


def test_without_words_the_commands_are_shown(lightgen: Lightgen) -> None:
    outcome = lightgen()
    assert outcome.code == 2
    assert all(command in outcome.out for command in ("new", "list", "show"))


def test_help_names_each_flag_of_new(lightgen: Lightgen) -> None:
    text = lightgen.done("new", "--help").out
    flags = "optimizer groups scheduler lr set spec template checkout trust dry-run show json"
    assert [flag for flag in flags.split() if f"--{flag}" not in text] == []


WRONG_USAGE = {
    ("nwe",): "No such command 'nwe'. Did you mean 'new'?",
    ("new", "--optimiser", "sgd"): "No such option: --optimiser",
    ("new", "a", "b"): "Got unexpected extra argument(s) (b)",
    ("new", "--lr"): "Option '--lr' requires an argument.",
    ("show", "optimizer"): "Missing argument 'name'",
}


@pytest.mark.parametrize("words", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_is_told(lightgen: Lightgen, words: tuple[str, ...]) -> None:
    outcome = lightgen(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert WRONG_USAGE[words] in outcome.err
    assert lightgen.files() == set()


@pytest.mark.parametrize("words", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_is_one_object_with_json(lightgen: Lightgen, words: tuple[str, ...]) -> None:
    outcome = lightgen(words[0], "--json", *words[1:])
    assert outcome.code == outcome.json["exit_code"] == 2
    assert WRONG_USAGE[words] in outcome.json["problems"][0]["what"]
    assert outcome.err == ""


def test_an_unforeseen_error_of_the_system_is_one_object_with_json(
    lightgen: Lightgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightgen.cli.new.package_from", raising(OSError(28, "No space", "here")))
    outcome = lightgen("new", "run", "--json")
    problem = {
        "where": "here",
        "what": "the system refused (No space)",
        "todo": "check space and permissions",
    }
    assert json.loads(outcome.out) == {"exit_code": 3, "files": [], "problems": [problem]}
