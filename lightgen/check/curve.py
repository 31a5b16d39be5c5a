"""Proof: the learning rates of the planned run are numbers that train, moved when they should."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lightgen.check.place import told
from lightgen.check.planned import Planned
from lightgen.check.proof import Curve, Finding, Proof, Rates
from lightgen.check.simulate import ScheduleError, Simulated, planned_steps, simulate

# So many numbers are kept of a group's rates.
_POINTS = 120


def prove_curve(planned: Planned) -> Finding:
    """Simulate the rates, draw them, and judge what can be judged."""
    try:
        simulated = simulate(planned)
    except ScheduleError as error:
        cause = told(error.__cause__) if error.__cause__ else ""
        return Finding(Proof("curve", False, str(error), (cause,)))
    curve = _curve(planned, simulated)
    faults = [*_bad_rates(planned, simulated), *_bad_intervals(planned, simulated)]
    notes = tuple(_notes(planned))
    if faults:
        return Finding(Proof("curve", False, faults[0], (*faults[1:], *notes)), curve=curve)
    what = f"each group that trains has a rate, never below zero, over {curve.length}"
    return Finding(Proof("curve", True, what, notes), curve=curve)


def _curve(planned: Planned, simulated: Simulated) -> Curve:
    columns = list(zip(*simulated.rates, strict=True))
    names = [name for name, _ in planned.groups]
    rates = tuple(_rates(name, column) for name, column in zip(names, columns, strict=True))
    return Curve(
        len(simulated.rates), _length(planned, simulated), _schedules(planned, simulated), rates
    )


def _rates(group: str, column: tuple[float, ...]) -> Rates:
    finite = [rate if math.isfinite(rate) else -math.inf for rate in column]
    peak = max(range(len(column)), key=finite.__getitem__)
    last = len(column) - 1
    at = sorted({round(last * point / (_POINTS - 1)) for point in range(_POINTS)})
    points = tuple(column[each] for each in at)
    return Rates(group, column[0], column[peak], peak + 1, column[-1], points)


def _length(planned: Planned, simulated: Simulated) -> str:
    steps, total = len(simulated.rates), planned_steps(planned)
    if not math.isfinite(total):
        return f"the first {steps:,} steps of a run whose length is not known"
    if not simulated.whole:
        return f"the first {steps:,} of {int(total):,} steps"
    epochs = f" in {planned.epochs} epochs" if planned.max_steps < 0 else ""
    return f"the run's {steps:,} steps{epochs}"


def _schedules(planned: Planned, simulated: Simulated) -> tuple[str, ...]:
    return tuple(
        _schedule(config, moves, manual=not planned.module.automatic_optimization)
        for config, moves in zip(planned.schedules, simulated.moves, strict=True)
    ) or ("no schedule: the rates are constant",)


def _schedule(config: Any, moves: int, *, manual: bool) -> str:
    name = type(config.scheduler).__name__
    if manual and config.reduce_on_plateau:
        return f"{name}: the code moves it by a metric; drawn as if that always improved"
    if manual:
        return f"{name}: the training step moves it itself; drawn as if once a {config.interval}"
    if config.reduce_on_plateau:
        return f"{name}: follows {config.monitor}, so it is drawn as if that always improved"
    often = config.interval if config.frequency == 1 else f"{config.frequency} {config.interval}s"
    return f"{name}: moves every {often}, {moves:,} times"


def _notes(planned: Planned) -> Iterator[str]:
    hook = type(planned.module).optimizer_step
    if not hook.__module__.startswith(("pytorch_lightning.", "lightning.")):
        yield "optimizer_step is overridden: what it does to the rates is not drawn"


def _bad_rates(planned: Planned, simulated: Simulated) -> Iterator[str]:
    for at, (name, group) in enumerate(planned.groups):
        column = [rates[at] for rates in simulated.rates]
        wrong = next((step for step, rate in enumerate(column, 1) if not 0 <= rate < math.inf), 0)
        if wrong:
            yield f"the rate of {name} is {column[wrong - 1]:g} at step {wrong:,}"
        elif not any(column) and any(parameter.requires_grad for parameter in group["params"]):
            yield f"the rate of {name} is zero in the whole run, and nothing in it is frozen"


def _bad_intervals(planned: Planned, simulated: Simulated) -> Iterator[str]:
    """A schedule made for steps that moves once an epoch: it raises nothing, and trains badly.

    Proven in two cases: it was made for the number of steps that the Trainer told, or moved every
    step it would bring a group to twice the rate that it ever has.
    """
    by_epoch = [
        (config, moves)
        for config, moves in zip(planned.schedules, simulated.moves, strict=True)
        if config.interval == "epoch" and not config.reduce_on_plateau
    ]
    steps = len(simulated.rates)
    if not by_epoch or not planned.module.automatic_optimization or steps <= by_epoch[0][1]:
        return
    config, moves = by_epoch[0]
    moved = f"{type(config.scheduler).__name__} moves once an epoch, {moves:,} times in the run"
    todo = 'with "interval": "step" in its dictionary it moves every step'
    if planned.asked_steps:
        yield f"{moved}, but it is made for {int(planned.total_steps):,} optimizer steps; {todo}"
    elif _rises_by_steps(planned, simulated):
        yield f"{moved}, and never comes to its peak; {todo}"


def _rises_by_steps(planned: Planned, simulated: Simulated) -> bool:
    try:
        stepped = simulate(planned, every_step=True)
    except ScheduleError:  # it is too short for that: made for epochs
        return False
    return any(
        by_step > 2 * by_epoch
        for by_epoch, by_step in zip(_peaks(simulated), _peaks(stepped), strict=True)
    )


def _peaks(simulated: Simulated) -> list[float]:
    return [max(column) for column in zip(*simulated.rates, strict=True)]
