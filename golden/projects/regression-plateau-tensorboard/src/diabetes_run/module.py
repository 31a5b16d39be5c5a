"""The task: loss, metrics and the wiring of the optimizer."""

from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics.regression import R2Score

from diabetes_run.model import Network
from diabetes_run.optim import build_optimizer, build_scheduler, describe_groups
from diabetes_run.recipe import Recipe, recipe_of, settings_of
from diabetes_run.resume import resume

Batch: TypeAlias = tuple[Tensor, Tensor]


class Regressor(pl.LightningModule):
    """Learns the target of the data.

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
        self.r2 = R2Score()

    def forward(self, inputs: Tensor) -> Tensor:
        predictions: Tensor = self.model(inputs).squeeze(1)
        return predictions

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, _ = squared_error(self, batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        loss, predictions = squared_error(self, batch)
        self.r2(predictions, batch[1])
        self.log("val/loss", loss, prog_bar=True, batch_size=len(batch[0]))
        self.log("val/r2", self.r2, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = build_optimizer(self.model, self.rates)
        scheduler = build_scheduler(optimizer)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": scheduler,
                "interval": "epoch",
                # When validation runs, so that the metric is new.
                "frequency": 2,
                "monitor": "val/r2",
                "name": "lr",
            },
        }

    def on_fit_start(self) -> None:
        # A checkpoint's optimizer state is not loaded yet: this is what the code says.
        optimizer = self.trainer.optimizers[0]
        schedule = {
            "scheduler": type(self.lr_schedulers()).__name__,
            "interval": "epoch",
            "settings": settings_of(self.lr_schedulers()),
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
        self.foresee_schedule(checkpoint)

    def foresee_schedule(self, checkpoint: dict[str, Any]) -> None:
        """Save the schedule as it is after the epoch that ends.

        Lightning shows it the metric after the epoch's checkpoints are written, and a
        resumed run does not make up for it.
        """
        config = self.trainer.lr_scheduler_configs[0]
        scheduler: Any = config.scheduler
        progress: Any = self.trainer.fit_loop.epoch_progress.current
        ends = self.trainer.validating and self.trainer.is_last_batch
        ends = ends or progress.processed > progress.completed
        moves = ends and (self.trainer.current_epoch + 1) % config.frequency == 0
        if not moves or "lr_schedulers" not in checkpoint or config.monitor is None:
            return
        before = dict(scheduler.state_dict())
        groups = scheduler.optimizer.param_groups
        rates = [group["lr"] for group in groups]
        scheduler.step(self.trainer.callback_metrics[config.monitor])
        checkpoint["lr_schedulers"] = [dict(scheduler.state_dict())]
        saved = checkpoint["optimizer_states"][0]["param_groups"]
        for copy, group, rate in zip(saved, groups, rates, strict=True):
            copy["lr"], group["lr"] = group["lr"], rate
        scheduler.load_state_dict(before)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # Not for load_from_checkpoint or a test, which resume nothing.
        if self._trainer is not None and self.trainer.training:
            self.resumed = checkpoint


def squared_error(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """The mean squared error of a batch and the predictions."""
    inputs, targets = batch
    predictions = model(inputs)
    return F.mse_loss(predictions, targets), predictions
