"""What a schedule cannot be: by its interval, its metric, the rates of the groups."""

from __future__ import annotations

from lightgen.catalogue.parts import Task
from lightgen.catalogue.path_schedulers import PathScheduler
from lightgen.plan.types import GroupPlan, OptimizerPlan, SchedulePlan
from lightgen.problems import Problem, guess
from lightgen.spec.model import Spec


def wiring_problems(plan: SchedulePlan) -> list[Problem]:
    """What does not go with the interval."""
    return [*_interval_problems(plan), *_frequency_problems(plan), *_warmup_problems(plan)]


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


def monitor_problems(plan: SchedulePlan, task: Task, spec: Spec) -> list[Problem]:
    """What the monitored metric cannot do for this schedule."""
    where = "scheduler.monitor"
    if not plan.record.watches:
        if plan.monitor is None:
            return []
        return [Problem(where, f"{plan.record.name} reads no metric", "remove monitor")]
    monitor = plan.monitor or "val/loss"
    if monitor not in task.metrics:
        what = f"no metric '{monitor}' is logged"
        return [Problem(where, what, guess(monitor, task.metrics))]
    found = []
    wished = plan.arguments.get("mode")
    if wished is not None and wished != direction(monitor, task):
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


def direction(metric: str, task: Task) -> str:
    """Which way the metric is better: min or max."""
    return "min" if metric.endswith("loss") else task.best_mode


def rate_problems(
    plan: SchedulePlan, optimizer: OptimizerPlan, groups: tuple[GroupPlan, ...]
) -> list[Problem]:
    """Absolute rates in a schedule erase or lift the rates of the groups."""
    found = []
    trained = [group for group in groups if not group.frozen]
    if len(trained) > 1 and not isinstance(plan.record, PathScheduler):
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
