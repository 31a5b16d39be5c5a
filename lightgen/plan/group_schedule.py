"""Decide the schedules that groups have of their own."""

from __future__ import annotations

from dataclasses import replace

from lightgen.catalogue.path_schedulers import PathScheduler
from lightgen.catalogue.schedulers import CONSTANT, schedulers
from lightgen.plan.types import GroupPlan, SchedulePlan
from lightgen.problems import Problem


def with_group_schedules(
    schedule: SchedulePlan | None, groups: tuple[GroupPlan, ...], problems: list[Problem]
) -> SchedulePlan | None:
    """The schedule with those of the groups; what is wrong is added to problems.

    A group without a form of its own has that of [scheduler], constant without one; so with the
    warmup.
    """
    own = [group for group in groups if group.schedules]
    if not own:
        return schedule
    if schedule is not None and not schedule.record.written_out:
        name = schedule.record.name
        key = "warmup_steps" if own[0].form is None else "schedule"
        problems.append(
            Problem(
                f"groups.{own[0].name}.{key}",
                f"{name if isinstance(schedule.record, PathScheduler) else f'a {name} of torch'} "
                "moves all groups alike",
                "choose cosine, linear or wsd in [scheduler], or remove [scheduler]",
            )
        )
        return schedule
    base = schedule or SchedulePlan(CONSTANT, interval="step")
    return replace(
        base,
        by_group={group.name: _of_group(group, base) for group in groups if not group.frozen},
    )


def _of_group(group: GroupPlan, base: SchedulePlan) -> SchedulePlan:
    record = base.record
    if group.form is not None:
        record = CONSTANT if group.form == CONSTANT.name else schedulers()[group.form]
    return SchedulePlan(
        record,
        base.arguments if record is base.record else {},
        interval="step",
        warmup_steps=base.warmup_steps if group.warmup_steps is None else group.warmup_steps,
    )


def floor_problems(schedule: SchedulePlan | None, *, layered: bool) -> list[Problem]:
    """An absolute floor stands above what layer decay leaves of a rate, sooner or later."""
    if schedule is None or not layered:
        return []
    parts = (schedule, *schedule.parts)
    record = schedule.record
    if isinstance(record, PathScheduler) and record.one_rate:
        what = f"{record.name} gives one rate to every group, and would erase those of the layers"
        return [Problem("scheduler.name", what, "use another schedule")]
    return [
        Problem(
            f"scheduler.{name}",
            f"the floor {part.arguments[name]:g} would lift the rates of the lower layers",
            "remove it, or use cosine with min_factor, a fraction",
        )
        for part in parts
        for name in ("eta_min", "min_lr", "lr_min", "warmup_lr_init")
        if part.arguments.get(name)
    ]
