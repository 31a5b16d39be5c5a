"""Each optimizer steps when it should, on the gradients that it should."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.optim import Optimizer

from gan_run.module import DISCRIMINATOR_CLIP, GAN, GENERATOR_FREQUENCY
from gan_run.optim import build_optimizers
from gan_run.train import parse_arguments, train

# Batches from one turn to the next, and turns of one step.
FREQUENCY = {
    "discriminator": 1,
    "generator": GENERATOR_FREQUENCY,
}
ACCUMULATE = {
    "discriminator": 1,
    "generator": 1,
}


class Steps(pl.Callback):
    """Counts batches, and notes in which of them each optimizer steps."""

    def __init__(self) -> None:
        self.batches = 0
        self.steps: dict[str, list[int]] = {name: [] for name in FREQUENCY}
        self.left_over: set[str] = set()

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for name, optimizer in zip(FREQUENCY, trainer.optimizers, strict=True):
            optimizer.register_step_post_hook(self.note(name))

    def note(self, name: str) -> Callable[..., None]:
        return lambda *_: self.steps[name].append(self.batches)

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self.batches += 1
        for name, optimizer in zip(FREQUENCY, trainer.optimizers, strict=True):
            if ACCUMULATE[name] == 1 and any(
                p.grad is not None for p in members(optimizer)
            ):
                self.left_over.add(name)


def members(optimizer: Optimizer) -> list[torch.nn.Parameter]:
    """The parameters of an optimizer."""
    return [p for group in optimizer.param_groups for p in group["params"]]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def expected_steps(name: str, batches: int, epoch_batches: int) -> list[int]:
    """The batches at whose end an optimizer steps."""
    steps, waiting = [], 0
    for batch in range(1, batches + 1):
        waiting += batch % FREQUENCY[name] == 0
        ends = batch % epoch_batches == 0 or batch == batches
        if waiting == ACCUMULATE[name] or (waiting and ends):
            steps.append(batch)
            waiting = 0
    return steps


def test_each_parameter_has_one_optimizer() -> None:
    model = GAN().model
    optimizers = build_optimizers(model, {})
    owned = [id(p) for each in optimizers.values() for p in members(each)]
    assert sorted(owned) == sorted(id(p) for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    "length", [["--max-epochs=2", "--max-steps=-1"], ["--max-steps=5"]]
)
def test_each_optimizer_steps_at_its_turns(length: list[str]) -> None:
    counted = Steps()
    trainer = train(parse_arguments(length), [counted])
    for name, steps in counted.steps.items():
        epoch_batches = int(trainer.num_training_batches)
        assert steps == expected_steps(name, counted.batches, epoch_batches), name


def test_max_steps_counts_batches() -> None:
    counted = Steps()
    train(parse_arguments(["--max-epochs=-1", "--max-steps=5"]), [counted])
    assert counted.batches == 5


def test_no_gradient_is_left_for_the_next_batch() -> None:
    counted = Steps()
    train(parse_arguments(["--max-epochs=1", "--max-steps=-1"]), [counted])
    assert counted.left_over == set()


class Others(pl.Callback):
    """Notes the optimizers that step while another one has gradients."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        for name, each in zip(FREQUENCY, trainer.optimizers, strict=True):
            if each is not optimizer and any(p.grad is not None for p in members(each)):
                self.found.append(name)


def test_a_loss_leaves_no_gradient_in_the_other_network() -> None:
    others = Others()
    train(parse_arguments(["--max-epochs=1", "--max-steps=-1"]), [others])
    assert others.found == []


class Huge(pl.Callback):
    """Makes all gradients huge, and measures them at an optimizer's first step."""

    def __init__(self) -> None:
        self.norms: dict[str, float] = {}
        self.largest: dict[str, float] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for name, optimizer in zip(FREQUENCY, trainer.optimizers, strict=True):
            # Not before: the closure of a step, where clipping is, runs within it.
            optimizer.register_step_post_hook(self.measure(name))

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        for parameter in members(optimizer):
            if parameter.grad is not None:
                parameter.grad.mul_(1e6)

    def measure(self, name: str) -> Callable[..., None]:
        def measured(optimizer: Optimizer, *_: Any) -> None:
            gradients = [p.grad for p in members(optimizer) if p.grad is not None]
            if not gradients:  # frozen until an epoch
                return
            norm = float(torch.nn.utils.get_total_norm(gradients))
            self.norms.setdefault(name, norm)
            largest = float(max(each.abs().max() for each in gradients))
            self.largest.setdefault(name, largest)

        return measured


def test_gradients_are_clipped_before_a_step() -> None:
    huge = Huge()
    train(parse_arguments(["--max-epochs=2", "--max-steps=-1"]), [huge])
    assert huge.norms["discriminator"] == pytest.approx(DISCRIMINATOR_CLIP, rel=1e-3)
