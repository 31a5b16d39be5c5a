"""`recipe.py` and `resume.py` of the generated project: what a run goes on with."""

from __future__ import annotations

from lightgen.plan.types import Plan, SchedulePlan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root
from lightgen.source import Source, block, indent


def recorded_by(schedule: SchedulePlan) -> str:
    """What a recipe tells of a schedule beside its class: functions are in no state."""
    by_function = schedule.record.written_out or "Lambda" in schedule.record.name
    by_function = by_function or schedule.record.name == "MultiplicativeLR"
    return "functions" if by_function else "settings"


def render_recipe(plan: Plan) -> str:
    """The text of recipe.py."""
    imports = Imports(plan.package)
    imports.names("collections.abc", "Iterable", "Iterator", "Sequence")
    imports.names("typing", "Any", "TypeAlias")
    imports.names("torch", "Tensor").names("torch.optim", "Optimizer")
    settings = ABSENT
    if plan.schedule is not None:
        kind = recorded_by(plan.schedule)
        settings = Source(fill(f"resume/{kind}.py", {}))
        if kind == "functions":
            imports.names("inspect", "signature")
    return fill(
        "project/src/__package__/recipe.py",
        {"imports": imports.source(), "settings_of": settings},
    )


def render_resume(plan: Plan) -> str:
    """The text of resume.py."""
    imports = Imports(plan.package)
    imports.names("collections.abc", "Iterator", "Sequence").names("typing", "Any", "TypeAlias")
    imports.module(f"{lightning_root(plan)} as pl").own("recipe", "Recipe", "check_recipe")
    if plan.schedule is not None and plan.schedule.monitor is None:
        imports.module("warnings")
    elif plan.schedule is not None:
        imports.names("itertools", "chain", "repeat")
    return fill(
        "project/src/__package__/resume.py",
        {
            "imports": imports.source(),
            "schedules": _schedules(plan.schedule),
            "one_history": _one_history(plan),
            "mode_of_weights": _mode_of_weights(plan),
            "advance": _advance(plan.schedule),
        },
    )


def _schedules(schedule: SchedulePlan | None) -> Source:
    """Lines that put the code's schedules where the run is."""
    if schedule is None:
        return ABSENT
    if schedule.monitor is not None:
        made = "with_memory(config.scheduler, state)"
        each = "for config, state in zip(task.trainer.lr_scheduler_configs, states, strict=False)"
        head = ['states = chain(checkpoint["lr_schedulers"], repeat({}))']
    else:
        made = f"advance(config.scheduler, {schedule.interval}s)"
        each = "for config in task.trainer.lr_scheduler_configs"
        by_step = schedule.interval == "step"
        counted = 'checkpoint["global_step"]' if by_step else "epochs_made(checkpoint)"
        head = [f"{schedule.interval}s = {counted}"]
    lines = ["if code_wins:", *indent([*head, 'checkpoint["lr_schedulers"] = ['])]
    return block(indent([*lines, *indent([made, each], 2), "    ]"]))


def _advance(schedule: SchedulePlan | None) -> Source:
    if schedule is None:
        return ABSENT
    if schedule.monitor is not None:
        return Source(fill("resume/plateau.py", {}))
    text = fill("resume/advance.py", {"unit": Source(schedule.interval)})
    return Source(text + (fill("resume/epochs.py", {}) if schedule.interval == "epoch" else ""))


def _one_history(plan: Plan) -> Source:
    if plan.optimizer.class_name != "LBFGS":
        return ABSENT
    lines = [
        "if list(numbered(saved)) != list(numbered(fresh)):",
        "    # One history of all parameters, in their order: it begins anew.",
        "    states = {}",
    ]
    return block(indent(lines))


def _mode_of_weights(plan: Plan) -> Source:
    """Saved weights are those to evaluate, and the optimizer has to know it."""
    if not plan.optimizer.turns_weights:
        return ABSENT
    lines = [
        "# Not a setting: whether the saved weights are those to train.",
        'turned = saved["param_groups"][0]["train_mode"]',
        'groups = [group | {"train_mode": turned} for group in groups]',
    ]
    return block(indent(lines))
