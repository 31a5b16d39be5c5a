"""lightgen resume-plan on the command line, and the flags of the generated train.py that resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from support.command import Lightgen
from support.editing import Project
from support.projects import in_project

from lightgen.check import plan_resume, prove
from lightgen.check.processes import asked_for
from lightgen.check.resumption import CHOICES, NextRate, Resumption, Setting

STOPS = Resumption(
    step=23,
    epoch=1,
    choice=None,
    goes_on=False,
    differences=("groups.head.lr was 0.001, is 0.01",),
    impossible={"exact": "the code has another schedule"},
    settings=(Setting("head", "lr", 1e-3, 1e-2), Setting("head", "weight_decay", 0.0, 0.0)),
    next_rates=(NextRate("head", {"exact": None, "schedule": 5e-3, "weights": 1e-2}),),
    new=("model.tail.weight",),
    missing=("model.gone.weight",),
)


def found(found: Resumption, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a resume be this."""
    monkeypatch.setattr(plan_resume, "plan_resume", lambda *arguments: found)


def test_a_stop_exits_with_1(
    lightgen: Lightgen, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(STOPS, monkeypatch)
    outcome = lightgen("resume-plan", "any.ckpt", "--project", "run")
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out.startswith("STOPS  the checkpoint is at step 23, epoch 1\n")
    words = [line.split() for line in outcome.out.splitlines()]
    assert ["head", "lr", "0.001", "0.01", "to", "choose"] in words
    assert ["head", "weight_decay", "0", "0", "both", "agree"] in words
    assert ["head", "-", "0.005", "0.01"] in words
    assert "model.tail.weight is new" in outcome.out
    assert "model.gone.weight is gone" in outcome.out
    assert "exact is not possible: the code has another schedule" in outcome.out
    assert outcome.out.endswith("say who wins with --resume exact, schedule or weights\n")
    outcome = lightgen("resume-plan", "any.ckpt", "--project", "run", "--json")
    assert (outcome.code, outcome.json["exit_code"], outcome.json["goes_on"]) == (1, 1, False)


def test_what_goes_on_exits_with_0(
    lightgen: Lightgen, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(Resumption(**{**vars(STOPS), "choice": "schedule", "goes_on": True}), monkeypatch)
    outcome = lightgen("resume-plan", "any.ckpt", "--project", "run", "--resume", "schedule")
    assert (outcome.code, outcome.err) == (0, "")
    words = [line.split() for line in outcome.out.splitlines()]
    assert ["head", "lr", "0.001", "0.01", "code"] in words
    assert "exact" not in outcome.out


def test_the_processes_that_steps_are_counted_for(
    lightgen: Lightgen, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for more in ({}, {"processes": 8}, {"processes": 2, "assumed": "devices is auto"}):
        found(Resumption(**{**vars(STOPS), **more}), monkeypatch)
        said = lightgen("resume-plan", "any.ckpt", "--project", "run").out.splitlines()
        lines.append([line for line in said if line.startswith("steps ")])
    none, [eight], [two] = lines
    assert none == []
    assert eight.split(maxsplit=1)[1] == "counted for 8 processes"
    assert two.split(maxsplit=1)[1].startswith("counted for 2 processes: devices is auto, and ")


@pytest.mark.parametrize(
    "trainer, number, assumed",
    [
        ({}, 1, ""),
        ({"accelerator": "cpu", "strategy": "ddp", "devices": "auto"}, 1, ""),
        ({"devices": 4, "num_nodes": 2}, 8, ""),
        ({"devices": "4", "num_nodes": None}, 4, ""),
        ({"devices": [0, 2]}, 2, ""),
        ({"devices": "0,2,"}, 2, ""),
        ({"devices": -1, "strategy": "ddp"}, 1, "devices is -1"),
        ({"devices": "auto"}, 1, "devices is auto"),
        ({"strategy": "ddp", "num_nodes": 3}, 3, "devices is auto"),
    ],
)
def test_the_processes_of_a_trainer(trainer: dict[str, Any], number: int, assumed: str) -> None:
    assert asked_for(trainer) == (number, assumed)


def test_files_that_are_no_checkpoint(lightgen: Lightgen, project: Project) -> None:
    [message] = lightgen.refused("resume-plan", "nowhere.ckpt", "--project", "run")
    assert message.startswith("nowhere.ckpt: there is no such file; name a file that the project's")
    lightgen.write("text.ckpt", "no checkpoint")
    [message] = lightgen.refused("resume-plan", "text.ckpt", "--project", "run")
    assert message.startswith("text.ckpt: is not a checkpoint; ")
    # A folder may be one that a sharded run has saved.
    [message] = lightgen.refused("resume-plan", ".", "--project", "run")
    assert message.startswith(".: is not a checkpoint; ")


def test_a_choice_that_there_is_not(lightgen: Lightgen, project: Project) -> None:
    words = ["resume-plan", "any.ckpt", "--project", "run", "--resume", "exactly"]
    [message] = lightgen.refused(*words)
    assert message.startswith("--resume: there is no 'exactly'; did you mean 'exact'")
    assert [*CHOICES] == ["exact", "schedule", "weights"]


def test_no_project(lightgen: Lightgen) -> None:
    (lightgen.folder / "empty").mkdir()
    assert lightgen.refused("resume-plan", "any.ckpt", "--project", "empty", code=3)


def test_without_torch(
    lightgen: Lightgen, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(lightgen.folder / "any.ckpt")
    monkeypatch.setattr(prove, "find_spec", lambda name: None)
    [message] = lightgen.refused("resume-plan", "any.ckpt", "--project", "run", code=3)
    assert "resume-plan needs torch" in message


@pytest.mark.slow
def test_what_the_child_refuses(lightgen: Lightgen, project: Project) -> None:
    import torch

    words = ["--project", "run"]
    zipped(lightgen.folder / "any.ckpt")
    [message] = lightgen.refused("resume-plan", "any.ckpt", *words)
    assert "any.ckpt: is not a checkpoint: " in message
    torch.save({"state_dict": {}, "loops": {}, "code": Unsafe()}, lightgen.folder / "unsafe.ckpt")
    [message] = lightgen.refused("resume-plan", "unsafe.ckpt", *words)
    assert "unsafe.ckpt: holds more than values, and loading it could run code" in message
    torch.save({"weights": torch.zeros(2)}, lightgen.folder / "weights.ckpt")
    [message] = lightgen.refused("resume-plan", "weights.ckpt", *words)
    assert "weights.ckpt: is not a checkpoint of Lightning" in message
    other = {"state_dict": {"model.backbone.0.bias": torch.zeros(7)}, "loops": {}}
    torch.save(other, lightgen.folder / "other.ckpt")
    [message] = lightgen.refused("resume-plan", "other.ckpt", *words)
    assert "model.backbone.0.bias has (7,) in the checkpoint, (256,) in the code" in message
    assert "no --resume goes on from here" in message
    torch.save({"state_dict": {}, "loops": {}}, lightgen.folder / "some.ckpt")
    words += ["--", "--max-epochs=many"]
    [message] = lightgen.refused("resume-plan", "some.ckpt", *words, code=3)
    assert "the training does not start: it exits with 2" in message
    assert "--max-epochs: invalid int value" in message


class Unsafe:
    """Not a value that a checkpoint may hold."""


def zipped(path: Path) -> Path:
    """An archive, as a checkpoint is."""
    with ZipFile(path, "w") as archive:
        archive.writestr("data", "nothing")
    return path


def complaint_of(words: list[str]) -> Callable[[], str]:
    """What the generated train.py says of its command line as it exits with 2."""

    def act() -> str:
        import contextlib
        import io

        from run.train import parse_arguments

        said = io.StringIO()
        with contextlib.redirect_stderr(said), pytest.raises(SystemExit) as stop:
            parse_arguments(words)
        assert stop.value.code == 2
        return said.getvalue()

    return act


@pytest.mark.slow
@pytest.mark.parametrize(
    "words, expected",
    [
        (["--resume=exact"], "--resume: name the checkpoint with --ckpt-path"),
        (["--resume=exactly", "--ckpt-path=any.ckpt"], "invalid choice: 'exactly'"),
        (["--ckpt-path=nowhere.ckpt"], "--ckpt-path: there is no file nowhere.ckpt"),
        (["--ckpt-path=lightgen.toml"], "--ckpt-path: lightgen.toml is not a checkpoint"),
        (["--ckpt-path=any.ckpt", "--lr=1"], "--lr: a resumed run keeps the rates"),
        (["--ckpt-path=any.ckpt", "--resume=exact", "--lr=1"], "--lr: a resumed run keeps"),
    ],
)
def test_flags_of_the_project(words: list[str], expected: str, project: Project) -> None:
    zipped(project.root / "any.ckpt")
    assert expected in in_project(project.root, complaint_of(words))
