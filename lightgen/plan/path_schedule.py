"""Decide a schedule that is named by its path: its arguments, and what moves it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.path_schedulers import (
    PATH_WIRING,
    PathScheduler,
    Refused,
    lengths_in,
    path_schedulers,
    scheduler_by_path,
)
from lightgen.catalogue.schedulers import LENGTHS, Scheduler
from lightgen.plan.foreign import path_fault, plan_arguments
from lightgen.plan.optimizer import check_arguments
from lightgen.plan.types import GroupPlan, OptimizerPlan, SchedulePlan
from lightgen.problems import Problem, nearest
from lightgen.source import literal

WHERE = "scheduler"


def find_path(path: str, problems: list[Problem]) -> Scheduler | None:
    """The record of a path; one that is refused, or that is no path, is a problem."""
    fault = path_fault(path)
    if fault:
        problems.append(Problem(f"{WHERE}.name", fault, "write it as it is imported"))
        return None
    found = scheduler_by_path(path)
    if isinstance(found, Refused):
        problems.append(Problem(f"{WHERE}.name", f"{path}: {found.why}", found.todo))
        return None
    return found


def plan_path(
    record: PathScheduler, given: Mapping[str, Any], problems: list[Problem], notes: list[str]
) -> SchedulePlan:
    """The schedule with its interval; what is wrong is added to problems."""
    wiring = {key: value for key, value in given.items() if key in PATH_WIRING}
    wiring = check_arguments(wiring, PATH_WIRING, WHERE, record.name, problems)
    asked = {key: value for key, value in given.items() if key not in PATH_WIRING}
    if "warmup_steps" in asked and record.known and "warmup_steps" not in record.arguments:
        own = next((key for key in ("num_warmup_steps", "warmup_t") if key in record.arguments), "")
        todo = f"set {WHERE}.{own}" if own else "remove it"
        what = f"{record.name} has a rise of its own" if own else f"{record.name} has no rise"
        problems.append(Problem(f"{WHERE}.warmup_steps", what, todo))
        del asked["warmup_steps"]
    lengths = lengths_in(asked)
    others = {key: value for key, value in asked.items() if key not in lengths}
    if record.known:
        unknown = {key: 0 for key in lengths if key not in record.arguments}
        check_arguments(unknown, record.arguments, WHERE, record.name, problems)
        arguments = check_arguments(others, record.arguments, WHERE, record.name, problems)
    else:
        arguments = plan_arguments(others, WHERE, problems)
        for name in {"optimizer"} & arguments.keys():
            problems.append(Problem(f"{WHERE}.{name}", "it is given the optimizer", "remove it"))
        for name, value in arguments.items():
            meant = nearest(value, LENGTHS, alike=0.8) if isinstance(value, str) else ""
            if meant:
                what = f"'{value}' is no length of the run"
                problems.append(Problem(f"{WHERE}.{name}", what, meant))
    problems += _never(record, arguments)
    interval = _interval(record, arguments, lengths, wiring, problems, notes)
    if record.counts:
        arguments.pop("t_in_epochs", None)
    if not record.known and "monitor" in wiring:
        record = replace(record, watches=True)
    computed = _computed(record, {**record.customary, **arguments}, lengths)
    arguments = {**record.customary, **arguments}
    if record.counts and interval == "step":
        arguments["t_in_epochs"] = False
    problems += _idle_problems(record, arguments, interval)
    rises = record.counts and interval == "epoch" and arguments.get("warmup_t")
    if rises and "warmup_lr_init" not in arguments:  # timm's 0 is for a rise by steps
        computed["warmup_lr_init"] = "{lowest} / 100"
    return SchedulePlan(
        record,
        arguments,
        computed,
        interval,
        frequency=wiring.get("frequency", 1),
        monitor=wiring.get("monitor"),
    )


def _idle_problems(
    record: PathScheduler, arguments: Mapping[str, Any], interval: str
) -> list[Problem]:
    """A rise from zero that moves by epochs leaves the weights as they are for a whole one."""
    if interval == "step" or not record.known or record.watches:
        return []
    idle = "an epoch at a rate of zero would train nothing"
    if record.counts and arguments.get("warmup_t") and arguments.get("warmup_lr_init") == 0:
        return [Problem(f"{WHERE}.warmup_lr_init", idle, "remove it, or set interval = 'step'")]
    if not record.counts:
        return [Problem(f"{WHERE}.interval", f"{record.name} counts steps: {idle}", "remove it")]
    return []


def _never(record: PathScheduler, arguments: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(f"{WHERE}.{name}", what, todo)
        for name, what, todo in record.never
        if name in arguments
    ]


def _interval(
    record: PathScheduler,
    arguments: Mapping[str, Any],
    lengths: Mapping[str, str],
    wiring: Mapping[str, Any],
    problems: list[Problem],
    notes: list[str],
) -> str:
    """What the spec says, else what its lengths are in, else the schedule's own."""
    meant = {LENGTHS[text] for text in lengths.values()}
    if record.counts and isinstance(arguments.get("t_in_epochs"), bool):
        meant.add("epoch" if arguments["t_in_epochs"] else "step")
    said = wiring.get("interval")
    if len(meant) > 1 or (said is not None and meant - {said}):
        found = ", ".join([*(f"{key} = '{text}'" for key, text in lengths.items())])
        found = found or f"t_in_epochs = {literal(arguments['t_in_epochs']).lower()}"
        problems.append(
            Problem(
                f"{WHERE}.interval",
                f"{found} does not go with the interval '{said or ' and '.join(sorted(meant))}'",
                "a schedule that moves once a step has its lengths in steps",
            )
        )
    if said is not None:
        return str(said)
    if meant:
        return min(meant)
    if not record.known and "monitor" not in wiring:
        what = f"{record.name} is moved once an epoch; set scheduler.interval = 'step'"
        question = nearest(record.name, path_schedulers(), alike=0.9)
        words = [question, what, "if its lengths are in optimizer steps"]
        notes.append(" ".join(filter(None, words)))
    return record.interval


def _computed(
    record: PathScheduler, arguments: Mapping[str, Any], lengths: Mapping[str, str]
) -> dict[str, str]:
    """Expressions in {length} and {rate} of what the spec leaves to the start of the run."""
    found = {**record.computed}
    if record.counts and "t_initial" in found:
        found["t_initial"] = _cycle(arguments, prefixed=record.name.endswith("WSDLRScheduler"))
    if "num_stable_steps" in arguments:  # in place of the whole length
        found.pop("num_training_steps", None)
    found = {key: text for key, text in found.items() if key not in arguments}
    found |= dict.fromkeys(lengths, "{length}")

    def named(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in ("length", "rate"):
            return f"{{{name}}}"
        if name not in found:
            return literal(arguments[name])
        inner = re.sub(r"\{(\w+)\}", named, found[name])
        return inner if inner.startswith("max(") or inner == "{length}" else f"({inner})"

    return {key: re.sub(r"\{(\w+)\}", named, text) for key, text in found.items()}


def _cycle(arguments: Mapping[str, Any], *, prefixed: bool) -> str:
    """The length of timm's cycles, so that they and a rise before them fill the run."""
    rise = arguments.get("warmup_t", 0)
    length = "{length}"
    if rise and (prefixed or arguments.get("warmup_prefix")):
        length = f"{{length}} - {literal(rise)}"
    number, growth = arguments.get("cycle_limit", 1), arguments.get("cycle_mul", 1)
    if number > 1 and growth > 1:
        cycles = float((growth**number - 1) / (growth - 1))
        return f"max(1, int(({length}) / {literal(cycles)}))"
    if number > 1:
        length = f"({length})" if "-" in length else length
        return f"max(1, {length} // {literal(number)})"
    return length if length == "{length}" else f"max(1, {length})"


def path_problems(
    plan: SchedulePlan, optimizer: OptimizerPlan, groups: tuple[GroupPlan, ...]
) -> list[Problem]:
    """Absolute rates in a schedule erase or lift the rates of the groups."""
    record = plan.record
    if not isinstance(record, PathScheduler):
        return []
    trained = [group for group in groups if not group.frozen]
    rates = {group.rate(optimizer.base_lr) for group in trained}
    found = []
    if record.one_rate and len(rates) > 1:
        found.append(
            Problem(
                f"{WHERE}.name",
                f"{record.name} gives one rate to every group, and would erase the groups' own",
                "use another schedule, or one rate",
            )
        )
    for name in (*record.floors, *record.starts):
        value = plan.arguments.get(name)
        lifted = [group for group in trained if value and value >= group.rate(optimizer.base_lr)]
        kind = "floor" if name in record.floors else "start"
        found += [
            Problem(
                f"{WHERE}.{name}",
                f"the {kind} {value:g} is not below the rate of group '{group.name}' "
                f"({group.rate(optimizer.base_lr):g}) and would lift it",
                "lower it, or use cosine with min_factor, a fraction",
            )
            for group in lifted
        ]
    return found
