"""Decide the optimizer: class, arguments, base rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.optimizer import SWITCHES, Optimizer
from lightgen.catalogue.optimizers import COMPOSITE, optimizers
from lightgen.catalogue.others import chosen_optimizers, find_optimizer, guess_package, is_foreign
from lightgen.catalogue.skeletons import SKELETONS, Skeleton, find_skeleton
from lightgen.plan.foreign import path_fault, plan_arguments
from lightgen.plan.hyperparameter import STANDARD, Hyperparameter
from lightgen.plan.names import class_name_problem
from lightgen.plan.types import OptimizerPlan
from lightgen.problems import Problem, guess
from lightgen.spec.model import Optimizer as Table
from lightgen.spec.model import Range, Spec

CUSTOM = "custom"
CUSTOM_CLASS = "CustomOptimizer"
CUSTOM_FLAGS = (
    Argument("foreach", None, kind="flag", optional=True, doc="implementation"),
    Argument("maximize", False, kind="flag", doc="climb instead of descend"),
)


def plan_optimizer(spec: Spec, problems: list[Problem]) -> OptimizerPlan:
    """Decide the optimizer; what is wrong is added to problems."""
    table = spec.optimizer
    if table.name.lower() == CUSTOM:
        if table.train_eval:
            what = "a rule with to_train and to_eval has them; another custom class has none"
            problems.append(Problem("optimizer.train_eval", what, "remove it"))
        return _plan_custom(spec, problems)
    problems += misplaced(table)
    record = known_optimizer(table.name, "optimizer.name", problems)
    if table.train_eval and record is not None and not record.open:
        what = f"what {record.name} needs is known"
        problems.append(Problem("optimizer.train_eval", what, "remove it"))
    if record is None:
        record = optimizers()["AdamW"]
        return OptimizerPlan(record, record.name, 1e-3, {})
    if table.train_eval and record.open:
        record = replace(record, turns=True)
    given = check_class_arguments(table.arguments, record, "optimizer", problems)
    arguments = {**record.customary, **given}
    base_lr = arguments.pop("lr")
    problems += cross_checks(record, arguments)
    return OptimizerPlan(record, record.name, base_lr, arguments)


def known_optimizer(name: str, where: str, problems: list[Problem]) -> Optimizer | None:
    """The class of that name, or by that path; why it is none that can be chosen to problems."""
    fault = path_fault(name) if is_foreign(name) else ""
    if fault:
        problems.append(Problem(where, fault, "write it as it is imported"))
        return None
    record = find_optimizer(name)
    if record is None:
        known = (
            [*chosen_optimizers()] if is_foreign(name) else [*optimizers(), COMPOSITE.name, CUSTOM]
        )
        todo = guess_package(name) or guess(name, known)
        problems.append(Problem(where, f"unknown optimizer '{name}'", todo))
    elif record.refused:
        problems.append(Problem(where, f"{record.name} {record.refused}", "choose another class"))
        return None
    return record


def misplaced(table: Table) -> list[Problem]:
    """What only a custom optimizer has."""
    what, todo = "belongs to a custom optimizer", "name = 'custom'"
    keys = ("class_name", "hyperparameters", "skeleton")
    return [
        Problem(f"optimizer.{key}", what, todo) for key in keys if key in table.model_fields_set
    ]


def _plan_custom(spec: Spec, problems: list[Problem]) -> OptimizerPlan:
    table = spec.optimizer
    if table.skeleton is not None:
        return _plan_skeleton(table.skeleton, spec, problems)
    extra = _declared(table.hyperparameters, problems)
    hyperparameters = tuple({**{each.name: each for each in STANDARD}, **extra}.values())
    record = custom_record(hyperparameters)
    class_name = CUSTOM_CLASS if table.class_name is None else table.class_name
    fault = class_name_problem(class_name)
    if fault:
        problems.append(fault)
    given = check_arguments(table.arguments, record.arguments, "optimizer", CUSTOM, problems)
    arguments = {**record.customary, **given}
    base_lr = arguments.pop("lr")
    return OptimizerPlan(record, class_name, base_lr, arguments, hyperparameters)


def _plan_skeleton(name: str, spec: Spec, problems: list[Problem]) -> OptimizerPlan:
    table = spec.optimizer
    skeleton = find_skeleton(name)
    if skeleton is None:
        what = f"unknown skeleton '{name}'"
        problems.append(Problem("optimizer.skeleton", what, guess(name, SKELETONS)))
        return OptimizerPlan(custom_record(), CUSTOM_CLASS, 1e-3, {}, STANDARD)
    extra = _declared(table.hyperparameters, problems)
    for own in extra.keys() & skeleton.arguments.keys():
        problems.append(
            Problem(
                f"optimizer.hyperparameters.{own}",
                f"the {skeleton.name} skeleton has it already",
                f"set optimizer.{own}",
            )
        )
        del extra[own]
    class_name = skeleton.class_name if table.class_name is None else table.class_name
    fault = class_name_problem(class_name)
    if fault:
        problems.append(fault)
    record = _skeleton_record(skeleton, extra)
    arguments = check_arguments(
        table.arguments, record.arguments, "optimizer", record.name, problems
    )
    base_lr = arguments.pop("lr", record.customary["lr"])
    hyperparameters = (*map(_hyperparameter, skeleton.arguments.values()), *extra.values())
    return OptimizerPlan(record, class_name, base_lr, arguments, hyperparameters, skeleton.name)


def custom_record(hyperparameters: tuple[Hyperparameter, ...] = STANDARD) -> Optimizer:
    """The catalogue's entry of a custom optimizer with these hyperparameters."""
    arguments = {each.name: _argument(each) for each in hyperparameters}
    return Optimizer(
        CUSTOM,
        "a torch.optim.Optimizer subclass of your own: an Adam to start from, or what an update "
        "rule says (--rule FILE)",
        {**arguments, **{flag.name: flag for flag in CUSTOM_FLAGS}},
        customary={"lr": hyperparameters[0].default},
        goes_with="warmup with cosine, linear or wsd",
    )


def _skeleton_record(skeleton: Skeleton, extra: Mapping[str, Hyperparameter]) -> Optimizer:
    """The catalogue's entry of a skeleton with further hyperparameters."""
    declared = {name: _argument(each) for name, each in extra.items()}
    maximize = CUSTOM_FLAGS[1]
    return Optimizer(
        skeleton.name,
        skeleton.summary,
        {**skeleton.arguments, **declared, maximize.name: maximize},
        customary={"lr": skeleton.arguments["lr"].default},
        needs_closure=skeleton.needs_closure,
        goes_with=skeleton.goes_with,
    )


def _hyperparameter(argument: Argument) -> Hyperparameter:
    default = argument.default
    return Hyperparameter(
        argument.name,
        tuple(default) if isinstance(default, list) else default,
        min=argument.min,
        max=argument.max,
        above=argument.above,
        below=argument.below,
    )


def _declared(
    declared: Mapping[str, Range | float | bool | list[float]], problems: list[Problem]
) -> dict[str, Hyperparameter]:
    found = {}
    for name, value in declared.items():
        stated = value if isinstance(value, Range) else Range(default=value)
        default = tuple(stated.default) if isinstance(stated.default, list) else stated.default
        bounds = stated.model_dump(exclude={"default"})
        try:
            found[name] = Hyperparameter(name, default, **bounds)
        except ValueError as error:
            problems.append(
                Problem(
                    f"optimizer.hyperparameters.{name}", str(error), "choose another name or range"
                )
            )
    return found


def _argument(hyper: Hyperparameter) -> Argument:
    """What a call and a group may set it to."""
    if isinstance(hyper.default, bool):
        return Argument(hyper.name, hyper.default, kind="flag")
    entries = list(hyper.default) if isinstance(hyper.default, tuple) else None
    return Argument(
        hyper.name,
        hyper.default if entries is None else entries,
        kind="number" if entries is None else "numbers",
        min=hyper.min,
        max=hyper.max,
        above=hyper.above,
        below=hyper.below,
        length=len(entries or ()),
    )


def check_class_arguments(
    given: Mapping[str, Any],
    record: Optimizer,
    where: str,
    problems: list[Problem],
    *,
    of_group: bool = False,
) -> dict[str, Any]:
    """Return what is right for a class, or for a group of it; of an open one everything is."""
    known = record.group_arguments if of_group else record.arguments
    if of_group:
        known = {key: each for key, each in known.items() if key != "lr"}
    if not record.path:
        return check_arguments(given, known, where, record.name, problems)
    for name in {*given} & {*record.once} if of_group else ():
        what = f"{record.name} takes {name} once, not per group"
        problems.append(Problem(f"{where}.{name}", what, f"set optimizer.{name}"))
    checked = {key: each for key, each in given.items() if not (of_group and key in record.once)}
    open_ones = {key: each for key, each in checked.items() if record.open and key not in known}
    kept = {key: each for key, each in checked.items() if key not in open_ones}
    for name in {"params"} & open_ones.keys():
        problems.append(Problem(f"{where}.{name}", "it is given the groups", "remove it"))
    right = check_arguments(kept, known, where, record.name, problems)
    return plan_arguments({**right, **open_ones}, where, problems)


def check_arguments(
    given: Mapping[str, Any],
    known: Mapping[str, Argument],
    where: str,
    owner: str,
    problems: list[Problem],
) -> dict[str, Any]:
    """Return the given arguments that are known and right; "none" stands for None."""
    right = {}
    for name, value in given.items():
        argument = known.get(name)
        if argument is None:
            problems.append(
                Problem(f"{where}.{name}", f"{owner} has no argument '{name}'", guess(name, known))
            )
            continue
        value = _none_from_text(value, argument)
        fault = argument.fault(value)
        if fault:
            todo = f"it takes {argument.range}" if argument.range else "remove it"
            problems.append(Problem(f"{where}.{name}", fault, todo))
            continue
        right[name] = value
    return right


def _none_from_text(value: Any, argument: Argument) -> Any:
    """TOML has no null: the text none stands for it where the argument is optional."""
    if isinstance(value, list):
        return [_none_from_text(item, argument) for item in value]
    nullable = argument.optional or argument.default is None
    return None if nullable and isinstance(value, str) and value.lower() == "none" else value


def cross_checks(record: Optimizer, arguments: Mapping[str, Any]) -> list[Problem]:
    """What no single argument's range can tell."""
    found = []
    plain = not arguments.get("momentum") or arguments.get("dampening")
    if record.name == "SGD" and arguments.get("nesterov") and plain:
        found.append(
            Problem(
                "optimizer.nesterov",
                "Nesterov momentum needs momentum above 0 and dampening 0",
                "set optimizer.momentum, remove optimizer.dampening",
            )
        )
    chosen = [name for name in SWITCHES[:2] if arguments.get(name)]
    if len(chosen) > 1:
        found.append(
            Problem("optimizer.fused", "fused and foreach exclude each other", "keep one of them")
        )
    if arguments.get("differentiable"):
        found.append(
            Problem(
                "optimizer.differentiable",
                "a training loop cannot step in place under autograd",
                "remove it; differentiable is for meta-learning code of your own",
            )
        )
    if record.name == "Rprop":
        shrink, growth = arguments.get("etas", [0.5, 1.2])
        least, largest = arguments.get("step_sizes", [1e-6, 50])
        if not shrink < 1 < growth:
            found.append(
                Problem("optimizer.etas", f"{[shrink, growth]} do not stand around 1", "[0.5, 1.2]")
            )
        if not least < largest:
            found.append(
                Problem("optimizer.step_sizes", f"{least:g} is not below {largest:g}", "swap them")
            )
    return found
