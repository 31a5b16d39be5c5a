"""What goes wrong without a word with a class that nobody looked at, and with data of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomlkit
from support.checks import told_by
from support.projects import in_project, lay_out, plan_of

from lightgen.check.optimizer_class import SETTINGS
from lightgen.render.project import render_project
from lightgen.spec.kinds import GROUP_KEYS

LOCAL = """
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Plain(torch.optim.SGD):
    pass


class Averaging(torch.optim.SGD):
    def train(self): ...

    def eval(self): ...


class Net(nn.Linear):
    pass


class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(TensorDataset(torch.randn(8, 64), torch.arange(8)), 4)
"""
CLASS = "mine.parts.Averaging"
NETWORK = {"name": "mine.parts.Net", "args": {"in_features": 64, "out_features": 10}}
UNTURNED = (
    f"{{}}.name: {CLASS} has train() and eval(), and nothing calls them: what is validated and "
    "saved are other weights than it means; set {}.train_eval = true"
)
FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"optimizer": {"name": CLASS}}, UNTURNED.format("optimizer", "optimizer")),
    (
        {"optimizers": {"backbone": {"name": CLASS}, "head": {"name": "SGD"}}},
        UNTURNED.format("optimizers.backbone", "optimizers.backbone"),
    ),
    (
        {
            "optimizer": {"name": "mine.parts.Plain"},
            "groups": {"backbone": {"momentum": 0.5}, "head": {"momentun": 0.9}},
        },
        "groups.head.momentun: mine.parts.Plain has no argument 'momentun', and would ignore it; "
        "did you mean 'momentum'?",
    ),
    (
        {"model": NETWORK, "data": {"name": "mine.parts.Data"}},
        "data.name: mine.parts.Data has no val_dataloader: the best checkpoint and the result "
        "need validation; write one",
    ),
]


def project(folder: Path, spec: dict[str, Any]) -> Path:
    root = folder / "project"
    lay_out(render_project(plan_of(spec)), root)
    spec = {"project": {"package": "sample_run"}, **spec}
    (root / "lightgen.toml").write_text(tomlkit.dumps(spec))
    package = root / "src" / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text(LOCAL)
    return root


def start_of(root: Path, folder: Path) -> dict[str, Any]:
    proofs = [each["proof"] for each in told_by(root, folder, ["start"]) if "proof" in each]
    return next(proof for proof in proofs if proof["name"] == "start")


def test_settings_of_a_group_are_no_arguments() -> None:
    assert SETTINGS == GROUP_KEYS


@pytest.mark.parametrize(("spec", "says"), FAULTS, ids=[says[:30] for _, says in FAULTS])
def test_it_is_said_before_the_training(spec: dict[str, Any], says: str, tmp_path: Path) -> None:
    start = start_of(project(tmp_path, spec), tmp_path)
    assert (start["holds"], start["what"]) == (False, says)


def test_a_class_that_the_module_turns_is_right(tmp_path: Path) -> None:
    root = project(tmp_path, {"optimizer": {"name": CLASS, "train_eval": True}})
    assert start_of(root, tmp_path)["holds"]
    module = (root / "src" / "sample_run" / "module.py").read_text()
    assert f"isinstance(optimizer, {CLASS})" in module


def test_a_training_that_turns_nothing_does_not_start(tmp_path: Path) -> None:
    root = project(tmp_path, {"optimizer": {"name": CLASS}})

    def build() -> None:
        from sample_run.model import Network  # type: ignore[import-not-found]
        from sample_run.optim import build_optimizer  # type: ignore[import-not-found]

        with pytest.raises(TypeError, match=r"train\(\) and eval\(\), and nothing calls"):
            build_optimizer(Network(), {})

    in_project(root, build)
