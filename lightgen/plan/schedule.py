"""Decide the schedule and its wiring: interval, monitor, lengths, parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.parts import Task
from lightgen.catalogue.schedulers import WIRING, Scheduler, find_scheduler, schedulers
from lightgen.plan.optimizer import check_arguments
from lightgen.plan.types import GroupPlan, OptimizerPlan, SchedulePlan
from lightgen.problems import Problem, guess
from lightgen.spec.model import Spec

COMPOSITES = ("SequentialLR", "ChainedScheduler")
PLATEAU = "ReduceLROnPlateau"
# What SequentialLR and ChainedScheduler do when the spec names no parts. A part's length is what
# the parts before it leave of the run.
_WARMUP = {"name": "LinearLR", "start_factor": 0.1, "total_iters": 50}
_DEFAULT_PARTS: dict[str, dict[str, Any]] = {
    "SequentialLR": {"schedulers": [_WARMUP, {"name": "CosineAnnealingLR"}], "milestones": [50]},
    "ChainedScheduler": {"schedulers": [_WARMUP, {"name": "CosineAnnealingLR"}]},
}


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
    table = spec.scheduler
    record = _find(table.name, "scheduler", problems)
    if record is None:
        return None
    given = dict(table.arguments)
    if table.schedulers is not None:
        given["schedulers"] = table.schedulers
    wiring = check_arguments(
        {key: given.pop(key) for key in WIRING if key in given},
        WIRING,
        "scheduler",
        record.name,
        problems,
    )
    if record.name in COMPOSITES:
        plan = _plan_composite(record, given, problems)
    else:
        plan = _plan_leaf(record, given, "scheduler", problems)
    plan = _wire(plan, given, wiring, notes)
    if optimizer.turns_weights:
        notes.append(f"{record.name}: a rule with to_eval is mostly one that needs no schedule")
    checks = [_interval_problems, _frequency_problems, _warmup_problems]
    for check in checks:
        problems += check(plan)
    problems += _monitor_problems(plan, task, spec)
    problems += _rate_problems(plan, optimizer, groups)
    return _with_momentum(_with_monitor(plan, task, spec), optimizer)


def _find(name: Any, where: str, problems: list[Problem]) -> Scheduler | None:
    record = find_scheduler(str(name))
    if record is None:
        what = f"unknown scheduler '{name}'"
        problems.append(Problem(f"{where}.name", what, guess(str(name), schedulers())))
    return record


def _plan_leaf(
    record: Scheduler, given: Mapping[str, Any], where: str, problems: list[Problem]
) -> SchedulePlan:
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


def _plan_composite(
    record: Scheduler, given: Mapping[str, Any], problems: list[Problem]
) -> SchedulePlan:
    table = {**_DEFAULT_PARTS[record.name], **given}
    if "schedulers" in given and record.name == "SequentialLR" and "milestones" not in given:
        problems.append(
            Problem(
                "scheduler.milestones",
                "SequentialLR needs the steps at which the next part begins",
                "write one number less than there are parts",
            )
        )
    parts = tuple(
        part
        for at, each in enumerate(table.pop("schedulers"))
        if (part := _plan_part(record, each, at, problems)) is not None
    )
    arguments = check_arguments(table, record.arguments, "scheduler", record.name, problems)
    milestones = arguments.get("milestones", [])
    if record.name == "SequentialLR":
        if len(milestones) != len(parts) - 1:
            problems.append(
                Problem(
                    "scheduler.milestones",
                    f"{len(milestones)} milestones for {len(parts)} parts",
                    "write one number less than there are parts",
                )
            )
        if sorted(set(milestones)) != milestones:
            problems.append(
                Problem("scheduler.milestones", f"{milestones} does not rise", "sort it")
            )
    return SchedulePlan(record, arguments, {}, record.interval, parts=parts)


def _plan_part(
    composite: Scheduler, table: Mapping[str, Any], at: int, problems: list[Problem]
) -> SchedulePlan | None:
    where = f"scheduler.schedulers.{at}"
    if "name" not in table:
        problems.append(Problem(f"{where}.name", "is missing", "name a scheduler of torch"))
        return None
    record = _find(table["name"], where, problems)
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
    return _plan_leaf(record, given, where, problems)


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


def _interval_problems(plan: SchedulePlan) -> list[Problem]:
    if plan.record.written_out and plan.interval == "epoch":
        return [
            Problem(
                "scheduler.interval",
                f"{plan.record.name} moves once an optimizer step",
                "remove interval, or use a scheduler of torch",
            )
        ]
    return []


def _frequency_problems(plan: SchedulePlan) -> list[Problem]:
    if plan.interval == "step" and plan.frequency > 1:
        return [
            Problem(
                "scheduler.frequency",
                "with interval 'step' Lightning counts batches and starts anew each epoch",
                "leave frequency at 1 and stretch the schedule's own lengths",
            )
        ]
    return []


def _warmup_problems(plan: SchedulePlan) -> list[Problem]:
    if not plan.warmup_steps or plan.record.written_out:
        return []
    where, name = "scheduler.warmup_steps", plan.record.name
    if plan.record.own_warmup:
        return [Problem(where, f"{name} rises by itself", "remove warmup_steps")]
    if not plan.record.chains:
        return [
            Problem(
                where,
                f"{name} cannot be preceded by a warmup",
                "remove it, or use cosine, linear or wsd",
            )
        ]
    if plan.interval == "epoch":
        return [
            Problem(
                where,
                f"{name} moves by epochs, a warmup by steps",
                "set scheduler.interval = 'step' with lengths in steps, or use cosine",
            )
        ]
    return []


def _monitor_problems(plan: SchedulePlan, task: Task, spec: Spec) -> list[Problem]:
    where = "scheduler.monitor"
    if plan.record.name != PLATEAU:
        if plan.monitor is None:
            return []
        return [Problem(where, f"{plan.record.name} reads no metric", "remove monitor")]
    monitor = plan.monitor or "val/loss"
    if monitor not in task.metrics:
        what = f"no metric '{monitor}' is logged"
        return [Problem(where, what, guess(monitor, task.metrics))]
    found = []
    wished = plan.arguments.get("mode")
    if wished is not None and wished != _mode(monitor, task):
        found.append(
            Problem(
                "scheduler.mode",
                f"'{wished}' would cut the rates while {monitor} improves",
                "remove mode: it follows the metric",
            )
        )
    if plan.interval == "step" and monitor.startswith("val/"):
        found.append(
            Problem(
                "scheduler.interval",
                f"{monitor} is known once an epoch, not at every step",
                "remove interval, or monitor train/loss",
            )
        )
    every = spec.trainer.arguments.get("check_val_every_n_epoch", 1)
    if plan.frequency > 1 and isinstance(every, int) and plan.frequency % max(1, every):
        found.append(
            Problem(
                "scheduler.frequency",
                f"{plan.frequency} epochs do not fall on validation, every {every} epochs",
                "remove frequency",
            )
        )
    return found


def _mode(metric: str, task: Task) -> str:
    return "min" if metric.endswith("loss") else task.best_mode


def _with_monitor(plan: SchedulePlan, task: Task, spec: Spec) -> SchedulePlan:
    """ReduceLROnPlateau: a metric, the direction that fits it, and validation's frequency."""
    if plan.record.name != PLATEAU:
        return plan
    monitor = plan.monitor or "val/loss"
    every = spec.trainer.arguments.get("check_val_every_n_epoch", 1)
    aligned = plan.frequency if plan.frequency > 1 or monitor == "train/loss" else every
    arguments = dict(plan.arguments)
    if _mode(monitor, task) == "max":
        arguments["mode"] = "max"
    return replace(plan, arguments=arguments, frequency=aligned, monitor=monitor)


def _with_momentum(plan: SchedulePlan, optimizer: OptimizerPlan) -> SchedulePlan:
    """CyclicLR and OneCycleLR cycle the momentum unless the optimizer has none."""
    if not plan.record.rates_argument or "cycle_momentum" in plan.arguments:
        return plan
    if {"momentum", "betas"} & set(optimizer.record.arguments):
        return plan
    return replace(plan, arguments={**plan.arguments, "cycle_momentum": False})


def _rate_problems(
    plan: SchedulePlan, optimizer: OptimizerPlan, groups: tuple[GroupPlan, ...]
) -> list[Problem]:
    """Absolute rates in a schedule erase or lift the rates of the groups."""
    found = []
    trained = [group for group in groups if not group.frozen]
    if len(trained) > 1:
        for name in ("max_lr", "base_lr"):
            if name in plan.arguments:
                found.append(
                    Problem(
                        f"scheduler.{name}",
                        "one rate for every group would erase the groups' own rates",
                        f"remove {name}: each group's rate is its peak",
                    )
                )
    for part in (plan, *plan.parts):
        floor = part.arguments.get("eta_min", 0)
        for group in trained:
            if floor and floor >= group.rate(optimizer.base_lr):
                found.append(
                    Problem(
                        "scheduler.eta_min",
                        f"the floor {floor:g} is not below the rate of group '{group.name}' "
                        f"({group.rate(optimizer.base_lr):g}) and would lift it",
                        "lower it, or use cosine with min_factor, a fraction",
                    )
                )
    if plan.arguments.get("cycle_momentum") and not (
        {"momentum", "betas"} & set(optimizer.record.arguments)
    ):
        found.append(
            Problem(
                "scheduler.cycle_momentum",
                f"{optimizer.record.name} has neither momentum nor betas",
                "set it to false",
            )
        )
    return found
