"""`module.py` of the generated project: the LightningModule."""

from __future__ import annotations

from lightgen.plan.types import Plan
from lightgen.render.custom.skeletons import second_pass, two_passes
from lightgen.render.environment import ABSENT, fill
from lightgen.render.freezing import step_hooks, train_mode
from lightgen.render.imports import Imports
from lightgen.render.resume import recorded_by
from lightgen.render.schedule import configure_lines, length_name
from lightgen.render.values import frozen_modules, lightning_root
from lightgen.source import Identifier, Source, block, indent, literal


def render_task(plan: Plan) -> str:
    """The text of module.py."""
    imports = _imports(plan)
    importing = {
        "second_pass": second_pass(plan, imports),
        "two_passes": two_passes(plan, imports),
        "weights": _weights(plan, imports),
    }
    text = fill(
        f"tasks/{plan.task.like or plan.task.name}.py",
        {
            **importing,
            "imports": imports.source(),
            "freeze_call": block(indent(["freeze(self.model)"], 2)) if plan.frozen else ABSENT,
            "train_mode": train_mode(plan),
            "compile_call": _compile_call(plan),
            "train_log": _train_log(plan),
            "configure_optimizers": block(indent([*configure_lines(plan), *step_hooks(plan)])),
            "recipe_hooks": block(indent(_recipe_hooks(plan))),
        },
    )
    if plan.schedule is not None and plan.schedule.needs_length:
        text += "\n\n" + fill(f"tasks/{length_name(plan.schedule)}.py", {})
    return text


def _imports(plan: Plan) -> Imports:
    root = lightning_root(plan)
    imports = Imports(plan.package)
    imports.names("typing", "Any", "TypeAlias")
    imports.module(f"{root} as pl", "torch.nn.functional as F")
    imports.names(f"{root}.utilities.types", "OptimizerLRScheduler")
    imports.names("torch", "Tensor", "nn")
    imports.own("model", "Network")
    imports.own("optim", "build_optimizer", "describe_groups")
    imports.own("recipe", "Recipe", "recipe_of").own("resume", "resume")
    if plan.task.name == "language-model":
        imports.module("torch").own("data", "decode", "encode").own("model", "CONTEXT")
    if plan.task.name == "regression":
        imports.names("torchmetrics.regression", "R2Score")
    if plan.frozen:
        imports.own("optim", "freeze")
    if plan.until_epoch:
        imports.names("torch.optim", "Optimizer")
        imports.own("optim", "drop_frozen_gradients", "frozen_modules")
    if plan.clips_groups:
        imports.names("torch.optim", "Optimizer").own("optim", "clip_groups")
    if frozen_modules(plan) or plan.until_epoch:
        imports.names("typing", "Self")
    if plan.schedule is not None:
        imports.own("optim", "build_scheduler")
        imports.own("recipe", f"{recorded_by(plan.schedule)}_of")
        if plan.schedule.needs_length:
            imports.module("math")
    return imports


def _compile_call(plan: Plan) -> Source:
    if not plan.model.compiles:
        return ABSENT
    why = "# In place, so that a checkpoint has the network's own names."
    return block(indent([why, "self.model.compile()"], 2))


def _train_log(plan: Plan) -> Source:
    """ReduceLROnPlateau on the training loss needs the mean of the epoch, not the last batch."""
    monitored = plan.schedule is not None and plan.schedule.monitor == "train/loss"
    epoch = monitored and plan.schedule is not None and plan.schedule.interval == "epoch"
    return Source(", on_step=False, on_epoch=True" if epoch else "")


def _weights(plan: Plan, imports: Imports) -> Source:
    """The hooks for an optimizer that trains with other weights than those to save."""
    if not plan.optimizer.turns_weights:
        return ABSENT
    imports.own("custom_optimizer", plan.optimizer.class_name)
    holes = {"class_name": Identifier(plan.optimizer.class_name)}
    return Source("\n" + fill("tasks/weights.py", holes).rstrip("\n"))


def _recipe_hooks(plan: Plan) -> list[str]:
    schedule = plan.schedule
    entries = []
    if schedule is not None:
        entries.append('"scheduler": type(self.lr_schedulers()).__name__,')
        entries.append(f'"interval": {literal(schedule.interval)},')
        if schedule.needs_length:
            name = length_name(schedule)
            entries.append(f'"{name}": {name}(self.trainer),')
        kind = recorded_by(schedule)
        entries.append(f'"{kind}": {kind}_of(self.lr_schedulers()),')
    recorded = ["schedule = {", *indent(entries), "}"] if entries else ["schedule: Recipe = {}"]
    return [
        "def on_fit_start(self) -> None:",
        "    # A checkpoint's optimizer state is not loaded yet: this is what the code says.",
        "    optimizer = self.trainer.optimizers[0]",
        *indent(recorded),
        "    self.recipe = recipe_of(optimizer, schedule)",
        "    if self.trainer.ckpt_path and self.resumed is not None:",
        "        # Optimizer and schedule are restored from it after this.",
        "        recipes = resume(self, self.resumed, [self.recipe], self.resume_choice)",
        "        self.recipe = recipes[0]",
        "    self.resumed = None",
        "    self.print(describe_groups(optimizer.param_groups))",
        "",
        "def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:",
        '    checkpoint["recipe"] = self.recipe',
        *(fill("tasks/save_evaluated.py", {}).splitlines() if plan.optimizer.turns_weights else []),
        "",
        "def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:",
        "    # Not for load_from_checkpoint or a test, which resume nothing.",
        "    if self._trainer is not None and self.trainer.training:",
        "        self.resumed = checkpoint",
    ]
