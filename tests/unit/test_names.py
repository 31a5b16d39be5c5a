"""Names that a project cannot have: what they would collide with."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from support.projects import plan_of

from lightgen.catalogue.facts import module_names
from lightgen.catalogue.schedulers import schedulers
from lightgen.plan.names import (
    class_name_problem,
    group_name_fault,
    member_fault,
    package_from,
    package_problem,
)
from lightgen.render.project import render_project

EXTRAS = [
    {},
    {"task": "regression"},
    {"groups": {"a": {"lr": 1, "weight_decay": 0.1}, "b": {"freeze": True}, "rest": {}}},
    {"groups": {"a": {"lr": 1}, "b": {"lr": "x0.1", "weight_decay": 1}}},
]


def names_beside(class_name: str) -> set[str]:
    """Every name that stands in a file that names the class, over all schedulers."""
    optimizer = {"name": "custom", "class_name": class_name, "hyperparameters": {"trust": 0.5}}
    found: set[str] = set()
    for extra in [*({"scheduler": {"name": name}} for name in schedulers()), *EXTRAS]:
        tree = render_project(plan_of({"optimizer": optimizer, **extra}))
        for path, file in tree.items():
            if path.endswith(".py") and class_name in file.text:
                for node in ast.walk(ast.parse(file.text)):
                    if isinstance(node, ast.Name):
                        found.add(node.id)
                    elif isinstance(node, ast.alias):
                        found.add(node.asname or node.name)
                    elif isinstance(node, ast.ClassDef | ast.FunctionDef):
                        found.add(node.name)
    return found - {class_name}


def test_a_custom_class_collides_with_no_name_beside_it() -> None:
    names = names_beside("Unheard")
    assert {"Network", "Tensor", "torch", "parameter_groups", "LambdaLR"} <= names
    assert [name for name in sorted(names) if class_name_problem(name) is None] == []


@pytest.mark.parametrize("name", ["MyAdam", "Lion", "SGD", "A", "CustomOptimizer"])
def test_a_class_may_have_a_name_of_its_own(name: str) -> None:
    assert class_name_problem(name) is None


@pytest.mark.parametrize("name", ["int", "torch", "my_adam", "_Mine", "ValueError", "True", ""])
def test_a_class_has_no_name_that_means_something_else(name: str) -> None:
    assert class_name_problem(name) is not None


def test_no_package_has_the_name_of_a_standard_module() -> None:
    taken = [name for name in sys.stdlib_module_names if package_problem(name) is None]
    assert taken == []


def test_no_package_has_the_name_of_what_is_installed_here() -> None:
    """What a training environment holds is what a package must not shadow."""
    site = Path(pytest.__file__).parents[1]
    for name in ("torch", "pytorch_lightning", "sklearn", "pytest", "hypothesis", "jinja2"):
        assert (site / name).is_dir()
        assert package_problem(name) is not None


@pytest.mark.parametrize("name", ["digits_run", "run2", "x", "Digits"])
def test_a_package_may_have_a_name_of_its_own(name: str) -> None:
    assert package_problem(name) is None


@pytest.mark.parametrize("name", sorted(module_names()))
def test_no_submodule_has_a_name_that_every_module_has(name: str) -> None:
    assert member_fault(name)


@pytest.mark.parametrize("name", ["backbone", "head", "self", "torch", "x", "Layer1", "all"])
def test_a_submodule_may_have_a_name_of_its_own(name: str) -> None:
    assert member_fault(name) == ""


@pytest.mark.parametrize("name", ["layer.0", "a-b", "a_1", "x.y.z"])
def test_a_group_with_patterns_may_be_a_path(name: str) -> None:
    assert group_name_fault(name) == ""


@pytest.mark.parametrize("name", ["", "0", "a/no_decay", "a b", "a\n", "*", "a=b", 'a"', "."])
def test_a_group_has_no_name_that_would_need_quoting(name: str) -> None:
    assert group_name_fault(name)


@pytest.mark.parametrize(
    ("folder", "package"),
    [("digits-run", "digits_run"), ("A B..c", "a_b_c"), ("-x-", "x"), ("\u00fc", ""), ("/", "")],
)
def test_a_folder_suggests_a_package(folder: str, package: str) -> None:
    assert package_from(Path(folder)) == package
