"""The task: loss, metrics and the wiring of the optimizer."""

import math
from pathlib import Path
from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from sharded_run.model import Network
from sharded_run.optim import build_optimizer, build_scheduler, describe_groups
from sharded_run.recipe import Recipe, functions_of, recipe_of
from sharded_run.resume import resume
from sharded_run.sharding import restore_weights, shard

Batch: TypeAlias = tuple[Tensor, Tensor]


class Classifier(pl.LightningModule):
    """Learns the classes of the data.

    `rates` replaces learning rates: the name of a group, or "*", to the rate.
    """

    def __init__(self, rates: dict[str, float] | None = None) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.rates = rates or {}
        self.model = Network()
        self.recipe: Recipe = {}
        self.resumed: dict[str, Any] | None = None
        self.resume_choice: str | None = None
        self.weights_from: Path | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.model(inputs)
        return logits

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, _ = cross_entropy(self.model, batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        loss, logits = cross_entropy(self.model, batch)
        accuracy = (logits.argmax(dim=1) == batch[1]).float().mean()
        metrics = {"val/loss": loss, "val/accuracy": accuracy}
        self.log_dict(metrics, prog_bar=True, batch_size=len(batch[0]), sync_dist=True)

    def configure_model(self) -> None:
        # For each fit and each test; one process without the strategy has no mesh.
        if self.device_mesh is not None:
            shard(self.model, self.device_mesh["data_parallel"])
        if self.weights_from is not None:
            restore_weights(self.weights_from, self)
            self.weights_from = None

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = build_optimizer(self.model, self.rates)
        scheduler = build_scheduler(optimizer, total_steps(self.trainer))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": scheduler,
                # Optimizer steps: Lightning's default is the epoch.
                "interval": "step",
                "name": "lr",
            },
        }

    def on_fit_start(self) -> None:
        # A checkpoint's optimizer state is not loaded yet: this is what the code says.
        optimizer = self.trainer.optimizers[0]
        schedule = {
            "scheduler": type(self.lr_schedulers()).__name__,
            "interval": "step",
            "total_steps": total_steps(self.trainer),
            "functions": functions_of(self.lr_schedulers()),
        }
        self.recipe = recipe_of(optimizer, schedule)
        if self.trainer.ckpt_path and self.resumed is not None:
            # Optimizer and schedule are restored from it after this.
            recipes = resume(self, self.resumed, [self.recipe], self.resume_choice)
            self.recipe = recipes[0]
        self.resumed = None
        self.print(describe_groups(optimizer.param_groups))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["recipe"] = self.recipe

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # Not for load_from_checkpoint or a test, which resume nothing.
        if self._trainer is not None and self.trainer.training:
            self.resumed = checkpoint


def cross_entropy(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """The mean loss of a batch and its logits."""
    inputs, labels = batch
    logits = model(inputs)
    return F.cross_entropy(logits, labels), logits


def total_steps(trainer: pl.Trainer) -> int:
    """Optimizer steps of the whole run; ValueError for a run without an end."""
    steps = trainer.estimated_stepping_batches
    if not 0 < steps < math.inf:
        raise ValueError("the run has no length: set --max-epochs or --max-steps")
    return int(steps)
