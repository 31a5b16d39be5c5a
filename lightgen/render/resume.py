"""`recipe.py` and `resume.py` of the generated project: what a run goes on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightgen.catalogue.path_schedulers import PathScheduler
from lightgen.plan.types import OptimizerPlan, SchedulePlan
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.path_schedule import counted
from lightgen.render.strategies import by_deepspeed
from lightgen.render.values import casts_weights, lightning_root
from lightgen.source import Source, block, indent, literal

_PRECISION = [
    'loading = zip(task.trainer.optimizers, checkpoint["optimizer_states"], strict=True)',
    "for optimizer, state in loading:",
    "    keep_precision(optimizer, state)",
]

# Settings that torch's Adam, AdamW and RMSprop need a state for: its key, and one of its shape.
_STATE_OF = {
    "amsgrad": ("max_exp_avg_sq", "exp_avg_sq"),
    "centered": ("grad_avg", "square_avg"),
    "momentum": ("momentum_buffer", "square_avg"),
}


def recorded_by(schedule: SchedulePlan) -> tuple[str, ...]:
    """What a recipe tells of a schedule beside its class: functions are in no state."""
    record = schedule.record
    if isinstance(record, PathScheduler):
        if not record.known:
            return "functions", "settings"
        return ("functions",) if record.by_function else ("settings",)
    by_function = schedule.record.written_out or "Lambda" in schedule.record.name
    by_function = by_function or schedule.record.name == "MultiplicativeLR"
    return ("functions",) if by_function else ("settings",)


def render_recipe(plan: Plan) -> str:
    """The text of recipe.py."""
    imports = Imports(plan.package)
    imports.names("collections.abc", "Iterable", "Iterator", "Sequence")
    imports.names("typing", "Any", "TypeAlias")
    imports.names("torch", "Tensor").names("torch.optim", "Optimizer")
    settings = ABSENT
    kinds = sorted({kind for schedule in plan.schedules for kind in recorded_by(schedule)})
    if kinds:
        running = {"base_lrs", "last_epoch", "lr_lambdas"}
        if counted(plan):
            running |= {"base_values", "metric", "warmup_steps"}
        holes = {"running": Source(", ".join(literal(each) for each in sorted(running)))}
        texts = (fill(f"resume/{kind}.py", holes) for kind in kinds)
        settings = Source("".join(texts).rstrip("\n"))
    if "functions" in kinds:
        imports.names("inspect", "signature")
    return fill(
        "project/src/__package__/recipe.py",
        {
            "imports": imports.source(),
            "settings_of": settings,
            "objects": _objects(plan),
            "impossible": literal(_impossible(plan)),
        },
    )


def _impossible(plan: Plan) -> dict[str, str]:
    """The ways to go on that the strategy doesn't have, whatever differs."""
    if not by_deepspeed(plan):
        return {}
    return {"schedule": "not possible, DeepSpeed restores rates together with moments"}


def _objects(plan: Plan) -> Source:
    """What stands for the objects that a class keeps in its groups, as heavyball its own."""
    records = [wiring.optimizer.record for wiring in plan.wirings]
    if not any(each.open or each.path.startswith("heavyball.") for each in records):
        return ABSENT
    lines = [
        "if callable(value):",
        "    # A checkpoint takes no functions and classes.",
        '    return getattr(value, "__qualname__", type(value).__qualname__)',
    ]
    return block(indent(lines))


def render_resume(plan: Plan) -> str:
    """The text of resume.py."""
    imports = Imports(plan.package)
    imports.names("collections.abc", "Iterator", "Sequence").names("typing", "Any", "TypeAlias")
    imports.module(f"{lightning_root(plan)} as pl").own("recipe", "Recipe", "check_recipe")
    if any(schedule.monitor is None for schedule in plan.schedules):
        imports.module("warnings")
    elif plan.schedules and not plan.is_manual:
        imports.names("itertools", "chain", "repeat")
    if plan.is_manual:
        schedules, advance = _several_schedules(plan, imports), _several_advances(plan)
    else:
        schedules, advance = _schedules(plan.schedule), _advance(plan.schedule)
    rounds = _rounds(plan)
    if rounds:
        imports.names("torch", "Tensor").names("torch.optim", "Optimizer")
        advance = Source(fill("resume/precision.py", {}) + advance.removeprefix(ABSENT))
    holes = {
        "precision": block(indent(_PRECISION)) if rounds else ABSENT,
        "schedules": schedules,
        "one_history": _one_history(plan),
        "new_state": _new_state(plan, imports),
        "mode_of_weights": _mode_of_weights(plan),
        "advance": Source(advance.rstrip("\n")),
    }
    return fill("project/src/__package__/resume.py", {**holes, "imports": imports.source()})


def _rounds(plan: Plan) -> bool:
    """Whether torch may cast a state that it loads: a class can keep it in another precision."""
    is_foreign = any(wiring.optimizer.is_foreign for wiring in plan.wirings)
    return is_foreign and casts_weights(plan)


def _schedules(schedule: SchedulePlan | None) -> Source:
    """Lines that put the code's schedules where the run is."""
    if schedule is None:
        return ABSENT
    if schedule.monitor is not None:
        made = "with_memory(config.scheduler, state)"
        each = "for config, state in zip(configs, states, strict=False)"
        head = [
            "configs = task.trainer.lr_scheduler_configs",
            'states = chain(checkpoint["lr_schedulers"], repeat({}))',
        ]
    else:
        every = f" // {literal(schedule.frequency)}" if schedule.frequency > 1 else ""
        made = f"advance(config.scheduler, {schedule.interval}s{every})"
        each = "for config in task.trainer.lr_scheduler_configs"
        by_step = schedule.interval == "step"
        counted = 'checkpoint["global_step"]' if by_step else "epochs_made(checkpoint)"
        head = [f"{schedule.interval}s = {counted}"]
    lines = ["if code_wins:", *indent([*head, 'checkpoint["lr_schedulers"] = ['])]
    return block(indent([*lines, *indent([made, each], 2), "    ]"]))


def _several_schedules(plan: Plan, imports: Imports) -> Source:
    """The same where each optimizer may have one: where each was, its own state tells."""
    if not plan.schedules:
        return ABSENT
    made = "advance(config.scheduler, moves(state))"
    if any(schedule.monitor is not None for schedule in plan.schedules):
        memory = "with_memory(config.scheduler, state)"
        if all(schedule.monitor is not None for schedule in plan.schedules):
            made = memory
        else:
            imports.names("torch.optim.lr_scheduler", "ReduceLROnPlateau")
            made = f"{memory} if isinstance(config.scheduler, ReduceLROnPlateau) else {made}"
    lines = [
        "if code_wins:",
        '    states = iter(checkpoint["lr_schedulers"])',
        "    moved = [next(states) if scheduled(recipe) else {} for recipe in saved]",
        "    moved = [state for state, now in zip(moved, current, strict=True) if scheduled(now)]",
        "    configs = zip(task.trainer.lr_scheduler_configs, moved, strict=True)",
        f'    checkpoint["lr_schedulers"] = [{made} for config, state in configs]',
    ]
    return block(indent(lines))


def _several_advances(plan: Plan) -> Source:
    if not plan.schedules:
        return ABSENT
    text = fill("resume/scheduled.py", {})
    if any(schedule.monitor is None for schedule in plan.schedules):
        text += fill("resume/moves.py", {}) + fill(
            "resume/advance.py", {"unit": Source("interval")}
        )
    if any(schedule.monitor is not None for schedule in plan.schedules):
        text += fill("resume/plateau.py", {})
    return Source(text)


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


def _new_state(plan: Plan, imports: Imports) -> Source:
    """What torch's step takes for granted, where the setting that needs it was off before."""
    lines = []
    on = set().union(*_settings_with_state(plan))
    for setting, (name, like) in _STATE_OF.items():
        if setting in on:
            new = f'each.setdefault("{name}", zeros_like(each["{like}"]))'
            lines += [f'    if "{like}" in each:', f"        {new}"]
    if not lines:
        return ABSENT
    imports.names("torch", "zeros_like")
    why = "# A setting that was off in the checkpoint begins as in a new run."
    return block(indent([why, "for each in state.values() if code_wins else ():", *lines]))


def _settings_with_state(plan: Plan) -> Iterator[set[str]]:
    """The settings with a state of their own that are on, for each optimizer and group."""
    for wiring in plan.wirings:
        yield _on(wiring.optimizer, {})
        for group in wiring.groups:
            yield _on(group.optimizer or wiring.optimizer, group.arguments)


def _on(optimizer: OptimizerPlan, own: Mapping[str, Any]) -> set[str]:
    known = _STATE_OF if optimizer.class_name in ("Adam", "AdamW", "RMSprop") else {}
    return {name for name in known if own.get(name, optimizer.effective(name))}


def _mode_of_weights(plan: Plan) -> Source:
    """Saved weights are those to evaluate, and the optimizer has to know it."""
    if any(wiring.optimizer.is_foreign for wiring in plan.wirings):
        return _counted(plan)
    if not plan.optimizer.turns_weights:
        return ABSENT
    lines = [
        "# Not a setting: whether the saved weights are those to train.",
        'turned = saved["param_groups"][0]["train_mode"]',
        'groups = [group | {"train_mode": turned} for group in groups]',
    ]
    return block(indent(lines))


def _counted(plan: Plan) -> Source:
    """What the steps of other packages' classes write into the groups, where a rate stands too."""
    names = {name for each in plan.wirings for name in each.optimizer.record.counts}
    names |= {"train_mode" for _ in plan.turning}
    names -= {"lr"}
    if not names:
        return ABSENT
    lines = [
        "# Not settings: what the steps count, or turn, in the group.",
        f"counted = {literal(tuple(sorted(names)))}",
        'was = {group["name"]: group for group in saved["param_groups"]}',
        'first = saved["param_groups"][0]',
        "groups = [",
        "    group | {key: old[key] for key in counted if key in old}",
        "    for group in groups",
        '    for old in [was.get(group["name"], first)]',
        "]",
    ]
    return block(indent(lines))
