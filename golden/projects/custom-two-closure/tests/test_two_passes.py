"""A batch that is passed twice counts once."""

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sharpness_run.data import DataModule
from sharpness_run.module import Classifier


class Watched(Classifier):
    """Keeps the loss of each pass; a batch norm and a dropout see each pass."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.losses: list[float] = []
        self.masks: list[Tensor] = []

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        self.losses.append(float(loss.detach()))
        return loss

    def look(self, *_: Any) -> None:
        ones = torch.ones(8, 1).to(self.norm.weight)
        self.norm(ones)
        self.masks.append(F.dropout(ones))


def trained(batches: int) -> tuple[Watched, pl.Trainer]:
    pl.seed_everything(0)
    task = Watched()
    task.model.register_forward_pre_hook(task.look)
    trainer = pl.Trainer(
        # Small data may have one batch.
        max_epochs=batches,
        limit_train_batches=1,
        limit_val_batches=0,
        log_every_n_steps=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(task, DataModule())
    return task, trainer


def test_each_batch_is_passed_twice_in_one_step() -> None:
    task, trainer = trained(batches=3)
    assert len(task.losses) == 6
    assert trainer.global_step == 3
    assert not task.perturbed


def test_the_loss_of_the_first_pass_is_logged() -> None:
    task, trainer = trained(batches=1)
    first, second = task.losses
    assert float(trainer.callback_metrics["train/loss"]) == pytest.approx(first)
    assert second != pytest.approx(first)


def test_batch_norms_count_each_batch_once() -> None:
    task, _ = trained(batches=3)
    assert task.norm.num_batches_tracked == 3


def test_both_passes_drop_the_same_units() -> None:
    masks = trained(batches=3)[0].masks
    assert all(map(torch.equal, masks[::2], masks[1::2]))
    assert not all(map(torch.equal, masks[::2], masks[2::2]))
