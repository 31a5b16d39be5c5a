"""The learning rates follow the schedule of the code, at the interval of the code."""

from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from torch.optim.lr_scheduler import LambdaLR

from thaw_run.module import Classifier, total_steps
from thaw_run.optim import build_optimizer, build_scheduler
from thaw_run.train import parse_arguments, train


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


def test_all_that_a_group_is_split_into_moves_together() -> None:
    optimizer = build_optimizer(Classifier().model, {})
    scheduler = build_scheduler(optimizer, total_steps=10)
    for _ in range(5):
        factors: dict[str, float] = {}
        for group in optimizer.param_groups:
            factor = group["lr"] / group["initial_lr"]
            owner = group["name"].partition("/")[0]
            assert factors.setdefault(owner, factor) == pytest.approx(factor)
        optimizer.step()
        scheduler.step()


def test_each_group_rises_by_its_own_warmup() -> None:
    optimizer = build_optimizer(Classifier().model, {})
    scheduler = build_scheduler(optimizer, total_steps=1_000_000)
    assert isinstance(scheduler, LambdaLR)
    for factor in scheduler.lr_lambdas:
        own = factor if isinstance(factor, partial) else partial(factor)
        default = signature(own.func).parameters["warmup_steps"].default
        warmup_steps = own.keywords.get("warmup_steps", default)
        rise = [factor(step) for step in range(warmup_steps)]
        assert rise == sorted(set(rise))
        assert all(value <= 1 for value in rise)
        assert factor(warmup_steps) == 1


def test_groups_have_schedules_of_their_own() -> None:
    optimizer = build_optimizer(Classifier().model, {})
    scheduler = build_scheduler(optimizer, total_steps=1_000_000)
    assert isinstance(scheduler, LambdaLR)
    steps = [*range(1000), 500_000]
    curves = {tuple(map(factor, steps)) for factor in scheduler.lr_lambdas}
    assert len(curves) > 1
