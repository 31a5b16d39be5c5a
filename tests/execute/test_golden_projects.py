"""The golden projects do what they say: they train on real data, and their own tests pass."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import tensorboard  # noqa: F401
import torch
import torchmetrics  # noqa: F401
from support.peers import golden_parameters
from support.projects import in_project, run_pytest

GOLDEN = Path(__file__).parents[2] / "golden" / "projects"
PROJECTS = sorted(path.parent.name for path in GOLDEN.glob("*/lightgen.toml"))
# What a run must reach: well above chance, below what it was seen to reach.
LEAST = {"val/accuracy": 0.9, "val/r2": 0.4}
# A frozen random stem leaves less, and so do few samples, and few steps (0.92 after ten epochs).
LEAST_OF = {"frozen-cnn-warmup": 0.85, "transfer": 0.7, "composite": 0.7}
# What falls: characters drawn by their frequency alone leave a loss of 3.2, and samples of a
# generator after one epoch a distance of 0.42.
MOST = {"val/loss": 2.2, "val/distance": 0.28}


@pytest.fixture(params=golden_parameters(PROJECTS))
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    name: str = request.param
    shutil.copytree(GOLDEN / name, tmp_path / name)
    return name, tmp_path / name


def train_by_command(package: str, *argv: str) -> Callable[[], tuple[dict[str, float], str]]:
    """Train as the command does, with every warning an error; the metrics and what it printed."""

    def act() -> tuple[dict[str, float], str]:
        import importlib
        import warnings

        warnings.simplefilter("error")
        module = importlib.import_module(f"{package}.train")
        trainer = module.train(module.parse_arguments(list(argv)))
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return metrics, "\n".join(module.report(trainer))

    return act


def run_own_tests() -> int:
    """With the project's own configuration, but every warning that it doesn't filter an error."""
    configured = tomllib.loads(Path("pyproject.toml").read_text())
    filters = ["error", *configured["tool"]["pytest"]["ini_options"]["filterwarnings"]]
    return run_pytest("--override-ini=filterwarnings=" + "\n".join(filters))


def package_of(folder: Path) -> str:
    return next((folder / "src").iterdir()).name


def check_result(name: str, metrics: dict[str, float], report: str) -> None:
    metric = next(each for each in (*LEAST, "val/distance", "val/loss") if each in metrics)
    if metric in MOST:
        assert metrics[metric] <= MOST[metric], metrics
    else:
        assert metrics[metric] >= LEAST_OF.get(name, LEAST[metric]), metrics
    assert f"best {metric}" in report
    assert "last.ckpt" in report


def test_it_trains_on_real_data(golden: tuple[str, Path]) -> None:
    name, folder = golden
    if name == "fsdp2":
        pytest.skip("it starts a process for each device: tests/distributed does that")
    argv = ["--plot"] if name == "defaults" else []
    metrics, report = in_project(folder, train_by_command(package_of(folder), *argv))
    check_result(name, metrics, report)
    if argv:
        assert next(folder.rglob("curves.png")).stat().st_size > 10_000


def test_its_own_tests_pass(golden: tuple[str, Path]) -> None:
    _, folder = golden
    assert in_project(folder, run_own_tests) == 0, (folder / "child.log").read_text()[-5000:]


@pytest.mark.gpu
def test_it_trains_on_a_gpu(golden: tuple[str, Path]) -> None:
    name, folder = golden
    if name == "fsdp2":
        pytest.skip("it starts a process for each device: tests/distributed does that")

    def act() -> Any:
        metrics, report = train_by_command(package_of(folder))()
        return metrics, report, torch.cuda.max_memory_allocated()

    metrics, report, memory = in_project(folder, act)
    check_result(name, metrics, report)
    assert memory > 0


@pytest.mark.gpu
def test_its_own_tests_pass_on_a_gpu(golden: tuple[str, Path]) -> None:
    _, folder = golden
    assert in_project(folder, run_own_tests) == 0, (folder / "child.log").read_text()[-5000:]
