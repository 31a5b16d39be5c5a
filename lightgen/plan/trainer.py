"""Decide the Trainer's arguments, and refuse combinations that cannot work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightgen.catalogue.parts import Data, Task
from lightgen.catalogue.strategies import SHARDING
from lightgen.catalogue.trainer import MIXED, SCALED, trainer_arguments
from lightgen.plan.lengths import batches_of, limited
from lightgen.plan.optimizer import check_arguments
from lightgen.plan.several import told_of_each
from lightgen.plan.strategy import optimizer_problems
from lightgen.plan.types import OptimizerPlan, Wiring
from lightgen.plan.wirings import TRAINERS_DEFAULTS
from lightgen.problems import Problem
from lightgen.spec.model import Spec

# What rounds to 0 below it.
_LEAST_FP16 = 3e-8
# Steps between two lines of the log.
_LOG_INTERVAL = 10
# Reasons for which an argument has no place in a spec.
_MISPLACED = {
    "fast_dev_run": "it would make every run a trial; pass --fast-dev-run to train.py",
    "barebones": "it forbids the checkpoints and metrics that the project relies on",
    "callbacks": "a spec cannot hold objects; add the callback in train.py",
    "plugins": "a spec cannot hold objects; add the plugin in train.py",
}


def plan_trainer(
    spec: Spec,
    task: Task,
    data: Data,
    batch_size: int | None,
    wirings: tuple[Wiring, ...],
    problems: list[Problem],
) -> dict[str, Any]:
    """Return the Trainer's arguments; what is wrong is added to problems."""
    given = dict(spec.trainer.arguments)
    for name in _MISPLACED.keys() & given.keys():
        del given[name]
        problems.append(Problem(f"trainer.{name}", _MISPLACED[name], "remove it"))
    arguments = check_arguments(
        given, trainer_arguments(), "trainer", "lightning.Trainer", problems
    )
    problems += told_of_each(
        spec,
        wirings,
        lambda each: [
            *_combination_problems(_alone(arguments, wirings, each), each.optimizer),
            *optimizer_problems(arguments, each),
        ],
    )
    if len(wirings) > 1:
        problems += _several_problems(arguments, task)
        arguments = {key: arguments[key] for key in arguments if key not in TRAINERS_DEFAULTS}
    max_steps = arguments.setdefault("max_steps", -1)
    arguments.setdefault("max_epochs", task.epochs if max_steps < 0 else -1)
    if arguments["max_epochs"] is None:
        arguments["max_epochs"] = -1
    if arguments["max_epochs"] == 0 or max_steps == 0:
        where = "trainer.max_epochs" if arguments["max_epochs"] == 0 else "trainer.max_steps"
        problems.append(Problem(where, "0 trains nothing", "-1 means without a limit"))
    arguments.setdefault("logger", "csv")
    arguments.setdefault("log_every_n_steps", _log_interval(data, batch_size, arguments))
    return arguments


def _alone(
    arguments: Mapping[str, Any], wirings: tuple[Wiring, ...], wiring: Wiring
) -> Mapping[str, Any]:
    """The arguments as they would be if the optimizer were the only one."""
    if len(wirings) == 1:
        return arguments
    own = dict(arguments)
    if any(each.clip_val is not None for each in wirings):
        own.pop("gradient_clip_algorithm", None)
    return {**own, "gradient_clip_val": wiring.clip_val, "accumulate_grad_batches": 1}


def _several_problems(arguments: Mapping[str, Any], task: Task) -> list[Problem]:
    """What the Trainer counts or does by the steps of one optimizer."""
    found = [
        Problem(
            f"trainer.{name}",
            "the Trainer counts the steps of all optimizers together",
            "set max_steps, which counts batches, or epochs",
        )
        for name in ("min_steps",)
        if arguments.get(name) is not None
    ]
    strategy = str(arguments.get("strategy"))
    if strategy.startswith("deepspeed"):
        what = f"{strategy} steps one optimizer"
        found.append(Problem("trainer.strategy", what, "use ddp, or one optimizer"))
    if (
        task.optimizers
        and strategy.startswith("ddp")
        and "find_unused_parameters_true" not in strategy
    ):
        found.append(
            Problem(
                "trainer.strategy",
                f"each loss of {task.name} leaves a network without gradients, which {strategy} "
                "waits for",
                "use ddp_find_unused_parameters_true",
            )
        )
    return found


def _log_interval(data: Data, batch_size: int | None, arguments: Mapping[str, Any]) -> int:
    """At most ten steps, and no more than an epoch has: Lightning warns otherwise."""
    batches = batches_of(data, batch_size) if data.train_samples else _LOG_INTERVAL
    return max(1, min(_LOG_INTERVAL, limited(batches, arguments)))


def _combination_problems(arguments: Mapping[str, Any], optimizer: OptimizerPlan) -> list[Problem]:
    record = optimizer.record
    precision = str(arguments.get("precision"))
    clips = arguments.get("gradient_clip_val") is not None
    strategy = str(arguments.get("strategy"))
    rows = [
        (
            record.needs_closure
            and not record.calls_once
            and arguments.get("accumulate_grad_batches", 1) > 1,
            "trainer.accumulate_grad_batches",
            f"{record.name} calls its closure several times a step: over accumulated batches "
            "gradients would pile up, and the later calls see the last batch only",
            "raise data.batch_size instead",
        ),
        (
            record.needs_closure and precision in SCALED,
            "trainer.precision",
            f"the gradient scaler of {precision} passes no closure, which {record.name} needs",
            "use bf16-mixed or 32-true",
        ),
        (
            precision == "16-true" and _vanishes(optimizer),
            "trainer.precision",
            f"in 16 bits the eps of {record.name} is 0: where a gradient is 0, the step divides "
            "by it, and the weights are no numbers from then on",
            "use 16-mixed or bf16-mixed, or set optimizer.eps to 1e-4",
        ),
        (
            precision == "16-true" and record.name == "LBFGS",
            "trainer.precision",
            "the line search of LBFGS leaves the range of 16-bit numbers",
            "use bf16-mixed or 32-true",
        ),
        (
            record.gpu and arguments.get("accelerator") not in ("gpu", "cuda"),
            "optimizer.name",
            f"{record.name} runs on a GPU only",
            "set trainer.accelerator = 'gpu', or choose another class",
        ),
        (
            precision in SCALED and arguments.get("accelerator") == "cpu",
            "trainer.precision",
            f"a CPU has no {precision}: Lightning would train with bf16 instead",
            "use bf16-mixed",
        ),
        (
            bool(optimizer.skeleton) and strategy.startswith(SHARDING),
            "trainer.strategy",
            f"{strategy} splits parameters and gradients over the devices, and {record.name} "
            "needs them whole",
            "use ddp",
        ),
        (
            optimizer.arguments.get("fused") and clips and precision in MIXED,
            "optimizer.fused",
            f"a fused step under {precision} unscales the gradients itself, after the clipping",
            "remove fused, or gradient_clip_val, or the mixed precision",
        ),
        (
            optimizer.arguments.get("capturable")
            and arguments.get("accelerator") not in ("gpu", "cuda"),
            "optimizer.capturable",
            "a capturable step runs on a GPU only",
            "set trainer.accelerator = 'gpu', or remove it",
        ),
        (
            "gradient_clip_algorithm" in arguments and not clips,
            "trainer.gradient_clip_algorithm",
            "it does nothing without gradient_clip_val",
            "set trainer.gradient_clip_val",
        ),
        (
            arguments.get("limit_val_batches") == 0,
            "trainer.limit_val_batches",
            "the best checkpoint and the result need validation",
            "leave at least one batch",
        ),
        (
            arguments.get("enable_checkpointing") is False,
            "trainer.enable_checkpointing",
            "the project keeps its best and last checkpoint",
            "remove it, and take ModelCheckpoint out of train.py by hand",
        ),
    ]
    return [Problem(where, what, todo) for holds, where, what, todo in rows if holds]


def _vanishes(optimizer: OptimizerPlan) -> bool:
    """Whether eps is too small for a 16-bit float; the custom classes compute in 32 bits."""
    eps = optimizer.effective("eps")
    return not optimizer.is_custom and isinstance(eps, float) and 0 < eps < _LEAST_FP16
