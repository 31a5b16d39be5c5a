"""A schedule of another package in `optim.py`: its call, and for timm what counts for it."""

from __future__ import annotations

from collections.abc import Mapping

from lightgen.catalogue.path_schedulers import PathScheduler
from lightgen.plan.types import SchedulePlan
from lightgen.plan.whole import Plan
from lightgen.render.environment import fill
from lightgen.render.foreign import call_lines
from lightgen.render.imports import Imports
from lightgen.source import Expr, Source, block, indent, literal

COUNTING = "TimmSchedule"


def counted(plan: Plan) -> list[SchedulePlan]:
    """The schedules that have to be told where the run is."""
    return [
        schedule
        for schedule in plan.schedules
        if isinstance(schedule.record, PathScheduler) and schedule.record.counts
    ]


def counting_class(plan: Plan, imports: Imports) -> str:
    """The class that counts for timm's schedules; empty where there are none."""
    schedules = counted(plan)
    if not schedules:
        return ""
    imports.module("timm.scheduler.scheduler")
    moves = {
        "epoch": "self.schedule.step(self.last_epoch)",
        "step": "self.schedule.step_update(self.last_epoch)",
    }
    intervals = {schedule.interval for schedule in schedules}
    lines = [moves[each] for each in intervals]
    if len(intervals) > 1:
        lines = ["if self.schedule.t_in_epochs:", f"    {moves['epoch']}"]
        lines += ["else:", f"    {moves['step']}"]
    rate = 'group["lr"]'
    why: list[str] = []
    if plan.layered:
        why = ["# timm multiplies by lr_scale, which the rate has in it already."]
        rate = 'group["lr"] / group.get("lr_scale", 1.0)'
    last = [*why, f"return [{rate} for group in self.optimizer.param_groups]"]
    return fill(
        "optim/timm_schedule.py",
        {"move": block(indent(lines, 3)), "rates": block(indent(last, 2))},
    )


def path_body(schedule: SchedulePlan, length: str, imports: Imports) -> list[str]:
    """The lines that make the schedule and return it."""
    record, call = schedule.record, schedule.call
    assert isinstance(record, PathScheduler) and call is not None
    head = []
    if any("{rate}" in text for text in schedule.computed.values()):
        what = literal(f"{call.name} gives all groups one rate, and these differ")
        head = [
            'rates = {group["lr"] for group in optimizer.param_groups}',
            "if len(rates) > 1:",
            f"    raise ValueError({what})",
        ]
    if any("{lowest}" in text for text in schedule.computed.values()):
        head += [
            "# The first epoch trains, too: timm's own start is a rate of zero.",
            'lowest = min(group["lr"] for group in optimizer.param_groups)',
        ]
    computed = {
        name: Expr(text.format(length=length, rate="max(rates)", lowest="lowest"))
        for name, text in schedule.computed.items()
    }
    lines = call_lines(call, imports, "optimizer", **computed)
    if record.counts:
        return [*head, f"schedule = {lines[0]}", *lines[1:], f"return {COUNTING}(schedule)"]
    return [*head, f"scheduler: LRScheduler = {lines[0]}", *lines[1:], "return scheduler"]


def keeps_ratio(schedule: SchedulePlan) -> bool:
    """Whether the groups' rates are to fall alike: an absolute floor or start is no share."""
    record = schedule.record
    if not isinstance(record, PathScheduler):
        return False
    absolute = (*record.floors, *record.starts)
    return not any(schedule.arguments.get(each) or each in schedule.computed for each in absolute)


def rises_from_zero(schedule: SchedulePlan | None) -> bool:
    """Whether the first rates may be zero."""
    return schedule is not None and schedule.call is not None and not schedule.record.watches


def counting_test(
    plan: Plan, closure: Expr, module: Source, ten: str, stepped: Mapping[str, Source]
) -> str:
    """The test that holds it against the package's own loop."""
    assert plan.schedule is not None
    move = "step" if plan.schedule.interval == "epoch" else "step_update"
    holes = {"module": module, "closure": closure, "ten_intervals": Source(ten), **stepped}
    return fill("tests/schedule_timm.py", {**holes, "move": Source(move)})
