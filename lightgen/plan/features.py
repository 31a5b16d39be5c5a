"""Decide what goes around an optimizer: weights to start from, averaging, compiling, the finder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from lightgen.catalogue.parts import AVERAGES, Task
from lightgen.catalogue.strategies import SHARDING
from lightgen.plan.several import told_of_each
from lightgen.plan.types import ModelPlan, OptimizerPlan, Wiring
from lightgen.plan.whole import AveragingPlan
from lightgen.problems import Problem, guess
from lightgen.spec.model import Group, Spec

TRANSFER = "transfer"
# Samples with a label that the transfer task leaves, of its 896.
LABELLED = 50
# Up to this rate, a head that starts anew takes ten times as much.
_GENTLE = 1e-3
WEIGHT_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")


def transfer_groups(
    spec: Spec, task: Task, optimizer: OptimizerPlan
) -> tuple[OptimizerPlan, dict[str, Group]]:
    """What a transfer does without groups: a slow backbone, and a head that starts anew fast."""
    if task.name != TRANSFER or optimizer.record.single_group or optimizer.is_composite:
        return optimizer, {}
    if "lr" not in spec.optimizer.arguments and optimizer.base_lr <= _GENTLE:
        optimizer = replace(optimizer, base_lr=10 * optimizer.base_lr)
    return optimizer, {"backbone": Group(lr="x0.1"), "head": Group()}


def plan_weights(spec: Spec, task: Task, model: ModelPlan, problems: list[Problem]) -> str:
    """The file of the spec; empty where a run starts from random weights, or makes its own."""
    path = spec.model.weights
    if task.name == TRANSFER:
        problems += _transfer_problems(path, model)
        return ""
    if path is None:
        return ""
    if PurePath(path).suffix.lower() not in WEIGHT_SUFFIXES:
        what = f"'{path}' is no file of weights by its name"
        problems.append(Problem("model.weights", what, f"one of {', '.join(WEIGHT_SUFFIXES)}"))
    return path


def _transfer_problems(path: str | None, model: ModelPlan) -> list[Problem]:
    found = []
    if path is not None:
        what = "the transfer task makes the weights that it starts from"
        todo = "for weights of your own: task = 'classification', data.name = 'digits-5-9'"
        found.append(Problem("model.weights", what, todo))
    if model.record.sparse or len(model.submodules) == 1:
        what = "a transfer needs a backbone to keep and a head to train anew"
        network = f"an {model.record.name}" if model.record.sparse else "a network of one part"
        todo = "choose another task, or a model and groups with a backbone and a head"
        found.append(Problem("task", f"{what}; {network} has none", todo))
    return found


def plan_averaging(
    spec: Spec, wirings: tuple[Wiring, ...], max_epochs: int, problems: list[Problem]
) -> AveragingPlan | None:
    """Decide the average of the weights; what is wrong is added to problems."""
    wished = spec.averaging
    if wished is None:
        return None
    name = wished.name.lower()
    if name not in AVERAGES:
        what = f"unknown average '{wished.name}'"
        problems.append(Problem("averaging.name", what, guess(wished.name, AVERAGES)))
        return None
    for key in sorted(wished.model_fields_set - {"name", *AVERAGES[name]}):
        known = " and ".join(AVERAGES[name])
        problems.append(Problem(f"averaging.{key}", f"{name} has no {key}", f"it has {known}"))
    problems += _averaging_problems(spec, name, max_epochs)
    for wiring in wirings:
        # Of several, the one to choose otherwise is told.
        where = f"optimizers.{wiring.name}.name" if spec.optimizers else "averaging"
        problems += _unaveraged_problems(wiring.optimizer, name, where)
    start = wished.start_epoch
    if start is None:
        start = 0 if name == "ema" else max(1, 3 * max_epochs // 4)
    return AveragingPlan(
        name,
        decay=0.99 if wished.decay is None else wished.decay,
        lr_factor=0.5 if wished.lr_factor is None else wished.lr_factor,
        start_epoch=start,
    )


def _averaging_problems(spec: Spec, name: str, max_epochs: int) -> list[Problem]:
    strategy = str(spec.trainer.arguments.get("strategy", ""))
    start = spec.averaging.start_epoch if spec.averaging else None
    rows = [
        (
            strategy.startswith(SHARDING),
            "averaging",
            f"{strategy} splits the weights over the devices; an average needs them whole",
            "use ddp, or remove [averaging]",
        ),
        (
            name == "swa" and start is None and max_epochs < 0,
            "averaging.start_epoch",
            "a run that max_steps ends has no last quarter of epochs to average",
            "set it, or set trainer.max_epochs",
        ),
        (
            name == "swa" and start == 0,
            "averaging.start_epoch",
            "epoch 0 starts from weights that nothing has trained yet",
            "start at 1 at least",
        ),
        (
            start is not None and 0 <= max_epochs <= start,
            "averaging.start_epoch",
            f"the run ends after {max_epochs} epochs, before the average starts",
            "start earlier, or raise trainer.max_epochs",
        ),
    ]
    return [Problem(where, what, todo) for holds, where, what, todo in rows if holds]


def _unaveraged_problems(optimizer: OptimizerPlan, name: str, where: str) -> list[Problem]:
    """Why the weights of an optimizer take no average."""
    rows = [
        (
            optimizer.turns_weights,
            f"{optimizer.class_name} averages the weights itself, and saves its own average",
            "remove [averaging], or choose another optimizer",
        ),
        (
            name == "swa" and optimizer.record.name == "Rprop",
            "Rprop adapts a step size for each weight; no rate holds it at a distance",
            "name = 'ema', or choose another optimizer",
        ),
    ]
    return [Problem(where, what, todo) for holds, what, todo in rows if holds]


def feature_problems(
    spec: Spec, task: Task, wirings: tuple[Wiring, ...], model: ModelPlan
) -> list[Problem]:
    """What of the model's and the optimizers' switches cannot work."""
    found = _switch_problems(spec, task, model)
    if spec.optimizer.lr_finder:
        found += told_of_each(spec, wirings, lambda each: _finder_problems(each.optimizer))
    return found


def _switch_problems(spec: Spec, task: Task, model: ModelPlan) -> list[Problem]:
    sparse = model.record.sparse
    several = bool(spec.optimizers or task.optimizers)
    rows = [
        (
            spec.model.compile and bool(task.optimizers),
            "model.compile",
            "its networks are called each by itself, not as the one that would be compiled",
            "remove it",
        ),
        (
            spec.model.gradient_checkpointing and bool(task.optimizers),
            "model.gradient_checkpointing",
            f"the networks of {task.name} are called each by itself",
            "remove it",
        ),
        (
            spec.model.weights is not None and bool(task.optimizers),
            "model.weights",
            f"a {task.name} learns both networks together from the start",
            "remove it",
        ),
        (
            several and spec.averaging is not None and spec.averaging.name.lower() == "swa",
            "averaging",
            "swa takes over the schedule of one optimizer, and there are several",
            "name = 'ema', or remove [averaging]",
        ),
        (
            spec.model.compile and sparse,
            "model.compile",
            "sparse gradients do not go through torch.compile",
            "remove it, or choose another model",
        ),
        (
            spec.model.gradient_checkpointing and (sparse or len(model.submodules) == 1),
            "model.gradient_checkpointing",
            "it computes the activations of all submodules but the head again, and there are none",
            "remove it, or choose a model and groups with more than a head",
        ),
    ]
    return [Problem(where, what, todo) for holds, where, what, todo in rows if holds]


def _finder_problems(optimizer: OptimizerPlan) -> list[Problem]:
    record = optimizer.record
    rows = [
        (
            optimizer.turns_weights,
            f"{optimizer.class_name} weighs its average by the rates of all steps so far: "
            "a rate that grows step by step says nothing of a constant one",
        ),
        (record.own_rate, f"{record.name} goes by a rate of its own"),
        (
            record.needs_closure,
            f"{record.name} evaluates the loss several times a step: "
            "a step's loss is not that of its rate",
        ),
        (
            record.name == "Rprop",
            "the rate of Rprop is only where its step sizes start",
        ),
    ]
    return [Problem("optimizer.lr_finder", what, "remove it") for holds, what in rows if holds]
