"""The learning rates follow the schedule of the code, at the interval of the code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from two_run.module import Classifier
from two_run.optim import build_head_scheduler, build_optimizers
from two_run.train import parse_arguments, train


class Rates(pl.Callback):
    """Records the rates of each optimizer at each of its steps, with the epoch."""

    def __init__(self) -> None:
        self.rates: dict[int, list[list[float]]] = {}
        self.epochs: dict[int, list[int]] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for at, optimizer in enumerate(trainer.optimizers):
            optimizer.register_step_pre_hook(self.record(at, trainer))

    def record(self, at: int, trainer: pl.Trainer) -> Callable[..., None]:
        def recorded(optimizer: Optimizer, *_: Any) -> None:
            rates = [float(group["lr"]) for group in optimizer.param_groups]
            self.rates.setdefault(at, []).append(rates)
            self.epochs.setdefault(at, []).append(trainer.current_epoch)

        return recorded


def test_the_rates_of_a_run_follow_the_schedules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recorded = Rates()
    train(parse_arguments(["--max-epochs=2", "--max-steps=-1"]), [recorded])
    optimizers = build_optimizers(Classifier().model, {})
    schedules: dict[str, LRScheduler] = {
        "head": build_head_scheduler(optimizers["head"]),
    }
    for at, (name, optimizer) in enumerate(optimizers.items()):
        if name not in schedules:
            continue
        passed = 0
        for step, rates in enumerate(recorded.rates[at]):
            # Intervals before this step: those of steps, or of epochs.
            interval = recorded.epochs[at][step]
            while passed < interval:
                optimizer.step()
                schedules[name].step()
                passed += 1
            now = [group["lr"] for group in optimizer.param_groups]
            assert rates == pytest.approx(now), (name, step)


def test_the_schedule_of_backbone_watches_its_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = train(parse_arguments(["--max-epochs=1", "--max-steps=-1"]))
    schedule = trainer.lr_scheduler_configs[0].scheduler
    assert isinstance(schedule, ReduceLROnPlateau)
    assert schedule.best == pytest.approx(float(trainer.callback_metrics["val/loss"]))
