"""Decide what a group has beside a rate: when it trains, its layers, its schedule, its bound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lightgen.catalogue.groups import GROUP_SETTINGS, LAYER_DECAY
from lightgen.catalogue.optimizer import Optimizer
from lightgen.catalogue.strategies import SHARDING
from lightgen.catalogue.trainer import MIXED
from lightgen.plan.optimizer import check_arguments
from lightgen.plan.types import GroupPlan, ModelPlan, OptimizerPlan
from lightgen.problems import Problem
from lightgen.spec.model import Group, Spec

_UNTIL = re.compile(r"until_epoch:\s*([0-9]{1,9})", flags=re.ASCII)


def separate(given: Mapping[str, Any], record: Optimizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of a group that are lightgen's own, and the arguments of the class.

    What the class has an argument for is that argument: a rule may have warmup_steps.
    """
    names = GROUP_SETTINGS.keys() - record.arguments.keys()
    own = {key: value for key, value in given.items() if key in names}
    return own, {key: value for key, value in given.items() if key not in names}


def own_settings(given: Mapping[str, Any], where: str, problems: list[Problem]) -> dict[str, Any]:
    """The settings that are right; what is wrong is added to problems."""
    lowered = {
        key: value.lower() if isinstance(value, str) else value for key, value in given.items()
    }
    return check_arguments(lowered, GROUP_SETTINGS, where, "a group", problems)


def freezing(group: Group, where: str, problems: list[Problem]) -> tuple[bool, int]:
    """Whether a group is frozen for good, else the epoch from which on it trains."""
    if isinstance(group.freeze, bool):
        return group.freeze, 0
    found = _UNTIL.fullmatch(group.freeze)
    epoch = int(found[1]) if found else 0
    if epoch:
        return False, epoch
    what = "epochs count from 0: nothing is frozen before epoch 0"
    if found is None:
        what = f"'{group.freeze}' is neither true nor until_epoch:N"
    todo = "write true, or until_epoch:N for a group that trains from epoch N on"
    problems.append(Problem(f"{where}.freeze", what, todo))
    return False, 0


def unfreezing_problems(groups: tuple[GroupPlan, ...]) -> list[Problem]:
    """An epoch in which nothing trains is not meant."""
    trained = [group for group in groups if not group.frozen]
    if not trained or not all(group.until_epoch for group in trained):
        return []
    first = min(group.until_epoch for group in trained)
    what = f"every group is frozen before epoch {first}: nothing is left to train"
    return [Problem("groups", what, "let one group train from the start")]


def clip_bounds(
    settings: Mapping[str, Any], where: str, problems: list[Problem]
) -> tuple[float | None, float | None]:
    """The bound of a group's norm, and that of its values."""
    bound, algorithm = settings.get("gradient_clip_val"), settings.get("gradient_clip_algorithm")
    if bound is None:
        if algorithm is not None:
            what = "it does nothing without gradient_clip_val"
            todo = f"set {where}.gradient_clip_val"
            problems.append(Problem(f"{where}.gradient_clip_algorithm", what, todo))
        return None, None
    return (None, bound) if algorithm == "value" else (bound, None)


def clipping_problems(
    groups: tuple[GroupPlan, ...],
    optimizer: OptimizerPlan,
    model: ModelPlan,
    trainer: Mapping[str, Any],
) -> list[Problem]:
    """Why gradients cannot be clipped group by group."""
    clipped = [group for group in groups if group.clips]
    if not clipped:
        return []
    where = f"groups.{clipped[0].name}.gradient_clip_val"
    strategy, precision = str(trainer.get("strategy")), str(trainer.get("precision"))
    rows = [
        (
            trainer.get("gradient_clip_val") is not None,
            where,
            "the Trainer clips all gradients together already",
            "remove trainer.gradient_clip_val, or the groups' own",
        ),
        (
            model.record.sparse,
            where,
            "sparse gradients cannot be clipped",
            "remove it, or choose another model",
        ),
        (
            bool(optimizer.arguments.get("fused")) and precision in MIXED,
            "optimizer.fused",
            f"a fused step under {precision} unscales the gradients itself, after the clipping",
            "remove fused, or the groups' gradient_clip_val, or the mixed precision",
        ),
        (
            strategy.startswith(SHARDING),
            where,
            f"{strategy} splits the gradients over the devices: no device knows a group's norm",
            "remove it, or use ddp",
        ),
    ]
    return [Problem(place, what, todo) for holds, place, what, todo in rows if holds]


def plan_layer_decay(
    spec: Spec, optimizer: OptimizerPlan, groups: tuple[GroupPlan, ...], problems: list[Problem]
) -> float | None:
    """The factor of all groups; what is wrong is added to problems."""
    decay = spec.optimizer.layer_decay
    if decay is not None:
        fault = LAYER_DECAY.fault(decay)
        if fault:
            todo = f"it takes {LAYER_DECAY.range}"
            problems.append(Problem("optimizer.layer_decay", fault, todo))
    own = [group for group in groups if group.layer_decay is not None]
    if decay is None and not own:
        return None
    where = "optimizer" if decay is not None else f"groups.{own[0].name}"
    if optimizer.record.single_group:
        what = f"{optimizer.record.name} takes one parameter group, and each layer would be one"
        problems.append(Problem(f"{where}.layer_decay", what, "remove it"))
    if decay is not None and own:
        what = "stands for all groups and for one: from where are the layers counted?"
        todo = f"remove optimizer.layer_decay, or groups.{own[0].name}.layer_decay"
        problems.append(Problem("optimizer.layer_decay", what, todo))
    return decay


def depth_problems(
    model: ModelPlan, optimizer: OptimizerPlan, groups: tuple[GroupPlan, ...], *, several: bool
) -> list[Problem]:
    """Layer decay where lightgen's own model has no layers to tell apart.

    Patterns are left to the project, which looks at its model when it starts.
    """
    name, depths = model.record.name, model.depths
    if optimizer.layer_decay is not None and depths and sum(depths.values()) < 2:
        what = f"an {name} has no layers one behind the other"
        return [Problem("optimizer.layer_decay", what, "remove it, or choose another model")]
    todo = "remove it"
    if not several:
        todo += ", or set optimizer.layer_decay, which counts the layers of the whole model"
    return [
        Problem(
            f"groups.{group.name}.layer_decay",
            f"'{group.name}' of the {name} is a single layer",
            todo,
        )
        for group in groups
        if group.layer_decay is not None and depths.get(group.name, 2) < 2
    ]
