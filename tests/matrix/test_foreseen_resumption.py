"""`lightgen resume-plan` foretells what the Trainer does, for whatever changes after a checkpoint.

CI runs a part of the sample; `python -m pytest tests/matrix --matrix=all` runs the whole sample.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch
import lightning.pytorch.loggers
import pytest
import pytorch_lightning
import pytorch_lightning.loggers
import sklearn.datasets  # imported once, before the children are forked
import tensorboard
import torch
import torchmetrics

sys.path.insert(0, str(Path(__file__).parent))
import specs
from support.projects import plan_of, project
from support.resuming import checkpoint_of, must_agree, resumptions

from lightgen.plan.whole import Plan
from lightgen.problems import InputError
from lightgen.render.project import render_project

IMPORTED = (lightning, pytorch_lightning, sklearn, tensorboard, torch, torchmetrics)
# Every so many of the sample.
SPARSE = 6
LONGER = ["--max-epochs=7", "--max-steps=-1"]

Spec = dict[str, Any]
CHANGES: dict[str, Callable[[Spec], Spec]] = {
    "rate": lambda spec: {**spec, "optimizer": {**spec["optimizer"], "lr": 0.0123}},
    "decay": lambda spec: {**spec, "optimizer": {**spec["optimizer"], "weight_decay": 0.031}},
    "schedule": lambda spec: {**spec, "scheduler": {"name": "StepLR", "step_size": 1}},
    "no schedule": lambda spec: {key: spec[key] for key in spec if key != "scheduler"},
    "order": lambda spec: {**spec, "groups": dict(reversed(spec["groups"].items()))},
    "epochs": lambda spec: spec,
    "optimizer": lambda spec: {**spec, "optimizer": {"name": "NAdam"}},
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = metafunc.config.getoption("--matrix")
    numbers = specs.sample() if wanted == "all" else specs.sample()[::SPARSE]
    ids = [f"{number}-{specs.title(specs.matrix()[number])}" for number in numbers]
    metafunc.parametrize("number", numbers, ids=ids)


def test_what_is_foretold_comes(number: int, tmp_path: Path) -> None:
    spec = specs.matrix()[number]
    before = project(spec, tmp_path / "before")
    after = project(_changed(spec, number), tmp_path / "after")
    checkpoint = checkpoint_of(before)
    for choice, (foretold, began) in resumptions(after, checkpoint, *LONGER).items():
        must_agree(foretold, began, choice)


def _changed(spec: Spec, number: int) -> Spec:
    """The spec with the change of this number, or the next one that suits it.

    What a change makes another network of is not resumed: its weights are others.
    """
    network = network_of(plan_of(spec))
    for at in range(len(CHANGES)):
        changed = list(CHANGES.values())[(number + at) % len(CHANGES)](spec)
        try:
            plan = plan_of(changed)
        except InputError:
            continue
        if network_of(plan) == network:
            return changed
    raise AssertionError


def network_of(plan: Plan) -> str:
    """The code of the network."""
    return render_project(plan)["src/sample_run/model.py"]
