"""Train a wiring for a few batches and measure it: the same for a naive one and the generated one.

Used in a child of `in_project`, whose current folder is the project's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch

Outcome = tuple[Any, Any]


class Rates(pl.Callback):
    """Records each group's rate at every batch."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        groups = [group for each in trainer.optimizers for group in each.param_groups]
        self.rows.append([float(group["lr"]) for group in groups])

    def of_group(self, at: int) -> list[float]:
        return [row[at] for row in self.rows]


def fit(
    task: pl.LightningModule,
    *callbacks: pl.Callback,
    batches: int = 4,
    quiet: str = "$",
    **options: Any,
) -> pl.Trainer:
    """Train on the project's own data; a warning is an error, so that a failure here is silent.

    `quiet` is the pattern of one that may come.
    """
    from sample_run.data import DataModule

    given = {
        "max_epochs": 2,
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "limit_train_batches": batches,
        "limit_val_batches": 2,
        "log_every_n_steps": 1,
        **options,
    }
    resumed = given.pop("ckpt_path", None)
    trainer = pl.Trainer(callbacks=list(callbacks), **given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=quiet)
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message="Checkpoint directory .* exists")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        trainer.fit(task, DataModule(), ckpt_path=resumed)
    return trainer


def seeded(make: Callable[[], pl.LightningModule]) -> pl.LightningModule:
    """A task whose first weights are the same each time."""
    torch.manual_seed(0)
    return make()
