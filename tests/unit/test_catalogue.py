"""The catalogue agrees with the torch and the Lightning that are installed, and with itself."""

from __future__ import annotations

import json

import pytest

from lightgen.catalogue.arguments import Argument, build
from lightgen.catalogue.facts import facts, module_names
from lightgen.catalogue.introspect import FACTS, as_text, introspect
from lightgen.catalogue.introspect_schedules import SCHEDULES
from lightgen.catalogue.introspect_schedules import introspect as introspect_schedules
from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.others import find_optimizer
from lightgen.catalogue.parts import DATA, MODELS, TASKS
from lightgen.catalogue.path_schedulers import path_schedulers
from lightgen.catalogue.schedulers import find_scheduler, schedulers
from lightgen.catalogue.trainer import trainer_arguments


@pytest.mark.slow
def test_the_facts_are_those_of_the_installed_torch() -> None:
    """If this fails: python -m lightgen.catalogue.introspect, and read the diff."""
    found = json.loads(as_text(introspect()))
    assert found == facts()
    assert FACTS.read_text(encoding="utf-8") == as_text(found)


@pytest.mark.parametrize("name", optimizers())
def test_each_optimizer_says_what_it_is_and_takes_its_customary_values(name: str) -> None:
    record = optimizers()[name]
    assert record.summary and record.goes_with and "lr" in record.customary
    for key, value in record.customary.items():
        assert record.arguments[key].fault(value) == ""


@pytest.mark.parametrize("name", schedulers())
def test_each_scheduler_says_what_it_is_and_takes_its_customary_values(name: str) -> None:
    record = schedulers()[name]
    assert record.summary and record.interval in ("step", "epoch")
    for key, value in record.customary.items():
        assert record.arguments[key].fault(value) == ""
    assert set(record.computed) <= set(record.arguments)


@pytest.mark.parametrize("name", optimizers())
def test_every_default_of_an_optimizer_is_in_its_range(name: str) -> None:
    for argument in optimizers()[name].arguments.values():
        if not argument.required and argument.kind != "none":
            assert argument.fault(argument.default) == "", argument.name


@pytest.mark.parametrize("name", schedulers())
def test_every_default_of_a_scheduler_is_in_its_range(name: str) -> None:
    for argument in schedulers()[name].arguments.values():
        if not argument.required and argument.kind != "none":
            assert argument.fault(argument.default) == "", argument.name


def test_names_are_found_in_any_case() -> None:
    for name in optimizers():
        assert find_optimizer(name.lower()) is find_optimizer(name.upper()) is optimizers()[name]
    for name in schedulers():
        assert find_scheduler(name.lower()) is find_scheduler(name.upper()) is schedulers()[name]
    assert find_optimizer("x") is find_scheduler("x") is None


def test_tasks_data_and_models_name_each_other() -> None:
    for task in TASKS.values():
        assert (task.like or task.name) in DATA[task.data].tasks
        assert task.best_metric in task.metrics
    tasks = {name for data in DATA.values() for name in data.tasks}
    assert tasks == {task.name for task in TASKS.values() if not task.like}
    assert all(record.name == name for name, record in MODELS.items())


def test_every_argument_of_the_trainer_is_known() -> None:
    assert {"max_epochs", "precision", "gradient_clip_val"} <= set(trainer_arguments())
    assert all(argument.name == name for name, argument in trainer_arguments().items())


def test_the_names_of_a_module_are_known() -> None:
    assert {"forward", "training", "parameters", "named_parameters", "to"} <= module_names()


FAULTS = [
    (Argument("a"), "x", "'x' is not a number"),
    (Argument("a"), True, "True is not a number"),
    (Argument("a"), float("nan"), "nan is not a finite number"),
    (Argument("a"), float("inf"), "inf is not a finite number"),
    (Argument("a", min=0), -1, "-1 is less than 0"),
    (Argument("a", max=1), 2, "2 is more than 1"),
    (Argument("a", above=0), 0, "0 is not more than 0"),
    (Argument("a", below=1), 1, "1 is not less than 1"),
    (Argument("a", kind="integer"), 1.0, "1.0 is not a whole number"),
    (Argument("a", kind="integer"), True, "True is not a whole number"),
    (Argument("a", kind="flag"), 1, "1 is not true or false"),
    (Argument("a", kind="text"), 1, "1 is not a text"),
    (Argument("a", kind="text", choices=("x", "y")), "z", "'z' is not one of 'x', 'y'"),
    (Argument("a", kind="numbers"), 1, "1 is not a list"),
    (Argument("a", kind="numbers", length=2), [1], "[1] has 1 entries, not 2"),
    (Argument("a", kind="numbers", min=0), [1, -1], "-1 is less than 0"),
    (Argument("a", kind="numbers"), [1, "x"], "'x' is not a number"),
    (Argument("a", kind="integers"), [1, 2.5], "2.5 is not a whole number"),
    (Argument("a", kind="number or text"), [1], "[1] is not a number"),
    (Argument("a"), None, "None is not a number"),
]


@pytest.mark.parametrize(("argument", "value", "fault"), FAULTS)
def test_a_wrong_value_is_described(argument: Argument, value: object, fault: str) -> None:
    assert argument.fault(value) == fault


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (Argument("a", min=0, below=1), 0),
        (Argument("a", optional=True), None),
        (Argument("a", default=None), None),
        (Argument("a", kind="numbers", optional=True, min=0), [None, 1]),
        (Argument("a", kind="number or text", min=1), "auto"),
        (Argument("a", kind="number or text", min=1), 2),
    ],
)
def test_a_right_value_has_no_fault(argument: Argument, value: object) -> None:
    assert argument.fault(value) == ""


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (Argument("a"), "(-inf, inf)"),
        (Argument("a", min=0, below=1), "[0, 1)"),
        (Argument("a", above=0, max=1), "(0, 1]"),
        (Argument("a", kind="flag"), "true, false"),
        (Argument("a", kind="text"), ""),
        (Argument("a", kind="text", choices=("x", "y")), "x, y"),
    ],
)
def test_a_range_is_told(argument: Argument, text: str) -> None:
    assert argument.range == text


def test_an_argument_that_nobody_described_gets_its_kind_from_its_default() -> None:
    found = build(
        {
            "a": {"required": True},
            "b": {"default": True},
            "c": {"default": 1},
            "d": {"default": "x"},
            "e": {"default": [1]},
            "f": {"default": None},
        },
        {},
    )
    kinds = {name: argument.kind for name, argument in found.items()}
    assert kinds == {
        "a": "none",
        "b": "flag",
        "c": "number",
        "d": "text",
        "e": "numbers",
        "f": "none",
    }
    assert found["a"].required


@pytest.mark.slow
@pytest.mark.parametrize("place", ["pytorch_optimizer", "transformers"])
def test_the_schedules_are_those_of_the_installed_package(place: str) -> None:
    """If this fails: python -m lightgen.catalogue.introspect_schedules, and read the diff."""
    pytest.importorskip(place)
    recorded = json.loads(SCHEDULES.read_text(encoding="utf-8"))
    assert json.loads(as_text({place: introspect_schedules(place)})) == {place: recorded[place]}


@pytest.mark.parametrize("path", path_schedulers())
def test_a_schedule_by_its_path_takes_its_own_values(path: str) -> None:
    record = path_schedulers()[path]
    assert record.summary and record.interval in ("step", "epoch")
    assert {*record.customary, *record.computed} <= set(record.arguments)
    for argument in record.arguments.values():
        if not argument.required and argument.kind != "none":
            assert argument.fault(argument.default) == "", argument.name
    for name, value in record.customary.items():
        assert record.arguments[name].fault(value) == ""
