"""The task: loss, metrics and the wiring of the optimizer."""

import math
from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from text_run.data import decode, encode
from text_run.model import CONTEXT, Network
from text_run.optim import build_optimizer, build_scheduler, describe_groups
from text_run.recipe import Recipe, functions_of, recipe_of
from text_run.resume import resume

Batch: TypeAlias = tuple[Tensor, Tensor]


class LanguageModel(pl.LightningModule):
    """Learns the next character of a text.

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

    def forward(self, symbols: Tensor) -> Tensor:
        logits: Tensor = self.model(symbols)
        return logits

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = next_token_loss(self.model, batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        loss = next_token_loss(self.model, batch)
        self.log("val/loss", loss, prog_bar=True, batch_size=len(batch[0]))

    def on_validation_epoch_end(self) -> None:
        # Of the mean loss: the mean of the batches' perplexities is another number.
        perplexity = self.trainer.callback_metrics["val/loss"].exp()
        self.log("val/perplexity", perplexity, prog_bar=True)

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


def next_token_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The mean cross entropy, in nats, of each next character."""
    symbols, following = batch
    logits = model(symbols)
    return F.cross_entropy(logits.flatten(0, 1), following.flatten())


@torch.no_grad()
def sample(model: nn.Module, beginning: str, length: int, seed: int = 0) -> str:
    """A text that goes on from its beginning, each character drawn by the model."""
    codes = encode(beginning)
    random = torch.Generator().manual_seed(seed)
    for _ in range(length):
        logits = model(codes[None, -CONTEXT:])[0, -1]
        drawn = torch.multinomial(logits.softmax(0), 1, generator=random)
        codes = torch.cat([codes, drawn])
    return decode(codes)


def total_steps(trainer: pl.Trainer) -> int:
    """Optimizer steps of the whole run; ValueError for a run without an end."""
    steps = trainer.estimated_stepping_batches
    if not 0 < steps < math.inf:
        raise ValueError("the run has no length: set --max-epochs or --max-steps")
    return int(steps)
