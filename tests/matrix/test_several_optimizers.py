"""Several optimizers: each steps in its batches, at the rates of its schedule, as its spec says."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
from support.projects import in_project, project

EPOCHS, EPOCH_BATCHES, LR = 3, 3, 1e-2
TURNS: dict[str, dict[str, int]] = {
    "frequency": {"frequency": 2},
    "accumulation": {"accumulate_grad_batches": 2},
    "both": {"frequency": 2, "accumulate_grad_batches": 2},
}
TASKS = {
    "classification": ("backbone", "head"),
    "gan": ("discriminator", "generator"),
}


def expected_batches(turns: dict[str, int]) -> list[int]:
    """The batches that end in a step."""
    found, waiting = [], 0
    for batch in range(1, EPOCHS * EPOCH_BATCHES + 1):
        waiting += batch % turns.get("frequency", 1) == 0
        if waiting == turns.get("accumulate_grad_batches", 1) or (
            waiting and batch % EPOCH_BATCHES == 0
        ):
            found.append(batch)
            waiting = 0
    return found


def record() -> dict[int, list[tuple[int, float]]]:
    """For each optimizer the batch and the rate of its steps."""
    from sample_run.train import parse_arguments, train

    steps: dict[int, list[tuple[int, float]]] = {0: [], 1: []}

    class Record(pl.Callback):
        batch = 0

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            for at, optimizer in enumerate(trainer.optimizers):
                optimizer.register_step_pre_hook(self.note(at))

        def on_train_batch_start(self, *_: Any) -> None:
            self.batch += 1

        def note(self, at: int) -> Callable[..., None]:
            def noted(optimizer: Any, *_: Any) -> None:
                steps[at].append((self.batch, float(optimizer.param_groups[0]["lr"])))

            return noted

    train(parse_arguments([]), [Record()])
    return steps


# Of one loss, turns and accumulation do not go together.
CASES = [case for case in product(TASKS, TURNS) if case != ("classification", "both")]


@pytest.mark.parametrize(("task", "turns"), CASES)
def test_it_steps_as_its_spec_says(task: str, turns: str, tmp_path: Path) -> None:
    first, second = TASKS[task]
    own = {"name": "SGD", "lr": LR, "scheduler": {"name": "cosine"}, **TURNS[turns]}
    spec = {
        "task": task,
        "data": {"batch_size": 480},
        "optimizers": {first: own, second: {"name": "SGD", "lr": LR}},
        "trainer": {"max_epochs": EPOCHS},
    }
    steps = in_project(project(spec, tmp_path), record)
    batches = expected_batches(TURNS[turns])
    assert [batch for batch, _ in steps[0]] == batches
    rates = [LR * (1 + math.cos(math.pi * at / len(batches))) / 2 for at in range(len(batches))]
    assert [rate for _, rate in steps[0]] == pytest.approx(rates)
    assert steps[1] == [(batch, LR) for batch in range(1, EPOCHS * EPOCH_BATCHES + 1)]
