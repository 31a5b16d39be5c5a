"""Decide task, data and model, and refuse a model that the optimizer cannot train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from lightgen.catalogue.optimizer import Optimizer
from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.parts import DATA, MODELS, TASKS, TEXT, Data, Model, Task
from lightgen.plan.features import LABELLED, TRANSFER
from lightgen.plan.groups import BACKBONE, HEAD, submodules
from lightgen.plan.others import (
    has_other_data,
    has_other_model,
    own_model_problems,
    plan_other_data,
    plan_other_model,
    plan_own_data,
)
from lightgen.plan.types import GroupPlan, ModelPlan, OptimizerPlan, Wiring
from lightgen.problems import Problem, guess
from lightgen.spec.model import Spec

_Record = TypeVar("_Record", Task, Data, Model)
_ANY_MODEL = OptimizerPlan(optimizers()["AdamW"], "AdamW", 1e-3, {})
_EMBEDDING = "embedding"
_HEADS = 4
_OF_TEXT = (_EMBEDDING, "blocks", HEAD)


def plan_task(spec: Spec, problems: list[Problem]) -> tuple[Task, Data]:
    """Decide the task and its data; what is wrong is added to problems."""
    task = _find("task", spec.task, TASKS, problems) or TASKS["classification"]
    if has_other_data(spec):
        return task, plan_other_data(spec, task, problems)
    name = spec.data.name or task.data
    data = _find("data.name", name, DATA, problems) or DATA[task.data]
    if not _is_for(data, task):
        fitting = [each.name for each in DATA.values() if _is_for(each, task)]
        problems.append(
            Problem(
                "data.name",
                f"{data.name} is data for {' or '.join(data.tasks)}, the task is {task.name}",
                f"choose {' or '.join(fitting)}, or set task = '{data.tasks[0]}'",
            )
        )
    data = plan_own_data(spec, data, task, problems)
    if task.name == TRANSFER:
        data = replace(data, train_samples=LABELLED)
    return task, data


def _is_for(data: Data, task: Task) -> bool:
    """A transfer is between the halves of a data set."""
    return data.first_digit is not None if task.name == TRANSFER else task.name in data.tasks


def plan_batch_size(spec: Spec, task: Task, wirings: tuple[Wiring, ...]) -> int | None:
    """Samples of a batch; None is the whole training set, or for others' data to say."""
    if spec.data.batch_size is not None or has_other_data(spec):
        return spec.data.batch_size
    full = any(wiring.optimizer.record.full_batch for wiring in wirings)
    return None if full else task.batch_size


def plan_model(
    spec: Spec,
    task: Task,
    data: Data,
    wirings: tuple[Wiring, ...],
    groups: tuple[GroupPlan, ...],
    problems: list[Problem],
) -> ModelPlan:
    """Decide the network; what is wrong is added to problems."""
    if has_other_model(spec):
        return plan_other_model(spec, task, data, wirings, groups, problems)
    problems += own_model_problems(spec)
    if task.optimizers:
        return _plan_networks(spec, task, groups, problems)
    # One of several trains a part of the model only: torch tells what it cannot train.
    optimizer = wirings[0].optimizer if len(wirings) == 1 else _ANY_MODEL
    record = optimizer.record
    default = "mlp" if record.matrices_only and task.inputs != TEXT else task.model
    default = "embedding-bag" if record.sparse_only and task.inputs != TEXT else default
    model = _find("model.name", spec.model.name or default, MODELS, problems) or MODELS[default]
    if task.inputs not in model.reads:
        readers = [each.name for each in MODELS.values() if task.inputs in each.reads]
        what = f"{model.name} does not read {task.inputs}"
        problems.append(Problem("model.name", what, f"choose {' or '.join(readers)}"))
        model = MODELS[task.model]
    problems += _misfits(spec, model, data, optimizer)
    bias = not record.matrices_only if spec.model.bias is None else spec.model.bias
    names = submodules(groups)
    if task.inputs == TEXT:
        # Its layers are shared out by the names: the project counts them itself.
        model = replace(model, depths=None)
    if task.inputs == TEXT and set(names) <= {BACKBONE, *_OF_TEXT} and not _named(groups):
        names = _OF_TEXT
    if model.sparse and names == (BACKBONE, HEAD) and not _named(groups):
        names = (_EMBEDDING,)
    return ModelPlan(
        model,
        spec.model.width or _default_width(model, record, groups),
        bias,
        names,
        compiles=spec.model.compile,
        checkpoints=spec.model.gradient_checkpointing,
    )


def _plan_networks(
    spec: Spec, task: Task, groups: tuple[GroupPlan, ...], problems: list[Problem]
) -> ModelPlan:
    """A network for each optimizer, as a submodule of its name."""
    model = _find("model.name", spec.model.name or "mlp", MODELS, problems) or MODELS["mlp"]
    if model.name not in task.models:
        what = f"the networks of {task.name} are no {model.name}"
        problems.append(Problem("model.name", what, f"choose {' or '.join(task.models)}"))
    if spec.model.bias is not None:
        what = f"the networks of {task.name} have biases"
        problems.append(Problem("model.bias", what, "remove it"))
    for group in groups:
        # A wrong name of an optimizer is told as that, not as its group's.
        if not group.patterns and group.name not in (*task.optimizers, *spec.optimizers):
            what = f"no network is called {group.name}: there are {', '.join(task.optimizers)}"
            todo = f"say what it covers: match = '{task.optimizers[0]}.0'"
            problems.append(Problem(f"groups.{group.name}", what, todo))
    # Their layers are not those of the model by that name.
    unlike = replace(model, depths=None)
    return ModelPlan(unlike, spec.model.width or task.width, True, task.optimizers)


def _default_width(model: Model, record: Optimizer, groups: tuple[GroupPlan, ...]) -> int:
    """Half for an optimizer that orthogonalizes wide layers, at a cost cubic in the width."""
    width = model.width or 0
    records = [record, *(group.optimizer.record for group in groups if group.optimizer)]
    halved = model.matrices_only and any(each.matrices_only for each in records)
    return width // 2 if halved else width


def _named(groups: tuple[GroupPlan, ...]) -> bool:
    return any(not group.patterns and not group.whole for group in groups)


def _misfits(spec: Spec, model: Model, data: Data, optimizer: OptimizerPlan) -> list[Problem]:
    record, where = optimizer.record, "model.name"
    found = []
    for key in ("width", "bias"):
        if model.width is None and getattr(spec.model, key) is not None:
            found.append(Problem(f"model.{key}", f"an {model.name} has no {key}", "remove it"))
    if model.name != "mlp" and spec.model.bias is not None and model.width is not None:
        found.append(
            Problem("model.bias", f"only an mlp can do without, not a {model.name}", "remove it")
        )
    if model.name == "transformer" and (spec.model.width or _HEADS) % _HEADS:
        found.append(
            Problem("model.width", f"{spec.model.width} is no multiple of {_HEADS} heads", "try 64")
        )
    if model.images_only and data.image is None:
        found.append(Problem(where, f"{model.name} needs images, {data.name} has none", "try mlp"))
    if record.matrices_only and not model.matrices_only:
        found.append(
            Problem(
                where,
                f"{record.name} trains parameters with two dimensions only; "
                f"a {model.name} has others",
                _instead(data, "an mlp without biases", "composite: Muon for hidden matrices only"),
            )
        )
    if record.matrices_only and model.matrices_only and spec.model.bias:
        found.append(
            Problem(
                "model.bias",
                f"{record.name} trains parameters with two dimensions only, biases have one",
                "remove model.bias",
            )
        )
    if record.sparse_only and not model.sparse:
        found.append(
            Problem(
                where,
                f"{record.name} needs sparse gradients; a {model.name} has dense ones",
                _instead(data, "an embedding bag", "AdamW, for example"),
            )
        )
    if model.sparse and not record.takes_sparse:
        found.append(
            Problem(
                where,
                f"{record.name} does not support the sparse gradients of an {model.name}",
                "choose SparseAdam, SGD or Adagrad, or another model",
            )
        )
    decays = optimizer.effective("weight_decay") or _group_decay(spec)
    if model.sparse and record.takes_sparse and decays:
        found.append(
            Problem(
                "optimizer.weight_decay",
                "weight decay does not go with sparse gradients",
                "set it to 0, or choose another model",
            )
        )
    if model.sparse and optimizer.arguments.get("fused"):
        found.append(
            Problem(
                "optimizer.fused",
                "fused kernels do not take sparse gradients",
                "remove it, or choose another model",
            )
        )
    if model.sparse and "gradient_clip_val" in spec.trainer.arguments:
        found.append(
            Problem(
                "trainer.gradient_clip_val",
                "sparse gradients cannot be clipped",
                "remove it, or choose another model",
            )
        )
    return found


def _instead(data: Data, fitting: str, other: str) -> str:
    """What to choose where the optimizer asks for another model than this one."""
    if TASKS[data.tasks[0]].inputs == TEXT:
        return f"choose another optimizer ({other})"
    return f"leave model.name out ({fitting}), or choose another optimizer"


def _group_decay(spec: Spec) -> bool:
    return any(group.arguments.get("weight_decay") for group in spec.groups.values())


def _find(
    where: str, name: str, records: Mapping[str, _Record], problems: list[Problem]
) -> _Record | None:
    record = records.get(name.lower())
    if record is None:
        kind = where.split(".")[0]
        problems.append(Problem(where, f"unknown {kind} '{name}'", guess(name, records)))
    return record
