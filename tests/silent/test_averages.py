"""Averages of the weights that flatten the groups' rates, or that no checkpoint has.

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
from support.wirings import Outcome, Rates, fit, seeded

SPEC: dict[str, Any] = {
    "model": {"width": 16},
    "data": {"batch_size": 300},
    "optimizer": {"name": "SGD"},
    "groups": {"backbone": {"lr": 0.01}, "head": {"lr": 0.1}},
    "averaging": {"name": "swa", "start_epoch": 1},
    "trainer": {"max_epochs": 4},
}


def naive(*callbacks: pl.Callback) -> pl.Trainer:
    """Train with Lightning's callback, and keep the last checkpoint."""
    from sample_run.module import Classifier

    average = pl.callbacks.StochasticWeightAveraging(0.05, swa_epoch_start=1, annealing_epochs=1)
    saves = pl.callbacks.ModelCheckpoint("saved", save_last=True)
    return fit(
        seeded(Classifier), average, saves, *callbacks, max_epochs=4, enable_checkpointing=True
    )


def ours(*callbacks: pl.Callback) -> pl.Trainer:
    from sample_run.train import parse_arguments, train

    trainer: pl.Trainer = train(parse_arguments([]), callbacks)
    return trainer


def test_one_rate_for_all_groups_in_an_average(tmp_path: Path) -> None:
    """A single `swa_lrs` takes the groups' own rates away."""

    def last_ratio(run: Any) -> float:
        rates = Rates()
        run(rates)
        backbone, head = rates.rows[-1]
        return head / backbone

    def act() -> Outcome:
        return last_ratio(naive), last_ratio(ours)

    without, with_groups = in_project(project(SPEC, tmp_path), act)
    assert without == pytest.approx(1, rel=0.2)
    assert with_groups == pytest.approx(10)


def test_the_average_is_what_a_checkpoint_has(tmp_path: Path) -> None:
    """Lightning's callback averages when the run is over: the last checkpoint is of before."""

    def distance(run: Any) -> float:
        """Of the weights that the run leaves from those of its last checkpoint."""
        trainer = run()
        last = Path(trainer.checkpoint_callback.best_model_path).with_name("last.ckpt")
        saved = torch.load(last, weights_only=True)
        left = trainer.lightning_module.state_dict()
        return max(float((left[name] - saved["state_dict"][name]).abs().max()) for name in left)

    def act() -> Outcome:
        return distance(naive), distance(ours)

    without, with_average = in_project(project(SPEC, tmp_path), act)
    assert without > 1e-4
    assert with_average == 0
