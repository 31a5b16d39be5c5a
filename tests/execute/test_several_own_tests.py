"""Projects with ways of training that go together: their own tests hold."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
from support.projects import in_project, project, run_pytest

SMALL: dict[str, Any] = {"data": {"batch_size": 480}, "model": {"width": 16}}
LATE = {"name": "ema", "start_epoch": 1}


def two(backbone: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    """The table of two optimizers."""
    return {
        "backbone": {"name": "SGD", "lr": 0.1, **backbone},
        "head": {"name": "AdamW", "lr": 1e-3, **head},
    }


LAYERS = {"groups": {"backbone": {"layer_decay": 0.5, "warmup_steps": 5, "schedule": "cosine"}}}
WAITING = {"scheduler": {"name": "wsd"}, "accumulate_grad_batches": 3}
# Of an epoch's three batches the last is a turn in every second epoch.
TURNS = {"frequency": 2}
# Not once in an epoch, nor in what the tests train.
SELDOM = {"frequency": 30, "gradient_clip_val": 0.5, "scheduler": {"name": "cosine"}}
REST_OF_ONE = {"backbone": {"freeze": "until_epoch:1"}}
RESTING = {"groups": REST_OF_ONE}
SPECS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "averaged gan": (
        {"task": "gan", "data": {"batch_size": 480}, "averaging": {"name": "ema"}},
        ["averaging"],
    ),
    "averaged from an epoch on": (
        {**SMALL, "optimizers": two(TURNS, TURNS), "averaging": LATE},
        ["averaging"],
    ),
    "layers of one": (
        {
            **SMALL,
            "model": {"width": 16, "gradient_checkpointing": True},
            "optimizers": two(LAYERS, WAITING),
            "averaging": LATE,
        },
        ["averaging", "layers", "schedule", "steps"],
    ),
    "a least length": (
        {**SMALL, "optimizers": two(WAITING, {}), "trainer": {"min_epochs": 3}},
        ["steps"],
    ),
    "one in double precision": ({**SMALL, "trainer": {"precision": "64-true"}}, ["training"]),
    "one in bfloat16": ({**SMALL, "trainer": {"precision": "bf16-true"}}, ["training"]),
    "two passes in a transfer": (
        {
            "task": "transfer",
            "data": {"batch_size": 480},
            "optimizer": {"name": "custom", "skeleton": "two-closure"},
        },
        ["training", "two_passes"],
    ),
    "at rest at first, in a transfer": (
        {"task": "transfer", "data": {"batch_size": 480}, "groups": {**REST_OF_ONE, "head": {}}},
        ["unfreezing"],
    ),
    "at rest for good and at first": (
        {
            **SMALL,
            "groups": {"stem": {"freeze": True}, **REST_OF_ONE, "head": {}},
            "trainer": {"precision": "64-true"},
        },
        ["unfreezing"],
    ),
    "an average in bfloat16": (
        {**SMALL, "trainer": {"precision": "bf16-true"}, "averaging": {"name": "ema"}},
        ["averaging", "training"],
    ),
    "a state from the start": ({**SMALL, "optimizer": {"name": "Adagrad"}}, ["training"]),
    "a chain of one of two": (
        {**SMALL, "optimizers": two({**TURNS, "scheduler": {"name": "ChainedScheduler"}}, {})},
        ["training"],
    ),
    "turns that are seldom": (
        {"data": {"batch_size": 1437}, "optimizers": two({**SELDOM, **RESTING}, {})},
        ["schedule", "steps", "training", "unfreezing"],
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_its_own_tests_hold(name: str, tmp_path: Path) -> None:
    spec, modules = SPECS[name]
    folder = project(spec, tmp_path)
    paths = [f"tests/test_{module}.py" for module in modules]
    code = in_project(folder, lambda: run_pytest(*paths))
    assert code == 0, (folder / "child.log").read_text()[-5000:]


def test_a_picture_is_drawn_by_the_average(tmp_path: Path) -> None:
    spec = {"task": "gan", "data": {"batch_size": 480}, "averaging": {"name": "ema"}}
    folder = project(spec, tmp_path)

    def last_picture_is_of_the_end() -> int:
        import torch
        from matplotlib.image import imread

        package = import_module(f"{spec_package(folder)}.train")
        model = import_module(f"{spec_package(folder)}.model")
        # When a run ends, its weights are those of the average.
        task = package.train(package.parse_arguments(["--max-epochs=2"])).lightning_module.eval()
        with torch.no_grad():
            drawn = task(model.sample_noise(64, next(task.parameters()), seed=0))
        tiles = torch.as_tensor(imread(max(folder.rglob("epoch_*.png"))))[::4, ::4, 0]
        rows = drawn.squeeze(1).unflatten(0, (8, 8)).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
        assert (tiles - rows.clamp(0, 1)).abs().max() < 2 / 255
        return 0

    assert in_project(folder, last_picture_is_of_the_end) == 0, (folder / "child.log").read_text()


def spec_package(folder: Path) -> str:
    """The name of the package that a project has."""
    return next((folder / "src").iterdir()).name
