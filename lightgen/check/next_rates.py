"""The rates of the first step after a resume, whoever wins."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from lightgen.check.planned import Planned, begin_batch
from lightgen.check.resumption import CHOICES, NextRate


def next_rates(
    saved: dict[str, Any], planned: Planned, before: list[Any], impossible: dict[str, str]
) -> Iterator[NextRate]:
    """The rates of the first resumed step; the planned schedules move on by it."""
    epoch = epochs_made(saved)
    fresh = _rates(planned)
    _advance(saved, planned, before)
    begin_batch(planned, epoch)
    advanced = _rates(planned)
    kept = _restore(saved, planned)
    begin_batch(planned, epoch)
    exact = {key: rate for key, rate in _rates(planned).items() if key in kept}
    for key, rate in fresh.items():
        rates = {"exact": exact.get(key), "schedule": advanced[key], "weights": rate}
        yield NextRate(
            key[1], {each: None if each in impossible else rates[each] for each in CHOICES}
        )


def _restore(saved: dict[str, Any], planned: Planned) -> set[tuple[int, str]]:
    """Give groups the rates of the checkpoint; return which have one there."""
    rates = {
        (at, group_name(group, number)): float(group["lr"])
        for at, state in enumerate(saved.get("optimizer_states", ()))
        for number, group in enumerate(state["param_groups"])
    }
    for at, optimizer in enumerate(planned.optimizers):
        for number, group in enumerate(optimizer.param_groups):
            group["lr"] = rates.get((at, group_name(group, number)), group["lr"])
    return set(rates)


def _rates(planned: Planned) -> dict[tuple[int, str], float]:
    return {
        (at, group_name(group, number)): float(group["lr"])
        for at, optimizer in enumerate(planned.optimizers)
        for number, group in enumerate(optimizer.param_groups)
    }


def _advance(saved: dict[str, Any], planned: Planned, before: list[Any]) -> None:
    """Move the code's schedules to where the run is; those that follow a metric stay."""
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    states = _schedule_states(saved, before)
    by_hand = not planned.module.automatic_optimization
    for config in planned.schedules:
        if isinstance(config.scheduler, ReduceLROnPlateau):
            continue
        at = planned.optimizers.index(config.scheduler.optimizer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(_made(saved, config, states.get(at, {}), by_hand)):
                config.scheduler.step()


def _schedule_states(saved: dict[str, Any], before: list[Any]) -> dict[int, dict[str, Any]]:
    """The saved state of the schedule of each optimizer that had one."""
    states = saved.get("lr_schedulers", ())
    scheduled = [at for at, recipe in enumerate(before) if "scheduler" in recipe["schedule"]]
    if len(scheduled) != len(states):
        scheduled = list(range(len(states)))
    return dict(zip(scheduled, states, strict=True))


def _made(saved: dict[str, Any], config: Any, state: dict[str, Any], by_hand: bool) -> int:
    """The steps of a schedule up to the checkpoint."""
    if by_hand:
        # Of a schedule that the code steps, in turns of its own, only its state tells.
        return _moves(state)
    made = int(saved["global_step"]) if config.interval == "step" else epochs_made(saved)
    return made // int(config.frequency)


def _moves(state: dict[str, Any]) -> int:
    """How often a schedule has moved; torch's ChainedScheduler counts in its parts alone."""
    if "_schedulers" in state and "last_epoch" not in state:
        return _moves(state["_schedulers"][0])
    return int(state.get("last_epoch", 0))


def epochs_made(saved: dict[str, Any]) -> int:
    """The epochs whose last batch was trained on."""
    loop = saved["loops"]["fit_loop"]
    epochs = loop["epoch_progress"]["current"]
    begun = epochs["ready"] > epochs["completed"]
    last = loop["epoch_loop.batch_progress"].get("is_last_batch", False)
    return int(epochs["completed"]) + int(begun and last)


def group_name(group: dict[str, Any], at: int) -> str:
    """What to call a group."""
    return str(group.get("name", f"group {at}"))
