"""Every optimizer and every scheduler works by its name alone, and trains well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sklearn.datasets
import torch
import torchmetrics
from support.projects import in_project, project

from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.schedulers import schedulers
from lightgen.catalogue.skeletons import SKELETONS

IMPORTED = (sklearn, torch, torchmetrics)
ACCURACY = 0.9


def train(*argv: str, strict: bool = True) -> Callable[[], dict[str, float]]:
    def act() -> dict[str, float]:
        import warnings

        if strict:
            warnings.simplefilter("error")
        from sample_run.train import parse_arguments
        from sample_run.train import train as run

        metrics = run(parse_arguments(list(argv))).callback_metrics
        return {name: float(value) for name, value in metrics.items()}

    return act


@pytest.mark.parametrize("name", [*optimizers(), "composite", "custom"])
def test_an_optimizer_trains_to_the_accuracy(name: str, tmp_path: Path) -> None:
    folder = project({"optimizer": {"name": name.lower()}}, tmp_path)
    assert in_project(folder, train())["val/accuracy"] >= ACCURACY


@pytest.mark.parametrize("skeleton", list(SKELETONS))
def test_a_skeleton_trains_to_the_accuracy(skeleton: str, tmp_path: Path) -> None:
    folder = project({"optimizer": {"name": "custom", "skeleton": skeleton}}, tmp_path)
    assert in_project(folder, train())["val/accuracy"] >= ACCURACY


@pytest.mark.parametrize("name", list(schedulers()))
def test_a_scheduler_trains_to_the_accuracy(name: str, tmp_path: Path) -> None:
    folder = project({"scheduler": {"name": name.lower()}}, tmp_path)
    assert in_project(folder, train())["val/accuracy"] >= ACCURACY


@pytest.mark.parametrize("flag", ["--fast-dev-run", "--max-epochs=1"])
@pytest.mark.parametrize("name", ["OneCycleLR", "cosine", "StepLR", "SequentialLR"])
def test_a_short_run_contradicts_nothing(name: str, flag: str, tmp_path: Path) -> None:
    folder = project({"scheduler": {"name": name, **_warmup(name)}}, tmp_path)
    assert "val/loss" in in_project(folder, train(flag))


@pytest.mark.parametrize("name", ["OneCycleLR", "cosine", "StepLR", "SequentialLR"])
def test_a_run_may_end_before_its_first_validation(name: str, tmp_path: Path) -> None:
    """Lightning then warns that there is no metric to choose the best checkpoint by."""
    folder = project({"scheduler": {"name": name, **_warmup(name)}}, tmp_path)
    assert "train/loss" in in_project(folder, train("--max-steps=2", strict=False))


def _warmup(name: str) -> dict[str, int]:
    return {"warmup_steps": 100} if name == "cosine" else {}


def test_max_steps_counts_batches(tmp_path: Path) -> None:
    """Also where a step takes several batches, and an epoch ends with fewer."""
    folder = project(
        {"data": {"batch_size": 480}, "trainer": {"accumulate_grad_batches": 2}}, tmp_path
    )

    def act() -> int:
        import pytorch_lightning as pl
        from sample_run.train import parse_arguments
        from sample_run.train import train as run

        class Count(pl.Callback):
            seen = 0

            def on_train_batch_end(self, *_: object) -> None:
                self.seen += 1

        count = Count()
        run(parse_arguments(["--max-steps=6"]), [count])
        return count.seen

    assert in_project(folder, act) == 6


def test_a_run_without_an_end_says_so(tmp_path: Path) -> None:
    folder = project({"scheduler": {"name": "OneCycleLR"}}, tmp_path)

    def act() -> str:
        with pytest.raises(ValueError) as caught:
            train("--max-epochs=-1")()
        return str(caught.value)

    assert in_project(folder, act) == "the run has no length: set --max-epochs or --max-steps"
