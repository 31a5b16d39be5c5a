"""Decide the schedule and its wiring: interval, monitor, momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.parts import Task
from lightgen.catalogue.path_schedulers import PathScheduler
from lightgen.catalogue.schedulers import WIRING
from lightgen.plan.foreign import is_path
from lightgen.plan.optimizer import check_arguments
from lightgen.plan.path_schedule import find_path, path_problems, plan_path
from lightgen.plan.schedule_parts import COMPOSITES, find_record, plan_composite, plan_leaf
from lightgen.plan.schedule_problems import (
    direction,
    monitor_problems,
    rate_problems,
    wiring_problems,
)
from lightgen.plan.types import GroupPlan, OptimizerPlan, SchedulePlan
from lightgen.problems import Problem
from lightgen.spec.model import Scheduler, Spec


def plan_schedule(
    spec: Spec,
    task: Task,
    optimizer: OptimizerPlan,
    groups: tuple[GroupPlan, ...],
    problems: list[Problem],
    notes: list[str],
) -> SchedulePlan | None:
    """Decide the schedule; what is wrong is added to problems, what deserves a word to notes."""
    if spec.scheduler is None:
        return None
    plan = _plan_by_name(spec.scheduler, problems, notes)
    if plan is None:
        return None
    record = plan.record
    if optimizer.turns_weights:
        what = "a rule with to_eval is mostly one that needs no schedule"
        if optimizer.is_foreign:
            what = f"{optimizer.class_name} averages the weights, and needs no schedule"
        notes.append(f"{record.name}: {what}")
    problems += wiring_problems(plan)
    problems += monitor_problems(plan, task, spec)
    problems += rate_problems(plan, optimizer, groups)
    problems += path_problems(plan, optimizer, groups)
    return _with_momentum(_with_monitor(plan, task, spec), optimizer)


def _plan_by_name(
    table: Scheduler, problems: list[Problem], notes: list[str]
) -> SchedulePlan | None:
    given = dict(table.arguments)
    if table.schedulers is not None:
        given["schedulers"] = table.schedulers
    if is_path(table.name):
        found = find_path(table.name, problems)
        if isinstance(found, PathScheduler):
            return plan_path(found, given, problems, notes)
        record = found
    else:
        record = find_record(table.name, "scheduler", problems)
    if record is None:
        return None
    wiring = check_arguments(
        {key: given.pop(key) for key in WIRING if key in given},
        WIRING,
        "scheduler",
        record.name,
        problems,
    )
    if record.name in COMPOSITES:
        plan = plan_composite(record, given, problems)
    else:
        plan = plan_leaf(record, given, "scheduler", problems)
    return _wire(plan, given, wiring, notes)


def _wire(
    plan: SchedulePlan, given: Mapping[str, Any], wiring: Mapping[str, Any], notes: list[str]
) -> SchedulePlan:
    record = plan.record
    interval = wiring.get("interval")
    if interval is None:
        interval = record.interval
        if record.length_argument in given:
            interval = "epoch"
            notes.append(
                f"{record.name}: {record.length_argument} counts epochs; "
                "set scheduler.interval = 'step' if you mean steps"
            )
    return replace(
        plan,
        interval=interval,
        frequency=wiring.get("frequency", 1),
        monitor=wiring.get("monitor"),
        warmup_steps=wiring.get("warmup_steps", 0),
    )


def _with_monitor(plan: SchedulePlan, task: Task, spec: Spec) -> SchedulePlan:
    """ReduceLROnPlateau: a metric, the direction that fits it, and validation's frequency."""
    if not plan.record.watches:
        return plan
    monitor = plan.monitor or "val/loss"
    every = spec.trainer.arguments.get("check_val_every_n_epoch", 1)
    aligned = plan.frequency if plan.frequency > 1 or monitor == "train/loss" else every
    arguments = dict(plan.arguments)
    if direction(monitor, task) == "max":
        arguments["mode"] = "max"
    return replace(plan, arguments=arguments, frequency=aligned, monitor=monitor)


def _with_momentum(plan: SchedulePlan, optimizer: OptimizerPlan) -> SchedulePlan:
    """CyclicLR and OneCycleLR cycle the momentum unless the optimizer has none."""
    if not plan.record.rates_argument or "cycle_momentum" in plan.arguments:
        return plan
    if {"momentum", "betas"} & set(optimizer.record.arguments):
        return plan
    return replace(plan, arguments={**plan.arguments, "cycle_momentum": False})
