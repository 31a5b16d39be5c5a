"""The task: loss, metrics and the wiring of the optimizer."""

from typing import Any, TypeAlias, cast

import pytorch_lightning as pl
import torch.nn.functional as F
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from two_run.model import Network
from two_run.optim import (
    build_backbone_scheduler,
    build_head_scheduler,
    build_optimizers,
    describe_groups,
)
from two_run.recipe import Recipe, recipe_of, settings_of
from two_run.resume import resume

Batch: TypeAlias = tuple[Tensor, Tensor]
# Batches whose gradients make one step of backbone.
BACKBONE_ACCUMULATE = 2
# Norm that the gradient of backbone is cut down to.
BACKBONE_CLIP = 1.0


class Classifier(pl.LightningModule):
    """Learns the classes of the data.

    `rates` replaces learning rates: the name of a group, or "*", to the rate.
    """

    def __init__(self, rates: dict[str, float] | None = None) -> None:
        super().__init__()
        self.save_hyperparameters()
        # Several optimizers: Lightning leaves their steps to training_step.
        self.automatic_optimization = False
        self.rates = rates or {}
        self.model = Network()
        self.recipe: list[Recipe] = []
        self.resumed: dict[str, Any] | None = None
        self.resume_choice: str | None = None
        self.max_batches = -1

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.model(inputs)
        return logits

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, _ = cross_entropy(self.model, batch)
        self.log("train/loss", loss, prog_bar=True)
        backbone, head = cast(list[LightningOptimizer], self.optimizers())
        _, head_schedule = cast(list[LRScheduler], self.lr_schedulers())
        batch_number = self.trainer.fit_loop.total_batch_idx + 1
        # What an epoch, or the run, ends in the middle of makes a step too.
        at_the_end = self.trainer.is_last_batch or batch_number == self.max_batches
        self.manual_backward(loss)
        if (batch_idx + 1) % BACKBONE_ACCUMULATE == 0 or at_the_end:
            divide_gradients(backbone, BACKBONE_ACCUMULATE)
            backbone.step()
            backbone.zero_grad()
        head.step()
        head.zero_grad()
        # Ahead of validation, so that a checkpoint has the rates to go on with.
        if self.trainer.is_last_batch:
            head_schedule.step()
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        loss, logits = cross_entropy(self.model, batch)
        accuracy = (logits.argmax(dim=1) == batch[1]).float().mean()
        metrics = {"val/loss": loss, "val/accuracy": accuracy}
        self.log_dict(metrics, prog_bar=True, batch_size=len(batch[0]))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizers = build_optimizers(self.model, self.rates)
        backbone_schedule = build_backbone_scheduler(optimizers["backbone"])
        head_schedule = build_head_scheduler(optimizers["head"])
        configured: list[Any] = [
            {
                "optimizer": optimizers["backbone"],
                "lr_scheduler": {"scheduler": backbone_schedule, "name": "lr/backbone"},
            },
            {
                "optimizer": optimizers["head"],
                "lr_scheduler": {"scheduler": head_schedule, "name": "lr/head"},
            },
        ]
        return configured

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        # The Trainer's max_steps counts the steps of every optimizer.
        if self.trainer.fit_loop.total_batch_idx + 1 == self.max_batches:
            self.trainer.should_stop = True

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        # Here and not in training_step: a scaler has unscaled the gradients by now.
        if optimizer is self.trainer.optimizers[0]:
            self.clip_gradients(optimizer, BACKBONE_CLIP, "norm")

    def on_validation_epoch_end(self) -> None:
        if not self.trainer.sanity_checking:
            backbone_schedule, _ = cast(list[LRScheduler], self.lr_schedulers())
            cast(ReduceLROnPlateau, backbone_schedule).step(
                float(self.trainer.callback_metrics["val/loss"])
            )

    def on_validation_model_zero_grad(self) -> None:
        """Keep the gradients that wait for a step: Lightning would drop them."""

    def on_fit_start(self) -> None:
        # A checkpoint's optimizer state is not loaded yet: this is what the code says.
        optimizers = self.trainer.optimizers
        schedules = [config.scheduler for config in self.trainer.lr_scheduler_configs]
        self.recipe = [
            recipe_of(
                optimizers[0],
                {
                    "accumulate": BACKBONE_ACCUMULATE,
                    "scheduler": type(schedules[0]).__name__,
                    "interval": "epoch",
                    "settings": settings_of(schedules[0]),
                },
            ),
            recipe_of(
                optimizers[1],
                {
                    "scheduler": type(schedules[1]).__name__,
                    "interval": "epoch",
                    "settings": settings_of(schedules[1]),
                },
            ),
        ]
        if self.trainer.ckpt_path and self.resumed is not None:
            # Optimizers and schedules are restored from it after this.
            recipes = resume(self, self.resumed, self.recipe, self.resume_choice)
            self.recipe = list(recipes)
        self.resumed = None
        groups = [group for each in optimizers for group in each.param_groups]
        self.print(describe_groups(groups))

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


def divide_gradients(optimizer: LightningOptimizer, batches: int) -> None:
    """Make the mean of gradients that several batches added up."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.grad.div_(batches)
