"""The learning rates of a run that is not run: schedules moved as Lightning's loop moves them."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from lightgen.check.planned import Planned

# So long a run is simulated; of a longer one, its beginning.
MOST_STEPS = 200_000
# So much is shown of a run without an end.
_ENDLESS_STEPS = 1_000


@dataclass(frozen=True)
class Simulated:
    """A rate for each group at each optimizer step, and how often each schedule moved."""

    rates: list[list[float]]
    moves: list[int]
    whole: bool


class ScheduleError(Exception):
    """A schedule raised while it was moved; the cause is what it raised."""


def simulate(planned: Planned, *, every_step: bool = False) -> Simulated:
    """Move copies of the schedules through the planned run; the optimizers are left as they were.

    `every_step` takes each schedule as if its interval were the step. Schedules that follow a
    metric stay where they are.
    """
    schedules = [_copied(config, planned) for config in planned.schedules]
    moves = [0] * len(schedules)
    rates: list[list[float]] = []
    limit = _limit(planned)
    with _restoring(planned):
        for epoch, batch, last in _optimizer_steps(planned):
            if len(rates) >= limit:
                break
            rates.append([float(group.get("lr", math.nan)) for _, group in planned.groups])
            # As Lightning says it: the hook of the user may ask for it.
            planned.trainer.fit_loop.epoch_progress.current.completed = epoch
            for at, config in enumerate(schedules):
                interval = "step" if every_step else config.interval
                ticks = batch + 1 if interval == "step" else epoch + 1
                due = interval == "step" or last
                if due and not config.reduce_on_plateau and ticks % config.frequency == 0:
                    _move(planned, config, len(rates))
                    moves[at] += 1
    return Simulated(rates, moves, whole=len(rates) == planned_steps(planned))


def planned_steps(planned: Planned) -> float:
    """Optimizer steps of the run; infinite where it has no end that is known before it."""
    a_epoch = math.ceil(planned.batches / planned.accumulate) if _finite(planned) else math.inf
    steps = a_epoch * planned.epochs if planned.epochs >= 0 else math.inf
    return min(steps, planned.max_steps if planned.max_steps >= 0 else math.inf)


def _finite(planned: Planned) -> bool:
    return math.isfinite(planned.batches)


def _limit(planned: Planned) -> float:
    steps = planned_steps(planned)
    return min(steps, MOST_STEPS) if math.isfinite(steps) else _ENDLESS_STEPS


def _optimizer_steps(planned: Planned) -> Iterator[tuple[int, int, bool]]:
    """Epoch, batch and whether it is the epoch's last, for each batch that ends in a step."""
    for epoch in count():
        for batch in range(int(planned.batches)) if _finite(planned) else count():
            last = batch + 1 == planned.batches
            if last or (batch + 1) % planned.accumulate == 0:
                yield epoch, batch, last


def _move(planned: Planned, config: Any, step: int) -> None:
    try:
        planned.module.lr_scheduler_step(config.scheduler, None)
    except Exception as error:
        name = type(config.scheduler).__name__
        raise ScheduleError(f"{name} fails when it is moved after step {step:,}") from error


def _copied(config: Any, planned: Planned) -> Any:
    """The same schedule of the same optimizer, with a state of its own."""
    held = [config.scheduler.optimizer, planned.module, planned.trainer]
    copied = copy.copy(config)
    copied.scheduler = copy.deepcopy(config.scheduler, {id(each): each for each in held})
    return copied


@contextlib.contextmanager
def _restoring(planned: Planned) -> Iterator[None]:
    saved = [
        copy.deepcopy({key: value for key, value in group.items() if key != "params"})
        for _, group in planned.groups
    ]
    try:
        yield
    finally:
        for (_, group), content in zip(planned.groups, saved, strict=True):
            group.update(content)
