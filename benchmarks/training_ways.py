"""A training step of each way of training against a plain PyTorch loop that does the same.

For each way a project is generated. The same network learns from the same batches by a loop written
by hand, in a bare LightningModule written by hand, and as generated; all must end with the same
weights, bit for bit. Processor time of one thread, which other work on the machine changes less;
ratios are taken within a way, in one interleaved run.
"""

from __future__ import annotations

import contextlib
import importlib
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
PLAIN, BARE, OURS = "plain PyTorch", "bare Lightning", "generated project"
Batch = tuple[Tensor, Tensor]
# Called with the epoch and a batch: one training step.
Step = Callable[[int, Batch], None]


@dataclass(frozen=True)
class Way:
    """A spec, the step of a plain loop that does the same, and a bare module that does."""

    spec: str
    step: Callable[[nn.Module, Any], Step]
    bare: Callable[[nn.Module, Any], pl.LightningModule] | None = None


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
        step = self.way.step(model, self.module("optim"))
        batches = self.data.train_dataloader()
        start = time.process_time()
        for epoch in range(self.epochs):
            batches.sampler.set_epoch(epoch)
            for batch in batches:
                step(epoch, batch)
        seconds = time.process_time() - start
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}
        return seconds

    def bare(self, make: Callable[[nn.Module, Any], pl.LightningModule]) -> float:
        model = self._network()
        return self._fit(make(model, self.module("optim")), model)

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

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds = time.process_time() - self.start


def cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    inputs, labels = batch
    return F.cross_entropy(model(inputs), labels)


# One optimizer, whole and with a frozen part.


def one_step(model: nn.Module, optim: Any) -> Step:
    optimizer = optim.build_optimizer(model, {})

    def step(epoch: int, batch: Batch) -> None:
        optimizer.zero_grad()
        cross_entropy(model, batch).backward()
        optimizer.step()

    return step


def frozen_step(model: nn.Module, optim: Any) -> Step:
    model.get_submodule("backbone").requires_grad_(False)
    return one_step(model, optim)


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


def bare_one(model: nn.Module, optim: Any) -> pl.LightningModule:
    return Automatic(model, optim.build_optimizer(model, {}))


def bare_frozen(model: nn.Module, optim: Any) -> pl.LightningModule:
    model.get_submodule("backbone").requires_grad_(False)
    return bare_one(model, optim)


TWO_GROUPS = """
[groups.backbone]
lr = 1e-4
[groups.head]
lr = 1e-3
"""
WAYS = {
    "one optimizer": Way(TWO_GROUPS, one_step, bare_one),
    "frozen": Way(TWO_GROUPS.replace("lr = 1e-4", "freeze = true"), frozen_step, bare_frozen),
}


if __name__ == "__main__":
    main()
