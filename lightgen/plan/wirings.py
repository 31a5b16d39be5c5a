"""Decide each optimizer with its groups and its schedule: one, or several by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.optimizers import COMPOSITE
from lightgen.catalogue.parts import Task
from lightgen.plan.composite import plan_composite
from lightgen.plan.features import transfer_groups
from lightgen.plan.group_schedule import floor_problems, with_group_schedules
from lightgen.plan.group_settings import plan_layer_decay, unfreezing_problems
from lightgen.plan.groups import order_problems, plan_groups
from lightgen.plan.names import member_fault
from lightgen.plan.optimizer import plan_optimizer
from lightgen.plan.rule import plan_rule
from lightgen.plan.schedule import plan_schedule
from lightgen.plan.types import GroupPlan, OptimizerPlan, Wiring
from lightgen.problems import Problem
from lightgen.spec.model import NAMED_KEYS, Group, NamedOptimizer, Optimizer, Spec
from lightgen.spec.rule import RuleFile

Sources = Mapping[str, RuleFile]
# What the Trainer does for one optimizer, and the code itself for several.
TRAINERS_DEFAULTS = (
    "accumulate_grad_batches",
    "gradient_clip_val",
    "gradient_clip_algorithm",
)
SCALED = ("16", "16-mixed")
_ONLY = {"optimizer": "optimizer", "groups": "groups", "scheduler": "scheduler"}


def plan_wirings(
    spec: Spec, sources: Sources, task: Task, problems: list[Problem], notes: list[str]
) -> tuple[Wiring, ...]:
    """Decide the wirings; what is wrong is added to problems, what deserves a word to notes."""
    if not spec.optimizers and not task.optimizers:
        return (_plan_only(spec, sources, task, problems, notes),)
    named = spec.optimizers or _for_each(task, spec)
    problems += _mixed_problems(spec, task)
    problems += _name_problems(named, task)
    wirings = tuple(
        _plan_named(name, table, spec, sources, task, problems, notes)
        for name, table in named.items()
    )
    problems += _across_problems(wirings)
    problems += unfreezing_problems(tuple(group for each in wirings for group in each.groups))
    problems += _scaler_problems(spec, task, wirings)
    return wirings


def _plan_only(
    spec: Spec, sources: Sources, task: Task, problems: list[Problem], notes: list[str]
) -> Wiring:
    optimizer = _plan_optimizer(spec, sources, problems)
    if not spec.groups:
        optimizer, defaults = transfer_groups(spec, task, optimizer)
        spec = spec.model_copy(update={"groups": defaults})
    groups = plan_groups(spec, optimizer, problems)
    layer_decay = plan_layer_decay(spec, optimizer, groups, problems)
    optimizer = replace(optimizer, layer_decay=layer_decay)
    schedule = plan_schedule(spec, task, optimizer, groups, problems, notes)
    schedule = with_group_schedules(schedule, groups, problems)
    layered = layer_decay is not None or any(group.layer_decay for group in groups)
    problems += floor_problems(schedule, layered=layered)
    return Wiring("", optimizer, groups, schedule)


def _plan_optimizer(spec: Spec, sources: Sources, problems: list[Problem]) -> OptimizerPlan:
    if spec.optimizer.rule is not None and spec.optimizer.is_custom:
        return plan_rule(spec, sources, problems)
    if spec.optimizer.rule is not None:
        what = "belongs to a custom optimizer"
        problems.append(Problem("optimizer.rule", what, "name = 'custom'"))
    if spec.optimizer.name.lower() == COMPOSITE.name:
        return plan_composite(spec.optimizer, problems)
    return plan_optimizer(spec, problems)


def _for_each(task: Task, spec: Spec) -> dict[str, NamedOptimizer]:
    """A task of several optimizers, without a word about them or with one about all."""
    said = spec.optimizer.model_dump(exclude_unset=True)
    table: dict[str, Any] = {**task.customary, **said} if "name" not in said else dict(said)
    if spec.scheduler is not None:
        table["scheduler"] = spec.scheduler.model_dump(exclude_unset=True)
    groups = {
        name: {"groups": {name: group.model_dump(exclude_unset=True)}}
        for name, group in spec.groups.items()
    }
    return {
        name: NamedOptimizer.model_validate({**table, **groups.get(name, {})})
        for name in task.optimizers
    }


def _plan_named(
    name: str,
    table: NamedOptimizer,
    spec: Spec,
    sources: Sources,
    task: Task,
    problems: list[Problem],
    notes: list[str],
) -> Wiring:
    """The wiring of one of several: planned as if it were the only one, told under its name."""
    only = Optimizer.model_validate(table.model_dump(exclude_unset=True, exclude=set(NAMED_KEYS)))
    groups = table.groups or {name: Group()}
    alone = spec.model_copy(
        update={"optimizer": only, "groups": groups, "scheduler": table.scheduler}
    )
    found: list[Problem] = []
    wiring = _plan_only(alone, sources, task, found, notes)
    found += _unfit(wiring, alone)
    if spec.optimizers:
        found = [replace(each, where=_told_under(name, each.where)) for each in found]
    problems += found
    trainer = spec.trainer.arguments
    chosen = {key: getattr(table, key) for key in TRAINERS_DEFAULTS}
    for key, value in chosen.items():
        chosen[key] = trainer.get(key) if value is None else value
    if table.gradient_clip_algorithm and chosen["gradient_clip_val"] is None:
        problems.append(
            Problem(
                f"optimizers.{name}.gradient_clip_algorithm",
                "it does nothing without gradient_clip_val",
                f"set optimizers.{name}.gradient_clip_val",
            )
        )
    return replace(
        wiring,
        name=name,
        groups=tuple(_with_own_rate(group, wiring.optimizer) for group in wiring.groups),
        frequency=table.frequency,
        accumulate=chosen["accumulate_grad_batches"] or 1,
        clip_val=chosen["gradient_clip_val"],
        clip_algorithm=chosen["gradient_clip_algorithm"] or "norm",
    )


def _with_own_rate(group: GroupPlan, optimizer: OptimizerPlan) -> GroupPlan:
    """The optimizers' base rates differ: what a group has of them is written with it."""
    if group.frozen:
        return group
    return replace(group, lr=group.rate(optimizer.base_lr), factor=None)


def _told_under(name: str, where: str) -> str:
    """Where a problem stands in the spec: optimizer.lr is optimizers.NAME.lr."""
    first, dot, rest = where.partition(".")
    if first == "optimizer":
        return f"optimizers.{name}{dot}{rest}"
    return f"optimizers.{name}.{where}" if first in _ONLY else where


def _mixed_problems(spec: Spec, task: Task) -> list[Problem]:
    """The tables of the only optimizer have no meaning beside several."""
    if spec.optimizers:
        given = [key for key in _ONLY if key in spec.model_fields_set and _says(spec, key)]
        return [
            Problem(key, "there are several optimizers", f"move it to optimizers.NAME{_inner(key)}")
            for key in given
        ]
    if not spec.groups.keys() <= set(task.optimizers):
        names = " and ".join(task.optimizers)
        what = f"the task {task.name} has an optimizer for each of {names}"
        return [Problem("groups", what, "write [optimizers.NAME.groups.GROUP]")]
    return []


def _says(spec: Spec, key: str) -> bool:
    value = getattr(spec, key)
    return bool(value if key == "groups" else value is not None and value.model_fields_set)


def _inner(key: str) -> str:
    return "" if key == "optimizer" else f".{key}"


def _name_problems(named: Mapping[str, NamedOptimizer], task: Task) -> list[Problem]:
    found = []
    for name in named:
        fault = member_fault(name)
        if fault:
            found.append(Problem(f"optimizers.{name}", fault, "give the optimizer another name"))
    if len(named) == 1 and not task.optimizers:
        found.append(Problem("optimizers", "there is only one", "use [optimizer], or name another"))
    if task.optimizers and set(named) != set(task.optimizers):
        needed = " and ".join(task.optimizers)
        found.append(
            Problem(
                "optimizers",
                f"the task {task.name} has a loss for each of {needed}, "
                f"and there are optimizers {', '.join(named)}",
                f"name them {needed}",
            )
        )
    return found


def _unfit(wiring: Wiring, alone: Spec) -> list[Problem]:
    """Classes that cannot be one of several."""
    record, where = wiring.optimizer.record, "optimizer.name"
    if wiring.optimizer.is_composite:
        what = "a composite steps several classes as one optimizer"
        return [Problem(where, what, "name a class of torch, or use the composite alone")]
    if record.needs_closure:
        what = f"{record.name} evaluates the loss anew within its step"
        return [Problem(where, f"{what}, which several optimizers share", "use it alone")]
    if record.sparse_only:
        what = f"{record.name} needs a model of sparse gradients alone"
        return [Problem(where, what, "use it alone")]
    if wiring.optimizer.turns_weights:
        what = "a rule with to_eval turns the weights of the whole model"
        return [Problem("optimizer.rule", what, "use it alone")]
    if wiring.optimizer.layer_decay is not None:
        what = "layers are counted from the head of the whole model"
        todo = "set it on a group, from whose end it counts"
        return [Problem("optimizer.layer_decay", what, todo)]
    if "lr_finder" in alone.optimizer.model_fields_set:
        what = "one factor says nothing of several optimizers"
        return [Problem("optimizer.lr_finder", what, "use it while there is one")]
    for group in wiring.groups:
        if group.clips:
            what = "the gradients of an optimizer's groups are bounded together"
            todo = "set gradient_clip_val of the optimizer"
            return [Problem(f"groups.{group.name}.gradient_clip_val", what, todo)]
    if wiring.schedule and (wiring.schedule.monitor or "").startswith("train/"):
        what = "the mean of the training loss is not known when the rates move"
        return [Problem("scheduler.monitor", what, "monitor val/loss")]
    return []


def _across_problems(wirings: tuple[Wiring, ...]) -> list[Problem]:
    """What no optimizer alone can tell: names that stand twice, groups that hide others."""
    owners: dict[str, str] = {}
    found = []
    for wiring in wirings:
        for group in wiring.groups:
            if group.name in owners:
                found.append(
                    Problem(
                        f"optimizers.{wiring.name}.groups.{group.name}",
                        f"optimizer {owners[group.name]} has a group '{group.name}' already",
                        "a parameter has one optimizer: remove one, or name it otherwise",
                    )
                )
            owners.setdefault(group.name, wiring.name)
    if not found:
        hidden = order_problems(tuple(group for wiring in wirings for group in wiring.groups))
        for problem in hidden:
            _, _, group_name = problem.where.partition(".")
            where = f"optimizers.{owners[group_name]}.{problem.where}"
            found.append(replace(problem, where=where))
    customs = [wiring.optimizer for wiring in wirings if wiring.optimizer.is_custom]
    kinds = [(each.class_name, each.custom, each.rule, each.skeleton) for each in customs]
    if any(kind != kinds[0] for kind in kinds):
        what = "a project carries one custom class, and these differ"
        found.append(Problem("optimizers", what, "write one of them by hand, or use one rule"))
    return found


def _scaler_problems(spec: Spec, task: Task, wirings: tuple[Wiring, ...]) -> list[Problem]:
    """Lightning moves the scale of the gradients at the step of each optimizer."""
    precision = str(spec.trainer.arguments.get("precision"))
    accumulates = any(wiring.accumulate > 1 for wiring in wirings)
    if precision not in SCALED or (task.optimizers and not accumulates):
        return []
    what = f"under {precision} the step of one optimizer changes the scale of the gradients that "
    waiting = "wait for a step" if task.optimizers else "the next one is to take off"
    return [Problem("trainer.precision", what + waiting, "use bf16-mixed or 32-true")]
