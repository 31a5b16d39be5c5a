"""`module.py` of the generated project: the LightningModule."""

from __future__ import annotations

from lightgen.catalogue.path_schedulers import PathScheduler
from lightgen.plan.types import SchedulePlan, Wiring
from lightgen.plan.whole import Plan
from lightgen.render import manual, manual_steps
from lightgen.render.custom.skeletons import second_pass, two_passes
from lightgen.render.environment import ABSENT, fill
from lightgen.render.foreign import reference
from lightgen.render.freezing import step_hooks, train_mode
from lightgen.render.imports import Imports
from lightgen.render.others import network_call, output_of
from lightgen.render.resume import recorded_by
from lightgen.render.schedule import configure_lines, length_name
from lightgen.render.strategies import (
    by_deepspeed,
    configure_model_lines,
    split_again_lines,
    weights_from,
)
from lightgen.render.values import lightning_root, runs_on_several
from lightgen.source import Expr, Identifier, Source, block, indent, literal


def render_task(plan: Plan) -> str:
    """The text of module.py."""
    imports = _imports(plan)
    sharded = configure_model_lines(plan, imports)
    importing = {
        "second_pass": second_pass(plan, imports),
        "two_passes": two_passes(plan, imports),
        "weights": _weights(plan, imports),
        "make_model": network_call(plan, imports),
    }
    text = fill(
        f"tasks/{plan.task.like or plan.task.name}.py",
        {
            **importing,
            **(_manual(plan) if plan.is_manual else _AUTOMATIC),
            "output": output_of(plan),
            "sample": _sample(plan),
            "imports": imports.source(),
            "freeze_call": block(indent(["freeze(self.model)"], 2)) if plan.frozen else ABSENT,
            "train_mode": train_mode(plan),
            "compile_call": _compile_call(plan),
            "train_log": _train_log(plan),
            "val_log": _val_log(plan),
            "weights_from": weights_from(plan),
            "configure_optimizers": block(indent([*sharded, *_configure_lines(plan)])),
            "recipe_hooks": block(indent(_recipe_hooks(plan))),
        },
    )
    if plan.is_manual:
        if manual.divides_gradients(plan):
            text += "\n\n" + fill("tasks/several/divide_gradients.py", {})
        text += manual.length_functions(plan)
    elif plan.schedule is not None and plan.schedule.needs_length:
        text += "\n\n" + fill(f"tasks/{length_name(plan.schedule)}.py", {})
    return text


_AUTOMATIC = {
    "constants": ABSENT,
    "manual_optimization": ABSENT,
    "max_batches": ABSENT,
    "steps": ABSENT,
    "manual_hooks": ABSENT,
    "plateaus": ABSENT,
    "recipe_type": Source("Recipe = {}"),
}


def _manual(plan: Plan) -> dict[str, Source]:
    """What several optimizers add to the class."""
    comment = "# Several optimizers: Lightning leaves their steps to training_step."
    flag = [comment, "self.automatic_optimization = False"]
    holes = {
        "constants": manual_steps.constants(plan),
        "manual_optimization": block(indent(flag, 2)),
        "max_batches": block(indent(["self.max_batches = -1"], 2)),
        "manual_hooks": manual.manual_hooks(plan),
        "plateaus": manual.plateaus(plan),
        "recipe_type": Source("list[Recipe] = []"),
    }
    if not plan.task.optimizers:
        return {**holes, "steps": manual_steps.shared_steps(plan)}
    own = {f"{each.name}_steps": manual_steps.own_steps(plan, each) for each in plan.wirings}
    steps = "\n".join(own[f"{each.name}_steps"] for each in plan.wirings)
    return {
        **holes,
        "preamble": manual_steps.own_preamble(plan),
        "steps": Source(steps),
        "epoch_schedules": manual_steps.own_epoch_schedules(plan),
    }


def _configure_lines(plan: Plan) -> list[str]:
    if plan.is_manual:
        return manual.configure_lines(plan)
    return [*configure_lines(plan), *step_hooks(plan)]


def _imports(plan: Plan) -> Imports:
    root = lightning_root(plan)
    imports = Imports(plan.package)
    imports.names("typing", "Any", "TypeAlias")
    imports.module(f"{root} as pl", "torch.nn.functional as F")
    if plan.task.name == "gan":
        imports.module("torch").own("model", "sample_noise")
    imports.names(f"{root}.utilities.types", "OptimizerLRScheduler")
    imports.names("torch", "Tensor")
    if not plan.task.optimizers:
        imports.names("torch", "nn")
    if plan.task.optimizers:
        imports.own("model", "Network")
    imports.own("optim", "describe_groups")
    if by_deepspeed(plan):
        imports.own("sharding", "unwrapped")
    imports.own("recipe", "Recipe", "recipe_of").own("resume", "resume")
    if plan.task.name == "language-model":
        _import_sampling(plan, imports)
    if plan.task.name == "regression":
        imports.names("torchmetrics.regression", "R2Score")
    if plan.frozen:
        imports.own("optim", "freeze")
    if plan.until_epoch:
        imports.names("torch.optim", "Optimizer")
        imports.own("optim", "drop_frozen_gradients", "frozen_modules")
    if plan.clips_groups:
        imports.names("torch.optim", "Optimizer").own("optim", "clip_groups")
    if str(train_mode(plan)) != str(ABSENT):
        imports.names("typing", "Self")
    if plan.is_manual:
        manual.import_manual(plan, imports)
    else:
        imports.own("optim", "build_optimizer")
        if plan.schedule is not None:
            imports.own("optim", "build_scheduler")
    for schedule in plan.schedules:
        imports.own("recipe", *(f"{kind}_of" for kind in recorded_by(schedule)))
        if schedule.needs_length:
            imports.module("math")
    return imports


def _import_sampling(plan: Plan, imports: Imports) -> None:
    """What a text is drawn with, where its symbols are known."""
    if plan.has_own_data:
        imports.module("torch").own("data", "decode", "encode")
        imports.own(*(("model", "CONTEXT") if plan.has_own_model else ("data", "WINDOW")))


def _sample(plan: Plan) -> Source:
    if plan.task.name != "language-model" or not plan.has_own_data:
        return ABSENT
    context = Identifier("CONTEXT" if plan.has_own_model else "WINDOW")
    return Source("\n\n" + fill("tasks/sample.py", {"context": context}).rstrip("\n"))


def _compile_call(plan: Plan) -> Source:
    if not plan.model.compiles:
        return ABSENT
    why = "# In place, so that a checkpoint has the network's own names."
    return block(indent([why, "self.model.compile()"], 2))


def _train_log(plan: Plan) -> Source:
    """ReduceLROnPlateau on the training loss needs the mean of the epoch, not the last batch."""
    monitored = plan.schedule is not None and plan.schedule.monitor == "train/loss"
    epoch = monitored and plan.schedule is not None and plan.schedule.interval == "epoch"
    if not epoch:
        return Source("")
    return Source(f", on_step=False, on_epoch=True{_val_log(plan)}")


def _val_log(plan: Plan) -> Source:
    """Processes that each know a metric of their own would set rates of their own."""
    return Source(", sync_dist=True" if runs_on_several(plan) else "")


def _weights(plan: Plan, imports: Imports) -> Source:
    """The hooks for an optimizer that trains with other weights than those to save."""
    if not plan.turning:
        return ABSENT
    for optimizer in plan.turning:
        if optimizer.is_foreign:
            reference(optimizer.references[0], imports)
        else:
            imports.own("custom_optimizer", optimizer.class_name)
    names = " | ".join(optimizer.class_name for optimizer in plan.turning)
    lines = [
        "def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:",
        *indent(manual.TURN_AT_BATCHES),
        "",
    ]
    # Of several optimizers the hook does more.
    at_batches = ABSENT if plan.is_manual else block(indent(lines))
    split_again = split_again_lines(plan, imports)
    holes = {"class_name": Expr(names), "at_batches": at_batches, "split_again": split_again}
    return Source("\n" + fill("tasks/weights.py", holes).rstrip("\n"))


_SHOW_GROUPS = "    self.print(describe_groups(optimizer.param_groups))"


def _stepped(plan: Plan) -> str:
    """The optimizer of the code."""
    stepped = "self.trainer.optimizers[0]"
    return f"unwrapped({stepped})" if by_deepspeed(plan) else stepped


def _recipe_hooks(plan: Plan) -> list[str]:
    if plan.is_manual:
        return _recipes_hooks(plan)
    schedule = plan.schedule
    entries = []
    if schedule is not None:
        entries.append(f'"scheduler": {_class_of(schedule, "self.lr_schedulers()")},')
        entries.append(f'"interval": {literal(schedule.interval)},')
        if schedule.needs_length:
            name = length_name(schedule)
            entries.append(f'"{name}": {name}(self.trainer),')
        for kind in recorded_by(schedule):
            entries.append(f'"{kind}": {kind}_of(self.lr_schedulers()),')
    recorded = ["schedule = {", *indent(entries), "}"] if entries else ["schedule: Recipe = {}"]
    return [
        "def on_fit_start(self) -> None:",
        "    # A checkpoint's optimizer state is not loaded yet: this is what the code says.",
        f"    optimizer = {_stepped(plan)}",
        *indent(recorded),
        "    self.recipe = recipe_of(optimizer, schedule)",
        "    if self.trainer.ckpt_path and self.resumed is not None:",
        "        # Optimizer and schedule are restored from it after this.",
        "        recipes = resume(self, self.resumed, [self.recipe], self.resume_choice)",
        "        self.recipe = recipes[0]",
        "    self.resumed = None",
        *([] if by_deepspeed(plan) else [_SHOW_GROUPS]),
        "",
        *_checkpoint_hooks(plan),
    ]


def _checkpoint_hooks(plan: Plan) -> list[str]:
    return [
        "def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:",
        '    checkpoint["recipe"] = self.recipe',
        *(fill("tasks/save_evaluated.py", {}).splitlines() if plan.turning else []),
        *(fill("tasks/save_plateau.py", {}).splitlines() if _watches(plan) else []),
        "",
        "def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:",
        "    # Not for load_from_checkpoint or a test, which resume nothing.",
        "    if self._trainer is not None and self.trainer.training:",
        "        self.resumed = checkpoint",
    ]


def _watches(plan: Plan) -> bool:
    """Whether Lightning shows a metric to the schedule."""
    schedule = plan.schedule
    return not plan.is_manual and schedule is not None and schedule.monitor is not None


def _class_of(schedule: SchedulePlan, made: str) -> str:
    """The name of a schedule's class; of one that is counted for, not of what counts."""
    if isinstance(schedule.record, PathScheduler) and schedule.record.counts:
        made = f'getattr({made}, "schedule", None)'
    return f"type({made}).__name__"


def _recipes_hooks(plan: Plan) -> list[str]:
    recipes: list[str] = []
    for at, wiring in enumerate(plan.wirings):
        uneven = [key for key in ("frequency", "accumulate") if getattr(wiring, key) > 1]
        entries = [f'"{key}": {manual_steps.constant(wiring, key)},' for key in uneven]
        if wiring.schedule is not None:
            schedule = f"schedules[{_position(plan, wiring)}]"
            entries.append(f'"scheduler": {_class_of(wiring.schedule, schedule)},')
            entries.append(f'"interval": {literal(wiring.schedule.interval)},')
            if wiring.schedule.needs_length:
                length = manual.length_call(wiring, "self.trainer", "self.max_batches")
                entries.append(f'"{length_name(wiring.schedule)}": {length},')
            for kind in recorded_by(wiring.schedule):
                entries.append(f'"{kind}": {kind}_of({schedule}),')
        if entries:
            recorded = [f"    optimizers[{at}],", "    {", *indent(entries, 2), "    },"]
            recipes += ["recipe_of(", *recorded, "),"]
        else:
            recipes.append(f"recipe_of(optimizers[{at}], {{}}),")
    configs = "[config.scheduler for config in self.trainer.lr_scheduler_configs]"
    return [
        "def on_fit_start(self) -> None:",
        "    # A checkpoint's optimizer state is not loaded yet: this is what the code says.",
        "    optimizers = self.trainer.optimizers",
        *([f"    schedules = {configs}"] if plan.schedules else []),
        "    self.recipe = [",
        *indent(recipes, 2),
        "    ]",
        "    if self.trainer.ckpt_path and self.resumed is not None:",
        "        # Optimizers and schedules are restored from it after this.",
        "        recipes = resume(self, self.resumed, self.recipe, self.resume_choice)",
        "        self.recipe = list(recipes)",
        "    self.resumed = None",
        "    groups = [group for each in optimizers for group in each.param_groups]",
        "    self.print(describe_groups(groups))",
        "",
        *_checkpoint_hooks(plan),
    ]


def _position(plan: Plan, wiring: Wiring) -> int:
    """Where the optimizer's schedule stands among those that there are."""
    scheduled = [each.name for each in plan.wirings if each.schedule is not None]
    return scheduled.index(wiring.name)
