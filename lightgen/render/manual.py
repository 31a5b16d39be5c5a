"""What a LightningModule of several optimizers writes out: steps, clipping, schedules, lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lightgen.plan.types import Plan, SchedulePlan, Wiring
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.schedule import length_name
from lightgen.render.values import lightning_root
from lightgen.source import Source, block, indent, literal

LANGUAGE_MODEL = "language-model"
_BATCH_NUMBER = "batch_number = self.trainer.fit_loop.total_batch_idx + 1"
_AT_THE_END = "self.trainer.is_last_batch or self.trainer.should_stop"


def import_manual(plan: Plan, imports: Imports) -> None:
    """What the module imports beside what a module of one optimizer does."""
    root = lightning_root(plan)
    imports.names("typing", "cast")
    imports.names(f"{root}.core.optimizer", "LightningOptimizer")
    imports.own("optim", "build_optimizers")
    for wiring in plan.wirings:
        if wiring.schedule is not None:
            imports.own("optim", f"build_{wiring.name}_scheduler")
    if any(wiring.schedule for wiring in plan.wirings):
        imports.names("torch.optim.lr_scheduler", "LRScheduler")
    if any(is_watching(wiring.schedule) for wiring in plan.wirings):
        imports.names("torch.optim.lr_scheduler", "ReduceLROnPlateau")
    if plan.until_epoch or any(wiring.clip_val for wiring in plan.wirings):
        imports.names("torch.optim", "Optimizer")


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


# The steps.


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
    lines += _schedules(plan, _moves_in_training)
    if any(wiring.frequency > 1 for wiring in plan.wirings):
        lines += ["# Of the whole run: an epoch may be shorter than a turn.", _BATCH_NUMBER]
    if any(wiring.accumulate > 1 for wiring in plan.wirings):
        lines.append("# What an epoch, or the run, ends in the middle of makes a step too.")
        lines.append(f"at_the_end = {_AT_THE_END}")
    return lines


def _schedules(plan: Plan, wanted: object) -> list[str]:
    """The line that names the schedules that are wanted."""
    assert callable(wanted)
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


def _moves_in_training(schedule: SchedulePlan) -> bool:
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


# What stands beside training_step.


def manual_hooks(plan: Plan) -> Source:
    """The methods that do what the Trainer does for one optimizer."""
    lines = [
        "",
        "def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:",
        "    # The Trainer's max_steps counts the steps of every optimizer.",
        "    if self.trainer.fit_loop.total_batch_idx + 1 == self.max_batches:",
        "        self.trainer.should_stop = True",
        *_before_steps(plan),
        *_validation_hooks(plan),
    ]
    return block(indent(lines))


def _before_steps(plan: Plan) -> Iterator[str]:
    clipped = [(at, each) for at, each in enumerate(plan.wirings) if each.clip_val is not None]
    if not clipped and not plan.until_epoch:
        return
    yield ""
    if plan.until_epoch:
        yield from fill("tasks/unfreeze.py", {}).strip("\n").splitlines()
    else:
        yield "def on_before_optimizer_step(self, optimizer: Optimizer) -> None:"
    if clipped:
        yield "    # Here and not in training_step: a scaler has unscaled the gradients by now."
    for at, wiring in clipped:
        yield f"    if optimizer is self.trainer.optimizers[{literal(at)}]:"
        yield (
            f"        self.clip_gradients(optimizer, {constant(wiring, 'clip')}, "
            f"{literal(wiring.clip_algorithm)})"
        )


def plateaus(plan: Plan) -> Source:
    """The schedules that move by a metric of validation, ahead of its checkpoint."""
    lines = _plateau_lines(plan)
    return block(indent(lines, 2)) if lines else ABSENT


def _plateau_lines(plan: Plan) -> list[str]:
    watching = [wiring for wiring in plan.wirings if is_watching(wiring.schedule)]
    if not watching:
        return []
    lines = _schedules(plan, is_watching)
    for wiring in watching:
        assert wiring.schedule is not None and wiring.schedule.monitor is not None
        metric = f"self.trainer.callback_metrics[{literal(wiring.schedule.monitor)}]"
        lines.append(f"cast(ReduceLROnPlateau, {wiring.name}_schedule).step(float({metric}))")
    return ["if not self.trainer.sanity_checking:", *indent(lines)]


def _validation_hooks(plan: Plan) -> Iterator[str]:
    lines = _plateau_lines(plan)
    if lines and plan.task.name != LANGUAGE_MODEL:  # which has the method already
        yield from ("", "def on_validation_epoch_end(self) -> None:", *indent(lines))
    if any(wiring.accumulate > 1 for wiring in plan.wirings):
        yield from (
            "",
            "def on_validation_model_zero_grad(self) -> None:",
            '    """Keep the gradients that wait for a step: Lightning would drop them."""',
        )


def configure_lines(plan: Plan) -> list[str]:
    """The method that hands optimizers and schedules to Lightning."""
    lines = ["optimizers = build_optimizers(self.model, self.rates)"]
    entries: list[str] = []
    for wiring in plan.wirings:
        optimizer = f'optimizers["{wiring.name}"]'
        entry = [f'"optimizer": {optimizer},']
        if wiring.schedule is not None:
            built = scheduler_call(wiring, optimizer, "self.trainer", "self.max_batches")
            lines.append(f"{wiring.name}_schedule = {built}")
            name = literal(f"lr/{wiring.name}")
            entry.append(
                f'"lr_scheduler": {{"scheduler": {wiring.name}_schedule, "name": {name}}},'
            )
        entries += ["{", *indent(entry), "},"]
    if any(wiring.schedule for wiring in plan.wirings):
        lines += ["configured: list[Any] = [", *indent(entries), "]", "return configured"]
    else:
        lines.append("return list(optimizers.values())")
    return ["def configure_optimizers(self) -> OptimizerLRScheduler:", *indent(lines)]


def scheduler_call(wiring: Wiring, optimizer: str, trainer: str, max_batches: str) -> str:
    """The call that makes the schedule of an optimizer."""
    assert wiring.schedule is not None
    length = ""
    if wiring.schedule.needs_length:
        length = f", {length_call(wiring, trainer, max_batches)}"
    return f"build_{wiring.name}_scheduler({optimizer}{length})"


def length_call(wiring: Wiring, trainer: str, max_batches: str) -> str:
    """The length of the run in the intervals of the optimizer's schedule."""
    assert wiring.schedule is not None
    arguments = [trainer, max_batches]
    if wiring.schedule.interval == "step":
        if wiring.frequency > 1:
            arguments.append(f"frequency={_frequency(wiring)}")
        if wiring.accumulate > 1:
            arguments.append(f"accumulate={_accumulate(wiring)}")
    return f"{length_name(wiring.schedule)}({', '.join(arguments)})"


def length_functions(plan: Plan) -> str:
    """The functions behind the class that tell the length of the run."""
    asked = [each.schedule for each in plan.wirings if each.schedule and each.schedule.needs_length]
    if not asked:
        return ""
    names = {length_name(schedule) for schedule in asked}
    texts = [fill("tasks/several/total_batches.py", {})]
    if "total_steps" in names:
        counted = [each for each in plan.wirings if each.schedule in asked]
        uneven = any(each.frequency > 1 or each.accumulate > 1 for each in counted)
        texts.append(fill(f"tasks/several/{'uneven' if uneven else 'even'}_steps.py", {}))
    if "total_epochs" in names:
        texts.append(fill("tasks/several/total_epochs.py", {}))
    return "".join(f"\n\n{text}" for text in texts)


def divides_gradients(plan: Plan) -> bool:
    """Whether the gradients of a shared loss are averaged by hand."""
    return not plan.task.optimizers and any(each.accumulate > 1 for each in plan.wirings)


def import_lengths(plan: Plan, imports: Imports, wirings: Iterable[Wiring]) -> None:
    """What a test of the schedules imports of the module."""
    for wiring in wirings:
        if wiring.schedule is not None and wiring.schedule.needs_length:
            imports.own("module", length_name(wiring.schedule))
            if wiring.schedule.interval == "step" and wiring.frequency > 1:
                imports.own("module", _frequency(wiring))
            if wiring.schedule.interval == "step" and wiring.accumulate > 1:
                imports.own("module", _accumulate(wiring))
