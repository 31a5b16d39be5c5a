"""Scenarios with a known right answer; scenarios/README.md says how they are written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.merging import Result, merge
from support.oracles import faults
from support.projects import in_project, lay_out
from support.scenarios import Scenario, look_at, scenarios

from lightgen.tree import Tree


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
        assert scenario.failed_checks(result.tree) == []
        return
    import pytorch_lightning
    import torch

    assert pytorch_lightning and torch  # imported once, before the child is forked
    assert in_project(root, evaluating(scenario.checks, result.tree)) == []


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
