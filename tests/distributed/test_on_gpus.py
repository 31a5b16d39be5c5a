"""Strategies and optimizers that run on GPUs only: they train, and go on from a checkpoint."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.projects import project

# Groups without decay by shape, where parameters may come flattened.
PLAIN: dict[str, Any] = {"name": "Adam", "lr": 1e-3}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "fsdp2": ("", {"trainer": {"strategy": "fsdp2"}}),
    "fsdp2 in bf16": ("", {"trainer": {"strategy": "fsdp2", "precision": "bf16-mixed"}}),
    "fsdp": ("", {"trainer": {"strategy": "fsdp"}, "optimizer": PLAIN}),
    "deepspeed": ("deepspeed", {"trainer": {"strategy": "deepspeed_stage_2"}, "optimizer": PLAIN}),
    "8 bits, bitsandbytes": (
        "bitsandbytes",
        {"optimizer": {"name": "bitsandbytes.optim.Adam8bit"}},
    ),
    "8 bits, torchao": ("torchao", {"optimizer": {"name": "torchao.optim.Adam8bit"}}),
}


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES)
def test_it_trains_on_gpus_and_goes_on(case: str, tmp_path: Path) -> None:
    package, spec = CASES[case]
    if package and find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    trainer = {"accelerator": "gpu", "max_epochs": 1, **spec.get("trainer", {})}
    trainer.setdefault("devices", 1)
    folder = project({**spec, "trainer": trainer}, tmp_path)
    said = train(folder, "--max-epochs=1")
    assert "val/accuracy" in said
    last = next(folder.rglob("last.ckpt"))
    assert "val/accuracy" in train(folder, "--max-epochs=2", f"--ckpt-path={last}")


def train(folder: Path, *words: str) -> str:
    """Run the project's command; what it prints."""
    package = next((folder / "src").iterdir()).name
    done = subprocess.run(
        [sys.executable, "-m", f"{package}.train", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
