"""What several optimizers cannot be: by their names, their classes, and all together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from lightgen.catalogue.parts import Task
from lightgen.catalogue.trainer import SCALED
from lightgen.plan.groups import order_problems
from lightgen.plan.names import member_fault
from lightgen.plan.types import Wiring
from lightgen.problems import Problem
from lightgen.spec.model import NamedOptimizer, Spec

# Names of the code around the steps.
_LOCALS = {
    "LRScheduler",
    "LightningOptimizer",
    "at_the_end",
    "batch",
    "batch_idx",
    "batch_number",
    "cast",
    "configured",
    "cross_entropy",
    "divide_gradients",
    "has_turn",
    "is_full",
    "list",
    "logits",
    "loss",
    "next_token_loss",
    "noise",
    "optimizers",
    "sample_noise",
    "self",
    "squared_error",
    "turns",
}
_OWN_KEY = re.compile(r"\boptimizer\.")
_ONLY = ("optimizer", "groups", "scheduler")


def told_under(name: str, problems: Iterable[Problem]) -> list[Problem]:
    """Where problems of one of several stand in the spec: optimizer.lr is optimizers.NAME.lr."""
    own = f"optimizers.{name}."
    return [
        replace(each, where=_where(name, each.where), todo=_OWN_KEY.sub(own, each.todo))
        for each in problems
    ]


def _where(name: str, where: str) -> str:
    first, dot, rest = where.partition(".")
    if first == "optimizer":
        return f"optimizers.{name}{dot}{rest}"
    return f"optimizers.{name}.{where}" if first in _ONLY else where


def told_of_each(
    spec: Spec, wirings: tuple[Wiring, ...], look: Callable[[Wiring], list[Problem]]
) -> list[Problem]:
    """What is wrong with each, under its name where the spec has it."""
    found: list[Problem] = []
    for wiring in wirings:
        own = look(wiring)
        found += told_under(wiring.name, own) if spec.optimizers else own
    return found


def told_by_owner(spec: Spec, wirings: tuple[Wiring, ...], found: list[Problem]) -> list[Problem]:
    """Problems of groups, each under the optimizer that has the group."""
    if not spec.optimizers:
        return found
    owners = {group.name: wiring.name for wiring in wirings for group in wiring.groups}
    told = []
    for problem in found:
        first, _, rest = problem.where.partition(".")
        owner = next((own for name, own in owners.items() if f"{rest}.".startswith(f"{name}.")), "")
        told += told_under(owner, [problem]) if first == "groups" and owner else [problem]
    return told


def mixed_problems(spec: Spec, task: Task) -> list[Problem]:
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


def name_problems(named: Mapping[str, NamedOptimizer], task: Task) -> list[Problem]:
    """Names that the code cannot take, and those that a task asks for."""
    found = []
    for name in named:
        fault = member_fault(name)
        if not fault and (name in _LOCALS or name.removesuffix("_schedule") in {*named} - {name}):
            fault = f"'{name}' is another variable of training_step"
        same = [each for each in named if each.upper() == name.upper()]
        if not fault and same[0] != name:
            fault = f"'{same[0]}' is the same in capitals, as constants are written"
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


def unfit_problems(wiring: Wiring, alone: Spec) -> list[Problem]:
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


def across_problems(wirings: tuple[Wiring, ...]) -> list[Problem]:
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
            found += told_under(owners[group_name], [problem])
    customs = [wiring.optimizer for wiring in wirings if wiring.optimizer.is_custom]
    kinds = [(each.class_name, each.custom, each.rule, each.skeleton) for each in customs]
    if any(kind != kinds[0] for kind in kinds):
        what = "a project carries one custom class, and these differ"
        found.append(Problem("optimizers", what, "write one of them by hand, or use one rule"))
    return found


def turn_problems(task: Task, wirings: tuple[Wiring, ...]) -> list[Problem]:
    """On one loss the gradients of batches without a turn would be added up with the others."""
    what = "of one loss, batches between its turns would be added up too"
    todo = "leave out frequency or accumulate_grad_batches"
    return [
        Problem(f"optimizers.{each.name}.frequency", what, todo)
        for each in wirings
        if each.frequency > 1 and each.accumulate > 1 and not task.optimizers
    ]


def scaler_problems(spec: Spec, task: Task, wirings: tuple[Wiring, ...]) -> list[Problem]:
    """Lightning moves the scale of the gradients at the step of each optimizer."""
    precision = str(spec.trainer.arguments.get("precision"))
    accumulates = any(wiring.accumulate > 1 for wiring in wirings)
    if precision not in SCALED or (task.optimizers and not accumulates):
        return []
    what = f"under {precision} the step of one optimizer changes the scale of the gradients that "
    waiting = "wait for a step" if task.optimizers else "the next one is to take off"
    return [Problem("trainer.precision", what + waiting, "use bf16-mixed or 32-true")]
