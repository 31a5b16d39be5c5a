"""`training_step` of several optimizers: who steps when, and what moves their rates."""

from __future__ import annotations

from collections.abc import Callable

from lightgen.plan.types import SchedulePlan, Wiring
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT
from lightgen.source import Source, block, indent, literal

_BATCH_NUMBER = "batch_number = self.trainer.fit_loop.total_batch_idx + 1"
_AT_THE_END = "self.trainer.is_last_batch or batch_number == self.max_batches"


def constants(plan: Plan) -> Source:
    """When each optimizer steps: numbers that the steps and the length of a schedule share."""
    lines = []
    for wiring in plan.wirings:
        if wiring.frequency > 1:
            lines.append(f"# Batches from one step of {wiring.name} to the next.")
            lines.append(f"{_frequency(wiring)} = {literal(wiring.frequency)}")
        if wiring.accumulate > 1:
            lines.append(f"# Batches whose gradients make one step of {wiring.name}.")
            lines.append(f"{_accumulate(wiring)} = {literal(wiring.accumulate)}")
        if wiring.clip_val is not None:
            what = "Norm" if wiring.clip_algorithm == "norm" else "Size of an entry"
            lines.append(f"# {what} that the gradient of {wiring.name} is cut down to.")
            lines.append(f"{constant(wiring, 'clip')} = {literal(float(wiring.clip_val))}")
    return block(lines) if lines else ABSENT


def constant(wiring: Wiring, key: str) -> str:
    """The name of a number of an optimizer: its frequency, accumulate or clip."""
    return f"{wiring.name.upper()}_{key.upper()}"


def _frequency(wiring: Wiring) -> str:
    return constant(wiring, "frequency")


def _accumulate(wiring: Wiring) -> str:
    return constant(wiring, "accumulate")


def shared_steps(plan: Plan) -> Source:
    """The steps of all optimizers on the gradients of one loss."""
    lines = ["self.manual_backward(loss)"]
    for wiring in plan.wirings:
        name = wiring.name
        step = [f"{name}.step()", *_schedule_step(wiring)]
        if wiring.accumulate > 1:
            full = f"(batch_idx + 1) % {_accumulate(wiring)} == 0"
            lines += [
                f"if {full} or at_the_end:",
                *indent([f"divide_gradients({name}, {_accumulate(wiring)})", *step]),
                f"    {name}.zero_grad()",
            ]
        elif wiring.frequency > 1:
            lines += [f"if batch_number % {_frequency(wiring)} == 0:", *indent(step)]
            lines.append(f"{name}.zero_grad()")
        else:
            lines += [*step, f"{name}.zero_grad()"]
    return block(indent([*_preamble(plan), *lines, *_epoch_schedules(plan)], 2))


def own_steps(plan: Plan, wiring: Wiring) -> Source:
    """The step of an optimizer on a loss of its own, between batches where it has no turn."""
    name, accumulate = wiring.name, _accumulate(wiring)
    loss = f"loss / {accumulate}" if wiring.accumulate > 1 else "loss"
    gradient = [
        f"with self.toggled_optimizer({name}):",
        f"    loss = {name}_loss(self.model, batch, noise)",
        f'    self.log("train/{name}_loss", loss, prog_bar=True)',
        f"    self.manual_backward({loss})",
    ]
    step = [f"{name}.step()", f"{name}.zero_grad()", *_schedule_step(wiring)]
    turn = f"batch_number % {_frequency(wiring)} == 0"
    if wiring.accumulate == 1:
        lines = [*gradient, *indent(step)]
        if wiring.frequency > 1:
            lines = [f"if {turn}:", *indent(lines)]
    elif wiring.frequency == 1:
        full = f"(batch_idx + 1) % {accumulate} == 0"
        lines = [*gradient, f"if {full} or at_the_end:", *indent(step)]
    else:
        before = f"(batch_number - batch_idx - 1) // {_frequency(wiring)}"
        lines = [
            "# Of this epoch: the end of an epoch makes a step of what is left.",
            f"turns = batch_number // {_frequency(wiring)} - {before}",
            f"has_turn = {turn}",
            "if has_turn:",
            *indent(gradient),
            f"is_full = turns % {accumulate} == 0",
            "if (has_turn and is_full) or (at_the_end and not is_full):",
            *indent(step),
        ]
    return block(indent(lines, 2))


def own_preamble(plan: Plan) -> Source:
    """What stands before the first loss of several."""
    return block(indent(_preamble(plan), 2))


def own_epoch_schedules(plan: Plan) -> Source:
    """What stands behind the last step of several."""
    lines = _epoch_schedules(plan)
    return block(indent(lines, 2)) if lines else ABSENT


def _preamble(plan: Plan) -> list[str]:
    names = ", ".join(wiring.name for wiring in plan.wirings)
    lines = [f"{names} = cast(list[LightningOptimizer], self.optimizers())"]
    lines += schedule_names(plan, _moves_in_training)
    turns = any(wiring.frequency > 1 for wiring in plan.wirings)
    waits = any(wiring.accumulate > 1 for wiring in plan.wirings)
    if turns:
        lines.append("# Of the whole run: an epoch may be shorter than a turn.")
    if turns or waits:
        lines.append(_BATCH_NUMBER)
    if waits:
        lines.append("# What an epoch, or the run, ends in the middle of makes a step too.")
        lines.append(f"at_the_end = {_AT_THE_END}")
    return lines


def schedule_names(plan: Plan, wanted: Callable[[SchedulePlan | None], bool]) -> list[str]:
    """The line that names the schedules that are wanted, if any is."""
    scheduled = [wiring for wiring in plan.wirings if wiring.schedule is not None]
    names = [f"{wiring.name}_schedule" if wanted(wiring.schedule) else "_" for wiring in scheduled]
    if set(names) <= {"_"}:
        return []
    if len(names) == 1:
        return [f"{names[0]} = cast(LRScheduler, self.lr_schedulers())"]
    return [f"{', '.join(names)} = cast(list[LRScheduler], self.lr_schedulers())"]


def is_watching(schedule: SchedulePlan | None) -> bool:
    """Whether the schedule moves by a metric."""
    return schedule is not None and schedule.monitor is not None


def _moves_in_training(schedule: SchedulePlan | None) -> bool:
    return not is_watching(schedule)


def _schedule_step(wiring: Wiring) -> list[str]:
    schedule = wiring.schedule
    if schedule is None or is_watching(schedule) or schedule.interval != "step":
        return []
    return [f"{wiring.name}_schedule.step()"]


def _epoch_schedules(plan: Plan) -> list[str]:
    lines: list[str] = []
    for wiring in plan.wirings:
        schedule = wiring.schedule
        if schedule is None or is_watching(schedule) or schedule.interval == "step":
            continue
        condition = "self.trainer.is_last_batch"
        if schedule.frequency > 1:
            condition += f" and (self.current_epoch + 1) % {literal(schedule.frequency)} == 0"
        lines += [f"if {condition}:", f"    {wiring.name}_schedule.step()"]
    if lines:
        lines.insert(0, "# Ahead of validation, so that a checkpoint has the rates to go on with.")
    return lines
