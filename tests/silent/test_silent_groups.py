"""Parameters that nobody trains, groups that nobody can tell apart, frozen parts that move.

Each test holds a wiring as one meets it, which goes wrong, and the generated one beside it: the
same measurement tells them apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
from support.projects import in_project, project
from support.wirings import Outcome, fit, seeded
from torch import nn

GROUPS: dict[str, Any] = {"backbone": {"lr": 1e-3}, "head": {"lr": 1e-2}}


def test_a_parameter_in_no_group(tmp_path: Path) -> None:
    """An optimizer over two lists of parameters leaves what was added later as it is."""

    def resting_parameters(make: Any) -> list[str]:
        """The names of what a run leaves where it was, or what it stopped with."""
        task = seeded(make)
        before = {name: p.detach().clone() for name, p in task.named_parameters()}
        try:
            fit(task)
        except ValueError as error:
            return ["stopped", str(error)]
        return [name for name, p in task.named_parameters() if torch.equal(p, before[name])]

    def act() -> Outcome:
        from sample_run import model
        from sample_run.module import Classifier

        class Scaled(model.Network):
            """The network with a parameter that somebody added."""

            def __init__(self) -> None:
                super().__init__()
                self.scale = nn.Parameter(torch.ones(10))

            def forward(self, inputs: Any) -> Any:
                return super().forward(inputs) * self.scale

        class Added(Classifier):
            def __init__(self) -> None:
                super().__init__()
                self.model = Scaled()

        class Naive(Added):
            def configure_optimizers(self) -> Any:
                return torch.optim.AdamW(
                    [
                        {"params": self.model.backbone.parameters(), "name": "backbone"},
                        {"params": self.model.head.parameters(), "name": "head"},
                    ]
                )

        return resting_parameters(Naive), resting_parameters(Added)

    naive, ours = in_project(project({"groups": GROUPS}, tmp_path), act)
    assert naive == ["model.scale"]
    assert ours == ["stopped", "scale trains but is in no group"]


def test_groups_without_names_in_the_log(tmp_path: Path) -> None:
    """Rates are logged by the group's place: another order, and curves change their meaning."""
    spec = {"groups": GROUPS, "scheduler": {"name": "cosine"}, "optimizer": {"name": "SGD"}}

    def logged(make: Any) -> dict[str, float]:
        monitor = pl.callbacks.LearningRateMonitor()
        fit(seeded(make), monitor, max_epochs=1, logger=pl.loggers.CSVLogger("."))
        return {name: rates[0] for name, rates in monitor.lrs.items()}

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Naive(Classifier):
            def configure_optimizers(self) -> Any:
                optimizer = torch.optim.SGD(
                    [
                        {"params": self.model.head.parameters(), "lr": 1e-2},
                        {"params": self.model.backbone.parameters(), "lr": 1e-3},
                    ]
                )
                # The recipe that the project keeps is by names, which are not the logger's here.
                for group, name in zip(optimizer.param_groups, ["head", "backbone"], strict=True):
                    group["params_of"] = name
                return optimizer

            def on_fit_start(self) -> None:
                pass

        return logged(Naive), logged(Classifier)

    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive == pytest.approx({"lr-SGD/pg1": 1e-2, "lr-SGD/pg2": 1e-3})
    assert ours == pytest.approx({"lr/backbone": 1e-3, "lr/head": 1e-2})


def test_statistics_of_a_frozen_part(tmp_path: Path) -> None:
    """`requires_grad_(False)` stops gradients; batch norm's averages still follow the data."""
    spec: dict[str, Any] = {"groups": {"backbone": {"freeze": True}, "head": {"lr": 1e-2}}}

    def moved(make: Any) -> float:
        """How far the averages of the frozen part went."""
        task: Any = seeded(make)
        fit(task)
        return float(task.model.backbone[0].running_mean.abs().max())

    def act() -> Outcome:
        from sample_run.module import Classifier

        class Normalized(Classifier):
            def __init__(self) -> None:
                super().__init__()
                norm = nn.BatchNorm1d(64).requires_grad_(False)
                self.model.backbone = nn.Sequential(norm, *self.model.backbone)

        class Naive(Normalized):
            def train(self, mode: bool = True) -> Any:
                return pl.LightningModule.train(self, mode)

        return moved(Naive), moved(Normalized)

    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive > 0.1
    assert ours == 0
