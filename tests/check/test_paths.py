"""What the spec names by a path, and the environment or the package does not have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from support.checks import told_by
from support.projects import lay_out, plan_of

from lightgen.check.proof import NAMES
from lightgen.render.project import render_project

LOCAL = """
import torch
from torch.optim.lr_scheduler import LambdaLR


class Fading(LambdaLR):
    def __init__(self, optimizer, half_life, **options):
        super().__init__(optimizer, lambda epoch: 0.5 ** (epoch / half_life))


def fading(optimizer, half_life, floor=0.0):
    return LambdaLR(optimizer, lambda epoch: max(floor, 0.5 ** (epoch / half_life)))
"""


def project(folder: Path, scheduler: dict[str, Any], local: str = LOCAL) -> Path:
    root = folder / "project"
    lay_out(render_project(plan_of({"scheduler": scheduler})), root)
    (root / "lightgen.toml").write_text(
        '[project]\npackage = "sample_run"\n[scheduler]\n'
        + "".join(f"{key} = {value!r}\n" for key, value in scheduler.items())
    )
    package = root / "src" / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "schedules.py").write_text(local)
    return root


def proofs_of(told: list[Any]) -> dict[str, Any]:
    return {each["proof"]["name"]: each["proof"] for each in told if "proof" in each}


def test_a_package_that_is_not_installed(tmp_path: Path) -> None:
    told = told_by(project(tmp_path, {"name": "not_there.schedules.Fading"}), tmp_path)
    what = f"the package 'not_there' is not installed for {sys.executable}"
    assert {"where": "scheduler.name", "what": what, "todo": "pip install -e ."} in [
        each for message in told for each in message.get("problems", ())
    ]
    assert not proofs_of(told)


FAULTS = [
    (
        {"name": "mine.schedules.Fadin", "half_life": 2},
        "scheduler.name: mine.schedules has no 'Fadin'; did you mean 'Fading'?",
    ),
    (
        {"name": "mine.schedule.Fading", "half_life": 2},
        "scheduler.name: mine has no 'schedule'",
    ),
    (
        {"name": "mine.schedules.fading", "half_live": 2},
        "scheduler.half_live: mine.schedules.fading has no argument 'half_live'; "
        "did you mean 'half_life'?",
    ),
    (
        {"name": "mine.schedules.fading", "floor": 0.1},
        "scheduler.half_life: mine.schedules.fading cannot be called without 'half_life'",
    ),
]


@pytest.mark.parametrize(("scheduler", "says"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_what_a_package_does_not_have(scheduler: dict[str, Any], says: str, tmp_path: Path) -> None:
    proofs = proofs_of(told_by(project(tmp_path, scheduler), tmp_path))
    assert list(proofs) == list(NAMES)
    assert not any(proof["holds"] for proof in proofs.values())
    assert proofs["start"]["what"] == says


def test_what_the_import_of_a_package_raises_is_told_with_its_place(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        {"name": "mine.schedules.Fading", "half_life": 2},
        "\nraise RuntimeError('no licence')\n",
    )
    start = proofs_of(told_by(root, tmp_path))["start"]
    assert start["what"] == (
        "scheduler.name: mine.schedules.Fading cannot be imported: "
        "RuntimeError: no licence, at src/mine/schedules.py:2"
    )


def test_an_argument_that_a_class_swallows_deserves_a_word(tmp_path: Path) -> None:
    root = project(tmp_path, {"name": "mine.schedules.Fading", "half_life": 2, "flor": 0.1})
    proofs = proofs_of(told_by(root, tmp_path, ["start"]))
    assert proofs["start"]["holds"]
    what = "takes 'flor' in its **kwargs; no class of it names it"
    assert f"scheduler.flor: mine.schedules.Fading {what}" in proofs["start"]["detail"]


def test_code_that_was_edited_away_from_the_spec_is_the_truth(tmp_path: Path) -> None:
    root = project(tmp_path, {"name": "mine.schedules.fading", "half_live": 2})
    optim = root / "src" / "sample_run" / "optim.py"
    optim.write_text(optim.read_text().replace("half_live=2", "half_life=2"))
    proofs = proofs_of(told_by(root, tmp_path, ["start", "curve"]))
    assert all(proof["holds"] for proof in proofs.values()), proofs
    spec = root / "lightgen.toml"
    spec.write_text(spec.read_text().replace("mine.schedules", "gone.schedules"))
    (tmp_path / "again").mkdir()
    proofs = proofs_of(told_by(root, tmp_path / "again", ["start"]))
    assert proofs["start"]["holds"]
