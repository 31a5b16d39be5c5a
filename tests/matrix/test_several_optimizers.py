"""Several optimizers: each steps in its batches, at the rates of its schedule, as its spec says.

CI runs a fixed sample; `python -m pytest tests/matrix --matrix=all` runs every spec.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import sklearn.datasets  # noqa: F401  imported once, before the children are forked
import torchmetrics  # noqa: F401

sys.path.insert(0, str(Path(__file__).parent))
import several
from support.projects import in_project, project


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--matrix")
        numbers = range(len(several.matrix())) if wanted == "all" else several.sample()
        ids = [f"{number}-{several.title(several.matrix()[number])}" for number in numbers]
        metafunc.parametrize("number", numbers, ids=ids)


def record() -> dict[str, Any]:
    """The groups as written, and of each optimizer the batch and the rates of its steps."""
    from sample_run.optim import parameter_groups
    from sample_run.train import parse_arguments, train

    steps: dict[int, list[tuple[int, list[float]]]] = {0: [], 1: []}

    class Record(pl.Callback):
        batch = 0

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            for at, optimizer in enumerate(trainer.optimizers):
                optimizer.register_step_pre_hook(self.note(at))

        def on_train_batch_start(self, *_: Any) -> None:
            self.batch += 1

        def note(self, at: int) -> Callable[..., None]:
            def noted(optimizer: Any, *_: Any) -> None:
                rates = [float(group["lr"]) for group in optimizer.param_groups]
                steps[at].append((self.batch, rates))

            return noted

    model = train(parse_arguments([]), [Record()]).lightning_module.model
    written = {group["name"]: group["lr"] for group in parameter_groups(model, {})}
    return {"steps": steps, "written": written}


def test_it_steps_as_its_spec_says(number: int, tmp_path: Path) -> None:
    spec = several.matrix()[number]
    found = in_project(project(spec, tmp_path), record)
    for at, (name, own) in enumerate(spec["optimizers"].items()):
        groups = own.get("groups", {name: {}})
        rates = [rate for group, rate in found["written"].items() if group.split("/")[0] in groups]
        assert max(rates) == several.LR
        batches = [batch for batch, _ in found["steps"][at]]
        assert batches == several.expected_batches(own)
        expected = several.expected_rates(own, rates)
        for (batch, now), then in zip(found["steps"][at], expected, strict=True):
            assert now == pytest.approx(then), (name, batch)
