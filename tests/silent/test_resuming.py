"""Resumed runs in which the checkpoint wins over the code, without a word.

Each test holds a wiring as one meets it, which goes wrong, and the generated one beside it: the
same measurement tells them apart. Ours either does what the code says or stops.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torch
from support.projects import in_project, project
from support.wirings import Outcome, Rates, fit, seeded
from torch import Tensor, nn
from torch.optim import lr_scheduler

SMALL: dict[str, Any] = {"model": {"width": 16}}


def forgetful(task: Any) -> Any:
    """The task as most are: it keeps no recipe in its checkpoints and compares none."""

    class Forgetful(task):  # type: ignore[misc]
        def on_fit_start(self) -> None:
            pass

        def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            pass

        def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            pass

    return Forgetful


def saver() -> pl.callbacks.ModelCheckpoint:
    return pl.callbacks.ModelCheckpoint("saved", save_last=True)


def checkpoint_of(task: pl.LightningModule, *callbacks: pl.Callback) -> Path:
    """Train an epoch, and the checkpoint of it."""
    saves = saver()
    fit(task, saves, *callbacks, enable_checkpointing=True, max_epochs=1)
    return Path(saves.last_model_path)


def resumed(
    task: pl.LightningModule, path: Path, *callbacks: pl.Callback, **options: Any
) -> list[float] | str:
    """The rates of the first group in a resumed run, or the words with which it stopped."""
    rates = Rates()
    try:
        fit(task, rates, saver(), *callbacks, enable_checkpointing=True, ckpt_path=path, **options)
    except ValueError as error:
        return str(error)
    return rates.of_group(0)


def test_the_last_checkpoint(tmp_path: Path) -> None:
    """`save_last` saves only where the monitored metric got better: it keeps the best again."""

    def steps_missing(task: Any, run: Any) -> int:
        """The steps of the run that its last checkpoint does not have."""
        trainer = run(task)
        path = next(Path().rglob(f"{task.__name__}/**/last.ckpt"))
        return int(trainer.global_step - torch.load(path, weights_only=True)["global_step"])

    def naive(task: Any) -> pl.Trainer:
        saves = pl.callbacks.ModelCheckpoint(
            "Forgetful", monitor="val/accuracy", mode="max", save_last=True
        )
        still = seeded(lambda: task(rates={"*": 1e-12}))
        return fit(still, saves, enable_checkpointing=True, max_epochs=3)

    def ours(task: Any) -> pl.Trainer:
        from sample_run.train import parse_arguments, train

        Path("Classifier").mkdir()
        os.chdir("Classifier")
        trainer: pl.Trainer = train(parse_arguments(["--max-epochs=3", "--lr=1e-12"]))
        os.chdir("..")
        return trainer

    def act() -> Outcome:
        from sample_run.module import Classifier

        return steps_missing(forgetful(Classifier), naive), steps_missing(Classifier, ours)

    without, with_all = in_project(project(SMALL, tmp_path), act)
    assert without == 8
    assert with_all == 0


def test_a_changed_rate(tmp_path: Path) -> None:
    """The optimizer's state brings the old rate along (#4044, #12118)."""

    def rates_after(task: Any) -> list[float] | str:
        path = checkpoint_of(seeded(lambda: task(rates={"*": 1e-2})))
        return resumed(task(rates={"*": 5e-2}), path)

    def act() -> Outcome:
        from sample_run.module import Classifier

        return rates_after(forgetful(Classifier)), rates_after(Classifier)

    naive, ours = in_project(project(SMALL, tmp_path), act)
    assert naive == [1e-2] * 4
    assert "lr was 0.01, is 0.05" in ours


def test_a_longer_cosine(tmp_path: Path) -> None:
    """The schedule's state brings its old length along: past it, a cosine climbs (#12118)."""
    spec = {**SMALL, "scheduler": {"name": "CosineAnnealingLR", "interval": "step"}}

    def rises_after(task: Any) -> float | str:
        """The largest rise of the rate from a step to the next."""
        rates = resumed(task(), checkpoint_of(seeded(task)), max_epochs=3)
        return rates if isinstance(rates, str) else max(b - a for a, b in pairwise(rates))

    def act() -> Outcome:
        from sample_run.module import Classifier

        return rises_after(forgetful(Classifier)), rises_after(Classifier)

    naive, ours = in_project(project(spec, tmp_path), act)
    assert naive > 1e-4
    assert "total_steps was 4, is 12" in ours


def test_another_schedule(tmp_path: Path) -> None:
    """A schedule takes the numbers of another one: here a decay of 0.1 in place of 0.9."""
    step = {"name": "StepLR", "step_size": 100, "gamma": 0.1, "interval": "step"}

    def decays_after(task: Any) -> list[float] | str:
        class Changed(task):  # type: ignore[misc]
            def configure_optimizers(self) -> Any:
                wiring = super().configure_optimizers()
                schedule = lr_scheduler.ExponentialLR(wiring["optimizer"], gamma=0.9)
                return {**wiring, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

        rates = resumed(Changed(), checkpoint_of(seeded(task)))
        return rates if isinstance(rates, str) else [b / a for a, b in pairwise(rates)]

    def act() -> Outcome:
        from sample_run.module import Classifier

        return decays_after(forgetful(Classifier)), decays_after(Classifier)

    naive, ours = in_project(project({**SMALL, "scheduler": step}, tmp_path), act)
    assert naive == pytest.approx([0.1] * 3)
    assert "scheduler was StepLR, is ExponentialLR" in ours


class Epochs(pl.Callback):
    """Records by which epoch the batches of each epoch are shuffled."""

    def __init__(self) -> None:
        self.orders: list[int] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        loader: Any = trainer.train_dataloader
        self.orders.append(loader.sampler.epoch)


def test_a_resumed_run_that_steps_end(tmp_path: Path) -> None:
    """max_steps makes Lightning count the epoch that is over once more, and leave one out."""

    def naive(task: Any) -> list[int]:
        epochs = Epochs()
        path = checkpoint_of(seeded(task))
        resumed(task(), path, epochs, max_epochs=-1, max_steps=12)
        return epochs.orders

    def ours(task: Any) -> list[int]:
        from sample_run.train import parse_arguments, train

        def go(*flags: str) -> Epochs:
            epochs = Epochs()
            train(parse_arguments(["--max-epochs=-1", *flags]), [epochs])
            return epochs

        assert go("--max-steps=23").orders == [0]
        (last,) = Path("runs").rglob("last.ckpt")
        orders = go("--max-steps=50", f"--ckpt-path={last}").orders
        # A run that ended in the middle of an epoch goes on with the next one.
        assert go("--max-steps=60", f"--ckpt-path={last}").orders == [3]
        return orders

    def act() -> Outcome:
        from sample_run.module import Classifier

        return naive(forgetful(Classifier)), ours(Classifier)

    skipped, followed = in_project(project(SMALL, tmp_path), act)
    assert skipped == [2, 3]
    assert followed == [1, 2]


class Twins(nn.Module):
    """Two layers of the same shape, in an order that somebody changed."""

    def __init__(self, *order: str) -> None:
        super().__init__()
        for name in order:
            self.add_module(name, nn.Linear(64, 10))

    def forward(self, inputs: Tensor) -> Tensor:
        flat = inputs.flatten(1)
        first: Tensor = self.get_submodule("first")(flat)
        return first - 2 * self.get_submodule("second")(flat)


class Moments(pl.Callback):
    """Keeps the moments of a parameter when training starts and when it ends."""

    def __init__(self) -> None:
        self.start: Tensor | None = None
        self.end: Tensor | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.start = self.of(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.end = self.of(trainer, pl_module)

    def of(self, trainer: pl.Trainer, pl_module: Any) -> Tensor | None:
        state = trainer.optimizers[0].state[pl_module.model.first.weight]
        return state["exp_avg"].clone() if state else None


def test_two_layers_in_another_order(tmp_path: Path) -> None:
    """State is matched by position: moments land on another layer (pytorch#1489)."""

    def moments_change(task: Any) -> bool | str:
        def make(*order: str) -> Any:
            made = task()
            made.model = Twins(*order)
            return made

        before, after = Moments(), Moments()
        path = checkpoint_of(make("first", "second"), before)
        stopped = resumed(make("second", "first"), path, after)
        if isinstance(stopped, str):
            return stopped
        assert before.end is not None
        assert after.start is not None
        return not torch.equal(before.end, after.start)

    def act() -> Outcome:
        from sample_run.module import Classifier

        return moments_change(forgetful(Classifier)), moments_change(Classifier)

    naive, ours = in_project(project(SMALL, tmp_path), act)
    assert naive is True
    assert ours is False or "param_names" in ours
