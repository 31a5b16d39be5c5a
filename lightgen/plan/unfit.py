"""What a class of another package cannot do with the rest of the spec, as far as it is known."""

from __future__ import annotations

from collections.abc import Iterator

from lightgen.plan.types import Wiring
from lightgen.problems import Problem


def unfit_wiring(wiring: Wiring, model: str) -> list[Problem]:
    """Rates, schedules and freezing that the class does not heed, and a model it cannot train."""
    if not wiring.optimizer.is_foreign:
        return []
    return [*_rates(wiring), *_schedule(wiring), *_waiting(wiring), *_convolutions(wiring, model)]


def _rates(wiring: Wiring) -> Iterator[Problem]:
    optimizer = wiring.optimizer
    record = optimizer.record
    own = [group for group in wiring.groups if group.lr is not None or group.factor is not None]
    if record.own_rate:
        what = f"{record.name} goes by a rate of its own: that of a group does nothing"
    elif record.one_rate:
        what = f"{record.name} takes one rate for all groups"
    else:
        return
    for group in own:
        yield Problem(f"groups.{group.name}.lr", what, "remove it, or choose another class")
    layered = [group for group in wiring.groups if group.layer_decay is not None]
    place = "optimizer" if optimizer.layer_decay is not None else ""
    place = place or (f"groups.{layered[0].name}" if layered else "")
    if place:
        yield Problem(f"{place}.layer_decay", what, "remove it, or choose another class")


def _schedule(wiring: Wiring) -> Iterator[Problem]:
    record = wiring.optimizer.record
    if record.own_rate and wiring.schedule is not None:
        what = f"{record.name} goes by a rate of its own: a schedule does nothing"
        yield Problem("scheduler", what, "remove it, or choose another class")


def _waiting(wiring: Wiring) -> Iterator[Problem]:
    record = wiring.optimizer.record
    for group in wiring.groups if record.eager else ():
        if group.until_epoch:
            what = f"{record.name} fails, or moves a group, where it has no gradients"
            todo = "write freeze = true, or choose another class"
            yield Problem(f"groups.{group.name}.freeze", what, todo)


def _convolutions(wiring: Wiring, model: str) -> Iterator[Problem]:
    record = wiring.optimizer.record
    if record.no_convolution and model == "cnn":
        what = f"{record.name} takes no weights of convolutions"
        yield Problem("model.name", what, "choose another model, or another class")
