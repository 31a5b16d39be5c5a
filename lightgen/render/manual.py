"""What a LightningModule of several optimizers has around its steps: hooks, schedules, lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lightgen.plan.types import Wiring
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.manual_steps import constant, is_watching, schedule_names
from lightgen.render.schedule import length_name
from lightgen.render.values import lightning_root
from lightgen.source import Source, block, indent, literal

LANGUAGE_MODEL = "language-model"


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


TURN_AT_BATCHES = (
    "# Not at the start of an epoch: a run resumed in the middle of one has none.",
    "self.weights_to_train()",
)


def manual_hooks(plan: Plan) -> Source:
    """The methods that do what the Trainer does for one optimizer."""
    lines = [
        "",
        "def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:",
        *(indent(TURN_AT_BATCHES) if plan.turning else ()),
        "    # The Trainer's max_steps counts the steps of every optimizer.",
        "    if self.trainer.fit_loop.total_batch_idx + 1 == self.max_batches:",
        *(_ahead_of_min_epochs() if plan.trainer.get("min_epochs") else ()),
        "        self.trainer.should_stop = True",
        *_before_steps(plan),
        *_validation_hooks(plan),
    ]
    return block(indent(lines))


def _ahead_of_min_epochs() -> Iterator[str]:
    yield "        # It goes before min_epochs, which would hold back the end."
    yield "        self.trainer.fit_loop.min_epochs = 0"


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
        clip = [
            f"self.clip_gradients(optimizer, {constant(wiring, 'clip')}, "
            f"{literal(wiring.clip_algorithm)})"
        ]
        trained = [group for group in wiring.groups if not group.frozen]
        if wiring.clip_algorithm == "value" and all(group.until_epoch for group in trained):
            every = 'p for group in optimizer.param_groups for p in group["params"]'
            clip = [
                "# While all of its groups are frozen there is nothing to clip.",
                f"parameters = [{every}]",
                "if any(parameter.grad is not None for parameter in parameters):",
                *indent(clip),
            ]
        yield from indent(clip, 2)


def plateaus(plan: Plan) -> Source:
    """The schedules that move by a metric of validation, ahead of its checkpoint."""
    lines = _plateau_lines(plan)
    return block(indent(lines, 2)) if lines else ABSENT


def _plateau_lines(plan: Plan) -> list[str]:
    watching = [wiring for wiring in plan.wirings if is_watching(wiring.schedule)]
    if not watching:
        return []
    lines = schedule_names(plan, is_watching)
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
        uneven = [key for key in ("frequency", "accumulate") if getattr(wiring, key) > 1]
        arguments += [f"{key}={constant(wiring, key)}" for key in uneven]
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
                imports.own("module", constant(wiring, "frequency"))
            if wiring.schedule.interval == "step" and wiring.accumulate > 1:
                imports.own("module", constant(wiring, "accumulate"))
