"""What the Trainer has set up when the first batch of the planned run is at hand."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lightgen.check.launch import Enough, Launch, observer


@dataclass(frozen=True)
class Planned:
    """Optimizers and schedules as Lightning holds them, and the length of the run.

    `schedules` are Lightning's LRSchedulerConfigs. `epochs` and `max_steps` are -1 for no limit,
    `batches` may be infinite. `asked_steps`: configure_optimizers asked the Trainer for the number
    of optimizer steps. `total_steps` is that number. `batch` is the first one.
    """

    trainer: Any
    module: Any
    optimizers: list[Any]
    schedules: list[Any]
    batches: float
    epochs: int
    max_steps: int
    accumulate: int
    asked_steps: bool
    total_steps: float
    batch: Any = None

    @property
    def groups(self) -> list[tuple[str, dict[str, Any]]]:
        """All parameter groups with what to call them."""
        several = len(self.optimizers) > 1
        return [
            (f"{type(optimizer).__name__}/{name}" if several else name, group)
            for optimizer in self.optimizers
            for at, group in enumerate(optimizer.param_groups)
            for name in [str(group.get("name", f"group {at}"))]
        ]


def plan(launch: Launch) -> Planned:
    """Begin the planned run and stop before its first batch is trained on.

    Raises what the project raises on the way, and LookupError if there is no batch.
    """
    found: list[Planned] = []

    def look(trainer: Any, module: Any, batch: Any, *_: Any) -> None:
        if found:  # asked by `begin_batch`
            return
        found.append(replace(_planned(trainer, module, asked_steps=bool(asked)), batch=batch))
        raise Enough

    with _listening(launch.pl) as asked:
        launch.fit(observer(launch.pl, on_train_batch_start=look))
    if not found:
        raise LookupError("the training data has no batch")
    return found[0]


def begin_batch(planned: Planned, epoch: int) -> None:
    """Let callbacks and the module do what they do at the first batch of an epoch."""
    module = planned.module
    planned.trainer.fit_loop.epoch_progress.current.completed = epoch
    # The run has ended: there is no log that they could write to.
    module.log = module.log_dict = _forget
    try:
        for each in planned.trainer.callbacks:
            each.on_train_batch_start(planned.trainer, module, planned.batch, 0)
        module.on_train_batch_start(planned.batch, 0)
    finally:
        del module.log, module.log_dict


def _forget(*_: Any, **__: Any) -> None:
    """Log nothing."""


def _planned(trainer: Any, module: Any, *, asked_steps: bool) -> Planned:
    total_steps = float("inf")
    with contextlib.suppress(Exception):  # a schedule of accumulation has no such number
        total_steps = trainer.estimated_stepping_batches
    return Planned(
        trainer=trainer,
        module=module,
        optimizers=list(trainer.optimizers),
        schedules=[_told(config, module) for config in trainer.lr_scheduler_configs],
        batches=trainer.num_training_batches,
        epochs=-1 if trainer.max_epochs is None else trainer.max_epochs,
        max_steps=trainer.max_steps,
        accumulate=trainer.accumulate_grad_batches,
        asked_steps=asked_steps,
        total_steps=total_steps,
    )


def _told(config: Any, module: Any) -> Any:
    """Lightning reads nothing of a schedule that the code steps: by its class it has a metric."""
    classes = [each.__name__ for each in type(config.scheduler).__mro__]
    if module.automatic_optimization or "ReduceLROnPlateau" not in classes:
        return config
    return replace(config, reduce_on_plateau=True)


@contextlib.contextmanager
def _listening(pl: Any) -> Iterator[list[bool]]:
    """Note whether configure_optimizers asks for the number of optimizer steps."""
    asked: list[bool] = []
    original = pl.Trainer.estimated_stepping_batches

    def answer(trainer: Any) -> Any:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_name != "configure_optimizers":
            frame = frame.f_back
        if frame.f_back is not None:
            asked.append(True)
        return original.fget(trainer)

    pl.Trainer.estimated_stepping_batches = property(answer)
    try:
        yield asked
    finally:
        pl.Trainer.estimated_stepping_batches = original


@contextlib.contextmanager
def keeping_length(pl: Any, planned: Planned) -> Iterator[None]:
    """Within, schedules are made for the planned length, however short the run is."""
    original = pl.Trainer.estimated_stepping_batches
    pl.Trainer.estimated_stepping_batches = property(lambda trainer: planned.total_steps)
    try:
        yield
    finally:
        pl.Trainer.estimated_stepping_batches = original
