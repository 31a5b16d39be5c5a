"""What the length of the run leaves idle: told where lightgen's own data say how long it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lightgen.catalogue.parts import Data
from lightgen.plan.types import GroupPlan, Wiring
from lightgen.problems import Problem

_LIMITS = ("limit_train_batches", "overfit_batches")


@dataclass(frozen=True)
class RunLength:
    """How long a run is, as the spec has it: -1 epochs or steps without a limit.

    `epoch_batches` is 0 where nobody knows the data before they are there.
    """

    epoch_batches: int
    max_epochs: int
    max_steps: int
    accumulate: int

    @property
    def batches(self) -> int:
        """All batches at most, 0 where nobody knows."""
        known = []
        if self.max_epochs > 0 and self.epoch_batches:
            known.append(self.max_epochs * self.epoch_batches)
        if self.max_steps > 0:
            known.append(self.max_steps * self.accumulate)
        return min(known, default=0)

    @property
    def epochs(self) -> int:
        """Epochs that begin, 0 where nobody knows."""
        if not self.epoch_batches:
            return max(0, self.max_epochs)
        return math.ceil(self.batches / self.epoch_batches)


def run_length(
    data: Data, batch_size: int | None, arguments: Mapping[str, Any], *, several: bool
) -> RunLength:
    """The length of a run with these arguments of the Trainer."""
    return RunLength(
        limited(batches_of(data, batch_size), arguments) if data.train_samples else 0,
        arguments["max_epochs"],
        arguments["max_steps"],
        # Of several optimizers, max_steps counts batches.
        1 if several else arguments.get("accumulate_grad_batches") or 1,
    )


def batches_of(data: Data, batch_size: int | None) -> int:
    """The batches of an epoch of lightgen's own data, in one process."""
    return math.ceil(data.train_samples / batch_size) if batch_size else 1


def limited(batches: int, arguments: Mapping[str, Any]) -> int:
    """The batches that the Trainer takes of so many."""
    for name in _LIMITS:
        limit = arguments.get(name)
        if limit:
            batches = min(batches, limit if isinstance(limit, int) else int(batches * limit))
    return batches


def length_problems(length: RunLength, groups: tuple[GroupPlan, ...]) -> Iterator[Problem]:
    """A group that is frozen for the whole run is not meant to train."""
    by_steps = length.epochs < length.max_epochs or length.max_epochs < 0
    ends = f"{length.max_steps} steps" if by_steps else f"{length.max_epochs} epochs"
    todo = "raise trainer.max_steps" if by_steps else "lower it below trainer.max_epochs"
    for group in groups:
        if 0 < length.epochs <= group.until_epoch:
            yield Problem(
                f"groups.{group.name}.freeze",
                f"the run ends after {ends}: the group never trains",
                f"{todo}, or write freeze = true",
            )


def idle_problems(
    length: RunLength, wirings: tuple[Wiring, ...], arguments: Mapping[str, Any]
) -> Iterator[Problem]:
    """What never happens: the turn of an optimizer, a validation, a batch."""
    for wiring in wirings:
        if 0 < length.batches < wiring.frequency:
            yield Problem(
                f"optimizers.{wiring.name}.frequency",
                f"the run has {length.batches} batches: it never steps",
                "lower it, or train longer",
            )
    every = arguments.get("check_val_every_n_epoch") or 1
    if 0 < length.max_epochs < every:
        yield Problem(
            "trainer.check_val_every_n_epoch",
            f"the run ends after {length.max_epochs} epochs: the best checkpoint and the result "
            "need validation",
            "lower it, or raise trainer.max_epochs",
        )
    if arguments.get("limit_train_batches") == 0:
        yield Problem("trainer.limit_train_batches", "0 trains nothing", "remove it")


def limit_problems(arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """What the Trainer refuses at the start of a run, or leaves undone without a word."""
    for what in ("epochs", "steps"):
        least, most = arguments.get(f"min_{what}"), arguments[f"max_{what}"]
        if least is not None and 0 < most < least:
            yield Problem(
                f"trainer.min_{what}",
                f"the run ends after {most} {what}, before {least}",
                f"lower it, or raise trainer.max_{what}",
            )
    for name in (*_LIMITS, "limit_val_batches"):
        limit = arguments.get(name)
        if isinstance(limit, float) and limit > 1:
            what, todo = f"{limit:g} is more than all", "write a share up to 1.0, or a whole number"
            yield Problem(f"trainer.{name}", what, todo)
    time = arguments.get("max_time")
    if time is not None and not re.fullmatch(r"\d+:\d\d:\d\d:\d\d", time):
        yield Problem("trainer.max_time", f"'{time}' is no time", "write DD:HH:MM:SS")


def length_notes(length: RunLength, wirings: tuple[Wiring, ...]) -> Iterator[str]:
    """A warmup that the run does not outlast: perhaps more epochs are given when it starts."""
    for wiring in wirings:
        schedule = wiring.schedule
        steps = length.batches // (wiring.frequency * max(wiring.accumulate, length.accumulate))
        if schedule is not None and 0 < steps <= schedule.warmup_steps:
            where = f"optimizers.{wiring.name}.scheduler" if wiring.name else "scheduler"
            yield (
                f"{where}.warmup_steps: the run ends after {steps} steps, within the "
                f"{schedule.warmup_steps} of the warmup"
            )
