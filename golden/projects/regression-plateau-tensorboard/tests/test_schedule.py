"""The learning rates follow the schedule of the code, at the interval of the code."""

from pathlib import Path

import pytest
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from diabetes_run.module import Regressor
from diabetes_run.optim import build_optimizer, build_scheduler
from diabetes_run.train import parse_arguments, train


def test_a_metric_that_stops_improving_cuts_every_rate() -> None:
    optimizer = build_optimizer(Regressor().model, {})
    scheduler = build_scheduler(optimizer)
    assert isinstance(scheduler, ReduceLROnPlateau)
    before = [group["lr"] for group in optimizer.param_groups]
    for _ in range(scheduler.patience + 2):
        scheduler.step(1.0)
    after = [group["lr"] for group in optimizer.param_groups]
    assert all(new <= old for new, old in zip(after, before, strict=True))
    assert after != before


def test_the_monitored_metric_is_logged_when_the_schedule_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = train(parse_arguments(["--max-epochs=2", "--max-steps=-1"]))
    config = trainer.lr_scheduler_configs[0]
    assert config.monitor in trainer.callback_metrics
    assert isinstance(config.scheduler, ReduceLROnPlateau)
    assert config.scheduler.best == pytest.approx(
        float(trainer.callback_metrics[config.monitor])
    )


def test_a_checkpoint_has_a_schedule_that_knows_its_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = train(parse_arguments(["--max-epochs=2", "--max-steps=-1"]))
    checkpoint = torch.load(next(tmp_path.rglob("last.ckpt")), weights_only=True)
    scheduler = trainer.lr_scheduler_configs[0].scheduler
    assert checkpoint["lr_schedulers"] == [scheduler.state_dict()]
