"""Scenarios with a known right answer; scenarios/README.md says how they are written."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.merging import Result, merge
from support.oracles import faults
from support.projects import in_project, lay_out
from support.scenarios import Scenario, scenarios

from lightgen.tree import Tree

PATHS = {
    "MODULE": "src/flowers/module.py",
    "MODEL": "src/flowers/model.py",
    "OPTIM": "src/flowers/optim.py",
    "CALLBACKS": "src/flowers/callbacks.py",
    "TRAIN": "src/flowers/train.py",
    "DATA": "src/flowers/data.py",
    "PYPROJECT": "pyproject.toml",
    "CONFIG": "configs/train.toml",
    "README": "README.md",
}


def merged(scenario: Scenario) -> Result:
    return merge(scenario.base, scenario.yours, scenario.new)


def test_there_are_many() -> None:
    assert len(scenarios()) >= 75


@pytest.mark.parametrize("scenario", scenarios(), ids=str)
def test_a_scenario_has_its_right_answer(scenario: Scenario) -> None:
    result = merged(scenario)
    assert faults(scenario.base, scenario.yours, scenario.new, result) == []
    if result.conflicts and scenario.may_conflict:
        return
    assert bool(result.conflicts) == scenario.must_conflict, "\n".join(result.conflicts)
    assert scenario.faults(result.tree) == []
    for path, words in scenario.note.items():
        (outcome,) = (each for each in result.outcomes if each.path == path)
        assert all(word in " ".join(outcome.notes) for word in words), outcome.notes


@pytest.mark.parametrize("scenario", [each for each in scenarios() if each.checks], ids=str)
def test_a_merged_project_does_what_both_sides_want(scenario: Scenario, tmp_path: Path) -> None:
    """The checks of a folder; a conflict is checked as text, since it does not run."""
    result = merged(scenario)
    root = lay_out(result.tree, tmp_path / "flowers")
    if result.conflicts:
        where = look_at(result.tree)
        left = [check for check in scenario.checks if not _needs_running(check)]
        assert [check for check in left if not eval(check, where)] == []
        return
    import pytorch_lightning
    import torch

    assert pytorch_lightning and torch  # imported once, before the child is forked
    assert in_project(root, evaluating(scenario.checks, result.tree)) == []


def _needs_running(check: str) -> bool:
    words = ("opt[", "m.", "m,", "groups", "fit")
    return any(word in check for word in words)


def look_at(tree: Tree) -> dict[str, Any]:
    """What checks of the text see."""
    texts = {path: file.content.decode(errors="replace") for path, file in tree.items()}
    return {
        **PATHS,
        "src": texts,
        "raw": {path: file.content for path, file in tree.items()},
        "names": set(tree),
        "toml": tomllib.loads(texts["pyproject.toml"]),
        "cfg": tomllib.loads(texts["configs/train.toml"]),
    }


def evaluating(checks: tuple[str, ...], tree: Tree) -> Callable[[], list[str]]:
    """Run the project in a child and return the checks that do not hold."""

    def evaluate() -> list[str]:
        import torch
        from flowers.module import FlowersModule  # type: ignore[import-not-found]
        from flowers.train import main  # type: ignore[import-not-found]

        module = FlowersModule()
        opt = module.configure_optimizers()
        where = look_at(tree) | {
            "m": module,
            "opt": opt,
            "groups": opt["optimizer"].param_groups,
            "fit": main(["--fast-dev-run"]).state.finished,
            "torch_randn": torch.randn,
        }
        return [check for check in ("fit", *checks) if not eval(check, where)]

    sys.dont_write_bytecode = True
    return evaluate
