"""Skeletons of custom optimizers on the command line: from one to another and back."""

from __future__ import annotations

import pytest
from support.command import Lightgen
from support.editing import Project

SAM = ("--set", "optimizer.skeleton=two-closure")
SHAMPOO = ("--set", "optimizer.skeleton=every-k")
PLAIN = ("--set", "optimizer.skeleton=")
CLASS = "src/run/custom_optimizer.py"
TWO_PASSES = "tests/test_two_passes.py"


@pytest.fixture
def sam(lightgen: Lightgen) -> Project:
    flags = ("--optimizer", "custom", *SAM, "--set", "optimizer.rho=0.1")
    return Project(lightgen, *flags, "--groups", "backbone:x0.1,rho=0.02,head:x1")


def test_a_skeleton_may_be_quoted_and_in_any_case(lightgen: Lightgen) -> None:
    given = ("--optimizer", "custom", "--set", 'optimizer.skeleton="Two-Closure"')
    project = Project(lightgen, *given)
    assert "class SAM(Optimizer)" in project.text(CLASS)


def test_another_skeleton_drops_what_it_does_not_take(lightgen: Lightgen, sam: Project) -> None:
    k = ("--set", "optimizer.precondition_every_steps=5")
    outcome = lightgen.done("update", "run", *SHAMPOO, *k)
    assert outcome.notes == [
        "every-k has no argument rho: optimizer.rho is dropped",
        "every-k has no argument rho: groups.backbone.rho is dropped",
    ]
    assert "precondition_every_steps=5," in sam.text("src/run/optim.py")
    assert "class Shampoo(Optimizer)" in sam.text(CLASS)
    assert "perturbed" not in sam.text("src/run/module.py")
    assert not (sam.root / TWO_PASSES).exists()


def test_the_plain_class_drops_what_a_skeleton_has(lightgen: Lightgen, sam: Project) -> None:
    outcome = lightgen.done("update", "run", *PLAIN)
    assert outcome.notes == [
        "custom has no argument rho: optimizer.rho is dropped",
        "custom has no argument rho: groups.backbone.rho is dropped",
    ]
    assert "class CustomOptimizer(Optimizer)" in sam.text(CLASS)
    lightgen.done("update", "run", *SAM)
    assert "class SAM(Optimizer)" in sam.text(CLASS)
    assert (sam.root / TWO_PASSES).exists()


def test_a_class_of_torch_drops_the_skeleton(lightgen: Lightgen, sam: Project) -> None:
    outcome = lightgen.done("update", "run", "--optimizer", "sgd")
    assert "sgd has no argument skeleton: optimizer.skeleton is dropped" in outcome.notes
    assert not (sam.root / CLASS).exists()


def test_hyperparameters_of_ones_own_stay(lightgen: Lightgen) -> None:
    own = ("--set", "optimizer.hyperparameters.trust=0.5", "--set", "optimizer.trust=0.2")
    project = Project(lightgen, "--optimizer", "custom", *SAM, *own)
    assert lightgen.done("update", "run", *SHAMPOO).notes == []
    assert "trust: float = 0.5," in project.text(CLASS)
    assert "trust=0.2," in project.text("src/run/optim.py")


def test_an_edit_of_the_update_is_merged_with_a_changed_spec(
    lightgen: Lightgen, sam: Project
) -> None:
    sam.edit(CLASS, "grad_norm + 1e-12", "grad_norm + 1e-6")
    outcome = lightgen.done("update", "run", "--set", "optimizer.hyperparameters.trust=0.5")
    assert "conflict" not in outcome.out
    assert "grad_norm + 1e-6" in sam.text(CLASS)
    assert "trust: float = 0.5," in sam.text(CLASS)
