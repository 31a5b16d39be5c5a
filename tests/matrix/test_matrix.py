"""Every pair of options: the project is rendered, imported and trained; groups and rates are right.

CI runs a fixed sample; `python -m pytest tests/matrix --matrix=all` runs every spec.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightning.pytorch
import lightning.pytorch.loggers
import pytest
import pytorch_lightning
import pytorch_lightning.loggers
import sklearn.datasets  # imported once, before the children are forked
import tensorboard
import torch
import torchmetrics

sys.path.insert(0, str(Path(__file__).parent))
import specs
from support.projects import in_project, project

IMPORTED = (lightning, pytorch_lightning, sklearn, tensorboard, torch, torchmetrics)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--matrix")
        numbers = range(len(specs.matrix())) if wanted == "all" else specs.sample()
        ids = [f"{number}-{specs.title(specs.matrix()[number])}" for number in numbers]
        metafunc.parametrize("number", numbers, ids=ids)


def test_the_matrix_is_large() -> None:
    assert len(specs.matrix()) >= 250


def test_every_optimizer_and_scheduler_is_in_it() -> None:
    chosen = {specs.chosen_optimizer(spec) for spec in specs.matrix()}
    schedules = {spec.get("scheduler", {}).get("name", "none") for spec in specs.matrix()}
    assert chosen == set(specs.OPTIONS["optimizer"])
    assert schedules == set(specs.OPTIONS["scheduler"])


def train_and_record() -> dict[str, Any]:
    """Train in the child and tell what the optimizer was given at each batch."""
    import warnings

    warnings.simplefilter("error")
    import sample_run.train as train_module

    root = train_module.pl

    class Record(root.Callback):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.batches: list[tuple[int, int, list[float]]] = []
            self.groups: dict[str, dict[str, Any]] = {}
            self.before: dict[str, Any] = {}
            self.moved: list[set[str]] = []

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            named = pl_module.model.named_parameters()
            self.before = {name: p.detach().clone() for name, p in named}

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            named = pl_module.model.named_parameters()
            self.moved.append({name for name, p in named if not torch.equal(p, self.before[name])})

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            names = {id(p): name for name, p in pl_module.model.named_parameters()}
            for group in trainer.optimizers[0].param_groups:
                self.groups[group["name"]] = {
                    "weight_decay": group.get("weight_decay", 0),
                    "names": [names[id(p)] for p in group["params"]],
                    "stored": group["param_names"],
                }

        def on_train_batch_start(
            self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
        ) -> None:
            rates = [float(group["lr"]) for group in trainer.optimizers[0].param_groups]
            self.batches.append((trainer.global_step, trainer.current_epoch, rates))

    record = Record()
    trainer = train_module.train(train_module.parse_arguments([]), [record])
    model = trainer.lightning_module.model
    finite = all(bool(torch.isfinite(p).all()) for p in model.parameters())
    return {
        "groups": record.groups,
        "batches": record.batches,
        "finite": finite,
        "moved": record.moved,
        "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
        "model": model.float(),
    }


def test_a_project_trains_as_its_spec_says(number: int, tmp_path: Path) -> None:
    spec = specs.matrix()[number]
    got = in_project(project(spec, tmp_path), lambda: _portable(train_and_record(), spec))
    assert got["finite"]
    assert {"train/loss", "val/loss"} <= got["metrics"].keys()
    specs.must_be_grouped(spec, got)
    expected = got["expected"]
    rates = [group["lr"] for group in expected.values()]
    curve, by_step = specs.expected_curve(spec, list(expected), rates)
    for step, epoch, seen in got["batches"]:
        assert seen == pytest.approx(curve[step if by_step else epoch], abs=1e-12), (step, epoch)


def _portable(got: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Work out what is expected beside the model, which stays in the child."""
    expected = specs.expected_groups(spec, got.pop("model"))
    return {**got, "expected": expected}
