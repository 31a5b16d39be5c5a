"""What a strategy of several processes can't serve: told before any process starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lightgen.catalogue.parts import Task
from lightgen.catalogue.strategies import (
    FLATTENING,
    FSDP2,
    FSDP2_PRECISIONS,
    FUSED_ON_SHARDS,
    ON_GPUS,
    STRATEGIES,
)
from lightgen.plan.types import GroupPlan, ModelPlan, OptimizerPlan, Wiring
from lightgen.problems import Problem, guess
from lightgen.rules.elementwise import elementwise_fault

_WHERE = "trainer.strategy"
_DEVICES = r"auto|-1|[1-9]\d*|\d+(, ?\d+)*,?(?<!^0)"


def strategy_problems(
    trainer: Mapping[str, Any], task: Task, model: ModelPlan, wirings: tuple[Wiring, ...]
) -> list[Problem]:
    """What of the model, the task and the Trainer does not go with the strategy."""
    strategy = trainer.get("strategy")
    if strategy is None:
        return []
    if strategy not in STRATEGIES:
        return [Problem(_WHERE, f"unknown strategy '{strategy}'", guess(strategy, STRATEGIES))]
    accelerator, precision = trainer.get("accelerator"), str(trainer.get("precision", "32-true"))
    sharded, flat = strategy == FSDP2, strategy in FLATTENING
    splits = [group.name for each in wirings for group in each.groups if _by_shape(group)]
    watches = any(each.schedule and each.schedule.monitor for each in wirings)
    rows = [
        (
            strategy in ON_GPUS and accelerator in ("cpu", "mps", "tpu"),
            _WHERE,
            f"{strategy} needs GPUs, and trainer.accelerator is {accelerator}",
            "use fsdp2 or ddp, or another accelerator",
        ),
        (
            sharded and precision not in FSDP2_PRECISIONS,
            "trainer.precision",
            f"Lightning has no {precision} for fsdp2",
            f"use one of {', '.join(FSDP2_PRECISIONS)}",
        ),
        (
            (sharded or flat) and bool(task.optimizers),
            _WHERE,
            f"{strategy} brings weights together when the model is called, and the networks of "
            f"{task.name} are called each by itself",
            "use ddp_find_unused_parameters_true",
        ),
        (
            (sharded or flat) and model.record.sparse,
            _WHERE,
            f"{strategy} has no sparse gradients",
            "use ddp, or another model",
        ),
        (
            sharded and model.compiles,
            "model.compile",
            "a network that is compiled whole can't bring its blocks together one by one",
            "remove it, or compile the blocks before `shard` in sharding.py",
        ),
        (
            strategy.startswith("fsdp") and flat and bool(splits),
            _WHERE,
            f"{strategy} lays parameters out flat before the groups are made: nothing tells the "
            f"matrices of '{splits[0] if splits else ''}' from its biases any more, which get no "
            "weight decay",
            "use fsdp2, or set weight_decay to 0",
        ),
        (
            strategy.startswith("fsdp")
            and flat
            and trainer.get("gradient_clip_val") is not None
            and trainer.get("gradient_clip_algorithm", "norm") == "norm",
            "trainer.gradient_clip_val",
            f"Lightning clips no norm under {strategy}",
            "use fsdp2, or gradient_clip_algorithm = 'value'",
        ),
        (
            flat and watches,
            _WHERE,
            f"{strategy} keeps the rates apart in its checkpoints, which are written before a "
            "schedule that watches a metric has moved",
            "use fsdp2 or ddp, or another schedule",
        ),
    ]
    return [Problem(where, what, todo) for holds, where, what, todo in rows if holds]


def devices_problems(devices: Any) -> list[Problem]:
    """A text that the Trainer reads is a number, indices, or auto."""
    if devices is None or re.fullmatch(_DEVICES, str(devices)):
        return []
    what = f"{devices!r} is no number of devices"
    return [Problem("trainer.devices", what, "write a number, -1 for all, or indices as '0,1'")]


def _by_shape(group: GroupPlan) -> bool:
    """Whether dimensions decide what belongs to it."""
    return not group.frozen and (group.splits_decay or group.ndim is not None)


def optimizer_problems(trainer: Mapping[str, Any], wiring: Wiring) -> list[Problem]:
    """Why the strategy can't serve an optimizer; nothing if it can."""
    strategy = str(trainer.get("strategy"))
    members = [each.optimizer for each in wiring.groups if each.optimizer is not None]
    faults = {
        each.record.name: fault
        for each in members or [wiring.optimizer]
        if (fault := _fault(strategy, each))
    }
    todo = "use ddp, or another optimizer"
    found = [
        Problem(_WHERE, f"{strategy} can't serve {name}: {fault}", todo)
        for name, fault in faults.items()
    ]
    fused = [each for each in [wiring.optimizer, *members] if each.arguments.get("fused")]
    if strategy == FSDP2 and any(not _has_sharded_kernel(each) for each in fused):
        what = "its fused step knows no parameters that are split"
        found.append(Problem("optimizer.fused", what, "remove it, or use ddp"))
    return found


def strategy_notes(trainer: Mapping[str, Any], wirings: tuple[Wiring, ...]) -> list[str]:
    """What can't be known of a class of another package."""
    strategy = str(trainer.get("strategy"))
    if strategy != FSDP2 and strategy not in FLATTENING:
        return []
    used = [
        each
        for wiring in wirings
        for each in (wiring.optimizer, *(group.optimizer for group in wiring.groups))
        if each is not None and each.record.path
    ]
    names = sorted({each.record.name for each in used})
    return [f"nobody has tried {name} under {strategy}: compare a run with ddp" for name in names]


def _has_sharded_kernel(optimizer: OptimizerPlan) -> bool:
    return optimizer.record.name in FUSED_ON_SHARDS


def _fault(strategy: str, optimizer: OptimizerPlan) -> str:
    if strategy == FSDP2:
        return optimizer.record.sharded_fault
    return _flat_fault(optimizer) if strategy in FLATTENING else ""


def _flat_fault(optimizer: OptimizerPlan) -> str:
    """Why an optimizer does not work on numbers without a shape."""
    if optimizer.rule is None:
        what = "it sees whole tensors, and parameters lie flat there"
        return "" if optimizer.record.elementwise else what
    rule = optimizer.rule.rule
    faults = (elementwise_fault(function, rule) for function in rule.functions)
    fault = next((each for each in faults if each), "")
    return f"parameters lie flat there, and {fault}" if fault else ""
