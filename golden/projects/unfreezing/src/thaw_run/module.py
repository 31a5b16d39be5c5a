"""The task: loss, metrics and the wiring of the optimizer."""

import math
from typing import Any, Self, TypeAlias

import pytorch_lightning as pl
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer

from thaw_run.model import Network
from thaw_run.optim import (
    build_optimizer,
    build_scheduler,
    clip_groups,
    describe_groups,
    drop_frozen_gradients,
    frozen_modules,
)
from thaw_run.recipe import Recipe, functions_of, recipe_of
from thaw_run.resume import resume

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

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.model(inputs)
        return logits

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        # Frozen: dropout and running statistics rest too.
        for module in frozen_modules(self.model, self.current_epoch):
            module.eval()
        return self

    def on_train_start(self) -> None:
        # Lightning trains in the modes that it finds, and calls no train().
        self.train()

    def on_train_epoch_start(self) -> None:
        self.train()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, _ = cross_entropy(self.model, batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        loss, logits = cross_entropy(self.model, batch)
        accuracy = (logits.argmax(dim=1) == batch[1]).float().mean()
        metrics = {"val/loss": loss, "val/accuracy": accuracy}
        self.log_dict(metrics, prog_bar=True, batch_size=len(batch[0]))

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

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        # Before clipping. Without a gradient neither momentum nor decay moves anything.
        # requires_grad stays: DDP fixes at the start what it keeps equal on all ranks.
        drop_frozen_gradients(optimizer.param_groups, self.current_epoch)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        # Lightning calls it before each step, after gradients are unscaled.
        clip_groups(optimizer.param_groups)

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
