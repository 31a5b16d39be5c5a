"""The simulated learning rates are those of a real run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from support.checks import Edit, copy_golden
from support.projects import in_project

CASES = {
    "steps": ("adamw-transformer-cosine", ()),
    "accumulated": ("sgd-onecycle-accumulate", ()),
    "accumulated unevenly": (
        "sgd-onecycle-accumulate",
        (Edit("train.py", "ACCUMULATE = 2", "ACCUMULATE = 4"),),
    ),
    "epochs": ("patterns", ()),
    "every second epoch": (
        "patterns",
        (Edit("module.py", '"name": "lr"', '"name": "lr", "frequency": 2'),),
    ),
    "every fourth step, counted in each epoch": (
        "muon-wsd",
        (Edit("module.py", '"name": "lr"', '"name": "lr", "frequency": 4'),),
    ),
    "cut by steps": (
        "sequential",
        (Edit("train.py", "type=int, default=-1", "type=int, default=40"),),
    ),
    "a hook that moves by the epoch": (
        "adamw-transformer-cosine",
        (
            Edit(
                "module.py",
                "    def on_fit_start(",
                "    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:\n"
                "        scheduler.step(10 * self.current_epoch)\n\n    def on_fit_start(",
            ),
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_real_run_has_the_simulated_rates(case: str, tmp_path: Path) -> None:
    import pytorch_lightning  # noqa: F401  once, before children are forked
    import sklearn.datasets  # noqa: F401

    name, edits = CASES[case]
    root = copy_golden(name, tmp_path, *edits)
    place = tmp_path / "place"
    place.mkdir()

    def act() -> Any:
        from lightgen.check.launch import observer, open_project
        from lightgen.check.planned import plan
        from lightgen.check.simulate import simulate
        from lightgen.check.sources import find_sources

        sys.argv = ["train"]
        launcher = open_project(find_sources(root))
        shorter = {"max_epochs": 3} if case != "cut by steps" else {}
        simulated = simulate(plan(launcher._launch(shorter)))
        real: list[list[float]] = []

        def record(trainer: Any, module: Any, optimizer: Any) -> None:
            real.append([float(group["lr"]) for group in optimizer.param_groups])

        launcher._launch(shorter).fit(observer(launcher.pl, on_before_optimizer_step=record))
        return simulated.rates, real, simulated.whole

    simulated, real, whole = in_project(place, act)
    assert whole
    assert len(simulated) == len(real) > 30
    assert simulated == real
