"""What the spec names by a path, and the environment or the package does not have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from support.checks import told_by
from support.projects import lay_out, plan_of

from lightgen.check.proof import NAMES
from lightgen.render.project import render_project

LOCAL = """
import torch
from torch.optim.lr_scheduler import LambdaLR


class Fading(LambdaLR):
    def __init__(self, optimizer, half_life, **options):
        super().__init__(optimizer, lambda epoch: 0.5 ** (epoch / half_life))


def fading(optimizer, half_life, floor=0.0):
    return LambdaLR(optimizer, lambda epoch: max(floor, 0.5 ** (epoch / half_life)))
"""


def project(folder: Path, scheduler: dict[str, Any], local: str = LOCAL) -> Path:
    root = folder / "project"
    lay_out(render_project(plan_of({"scheduler": scheduler})), root)
    (root / "lightgen.toml").write_text(
        '[project]\npackage = "sample_run"\n[scheduler]\n'
        + "".join(f"{key} = {value!r}\n" for key, value in scheduler.items())
    )
    package = root / "src" / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "schedules.py").write_text(local)
    return root


def proofs_of(told: list[Any]) -> dict[str, Any]:
    return {each["proof"]["name"]: each["proof"] for each in told if "proof" in each}


def test_a_package_that_is_not_installed(tmp_path: Path) -> None:
    told = told_by(project(tmp_path, {"name": "not_there.schedules.Fading"}), tmp_path)
    what = f"the package 'not_there' is not installed for {sys.executable}"
    assert {"where": "scheduler.name", "what": what, "todo": "pip install -e ."} in [
        each for message in told for each in message.get("problems", ())
    ]
    assert not proofs_of(told)


FAULTS = [
    (
        {"name": "mine.schedules.Fadin", "half_life": 2},
        "scheduler.name: mine.schedules has no 'Fadin'; did you mean 'Fading'?",
    ),
    (
        {"name": "mine.schedule.Fading", "half_life": 2},
        "scheduler.name: mine has no 'schedule'",
    ),
    (
        {"name": "mine.schedules.fading", "half_live": 2},
        "scheduler.half_live: mine.schedules.fading has no argument 'half_live'; "
        "did you mean 'half_life'?",
    ),
    (
        {"name": "mine.schedules.fading", "floor": 0.1},
        "scheduler.half_life: mine.schedules.fading cannot be called without 'half_life'",
    ),
]


@pytest.mark.parametrize(("scheduler", "says"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_what_a_package_does_not_have(scheduler: dict[str, Any], says: str, tmp_path: Path) -> None:
    proofs = proofs_of(told_by(project(tmp_path, scheduler), tmp_path))
    assert list(proofs) == list(NAMES)
    assert not any(proof["holds"] for proof in proofs.values())
    assert proofs["start"]["what"] == says


def test_what_the_import_of_a_package_raises_is_told_with_its_place(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        {"name": "mine.schedules.Fading", "half_life": 2},
        "\nraise RuntimeError('no licence')\n",
    )
    start = proofs_of(told_by(root, tmp_path))["start"]
    assert start["what"] == (
        "scheduler.name: mine.schedules.Fading cannot be imported: "
        "RuntimeError: no licence, at src/mine/schedules.py:2"
    )


def test_an_argument_that_a_class_swallows_deserves_a_word(tmp_path: Path) -> None:
    root = project(tmp_path, {"name": "mine.schedules.Fading", "half_life": 2, "flor": 0.1})
    proofs = proofs_of(told_by(root, tmp_path, ["start"]))
    assert proofs["start"]["holds"]
    what = "takes 'flor' in its **kwargs; no class of it names it"
    assert f"scheduler.flor: mine.schedules.Fading {what}" in proofs["start"]["detail"]


def test_code_that_was_edited_away_from_the_spec_is_the_truth(tmp_path: Path) -> None:
    root = project(tmp_path, {"name": "mine.schedules.fading", "half_live": 2})
    optim = root / "src" / "sample_run" / "optim.py"
    optim.write_text(optim.read_text().replace("half_live=2", "half_life=2"))
    proofs = proofs_of(told_by(root, tmp_path, ["start", "curve"]))
    assert all(proof["holds"] for proof in proofs.values()), proofs
    spec = root / "lightgen.toml"
    spec.write_text(spec.read_text().replace("mine.schedules", "gone.schedules"))
    (tmp_path / "again").mkdir()
    proofs = proofs_of(told_by(root, tmp_path / "again", ["start"]))
    assert proofs["start"]["holds"]


PARTS = """
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU())
        self.head = nn.Linear(width, 10)

    def forward(self, inputs):
        return self.head(self.body(inputs.flatten(1)))


class Data(pl.LightningDataModule):
    def __init__(self, samples, batch_size=8):
        super().__init__()
        self.samples, self.batch_size = samples, batch_size

    def setup(self, stage):
        self.held = TensorDataset(torch.randn(self.samples, 64), torch.arange(self.samples) % 10)

    def train_dataloader(self):
        return DataLoader(self.held, self.batch_size)

    val_dataloader = train_dataloader


class Half(torch.optim.SGD):
    def __init__(self, params, lr=0.01, momentum=0.0):
        super().__init__(params, lr=lr, momentum=momentum)
"""
WHOLE: dict[str, dict[str, Any]] = {
    "model": {"name": "mine.parts.Net", "args": {"width": 8}},
    "data": {"name": "mine.parts.Data", "args": {"samples": 32}},
    "optimizer": {"name": "mine.parts.Half", "lr": 0.1},
    "trainer": {"max_epochs": 1, "accelerator": "cpu"},
}


def _line(item: tuple[str, Any]) -> str:
    key, value = item
    if isinstance(value, dict):
        value = "{" + ", ".join(f"{name} = {each!r}" for name, each in value.items()) + "}"
        return f"{key} = {value}\n"
    return f"{key} = {value!r}\n"


def whole(folder: Path, **changed: dict[str, Any]) -> Path:
    """A project of which the network, the data and the optimizer are the user's."""
    spec = {**WHOLE, **changed, "project": {"package": "sample_run"}}
    root = folder / "project"
    lay_out(render_project(plan_of(spec)), root)
    lines = (f"[{table}]\n" + "".join(map(_line, each.items())) for table, each in spec.items())
    (root / "lightgen.toml").write_text("".join(lines))
    package = root / "src" / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text(PARTS)
    return root


WRONG: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "a model that is not there": (
        {"model": {"name": "mine.parts.Nett", "args": {"width": 8}}},
        "model.name: mine.parts has no 'Nett'; did you mean 'Net'?",
    ),
    "a module that is not there": (
        {"model": {"name": "mine.part.Net", "args": {"width": 8}}},
        "model.name: mine has no 'part'",
    ),
    "an argument of a model": (
        {"model": {"name": "mine.parts.Net", "args": {"widht": 8}}},
        "model.args.widht: mine.parts.Net has no argument 'widht'; did you mean 'width'?",
    ),
    "data that are not there": (
        {"data": {"name": "mine.parts.Dat", "args": {"samples": 32}}},
        "data.name: mine.parts has no 'Dat'; did you mean 'Data'?",
    ),
    "an argument of data": (
        {"data": {"name": "mine.parts.Data"}},
        "data.args.samples: mine.parts.Data cannot be called without 'samples'",
    ),
    "an optimizer that is not there": (
        {"optimizer": {"name": "mine.parts.Halve"}},
        "optimizer.name: mine.parts has no 'Halve'; did you mean 'Half'?",
    ),
    "an argument of an optimizer": (
        {"optimizer": {"name": "mine.parts.Half", "lr": 0.1, "momentun": 0.9}},
        "optimizer.momentun: mine.parts.Half has no argument 'momentun'; "
        "did you mean 'momentum'?",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_the_user_s_own_parts_do_not_have(fault: str, tmp_path: Path) -> None:
    changed, says = WRONG[fault]
    proofs = proofs_of(told_by(whole(tmp_path, **changed), tmp_path))
    assert not any(proof["holds"] for proof in proofs.values())
    assert proofs["start"]["what"] == says


def test_data_that_are_no_data_module(tmp_path: Path) -> None:
    root = whole(tmp_path, data={"name": "mine.parts.Net", "args": {"width": 8}})
    proofs = proofs_of(told_by(root, tmp_path, ["start"]))
    assert not proofs["start"]["holds"]
    kind = "LightningDataModule of pytorch_lightning; make it a class of that kind"
    assert proofs["start"]["what"] == f"data.name: mine.parts.Net is no {kind}"


def test_a_pattern_that_matches_nothing_in_that_model(tmp_path: Path) -> None:
    root = whole(tmp_path, groups={"backbone": {}, "rest": {}})
    proofs = proofs_of(told_by(root, tmp_path, ["start", "coverage"]))
    says = "group backbone: 'backbone' matches no parameter; the model has body, head"
    assert says in proofs["start"]["what"] and says in proofs["coverage"]["what"]


def test_a_bias_before_a_norm_need_not_move(tmp_path: Path) -> None:
    """Its gradient is what rounding leaves of zero."""
    proofs = proofs_of(told_by(whole(tmp_path), tmp_path))
    assert all(proof["holds"] for proof in proofs.values()), proofs
    told = "a gradient that is rounding only, of a bias before a norm, say: model.body.0.bias"
    assert told in proofs["step"]["detail"]
