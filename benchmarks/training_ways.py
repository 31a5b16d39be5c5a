"""A training step of each way of training against a plain PyTorch loop that does the same.

For each way a project is generated. The same network learns from the same batches by a loop written
by hand, in a bare LightningModule written by hand, and as generated; all must end with the same
weights, bit for bit. Processor time of one thread, which other work on the machine changes less;
ratios are taken within a way, in one interleaved run.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.compare import measure, parser, print_ratios, script, seconds_of
from benchmarks.train_step import silent

SEED = 42
# Where the numbers of a gan's batches start.
NOISE_SEED = SEED * 1_000_003
PLAIN, BARE, OURS = "plain PyTorch", "bare Lightning", "generated project"
Batch = tuple[Tensor, Tensor]
# Called with the epoch and a batch: one training step.
Step = Callable[[int, Batch], None]
# A module of the generated project, by its name.
Project = Callable[[str], Any]


@dataclass(frozen=True)
class Way:
    """A spec, the step of a plain loop that does the same, and a bare module that does."""

    spec: str
    step: Callable[[nn.Module, Project], Step]
    bare: Callable[[nn.Module, Project], pl.LightningModule] | None = None


def main() -> None:
    options = parser(__doc__, rounds=15)
    options.add_argument("--epochs", type=int, default=4, metavar="N", help="of each turn")
    options.add_argument("--only", choices=WAYS, metavar="WAY", help=", ".join(WAYS))
    arguments = options.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name in [arguments.only] if arguments.only else WAYS:
            race = Race(name, WAYS[name], arguments.epochs)
            times = measure(race.contestants(), arguments.rounds)
            print(f"\n{name}: {race.steps} batches a turn")
            print_ratios(times, PLAIN, unit="microseconds a batch", scale=1e6)


class Race:
    """The contestants of a way: each trains anew and returns the seconds of its training loop."""

    def __init__(self, name: str, way: Way, epochs: int) -> None:
        self.way = way
        self.epochs = epochs
        self.package = name.replace(" ", "_")
        spec = Path(f"{self.package}.toml")
        spec.write_text(way.spec)
        command = [script("lightgen"), "new", self.package, "--spec", str(spec)]
        seconds_of(command, home=Path.cwd(), cwd=Path.cwd())
        sys.path.insert(0, os.path.abspath(f"{self.package}/src"))
        self.data: Any = self.module("data").DataModule()
        self.data.setup("fit")
        self.steps = epochs * len(self.data.train_dataloader())
        self.weights: dict[str, Tensor] = {}

    def contestants(self) -> Mapping[str, Callable[[], float]]:
        runs = {PLAIN: self.plain, OURS: self.ours}
        if self.way.bare is not None:
            runs = {PLAIN: self.plain, BARE: partial(self.bare, self.way.bare), OURS: self.ours}
        return {name: silent(run, self.steps) for name, run in runs.items()}

    def module(self, name: str) -> Any:
        return importlib.import_module(f"{self.package}.{name}")

    def plain(self) -> float:
        model = self._network()
        step = self.way.step(model, self.module)
        batches = self.data.train_dataloader()
        start = time.process_time()
        for epoch in range(self.epochs):
            batches.sampler.set_epoch(epoch)
            iterator = iter(batches)
            torch.manual_seed(epoch)
            for batch in iterator:
                step(epoch, batch)
        seconds = time.process_time() - start
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}
        return seconds

    def bare(self, make: Callable[[nn.Module, Project], pl.LightningModule]) -> float:
        model = self._network()
        return self._fit(make(model, self.module), model)

    def ours(self) -> float:
        torch.manual_seed(SEED)
        classes = vars(self.module("module")).values()
        (task_class,) = [
            each
            for each in classes
            if isinstance(each, type)
            and issubclass(each, pl.LightningModule)
            and each.__module__.startswith(self.package)
        ]
        task: Any = task_class()
        return self._fit(task, task.model)

    def _network(self) -> nn.Module:
        torch.manual_seed(SEED)
        model: nn.Module = self.module("model").Network()
        return model

    def _fit(self, task: pl.LightningModule, model: nn.Module) -> float:
        clock = Clock()
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=self.epochs,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[clock],
        )
        trainer.fit(task, self.data)
        for name, parameter in model.named_parameters():
            if not torch.equal(parameter, self.weights[name]):
                raise RuntimeError(f"{type(task).__name__}: {name} is not what the loop has")
        return clock.seconds


class Clock(pl.Callback):
    """Takes the processor time of the training loop alone."""

    def __init__(self) -> None:
        self.start = self.seconds = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.start = time.process_time()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # A loader draws a number for each iterator, and Lightning makes others than a loop.
        if batch_idx == 0:
            torch.manual_seed(trainer.current_epoch)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds = time.process_time() - self.start


def cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    inputs, labels = batch
    return F.cross_entropy(model(inputs), labels)


# One optimizer, whole and with a frozen part.


def one_step(model: nn.Module, project: Project) -> Step:
    optimizer = project("optim").build_optimizer(model, {})

    def step(epoch: int, batch: Batch) -> None:
        optimizer.zero_grad()
        cross_entropy(model, batch).backward()
        optimizer.step()

    return step


def frozen_step(model: nn.Module, project: Project) -> Step:
    model.get_submodule("backbone").requires_grad_(False)
    return one_step(model, project)


class Automatic(pl.LightningModule):
    """The least that Lightning trains."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        super().__init__()
        self.model = model
        self.optimizer = optimizer

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return cross_entropy(self.model, batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer


def bare_one(model: nn.Module, project: Project) -> pl.LightningModule:
    return Automatic(model, project("optim").build_optimizer(model, {}))


def bare_frozen(model: nn.Module, project: Project) -> pl.LightningModule:
    model.get_submodule("backbone").requires_grad_(False)
    return bare_one(model, project)


def until_step(model: nn.Module, project: Project) -> Step:
    optimize = one_step(model, project)
    backbone = model.get_submodule("backbone").requires_grad_(False)

    def step(epoch: int, batch: Batch) -> None:
        if epoch == UNTIL and not next(backbone.parameters()).requires_grad:
            backbone.requires_grad_(True)
        optimize(epoch, batch)

    return step


# Several classes that step as one optimizer.


def parts_of(model: nn.Module, project: Project) -> list[torch.optim.Optimizer]:
    optim = project("optim")
    groups = optim.parameter_groups(model, {})
    return [
        torch.optim.Muon(optim.chosen(groups, "matrices")),
        torch.optim.AdamW(optim.chosen(groups, "rest")),
    ]


def composite_step(model: nn.Module, project: Project) -> Step:
    matrices, rest = parts_of(model, project)

    def step(epoch: int, batch: Batch) -> None:
        matrices.zero_grad()
        rest.zero_grad()
        cross_entropy(model, batch).backward()
        matrices.step()
        rest.step()

    return step


# Two optimizers on one loss, and two with a loss each.


def several_step(model: nn.Module, project: Project) -> Step:
    body, head = project("optim").build_optimizers(model, {}).values()

    def step(epoch: int, batch: Batch) -> None:
        cross_entropy(model, batch).backward()
        body.step()
        body.zero_grad()
        head.step()
        head.zero_grad()

    return step


class Manual(pl.LightningModule):
    """The least that steps two optimizers by hand."""

    def __init__(self, model: nn.Module, project: Project) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model = model
        self.project = project

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        body, head = self.optimizers()  # type: ignore[misc, union-attr]
        self.manual_backward(cross_entropy(self.model, batch))
        body.step()
        body.zero_grad()
        head.step()
        head.zero_grad()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return list(self.project("optim").build_optimizers(self.model, {}).values())


def noise_of(batch: Batch, number: int, project: Project) -> Tensor:
    """What the generated project draws for a batch of the run."""
    images = batch[0]
    noise: Tensor = project("model").sample_noise(len(images), images, NOISE_SEED + number)
    return noise


def gan_step(model: nn.Module, project: Project) -> Step:
    discriminator, generator = project("optim").build_optimizers(model, {}).values()
    losses = project("module")
    numbers = itertools.count()

    def step(epoch: int, batch: Batch) -> None:
        noise = noise_of(batch, next(numbers), project)
        losses.discriminator_loss(model, batch, noise).backward()
        discriminator.step()
        discriminator.zero_grad()
        losses.generator_loss(model, batch, noise).backward()
        generator.step()
        generator.zero_grad()
        discriminator.zero_grad()

    return step


class ByParts(Manual):
    """The same with the classes of the composite."""

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return parts_of(self.model, self.project)


class Adversaries(Manual):
    """The least that trains two networks against each other."""

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        discriminator, generator = self.optimizers()  # type: ignore[misc, union-attr]
        losses = self.project("module")
        noise = noise_of(batch, self.trainer.fit_loop.total_batch_idx, self.project)
        self.toggle_optimizer(discriminator)
        self.manual_backward(losses.discriminator_loss(self.model, batch, noise))
        discriminator.step()
        discriminator.zero_grad()
        self.untoggle_optimizer(discriminator)
        self.toggle_optimizer(generator)
        self.manual_backward(losses.generator_loss(self.model, batch, noise))
        generator.step()
        generator.zero_grad()
        self.untoggle_optimizer(generator)


UNTIL = 2
TWO_GROUPS = """
[groups.backbone]
lr = 1e-4
[groups.head]
lr = 1e-3
"""
COMPOSITE = """
[optimizer]
name = "composite"
[groups.matrices]
match = "backbone"
ndim = 2
optimizer = "Muon"
[groups.rest]
"""
SEVERAL = """
[optimizers.body]
name = "SGD"
[optimizers.body.groups.backbone]
[optimizers.head]
name = "AdamW"
[optimizers.head.groups.head]
"""
GAN = """
task = "gan"
[optimizers.discriminator]
[optimizers.generator]
"""
WAYS = {
    "one optimizer": Way(TWO_GROUPS, one_step, bare_one),
    "frozen": Way(TWO_GROUPS.replace("lr = 1e-4", "freeze = true"), frozen_step, bare_frozen),
    "frozen until epoch": Way(
        TWO_GROUPS.replace("lr = 1e-4", f'lr = 1e-4\nfreeze = "until_epoch:{UNTIL}"'), until_step
    ),
    "composite": Way(COMPOSITE, composite_step, ByParts),
    "two optimizers": Way(SEVERAL, several_step, Manual),
    "gan": Way(GAN, gan_step, Adversaries),
}


if __name__ == "__main__":
    main()
