"""Decide the parameter groups: what each covers, its rate, its settings."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

from lightgen.plan.composite import composite_groups, with_member
from lightgen.plan.foreign import is_path
from lightgen.plan.group_settings import (
    clip_bounds,
    freezing,
    own_settings,
    separate,
    unfreezing_problems,
)
from lightgen.plan.names import group_name_fault, member_fault
from lightgen.plan.optimizer import check_class_arguments
from lightgen.plan.types import WHOLE_MODEL, GroupPlan, OptimizerPlan
from lightgen.problems import Problem
from lightgen.spec.groups import REST, parse_rate
from lightgen.spec.model import Group, Spec

HEAD, BACKBONE = "head", "backbone"
REGEX = "re:"
_GLOB = re.compile(r"[*?\[]")


def plan_groups(
    spec: Spec, optimizer: OptimizerPlan, problems: list[Problem]
) -> tuple[GroupPlan, ...]:
    """Decide the groups; what is wrong is added to problems."""
    if not spec.groups and not optimizer.is_composite:
        decay = bool(optimizer.effective("weight_decay"))
        return (GroupPlan(WHOLE_MODEL, splits_decay=decay, whole=True),)
    wished = composite_groups(spec, problems) if optimizer.is_composite else spec.groups
    # What submodules another's model has is not known: a group's name is its pattern.
    by_name = not is_path(spec.model.name)
    groups = tuple(
        _plan_group(name, group, optimizer, problems, by_name=by_name)
        for name, group in wished.items()
    )
    if optimizer.is_composite:
        groups = tuple(with_member(plan, wished[plan.name], spec, problems) for plan in groups)
    problems += order_problems(groups)
    if not spec.optimizers:
        problems += unfreezing_problems(groups)
    trained = [group for group in groups if not group.frozen]
    if not trained:
        problems.append(
            Problem("groups", "every group is frozen: nothing is left to train", "train one")
        )
    if optimizer.record.single_group and len(trained) > 1:
        names = ", ".join(group.name for group in trained)
        problems.append(
            Problem(
                "groups",
                f"{optimizer.record.name} takes one parameter group, not {names}",
                "keep one group, freeze the others, or choose another optimizer",
            )
        )
    return groups


def _plan_group(
    name: str, group: Group, optimizer: OptimizerPlan, problems: list[Problem], *, by_name: bool
) -> GroupPlan:
    where = f"groups.{name}"
    patterns = _patterns(name, group, problems, by_name=by_name)
    lr, factor = _rate(group, where, problems)
    frozen, until_epoch = freezing(group, where, problems)
    if frozen:
        if lr is not None or factor is not None or group.arguments:
            problems.append(
                Problem(where, "a frozen group takes no other setting", "remove freeze or the rest")
            )
        return GroupPlan(name, patterns, frozen=True, ndim=group.ndim)
    own, given = separate(group.arguments, optimizer.record)
    settings = own_settings(own, where, problems)
    if optimizer.is_composite:
        # The arguments are those of the group's own class.
        given = {}
    elif group.optimizer is not None:
        what = f"only a composite has classes of its groups, not {optimizer.record.name}"
        todo = "set optimizer.name = 'composite', or remove it"
        problems.append(Problem(f"{where}.optimizer", what, todo))
    if optimizer.record.single_group and given:
        problems.append(
            Problem(
                where,
                f"{optimizer.record.name} takes its arguments once, not per group",
                "move them to [optimizer]",
            )
        )
        arguments: dict[str, Any] = {}
    else:
        arguments = check_class_arguments(given, optimizer.record, where, problems, of_group=True)
    rate = optimizer.record.arguments.get("lr")
    fault = rate.fault(lr) if rate is not None and lr is not None else ""
    if fault:
        problems.append(Problem(f"{where}.lr", fault, "write a rate such as 1e-4"))
    decay = arguments.get("weight_decay", optimizer.effective("weight_decay"))
    clip_norm, clip_value = clip_bounds(settings, where, problems)
    return GroupPlan(
        name,
        patterns,
        lr,
        factor,
        False,
        arguments,
        splits_decay=bool(decay),
        until_epoch=until_epoch,
        layer_decay=settings.get("layer_decay"),
        form=settings.get("schedule"),
        warmup_steps=settings.get("warmup_steps"),
        clip_norm=clip_norm,
        clip_value=clip_value,
        ndim=group.ndim,
    )


def _rate(group: Group, where: str, problems: list[Problem]) -> tuple[float | None, float | None]:
    if group.lr is None:
        return None, None
    if not isinstance(group.lr, str):
        return group.lr, None
    value, fault = parse_rate(group.lr)
    if fault:
        problems.append(Problem(f"{where}.lr", fault, "write a rate (1e-4) or a factor (x0.1)"))
        return None, None
    if isinstance(value, str):
        return None, float(value[1:])
    return value, None


def _patterns(
    name: str, group: Group, problems: list[Problem], *, by_name: bool
) -> tuple[str, ...]:
    """Empty for the submodule of the group's own name, where there is one by it."""
    where = f"groups.{name}"
    given = [group.match] if isinstance(group.match, str) else group.match
    if name == REST:
        if given:
            problems.append(
                Problem(where, "rest is what no other group matches", "name the group otherwise")
            )
        return ("*",)
    if given is None and name.isidentifier() and by_name:
        fault = member_fault(name)
        if fault:
            problems.append(Problem(where, fault, "give the group another name"))
        return ()
    fault = group_name_fault(name)
    if fault:
        todo = "name it: NAME=PATTERN:SETTING" if _GLOB.search(name) else "choose another name"
        problems.append(Problem(where, fault, todo))
    patterns = tuple(given) if given is not None else (name,)
    if not patterns:
        problems.append(Problem(f"{where}.match", "is an empty list", "write a pattern"))
    for pattern in patterns:
        fault = pattern_fault(pattern)
        if fault:
            problems.append(Problem(f"{where}.match", fault, "write a module path, glob or re:..."))
    return () if patterns == (name,) and name.isidentifier() and by_name else patterns


def pattern_fault(pattern: str) -> str:
    """What is wrong with a pattern, or an empty text."""
    if pattern.startswith(REGEX):
        try:
            with warnings.catch_warnings(action="error"):
                re.compile(pattern.removeprefix(REGEX))
        except (re.error, OverflowError, RecursionError, Warning) as error:
            return f"'{pattern}' is no regular expression ({error})"
        return "" if pattern != REGEX else "the regular expression is empty"
    if not re.fullmatch(r"[\w.*?\[\]!-]+", pattern, flags=re.ASCII):
        return f"'{pattern}' is no module path or glob"
    if "[]" in pattern:
        return f"'{pattern}' has empty brackets"
    if is_module_path(pattern) and not all(part for part in pattern.split(".")):
        return f"'{pattern}' has an empty part"
    return ""


def is_module_path(pattern: str) -> bool:
    """Whether a pattern is a plain module path."""
    return not pattern.startswith(REGEX) and not _GLOB.search(pattern)


def order_problems(groups: tuple[GroupPlan, ...]) -> list[Problem]:
    """First match wins: rest comes last, and no group hides another entirely."""
    found = []
    seen: dict[str, str] = {}
    for at, group in enumerate(groups):
        if group.name == REST and at < len(groups) - 1:
            found.append(Problem("groups.rest", "rest stands before other groups", "put it last"))
        hidden = [_hider(pattern, seen) for pattern in _covered(group)]
        if hidden and all(hidden):
            found.append(
                Problem(
                    f"groups.{group.name}",
                    f"everything that it matches belongs to group '{hidden[0]}' before it",
                    "put the narrower group first",
                )
            )
        for pattern in _covered(group) if group.ndim is None else ():
            seen.setdefault(pattern, group.name)
    return found


def _covered(group: GroupPlan) -> tuple[str, ...]:
    return group.patterns or (group.name,)


def _hider(pattern: str, seen: Mapping[str, str]) -> str:
    """The earlier group that covers a pattern entirely, as far as the texts tell."""
    for earlier, name in seen.items():
        if earlier in (pattern, "*"):
            return name
        if (
            is_module_path(earlier)
            and is_module_path(pattern)
            and pattern.startswith(f"{earlier}.")
        ):
            return name
    return ""


def submodules(groups: tuple[GroupPlan, ...]) -> tuple[str, ...]:
    """The submodules that the groups ask of a generated model, in order, the head last.

    A plain name is a submodule; of a module path the first part is one. A single plain group is
    the whole network; else there are a backbone and a head at least.
    """
    names = []
    for group in groups:
        for pattern in () if group.whole else _covered(group):
            root = pattern.split(".")[0]
            if is_module_path(pattern) and not member_fault(root):
                names.append(root)
    names = list(dict.fromkeys(names))
    plain = not any(group.patterns or group.whole for group in groups)
    if len(names) == 1 and plain:
        return (names[0],)
    if HEAD in names or len(names) < 2:
        names = [name for name in names if name != HEAD] + [HEAD]
    return (BACKBONE, HEAD) if len(names) < 2 else tuple(names)
