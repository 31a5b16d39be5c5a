"""The learning rates follow the schedule of the code, at the interval of the code."""

from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl

from sharded_run.module import Classifier, total_steps
from sharded_run.optim import build_optimizer, build_scheduler, cosine_factor
from sharded_run.train import parse_arguments, train


class Rates(pl.Callback):
    """Records each group's rate at every batch, with the steps before it."""

    def __init__(self) -> None:
        self.rates: list[list[float]] = []
        self.steps: list[int] = []

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        groups = trainer.optimizers[0].param_groups
        self.rates.append([float(group["lr"]) for group in groups])
        self.steps.append(trainer.global_step)


def test_the_rates_of_a_run_follow_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recorded = Rates()
    trainer = train(parse_arguments(["--max-epochs=2", "--max-steps=-1"]), [recorded])
    optimizer = build_optimizer(Classifier().model, {})
    scheduler = build_scheduler(optimizer, total_steps(trainer))
    expected = [[group["lr"] for group in optimizer.param_groups]]
    for _ in range(max(recorded.steps)):
        optimizer.step()
        scheduler.step()
        expected.append([group["lr"] for group in optimizer.param_groups])
    for before, rates in zip(recorded.steps, recorded.rates, strict=True):
        assert rates == pytest.approx(expected[before]), before


def test_the_factor_rises_stays_below_one_and_falls_to_its_floor() -> None:
    parameters = signature(cosine_factor).parameters
    warmup_steps = parameters["warmup_steps"].default
    floor = parameters["min_factor"].default
    total_steps = 2 * warmup_steps + 1000
    factors = [cosine_factor(step, total_steps) for step in range(total_steps + 1)]
    assert factors[:warmup_steps] == sorted(factors[:warmup_steps])
    assert factors[warmup_steps] == max(factors) == 1
    assert factors[warmup_steps:] == sorted(factors[warmup_steps:], reverse=True)
    assert factors[-1] == pytest.approx(floor)
    assert cosine_factor(2 * total_steps, total_steps) == factors[-1]


def test_the_schedule_keeps_the_ratio_of_the_groups() -> None:
    optimizer = build_optimizer(Classifier().model, {})
    rates = [group["lr"] for group in optimizer.param_groups]
    scheduler = build_scheduler(optimizer, total_steps=10)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
        now = [group["lr"] for group in optimizer.param_groups]
        assert [rate * now[0] for rate in rates] == pytest.approx(
            [rate * rates[0] for rate in now]
        )
