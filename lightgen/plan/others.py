"""Decide a model and data of other people, which the spec names by their paths."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lightgen.catalogue.families import Family, family_of
from lightgen.catalogue.packages import PACKAGES
from lightgen.catalogue.parts import MODELS, TEXT, Data, Model, Task
from lightgen.plan.foreign import Call, is_path, plan_call
from lightgen.plan.names import distribution
from lightgen.plan.types import GroupPlan, ModelPlan, Wiring
from lightgen.plan.whole import Plan
from lightgen.problems import Problem, nearest
from lightgen.spec.model import Spec

# What a project has anyway.
_ITS_OWN = frozenset({"lightning", "numpy", "pytorch_lightning", "sklearn", "torch"})
_TRANSFER = "transfer"
_MATRICES = 2


def has_other_model(spec: Spec) -> bool:
    """Whether the model is named by its path."""
    return is_path(spec.model.name)


def has_other_data(spec: Spec) -> bool:
    """Whether the data are named by their path."""
    return is_path(spec.data.name)


def plan_other_model(
    spec: Spec,
    task: Task,
    data: Data,
    wirings: tuple[Wiring, ...],
    groups: tuple[GroupPlan, ...],
    problems: list[Problem],
) -> ModelPlan:
    """Decide the call of the model; what is wrong is added to problems."""
    path, family = spec.model.name, family_of(spec.model.name)
    problems += _task_problems("model.name", path, task)
    problems += _switch_problems(spec, family)
    problems += _matrix_problems(path, wirings, groups)
    call = plan_call(path, spec.model.args, "model.name", "model.args", problems) or Call(path)
    if family is not None and path == family.name and family.needs not in {*call.arguments, ""}:
        what = f"{path} cannot be called without '{family.needs}'"
        problems.append(Problem(f"model.args.{family.needs}", what, "say which model it is"))
    if family is not None and data.outputs:
        problems += _family_problems(call, family, data)
        problems += _classes_problems(call, family, task, data)
        call = replace(call, arguments={**call.arguments, **_filled(call, family, data)})
    output = spec.model.output
    if output and not output.isidentifier():
        what = f"'{output}' is no name of an attribute"
        problems.append(Problem("model.output", what, "write it as in 'logits'"))
    if output is None:
        output = family.output if family else ""
    return ModelPlan(
        Model(path, f"what {path} gives", reads=(task.inputs,)),
        width=0,
        bias=True,
        submodules=(),
        compiles=spec.model.compile,
        checkpoints=spec.model.gradient_checkpointing,
        call=call,
        output=output,
    )


def _family_problems(call: Call, family: Family, data: Data) -> Iterator[Problem]:
    """What lightgen's own data are not, or the weights, for a call that is known."""
    if data.image and family.images and data.image[0] != family.images:
        what = f"{call.path} takes images of {family.images} channels, not of {data.image[0]}"
        todo = f"set data.channels = {family.images}, and data.image_size = 32 or more"
        yield Problem("data.channels", what, todo)
    if family.fixed and call.arguments.get(family.fixed) and family.classes not in call.arguments:
        what = f"{call.path} has weights with a last layer of their own classes only"
        todo = "name a function of yours that makes it and puts a new last layer in"
        yield Problem(f"model.args.{family.fixed}", what, todo)


def _classes_problems(call: Call, family: Family, task: Task, data: Data) -> Iterator[Problem]:
    """Fewer outputs than lightgen's own data have classes; a number has one output."""
    if task.inputs == TEXT:
        return
    key = family.classes or family.classes_within
    for where, given in _numbers(call.arguments, "model.args", key):
        if given < data.outputs or (data.outputs == 1 and given > 1):
            kind = "outputs" if data.outputs == 1 else "classes"
            what = f"{given} {kind}, and {data.name} has {data.outputs}"
            todo = "remove it: it follows from the data" if family.classes else "set it to that"
            yield Problem(where, what, todo)


def _numbers(value: Any, where: str, key: str) -> Iterator[tuple[str, int]]:
    """Each whole number under a key, in the arguments of calls within too."""
    if isinstance(value, Call):
        where, value = f"{where}.args", value.arguments
    for name, each in value.items() if isinstance(value, Mapping) else ():
        if name == key and isinstance(each, int) and not isinstance(each, bool):
            yield f"{where}.{name}", each
        yield from _numbers(each, f"{where}.{name}", key)


def _filled(call: Call, family: Family, data: Data) -> dict[str, Any]:
    """The arguments that follow from lightgen's own data, but for those that the spec gives."""
    channels = data.image[0] if data.image else 0
    known = {family.classes: data.outputs, family.channels: channels}
    return {
        name: count
        for name, count in known.items()
        if name and count and name not in call.arguments
    }


def _task_problems(where: str, path: str, task: Task) -> list[Problem]:
    """Tasks that come with networks and data of their own."""
    if task.optimizers:
        what = f"a {task.name} has networks and data of its own, {path} is none of them"
    elif task.name == _TRANSFER:
        what = f"a {_TRANSFER} learns lightgen's own digits twice, with its own network"
    else:
        return []
    todo = "choose another task; to start from weights of yours, set model.weights there"
    return [Problem(where, what, todo)]


def _switch_problems(spec: Spec, family: Family | None) -> Iterator[Problem]:
    for key in ("width", "bias"):
        if getattr(spec.model, key) is not None:
            what = f"is of lightgen's own models, not of {spec.model.name}"
            yield Problem(f"model.{key}", what, "remove it, or say it in [model.args]")
    if spec.model.gradient_checkpointing and not (family and family.checkpointing):
        what = f"how {spec.model.name} turns it on is not known"
        todo = "remove it, and turn it on in build_model of model.py"
        yield Problem("model.gradient_checkpointing", what, todo)


def _matrix_problems(
    path: str, wirings: tuple[Wiring, ...], groups: tuple[GroupPlan, ...]
) -> Iterator[Problem]:
    """Which matrices are hidden ones only the user can say."""
    record = wirings[0].optimizer.record
    trained = [group for group in groups if not group.frozen]
    if len(wirings) > 1 or not record.matrices_only:
        return
    if any(group.ndim != _MATRICES for group in trained):
        what = f"{record.name} trains parameters with two dimensions only; {path} has others"
        todo = "name = 'composite', with a group of ndim = 2 for it and one for the rest"
        yield Problem("optimizer.name", what, todo)


def own_model_problems(spec: Spec) -> Iterator[Problem]:
    """What only a callable of other people takes, beside one of lightgen's models."""
    name = spec.model.name or "the network"
    todo = "remove it, or name a callable: model.name = 'package.module.callable'"
    own = not spec.model.name or spec.model.name.lower() in MODELS
    if own and spec.model.args:
        what = f"{name} is lightgen's own and takes no arguments"
        yield Problem("model.args", what, todo)
    if own and spec.model.output is not None:
        what = f"{name} is lightgen's own and returns its outputs themselves"
        yield Problem("model.output", what, todo)
    if has_other_data(spec):
        what = f"lightgen's own networks are made for its own data, not for {spec.data.name}"
        yield Problem("model.name", what, "name yours: model.name = 'package.module.callable'")


def plan_other_data(spec: Spec, task: Task, problems: list[Problem]) -> Data:
    """Data whose shapes and length nobody knows before they are there."""
    path = spec.data.name
    problems += _task_problems("data.name", path, task)
    for key in ("image_size", "channels"):
        if getattr(spec.data, key) is not None:
            what = f"is of lightgen's own images, not of {path}"
            problems.append(Problem(f"data.{key}", what, "remove it, or say it in [data.args]"))
    return Data(path, f"the batches of `{path}`", (task.name,), 0, 0, 0, None, (0, 0), packages=())


def plan_data_call(spec: Spec, problems: list[Problem]) -> Call | None:
    """The call of the data module of other people."""
    if not has_other_data(spec):
        return None
    given: Mapping[str, Any] = spec.data.args
    if spec.data.batch_size is not None:
        if "batch_size" in given:
            what = f"is said twice: {given['batch_size']}, and {spec.data.batch_size} in [data]"
            problems.append(Problem("data.args.batch_size", what, "remove one of the two"))
        given = {**given, "batch_size": spec.data.batch_size}
    return plan_call(spec.data.name, given, "data.name", "data.args", problems)


def plan_own_data(spec: Spec, data: Data, task: Task, problems: list[Problem]) -> Data:
    """One of lightgen's data sets, its images as large and with as many channels as wished."""
    wished = spec.data
    if wished.args:
        what = f"{data.name} is lightgen's own and takes no arguments"
        todo = "remove them, or name a class: data.name = 'package.module.Class'"
        problems.append(Problem("data.args", what, todo))
    size, channels = wished.image_size, wished.channels
    if size is None and channels is None:
        return data
    where = "data.image_size" if size is not None else "data.channels"
    if data.image is None:
        problems.append(Problem(where, f"{data.name} has no images", "remove it"))
        return data
    if not has_other_model(spec) or task.optimizers or task.name == _TRANSFER:
        what = "lightgen's own networks take its images as they are"
        todo = "remove it, or name another model: model.name = 'package.module.callable'"
        problems.append(Problem(where, what, todo))
        return data
    own_channels, own_size, _ = data.image
    return replace(data, image=(channels or own_channels, size or own_size, size or own_size))


def _of_package(root: str) -> str:
    what = f"{root} is no package that lightgen knows:"
    todo = f"if pip installs it, add it with --set project.dependencies={root}"
    return " ".join(filter(None, [what, nearest(root, PACKAGES, alike=0.8), todo]))


def package_notes(plan: Plan) -> tuple[str, ...]:
    """What the user has to do for packages that are not lightgen's to install."""
    said = {distribution(text).lower().replace("-", "_") for text in plan.dependencies}
    known = {*PACKAGES, *said, *_ITS_OWN, *sys.stdlib_module_names}
    notes = [
        _of_package(root)
        for root in plan.foreign_packages
        if root not in known and root.lower() not in known
    ]
    notes += [
        f"src/{'/'.join(each.module.split('.'))}.py is yours to write: it has {each.name}"
        for each in plan.paths
        if each.root == plan.package
    ]
    call = plan.model.call
    family = family_of(call.path) if call else None
    within = family.classes_within if family else ""
    if plan.task.name == "language-model" or not plan.data.outputs:
        within = ""
    if call and within and within not in str(call.arguments):
        notes.append(f"{plan.data.name} has {plan.data.outputs} classes: say so with {within}")
    return tuple(notes)
