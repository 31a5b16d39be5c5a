"""Runs of DeepSpeed go on as they were, or say what differs: here in one process, on a CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from support import deepspeed_on_cpu
from support.projects import project

needs_deepspeed = pytest.mark.skipif(
    find_spec("deepspeed") is None, reason="DeepSpeed is not installed"
)
LENGTH = ("--run-name=first", "--max-epochs=2")
NO_SCHEDULE = "not possible, DeepSpeed restores rates together with moments"


def spec_of(stage: int) -> dict[str, object]:
    return {
        "optimizer": {"name": "AdamW", "lr": 1e-3},
        "scheduler": {"name": "cosine", "warmup_steps": 5},
        "trainer": {"strategy": f"deepspeed_stage_{stage}", "devices": 1, "accelerator": "gpu"},
        "launchers": {"torchrun": {}},
    }


def test_its_names_are_those_of_lightning() -> None:
    from pytorch_lightning.strategies import StrategyRegistry

    from lightgen.catalogue.strategies import DEEPSPEED

    theirs = {name for name in StrategyRegistry if name.startswith("deepspeed")}
    assert DEEPSPEED.keys() == theirs
    for name, options in DEEPSPEED.items():
        assert StrategyRegistry[name]["init_params"] == options


@needs_deepspeed
@pytest.mark.parametrize("stage", [2, 3])
def test_a_run_goes_on_as_it_was_or_says_what_differs(stage: int, tmp_path: Path) -> None:
    for name in ("uncut", "cut"):
        (tmp_path / name).mkdir()
    uncut, cut = (project(spec_of(stage), tmp_path / name) for name in ("uncut", "cut"))
    for folder in (uncut, cut):
        # The machine has no GPU.
        train = next(folder.rglob("train.py"))
        train.write_text(train.read_text().replace('accelerator="gpu"', 'accelerator="cpu"'))
    expected = run(uncut, *LENGTH)
    run(cut, "--cut-at", "1", *LENGTH, code=9)
    optim = next((cut / "src").rglob("optim.py"))
    code = optim.read_text()
    optim.write_text(code.replace('rates.get("*", 1e-3)', 'rates.get("*", 2e-3)'))
    said = run(cut, *LENGTH, code=1)
    assert "groups.all.initial_lr was 0.001, is 0.002" in said
    assert f"schedule: {NO_SCHEDULE}" in said
    last = next(cut.rglob("last.ckpt"))
    said = run(cut, *LENGTH, f"--ckpt-path={last}", "--resume=schedule", code=1)
    assert f"--resume schedule: {NO_SCHEDULE}" in said
    begun = run(cut, "--max-epochs=1", f"--ckpt-path={last}", "--resume=weights")
    assert "all/no_decay  3        522         0.002  0" in begun
    assert "after 1 epochs" in begun
    went_on = run(cut, *LENGTH, f"--ckpt-path={last}", "--resume=exact")
    assert losses(cut) == losses(uncut)
    assert went_on.splitlines()[-3] == expected.splitlines()[-3]


def losses(folder: Path) -> str:
    """The last line of what was logged: the validation of the last epoch."""
    logs = sorted(folder.glob("runs/first/version_*/metrics.csv"))
    return logs[-1].read_text().splitlines()[-1]


def run(folder: Path, *words: str, code: int = 0) -> str:
    package = next((folder / "src").iterdir()).name
    done = subprocess.run(
        [sys.executable, deepspeed_on_cpu.__file__, package, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "src"), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr * bool(code)
