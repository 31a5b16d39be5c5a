"""A training step of a generated project against a plain PyTorch loop and a bare LightningModule.

All train the same network with the same optimizer on the same batches, in one process, and must end
with the same weights. What a bare module takes beyond the plain loop is Lightning's own; what the
project takes beyond the bare module is ours, and most of that is one `self.log` of the loss, so a
bare module with that line runs too. `--shipped` adds the project's own `train()`, which also
validates, writes metrics and checkpoints and shows its progress.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.compare import Times, measure, parser, print_ratios, script, seconds_of

PACKAGE = "quokka"
FLAGS = ("--optimizer", "custom", "--groups", "backbone:1e-4,head:1e-3")
SEED = 42
PLAIN, BARE, LOGGED, OURS, SHIPPED = (
    "plain PyTorch",
    "bare Lightning",
    "bare Lightning, loss logged",
    "generated project",
    "generated project, as shipped",
)


def main() -> None:
    options = parser(__doc__, rounds=15)
    options.add_argument("--epochs", type=int, default=5, metavar="N", help="of each turn")
    options.add_argument("--shipped", action="store_true", help="time the project's train() too")
    arguments = options.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        seconds_of([script("lightgen"), "new", PACKAGE, *FLAGS], home=Path(folder))
        sys.path.insert(0, os.path.join(folder, PACKAGE, "src"))
        race = Race(arguments.epochs)
        contestants = {
            PLAIN: race.plain,
            BARE: partial(race.bare, Bare),
            LOGGED: partial(race.bare, Logged),
            OURS: race.ours,
        }
        if arguments.shipped:
            contestants[SHIPPED] = race.shipped
        print(f"{race.steps} steps a turn")
        times = measure(
            {name: silent(run, race.steps) for name, run in contestants.items()}, arguments.rounds
        )
    print_ratios(times, PLAIN, unit="microseconds a step", scale=1e6)
    print_shares(times)


def silent(run: Callable[[], float], steps: int) -> Callable[[], float]:
    """Seconds a step of a run, with what it prints dropped."""

    def seconds_a_step() -> float:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return run() / steps

    return seconds_a_step


def print_shares(times: Times) -> None:
    """Say whose the time beyond the plain loop is, by medians."""
    steps = {name: median(seconds) * 1e6 for name, seconds in times.items()}
    for text, name, floor in (
        ("Lightning's own", BARE, PLAIN),
        ("its logging", LOGGED, BARE),
        ("the project's own", OURS, LOGGED),
    ):
        beyond, ratio = steps[name] - steps[floor], steps[name] / steps[floor]
        print(f"{text:<18} {beyond:+8,.0f} microseconds a step, {ratio:.2f} of {floor}")


class Race:
    """The contestants: each trains anew and returns the seconds from its first step to its last."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.data: Any = project("data").DataModule()
        self.data.setup("fit")
        self.steps = epochs * len(self.data.train_dataloader())
        self.weights: list[Tensor] = []

    def plain(self) -> float:
        model = self._network()
        optimizer = project("optim").build_optimizer(model, {})
        batches = self.data.train_dataloader()
        start = time.perf_counter()
        for epoch in range(self.epochs):
            batches.sampler.set_epoch(epoch)
            for inputs, labels in batches:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs), labels)
                loss.backward()
                optimizer.step()
        seconds = time.perf_counter() - start
        self.weights = [weight.detach() for weight in model.parameters()]
        return seconds

    def bare(self, module: type[Bare]) -> float:
        model = self._network()
        return self._fit(module(model, project("optim").build_optimizer(model, {})), model)

    def ours(self) -> float:
        torch.manual_seed(SEED)
        task = project("module").Classifier()
        return self._fit(task, task.model)

    def shipped(self) -> float:
        train = project("train")
        clock = Clock()
        options = ["--seed", str(SEED), "--max-epochs", str(self.epochs)]
        train.train(train.parse_arguments(options), callbacks=[clock])
        return clock.seconds

    def _network(self) -> nn.Module:
        torch.manual_seed(SEED)
        model: nn.Module = project("model").Network()
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
        if not all(map(torch.equal, model.parameters(), self.weights)):
            raise RuntimeError(f"{type(task).__name__}: other weights than the plain loop's")
        return clock.seconds


class Bare(pl.LightningModule):
    """The least that Lightning trains."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        super().__init__()
        self.model = model
        self.optimizer = optimizer

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        inputs, labels = batch
        return F.cross_entropy(self.model(inputs), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer


class Logged(Bare):
    """The same with the one metric that the generated project logs in a training step."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        self.log("train/loss", loss, prog_bar=True)
        return loss


@dataclass
class Clock(pl.Callback):
    """Takes the time of the training loop alone."""

    start: float = 0.0
    seconds: float = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.start = time.perf_counter()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds = time.perf_counter() - self.start


def project(module: str) -> Any:
    """A module of the generated project."""
    return importlib.import_module(f"{PACKAGE}.{module}")


if __name__ == "__main__":
    main()
