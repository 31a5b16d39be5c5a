"""The task: losses, metric and the wiring of the optimizers."""

import math
from typing import Any, TypeAlias, cast

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gan_run.model import Network, sample_noise
from gan_run.optim import build_generator_scheduler, build_optimizers, describe_groups
from gan_run.recipe import Recipe, functions_of, recipe_of
from gan_run.resume import resume

Batch: TypeAlias = tuple[Tensor, Tensor]
# Norm that the gradient of discriminator is cut down to.
DISCRIMINATOR_CLIP = 1.0
# Batches from one step of generator to the next.
GENERATOR_FREQUENCY = 2


class GAN(pl.LightningModule):
    """Learns to draw samples like the data (Goodfellow et al. 2014, arXiv:1406.2661).

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
        # That of pl.seed_everything: what a batch draws depends on it and its number.
        self.seed = torch.initial_seed() % 2**32

    def forward(self, noise: Tensor) -> Tensor:
        images: Tensor = self.model(noise)
        return images

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        images, _ = batch
        # By the number of the batch, so that a resumed run draws the same.
        number = self.trainer.fit_loop.total_batch_idx * self.trainer.world_size
        seed = self.seed * 1_000_003 + number + self.global_rank
        noise = sample_noise(len(images), images, seed)
        discriminator, generator = cast(list[LightningOptimizer], self.optimizers())
        generator_schedule = cast(LRScheduler, self.lr_schedulers())
        # Of the whole run: an epoch may be shorter than a turn.
        batch_number = self.trainer.fit_loop.total_batch_idx + 1
        with self.toggled_optimizer(discriminator):
            loss = discriminator_loss(self.model, batch, noise)
            self.log("train/discriminator_loss", loss, prog_bar=True)
            self.manual_backward(loss)
            discriminator.step()
            discriminator.zero_grad()
        if batch_number % GENERATOR_FREQUENCY == 0:
            with self.toggled_optimizer(generator):
                loss = generator_loss(self.model, batch, noise)
                self.log("train/generator_loss", loss, prog_bar=True)
                self.manual_backward(loss)
                generator.step()
                generator.zero_grad()
                generator_schedule.step()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        images, _ = batch
        # The same noise in each epoch, so that they can be compared.
        drawn = self(sample_noise(len(images), images, seed=batch_idx))
        distance = sliced_wasserstein(drawn, images)
        self.log("val/distance", distance, prog_bar=True, batch_size=len(images))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizers = build_optimizers(self.model, self.rates)
        generator_schedule = build_generator_scheduler(
            optimizers["generator"],
            total_steps(self.trainer, self.max_batches, frequency=GENERATOR_FREQUENCY),
        )
        configured: list[Any] = [
            {
                "optimizer": optimizers["discriminator"],
            },
            {
                "optimizer": optimizers["generator"],
                "lr_scheduler": {
                    "scheduler": generator_schedule,
                    "name": "lr/generator",
                },
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
            self.clip_gradients(optimizer, DISCRIMINATOR_CLIP, "norm")

    def on_fit_start(self) -> None:
        # A checkpoint's optimizer state is not loaded yet: this is what the code says.
        optimizers = self.trainer.optimizers
        schedules = [config.scheduler for config in self.trainer.lr_scheduler_configs]
        self.recipe = [
            recipe_of(optimizers[0], {}),
            recipe_of(
                optimizers[1],
                {
                    "frequency": GENERATOR_FREQUENCY,
                    "scheduler": type(schedules[0]).__name__,
                    "interval": "step",
                    "total_steps": total_steps(
                        self.trainer, self.max_batches, frequency=GENERATOR_FREQUENCY
                    ),
                    "functions": functions_of(schedules[0]),
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


def discriminator_loss(model: Network, batch: Batch, noise: Tensor) -> Tensor:
    """How badly real images are told from drawn ones."""
    images, _ = batch
    with torch.no_grad():
        drawn = model(noise)
    real, false = model.discriminator(images), model.discriminator(drawn)
    return F.softplus(-real).mean() + F.softplus(false).mean()


def generator_loss(model: Network, batch: Batch, noise: Tensor) -> Tensor:
    """How well drawn images are told from real ones (the non-saturating form)."""
    loss: Tensor = F.softplus(-model.discriminator(model(noise))).mean()
    return loss


def sliced_wasserstein(first: Tensor, second: Tensor, directions: int = 128) -> Tensor:
    """Distance of two sets of as many images: the mean over random directions.

    Along one direction it is that of the sorted projections (Bonneel et al. 2015).
    """
    first, second = first.flatten(1), second.flatten(1)
    generator = torch.Generator().manual_seed(0)
    axes = torch.randn(first.shape[1], directions, generator=generator).to(first)
    axes = F.normalize(axes, dim=0)
    gaps = (first @ axes).sort(dim=0).values - (second @ axes).sort(dim=0).values
    return gaps.square().mean().sqrt()


def total_batches(trainer: pl.Trainer, max_batches: int) -> int:
    """Batches of the whole run; ValueError for a run without an end."""
    trainer.fit_loop.setup_data()
    batches = trainer.estimated_stepping_batches
    if max_batches > 0:
        batches = min(batches, max_batches)
    if not 0 < batches < math.inf:
        raise ValueError("the run has no length: set --max-epochs or --max-steps")
    return int(batches)


def total_steps(
    trainer: pl.Trainer, max_batches: int, frequency: int = 1, accumulate: int = 1
) -> int:
    """Steps of an optimizer in the whole run; an epoch ends with a step of its own."""
    total = total_batches(trainer, max_batches)
    epoch_batches = int(trainer.num_training_batches)
    steps = 0
    for first in range(0, total, epoch_batches):
        last = min(first + epoch_batches, total)
        turns = last // frequency - first // frequency
        steps += math.ceil(turns / accumulate)
    return max(1, steps)
