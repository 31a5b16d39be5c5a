"""Train projects with schedules by path, and the schedules in their packages' own loops.

    python run_schedules.py FOLDER < CASES

Reads cases as JSON (name: scheduler, groups, ...), has each project trained by Lightning, stopped
and resumed, and writes the rates at every optimizer step beside those of the package's own loop.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from support.projects import lay_out, plan_of

BATCHES, EPOCHS, ACCUMULATE = 5, 4, 2
UPDATES = 3  # optimizer steps an epoch: the last batch makes one, too
# At an epoch's end, and in the middle of one.
KEPT = ("kept-epoch=1", f"kept-step={UPDATES + 2}")
TRAINER = {
    "max_epochs": EPOCHS,
    "limit_train_batches": BATCHES,
    "limit_val_batches": 1,
    "accumulate_grad_batches": ACCUMULATE,
}


def spec_of(name: str, case: dict[str, Any]) -> dict[str, Any]:
    """A small classifier with two groups unless the case says otherwise."""
    groups = case.get("groups", {"backbone": {"lr": 0.01}, "head": {"lr": 0.1}})
    return {
        "project": {"package": f"run_{name.lower()}"},
        "model": {"width": 8},
        "optimizer": {"name": "SGD", "momentum": 0.0},
        "groups": groups,
        "scheduler": case["scheduler"],
        "trainer": TRAINER,
    }


def run_case(name: str, case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The rates of the project's run, of one that is resumed, and of the package's own loop."""
    from lightgen.render.project import render_project

    spec = spec_of(name, case)
    lay_out(render_project(plan_of(spec)), folder)
    sys.path.insert(0, str(folder / "src"))
    train = importlib.import_module(f"{spec['project']['package']}.train")
    whole = _run(train, folder / "whole", [])
    resumed = {
        kept: _run(train, folder / kept, [f"--ckpt-path={folder / 'whole' / kept}.ckpt"])
        for kept in KEPT
    }
    own = own_loop(case, [group["lr"] for group in spec["groups"].values()])
    return {"run": whole, "resumed": resumed, "own": own}


def _run(train: Any, folder: Path, words: list[str]) -> list[list[float]]:
    import pytorch_lightning as pl

    rates: list[list[float]] = []

    class Recorder(pl.Callback):
        """Rates at each optimizer step; checkpoints at an epoch's end and in the middle of one."""

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            rates.append([float(group["lr"]) for group in optimizer.param_groups])

    folder.mkdir()
    keep = {"dirpath": str(folder), "save_top_k": -1}
    callbacks: list[Any] = [Recorder()]
    if not words:
        callbacks += [
            pl.callbacks.ModelCheckpoint(filename="kept-{epoch}", every_n_epochs=2, **keep),
            pl.callbacks.ModelCheckpoint(
                filename="kept-{step}", every_n_train_steps=UPDATES + 2, **keep
            ),
        ]
    with contextlib.chdir(folder):
        train.train(train.parse_arguments(words), callbacks)
    return rates


def own_loop(case: dict[str, Any], lrs: list[float]) -> list[list[float]]:
    """The loop that the package's documentation and training script show."""
    import torch

    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in lrs]
    optimizer = torch.optim.SGD(groups, lr=1e-3)
    module, _, made = case["scheduler"]["name"].rpartition(".")
    schedule = getattr(importlib.import_module(module), made)(optimizer, **case["own"])
    rates, updates = [], 0
    for epoch in range(EPOCHS):
        for _ in range(UPDATES):
            rates.append([float(group["lr"]) for group in optimizer.param_groups])
            optimizer.step()
            updates += 1
            if module.startswith("timm"):
                schedule.step_update(num_updates=updates)
            elif case["interval"] == "step":
                schedule.step()
        if module.startswith("timm"):
            schedule.step(epoch + 1, None)
        elif case["interval"] == "epoch":
            schedule.step()
    return rates


def main() -> None:
    """Run the cases in one process: their packages take longer to import than to run."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    found = {}
    for name, case in json.load(sys.stdin).items():
        place = folder / name
        place.mkdir()
        found[name] = run_case(name, case, place)
    json.dump(found, lines)


if __name__ == "__main__":
    main()
