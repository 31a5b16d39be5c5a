"""The task: loss, metrics and the wiring of the optimizer."""

from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from averaged_run.custom_optimizer import SchedulefreeAdamw
from averaged_run.model import Network
from averaged_run.optim import build_optimizer, describe_groups
from averaged_run.recipe import Recipe, recipe_of
from averaged_run.resume import resume

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
        return build_optimizer(self.model, self.rates)

    # The optimizer trains with other weights than those to evaluate and save. Without a
    # word, a run that never turns them validates and saves the wrong ones.
    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Not at the start of an epoch: a run resumed in the middle of one has none.
        self.weights_to_train()

    def on_train_epoch_end(self) -> None:
        # What an epoch saves is saved after this; and it may be the last one.
        self.weights_to_evaluate()

    def on_validation_model_eval(self) -> None:
        # Until the next batch to train: a validation saves at its end, too.
        super().on_validation_model_eval()
        self.weights_to_evaluate()

    def weights_to_train(self) -> None:
        """Turn the weights into those that gradients are taken at."""
        for optimizer in self.trainer.optimizers:
            if isinstance(optimizer, SchedulefreeAdamw):
                optimizer.train()

    def weights_to_evaluate(self) -> None:
        """Turn the weights into those to evaluate and save."""
        for optimizer in self.trainer.optimizers:
            if isinstance(optimizer, SchedulefreeAdamw):
                optimizer.eval()

    def on_fit_start(self) -> None:
        # A checkpoint's optimizer state is not loaded yet: this is what the code says.
        optimizer = self.trainer.optimizers[0]
        schedule: Recipe = {}
        self.recipe = recipe_of(optimizer, schedule)
        if self.trainer.ckpt_path and self.resumed is not None:
            # Optimizer and schedule are restored from it after this.
            recipes = resume(self, self.resumed, [self.recipe], self.resume_choice)
            self.recipe = recipes[0]
        self.resumed = None
        self.print(describe_groups(optimizer.param_groups))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["recipe"] = self.recipe
        # Saved after some batches, or by an exception: the weights were those to train.
        self.weights_to_evaluate()
        strategy = self.trainer.strategy
        checkpoint["state_dict"] = strategy.lightning_module_state_dict()
        if "optimizer_states" in checkpoint:
            states = [
                strategy.optimizer_state(each) for each in self.trainer.optimizers
            ]
            checkpoint["optimizer_states"] = states

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # Not for load_from_checkpoint or a test, which resume nothing.
        if self._trainer is not None and self.trainer.training:
            self.resumed = checkpoint


def cross_entropy(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """The mean loss of a batch and its logits."""
    inputs, labels = batch
    logits = model(inputs)
    return F.cross_entropy(logits, labels), logits
