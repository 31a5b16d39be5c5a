"""What is written for any spec passes the linter and the formatter that it comes with.

CI renders a part of each matrix; `python -m pytest tests/matrix --matrix=all` renders all.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import others
import several
import specs
from support.projects import plan_of, project

from lightgen.problems import InputError

# One of so many is rendered in CI.
SPARSE = 4
Spec = dict[str, Any]
MATRICES: dict[str, Callable[[], tuple[Spec, ...]]] = {
    "of one optimizer": specs.matrix,
    "of several": several.matrix,
    "of other packages": others.matrix,
}
# What no matrix has, and files of their own come from.
TRAINERS: list[Spec] = [
    {},
    {"strategy": "ddp", "devices": 2},
    {"strategy": "fsdp2", "devices": 2},
    {"strategy": "fsdp", "accelerator": "gpu"},
    {"strategy": "deepspeed_stage_2", "accelerator": "gpu"},
    {"precision": "bf16-true"},
    {"precision": "64-true"},
    {"max_steps": 40, "accumulate_grad_batches": 3},
]
LAUNCHERS: list[Spec] = [{}, {"slurm": {}}, {"torchrun": {}}, {"ray": {}}]


@pytest.mark.parametrize("name", MATRICES)
def test_it_is_tidy(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    step = 1 if pytestconfig.getoption("--matrix") == "all" else SPARSE
    for number, spec in enumerate(MATRICES[name]()[::step]):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        project(_with_more(spec, random.Random(number)), folder)
    for words in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]


def _with_more(spec: Spec, draw: random.Random) -> Spec:
    """The spec with a strategy, a precision and a launcher, if they go with it."""
    trainer = {**spec["trainer"], **draw.choice(TRAINERS)}
    for more in ({"trainer": trainer, "launchers": draw.choice(LAUNCHERS)}, {"trainer": trainer}):
        try:
            plan_of({**spec, **more})
        except InputError:
            continue
        return {**spec, **more}
    return spec
