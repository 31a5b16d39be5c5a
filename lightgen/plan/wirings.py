"""Decide each optimizer with its groups and its schedule: one, or several by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.optimizers import COMPOSITE
from lightgen.catalogue.parts import Task
from lightgen.catalogue.trainer import trainer_arguments
from lightgen.plan.composite import plan_composite
from lightgen.plan.features import transfer_groups
from lightgen.plan.group_schedule import floor_problems, with_group_schedules
from lightgen.plan.group_settings import plan_layer_decay, unfreezing_problems
from lightgen.plan.groups import plan_groups
from lightgen.plan.optimizer import check_arguments, plan_optimizer
from lightgen.plan.rule import plan_rule
from lightgen.plan.schedule import plan_schedule
from lightgen.plan.several import (
    across_problems,
    mixed_problems,
    name_problems,
    scaler_problems,
    told_under,
    turn_problems,
    unfit_problems,
)
from lightgen.plan.types import GroupPlan, OptimizerPlan, Wiring
from lightgen.plan.unfit import unfit_wiring
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


def plan_wirings(
    spec: Spec, sources: Sources, task: Task, problems: list[Problem], notes: list[str]
) -> tuple[Wiring, ...]:
    """Decide the wirings; what is wrong is added to problems, what deserves a word to notes."""
    if not spec.optimizers and not task.optimizers:
        return (_plan_only(spec, sources, task, problems, notes),)
    named = spec.optimizers or _for_each(task, spec)
    problems += mixed_problems(spec, task)
    problems += name_problems(named, task)
    wirings = tuple(
        _plan_named(name, table, spec, sources, task, problems, notes)
        for name, table in named.items()
    )
    problems += across_problems(wirings)
    problems += unfreezing_problems(tuple(group for each in wirings for group in each.groups))
    problems += turn_problems(task, wirings)
    problems += scaler_problems(spec, task, wirings)
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
    wiring = Wiring("", optimizer, groups, schedule)
    problems += unfit_wiring(wiring, spec.model.name.lower())
    return wiring


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
    found: list[Problem] = []
    only = _only(table, found)
    groups = table.groups or {name: Group()}
    alone = spec.model_copy(
        update={"optimizer": only, "groups": groups, "scheduler": table.scheduler}
    )
    wiring = _plan_only(alone, sources, task, found, notes)
    # A composite has nothing else to be told than that it cannot be here.
    unfit = unfit_problems(wiring, alone)
    found = unfit if wiring.optimizer.is_composite else found + unfit
    if spec.optimizers:
        found = told_under(name, found)
    problems += found
    chosen = {
        key: _default(spec, key) if value is None else value
        for key in TRAINERS_DEFAULTS
        for value in [getattr(table, key)]
    }
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


def _default(spec: Spec, key: str) -> Any:
    """What the Trainer's table says for all; nothing where it is refused there."""
    value = spec.trainer.arguments.get(key)
    found: list[Problem] = []
    checked = check_arguments({key: value}, trainer_arguments(), "trainer", "", found)
    return None if value is None or found else checked.get(key)


def _only(table: NamedOptimizer, problems: list[Problem]) -> Optimizer:
    """The table as that of the only optimizer; without its rule, which is refused."""
    said = table.model_dump(exclude_unset=True, exclude=set(NAMED_KEYS))
    if table.rule is None:
        return Optimizer.model_validate(said)
    what = "a rule makes the class of the only optimizer"
    todo = "write the class by hand, with name = 'custom', or have one optimizer"
    problems.append(Problem("optimizer.rule", what, todo))
    return Optimizer(name="custom")


def _with_own_rate(group: GroupPlan, optimizer: OptimizerPlan) -> GroupPlan:
    """The optimizers' base rates differ: what a group has of them is written with it."""
    if group.frozen:
        return group
    return replace(group, lr=group.rate(optimizer.base_lr), factor=None)
