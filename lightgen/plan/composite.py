"""Decide a composite: each group has a class of its own, and all of them step as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.optimizer import SWITCHES, Optimizer
from lightgen.catalogue.optimizers import COMPOSITE, optimizers
from lightgen.catalogue.others import find_optimizer
from lightgen.catalogue.parts import TASKS
from lightgen.plan.foreign import is_path
from lightgen.plan.group_settings import separate
from lightgen.plan.optimizer import check_arguments, cross_checks, misplaced
from lightgen.plan.types import GroupPlan, OptimizerPlan
from lightgen.problems import Problem, guess
from lightgen.spec import model as spec
from lightgen.spec.groups import REST
from lightgen.spec.kinds import MEMBER

COMPOSITE_CLASS = "CompositeOptimizer"
HIDDEN = "hidden"
_MATRICES = 2
# Where a model's hidden matrices are: no embedding, no position, nothing of the head.
_HIDDEN_MATRICES: dict[tuple[str, str], str | list[str]] = {
    ("mlp", "vectors"): "backbone",
    ("transformer", "text"): "blocks",
    ("transformer", "vectors"): ["*.self_attn", "*.linear1", "*.linear2"],
}
# Switches that need a GPU, or more than a training loop.
_NOT_HERE = ("lr", "capturable", "differentiable")


def plan_composite(table: spec.Optimizer, problems: list[Problem]) -> OptimizerPlan:
    """The optimizer of a spec whose groups name their classes."""
    problems += misplaced(table)
    for key in table.arguments:
        what = "a composite has no arguments, its groups have"
        problems.append(Problem(f"optimizer.{key}", what, f"set groups.NAME.{key}"))
    return OptimizerPlan(COMPOSITE, COMPOSITE_CLASS, 0.0, {})


def composite_groups(wished: spec.Spec, problems: list[Problem]) -> Mapping[str, spec.Group]:
    """The groups of a composite; without any in the spec, Muon's and AdamW's."""
    if wished.groups:
        if not any(group.optimizer for group in wished.groups.values()):
            first = next(iter(wished.groups))
            what = "no group names the class that trains it"
            todo = (
                f"set groups.{first}.optimizer = 'Muon', for example, or choose another optimizer"
            )
            problems.append(Problem("groups", what, todo))
        return wished.groups
    if is_path(wished.model.name):
        what = f"which matrices of {wished.model.name} are hidden ones, for Muon, is not known"
        todo = "name the class of each group: groups.NAME.match, .ndim and .optimizer"
        problems.append(Problem("optimizer.name", what, todo))
        return {REST: spec.Group()}
    task = TASKS.get(wished.task.lower(), TASKS["classification"])
    name = wished.model.name.lower() or task.model
    match = _HIDDEN_MATRICES.get((name, task.inputs))
    if match is None:
        what = f"Muon trains hidden matrices, and a {name} has none that torch's Muon takes"
        todo = "choose another model, or name the class of each group: groups.NAME.optimizer"
        problems.append(Problem("optimizer.name", what, todo))
        return {REST: spec.Group()}
    return {
        HIDDEN: spec.Group(match=match, ndim=_MATRICES, optimizer="Muon"),
        REST: spec.Group(optimizer=MEMBER),
    }


def with_member(
    plan: GroupPlan, group: spec.Group, wished: spec.Spec, problems: list[Problem]
) -> GroupPlan:
    """The group with the class that trains it, its arguments and its rate."""
    if plan.frozen:
        if group.optimizer is not None:
            what = "a frozen group is trained by no class"
            problems.append(Problem(f"groups.{plan.name}.optimizer", what, "remove one of the two"))
        return plan
    where = f"groups.{plan.name}"
    member = _member(group, where, problems)
    problems += _matrix_problems(where, group, member, wished)
    arguments = _arguments(group, member, where, problems)
    lr = member.base_lr * (1 if plan.factor is None else plan.factor)
    if plan.lr is not None:
        lr = plan.lr
    fault = member.record.arguments["lr"].fault(lr)
    if fault:
        problems.append(Problem(f"{where}.lr", fault, "write a rate such as 1e-4"))
    return replace(
        plan,
        lr=float(f"{lr:.12g}"),
        factor=None,
        arguments=arguments,
        splits_decay=bool(replace(member, arguments=arguments).effective("weight_decay")),
        optimizer=member,
    )


def _member(group: spec.Group, where: str, problems: list[Problem]) -> OptimizerPlan:
    name = group.optimizer or MEMBER
    record = find_optimizer(name)
    if record is not None and record.path:
        what = f"a composite steps classes of torch, and {record.name} is of another package"
        todo = "name a class of torch, or the class for the whole model"
        problems.append(Problem(f"{where}.optimizer", what, todo))
        record = optimizers()[MEMBER]
    if record is None:
        what = f"unknown optimizer '{name}'"
        problems.append(Problem(f"{where}.optimizer", what, guess(name, optimizers())))
        record = optimizers()[MEMBER]
    reason = _reason_alone(record)
    if reason:
        todo = f"choose another class, or {record.name} for the whole model"
        problems.append(Problem(f"{where}.optimizer", f"{record.name} {reason}", todo))
    customary = dict(record.customary)
    return OptimizerPlan(record, record.name, customary.pop("lr"), customary)


def _reason_alone(record: Optimizer) -> str:
    """Why a class cannot step beside others, or an empty text."""
    if record.needs_closure or record.single_group:
        return "evaluates the loss of the whole model several times a step: it steps alone"
    if record.sparse_only:
        return "takes sparse gradients only, and the groups beside it have dense ones"
    return ""


def _arguments(
    group: spec.Group, member: OptimizerPlan, where: str, problems: list[Problem]
) -> dict[str, Any]:
    """The customary arguments of a group's class and those that the group sets."""
    known: dict[str, Argument] = {
        key: each for key, each in member.record.arguments.items() if key not in _NOT_HERE
    }
    given = separate(group.arguments, member.record)[1]
    given = check_arguments(given, known, where, member.record.name, problems)
    arguments = {**member.arguments, **given}
    problems += [
        replace(
            found,
            where=found.where.replace("optimizer.", f"{where}."),
            todo=found.todo.replace("optimizer.", f"{where}."),
        )
        for found in cross_checks(member.record, arguments)
    ]
    return arguments


def _matrix_problems(
    where: str, group: spec.Group, member: OptimizerPlan, wished: spec.Spec
) -> list[Problem]:
    """A class for matrices needs a group of nothing else."""
    only_matrices = wished.model.bias is False and wished.model.name.lower() in ("", "mlp")
    fits = group.ndim == _MATRICES or (group.ndim is None and only_matrices)
    if not member.record.matrices_only or fits:
        return []
    what = f"{member.record.name} trains parameters with two dimensions only"
    todo = f"set {where}.ndim = 2, and let a group after it take the others"
    return [Problem(f"{where}.optimizer", what, todo)]


def members(groups: tuple[GroupPlan, ...]) -> list[tuple[OptimizerPlan, tuple[GroupPlan, ...]]]:
    """The optimizers of a composite: a class and its switches, with the groups that it trains."""
    found: dict[str, tuple[OptimizerPlan, tuple[GroupPlan, ...]]] = {}
    for group in groups:
        if group.optimizer is None:
            continue
        switches = {key: group.arguments[key] for key in SWITCHES if key in group.arguments}
        member = replace(group.optimizer, arguments=switches)
        key = f"{member.class_name} {switches}"
        found[key] = member, (*(found[key][1] if key in found else ()), group)
    return list(found.values())
