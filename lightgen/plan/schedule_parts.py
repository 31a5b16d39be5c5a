"""Decide a schedule of torch by itself, or one that is made of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.schedulers import PLATEAU, Scheduler, find_scheduler, schedulers
from lightgen.plan.foreign import is_path
from lightgen.plan.optimizer import check_arguments
from lightgen.plan.types import SchedulePlan
from lightgen.problems import Problem, guess

COMPOSITES = ("SequentialLR", "ChainedScheduler")
# What SequentialLR and ChainedScheduler do when the spec names no parts. A part's length is what
# the parts before it leave of the run.
_WARMUP = {"name": "LinearLR", "start_factor": 0.1, "total_iters": 50}
_DEFAULT_PARTS: dict[str, dict[str, Any]] = {
    "SequentialLR": {"schedulers": [_WARMUP, {"name": "CosineAnnealingLR"}], "milestones": [50]},
    "ChainedScheduler": {"schedulers": [_WARMUP, {"name": "CosineAnnealingLR"}]},
}


def plan_leaf(
    record: Scheduler, given: Mapping[str, Any], where: str, problems: list[Problem]
) -> SchedulePlan:
    """A schedule by itself; what is wrong with its arguments is added to problems."""
    known: dict[str, Argument] = dict(record.arguments)
    callables = {"lr_lambda", "scale_fn"} & set(given)
    for name in callables:
        problems.append(
            Problem(
                f"{where}.{name}",
                "a spec cannot hold a function",
                "remove it; write the function in the generated optim.py",
            )
        )
    plain = {key: value for key, value in given.items() if key not in callables}
    arguments = check_arguments(plain, known, where, record.name, problems)
    for name in ("milestones",):
        value = arguments.get(name)
        if isinstance(value, list) and sorted(set(value)) != value:
            problems.append(Problem(f"{where}.{name}", f"{value} does not rise", "sort it"))
    computed = {key: text for key, text in record.computed.items() if key not in arguments}
    if record.name == "OneCycleLR" and {"epochs", "steps_per_epoch"} & set(arguments):
        problems += _one_cycle_problems(arguments, where)
        computed = {}
    return SchedulePlan(record, {**record.customary, **arguments}, computed, record.interval)


def plan_composite(
    record: Scheduler, given: Mapping[str, Any], problems: list[Problem]
) -> SchedulePlan:
    """A schedule of parts; what is wrong with them is added to problems."""
    table = {**_DEFAULT_PARTS[record.name], **given}
    if "schedulers" in given and record.name == "SequentialLR" and "milestones" not in given:
        problems.append(
            Problem(
                "scheduler.milestones",
                "SequentialLR needs the steps at which the next part begins",
                "write one number less than there are parts",
            )
        )
    named = table.pop("schedulers")
    parts = tuple(
        part
        for at, each in enumerate(named)
        if (part := _plan_part(record, each, at, problems)) is not None
    )
    arguments = check_arguments(table, record.arguments, "scheduler", record.name, problems)
    milestones = arguments.get("milestones", [])
    if record.name == "SequentialLR":
        if len(milestones) != len(named) - 1:
            problems.append(
                Problem(
                    "scheduler.milestones",
                    f"{len(milestones)} milestones for {len(named)} parts",
                    "write one number less than there are parts",
                )
            )
        if sorted(set(milestones)) != milestones:
            problems.append(
                Problem("scheduler.milestones", f"{milestones} does not rise", "sort it")
            )
    return SchedulePlan(record, arguments, {}, record.interval, parts=parts)


def find_record(name: Any, where: str, problems: list[Problem]) -> Scheduler | None:
    """The record of that name; none is a problem."""
    record = find_scheduler(str(name))
    if record is None:
        what = f"unknown scheduler '{name}'"
        problems.append(Problem(f"{where}.name", what, guess(str(name), schedulers())))
    return record


def _one_cycle_problems(arguments: Mapping[str, Any], where: str) -> list[Problem]:
    if {"epochs", "steps_per_epoch"} <= set(arguments) and "total_steps" not in arguments:
        return []
    return [
        Problem(
            where,
            "epochs and steps_per_epoch go together and without total_steps",
            "leave all three out: the run's length is computed when it starts",
        )
    ]


def _plan_part(
    composite: Scheduler, table: Mapping[str, Any], at: int, problems: list[Problem]
) -> SchedulePlan | None:
    where = f"scheduler.schedulers.{at}"
    if "name" not in table:
        problems.append(Problem(f"{where}.name", "is missing", "name a scheduler of torch"))
        return None
    if is_path(str(table["name"])):
        what = f"{table['name']} inside {composite.name}: a schedule by its path stands alone"
        problems.append(Problem(f"{where}.name", what, "use it alone, or choose another part"))
        return None
    record = find_record(table["name"], where, problems)
    if record is None:
        return None
    if record.written_out or not record.chains:
        reason = {
            PLATEAU: "reads a metric, which the others cannot pass on",
            "OneCycleLR": "sets the rates itself, over those of the other parts",
            "CyclicLR": "sets the rates itself, over those of the other parts",
        }.get(record.name, "cannot be a part")
        problems.append(
            Problem(
                f"{where}.name",
                f"{record.name} inside {composite.name}: it {reason}",
                "use it alone, or choose another part",
            )
        )
        return None
    given = {key: value for key, value in table.items() if key != "name"}
    return plan_leaf(record, given, where, problems)
