"""README and packaging of the generated project. No number of the code stands here again."""

from __future__ import annotations

from lightgen.plan.composite import members
from lightgen.plan.types import GroupPlan, SchedulePlan
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.launchers import launchers_text, ray_extra, run_flag_row
from lightgen.render.noise import filter_settings
from lightgen.render.optim import contents, star_meaning
from lightgen.render.strategies import by_deepspeed
from lightgen.render.weights import SAFETENSORS, flag_row, suffix, transfer_text
from lightgen.source import Identifier, Prose, Source, block, literal, prose
from lightgen.spec.rule import FOLDER

_LIGHTNING = {
    # 2.6.2 and 2.6.3 were malicious releases.
    "pytorch_lightning": "pytorch-lightning>=2.6,!=2.6.2,!=2.6.3,<3",
    "lightning": "lightning>=2.6,!=2.6.2,!=2.6.3,<3",
}
_FILES = {
    "data.py": "the data module",
    "model.py": "the network",
    "module.py": "the task: loss, metrics, wiring",
    "optim.py": "parameter {contents} as plain functions",
    "composite.py": "several optimizers that step as one",
    "custom_optimizer.py": "the optimizer's class: its update is yours to edit",
    "fused_update.py": "the optimizer's update as one kernel: what runs where it can",
    "fused_update.cpp": "the kernel of a CPU, built once by the machine's compiler",
    "fused_update_triton.py": "the kernel of a GPU",
    "layers.py": "which layer a parameter belongs to",
    "rates.py": "the learning rates in the log",
    "weights.py": "what a new run starts from, and the report of what fits",
    "pretraining.py": "the weights of a network that has learned other digits",
    "transfer.py": "the comparison with training from scratch",
    "find_lr.py": "a short run over a range of learning rates",
    "swa.py": "the mean of the last epochs: what is validated and saved",
    "ema.py": "the moving average of the weights: what is validated and saved",
    "recipe.py": "what a checkpoint was trained with, compared when a run resumes",
    "resume.py": "how a run goes on from a checkpoint, of this recipe or another",
    "sharding.py": "weights split over the processes, and checkpoints of their parts",
    "samples.py": "pictures of what the generator draws",
    "plot.py": "the picture of a run",
    "train.py": "the command line",
}


def render_pyproject(plan: Plan) -> str:
    """The text of pyproject.toml."""
    dependencies = sorted(
        [
            _LIGHTNING[plan.lightning],
            "torch>=2.13,<3",
            *(f"{package}>=1.5" for package in plan.data.packages),
            *(["tensorboard>=2.16"] if plan.logger == "tensorboard" else []),
            *(["safetensors>=0.4"] if suffix(plan) == SAFETENSORS else []),
            *(["matplotlib>=3.8"] if plan.task.name == "gan" else []),
            *(["torchmetrics>=1.4"] if plan.task.name == "regression" else []),
            *(["deepspeed>=0.16"] if by_deepspeed(plan) else []),
            *plan.requirements,
        ]
    )
    deepspeed = ("deepspeed",) if by_deepspeed(plan) else ()
    untyped = [f'"{root}.*"' for root in ("sklearn", *deepspeed, *plan.foreign_packages)]
    return fill(
        "project/pyproject.toml",
        {
            "package": Identifier(plan.package),
            "distribution": Source(plan.package.replace("_", "-")),
            "description": _summary(plan),
            "filters": filter_settings(plan),
            "dependencies": block(f"    {literal(entry)}," for entry in dependencies),
            "extras": ray_extra(plan.launchers),
            "untyped": Source(", ".join(untyped)),
            "other_code": _other_code(plan),
            "rule_exclude": _rule_exclude(plan),
        },
    )


def _other_code(plan: Plan) -> Source:
    """The files that call other people's code, which may have no types."""
    files = {"model": plan.has_own_model, "data": plan.has_own_data}
    calling = [f'"{plan.package}.{name}"' for name, is_own in files.items() if not is_own]
    if not calling:
        return ABSENT
    return block(
        [
            "",
            "[[tool.mypy.overrides]]",
            "# They call packages that may have no types, or types that miss arguments.",
            f"module = [{', '.join(calling)}]",
            "disallow_subclassing_any = false",
            "disallow_untyped_calls = false",
            'disable_error_code = ["call-arg"]',
        ]
    )


def _rule_exclude(plan: Plan) -> Source:
    """A linter of Python would find nothing but names that it doesn't know."""
    rule = plan.optimizer.rule
    if rule is None:
        return ABSENT
    place = FOLDER if rule.path.startswith(f"{FOLDER}/") else rule.path
    return block(["# An update rule is in a language of its own.", f'extend-exclude = ["{place}"]'])


def render_readme(plan: Plan, files: list[str]) -> str:
    """The text of README.md."""
    present = [name for name in _FILES if f"src/{plan.package}/{name}" in files]
    held = {**_FILES, "optim.py": _FILES["optim.py"].format(contents=contents(plan))}
    rows = [f"| `src/{plan.package}/{name}` | {held[name]} |" for name in present]
    rows.append("| `tests/` | proofs of the wiring |")
    if plan.optimizer.rule:
        rows.append(f"| `{plan.optimizer.rule.path}` | the update rule of the optimizer |")
    if plan.launchers.names:
        rows.append("| `launch/` | what starts it on several machines |")
    notes = _group_notes(plan)
    return fill(
        "project/README.md",
        {
            "title": Source(plan.package.replace("_", "-")),
            "summary": _summary(plan),
            "package": Identifier(plan.package),
            "data_summary": Source(plan.data.summary),
            "no_download": Source("; nothing\nis downloaded. It" if _all_here(plan) else ".\nIt"),
            "optimizer_text": _optimizer_text(plan),
            "group_rows": block(_group_row(group, plan) for group in plan.groups),
            "group_notes": block(notes),
            "schedule_text": (
                _schedules_text(plan) if plan.is_manual else _schedule_text(plan.schedule)
            ),
            "star_meaning": Source(str(star_meaning(plan))),
            "weights_flag": flag_row(plan),
            "run_flags": run_flag_row(plan.launchers),
            "transfer_text": transfer_text(plan),
            "launchers_text": launchers_text(plan.launchers),
            "file_rows": block(rows),
        },
    )


def _summary(plan: Plan) -> Prose:
    model = _a(plan.model.record.name) if plan.has_own_model else plan.model.record.name
    return Prose(
        f"{plan.task.label} of {plan.data.name} with {model}, trained by PyTorch Lightning."
    )


def _all_here(plan: Plan) -> bool:
    """Whether nothing of other people's may have to be downloaded."""
    return plan.has_own_data and plan.has_own_model


def _optimizer_text(plan: Plan) -> Source:
    optimizer = plan.optimizer
    if plan.is_manual:
        return _optimizers_text(plan)
    where = f"`build_optimizer` in `src/{plan.package}/optim.py`"
    if optimizer.is_composite:
        rows = [
            f"`torch.optim.{member.class_name}` trains "
            + " and ".join(f"`{group.name}`" for group in groups)
            for member, groups in members(plan.trained)
        ]
        return Source(
            f"`CompositeOptimizer` in `src/{plan.package}/composite.py` steps several as one:\n"
            f"{', '.join(rows)}.\nThey are made in {where}."
        )
    if optimizer.rule:
        return Source(
            f"`{optimizer.class_name}` in `src/{plan.package}/custom_optimizer.py`, written from "
            f"the update rule in\n`{optimizer.rule.path}`; its arguments stand in {where}.\n\n"
            "To change the update, edit the rule and run `lightgen update`: the class and its\n"
            "tests are written anew, and what you edited in them stays. Or edit the class alone."
        )
    if optimizer.is_custom:
        return Source(
            f"`{optimizer.class_name}` in `src/{plan.package}/custom_optimizer.py`, your own\n"
            f"`torch.optim.Optimizer`; its arguments stand in {where}."
        )
    return Source(f"`{optimizer.path}`; its arguments stand in {where}.")


def _optimizers_text(plan: Plan) -> Source:
    """What each of several optimizers is, and when it steps."""
    rows = []
    for wiring in plan.wirings:
        name = wiring.optimizer.path
        groups = " and ".join(f"`{prose(group.name)}`" for group in wiring.groups)
        turns = ", not at every batch" if wiring.frequency > 1 else ""
        turns += ", over several batches" if wiring.accumulate > 1 else ""
        clipped = "; its gradient is clipped" if wiring.clip_val is not None else ""
        rows.append(f"- `{wiring.name}`: `{name}`, trains {groups}{turns}{clipped}")
    return Source(
        "Several, which step in `training_step` of "
        f"`src/{plan.package}/module.py` (manual optimization):\n\n" + "\n".join(rows) + "\n\n"
        "Their arguments stand in `build_optimizers` in "
        f"`src/{plan.package}/optim.py`; how often they step and\nwhat bounds their gradients in "
        "`module.py`. `--max-steps` counts batches, however many optimizers step."
    )


def _schedules_text(plan: Plan) -> Source:
    rows = []
    for wiring in plan.wirings:
        schedule = wiring.schedule
        if schedule is None:
            rows.append(f"- `{wiring.name}`: constant learning rates")
            continue
        unit = "step of it" if schedule.interval == "step" else "epoch"
        moved = f"by `{schedule.monitor}`" if schedule.monitor else f"once a {unit}"
        moved = moved.replace("a epoch", "an epoch")
        rows.append(f"- `{wiring.name}`: `{schedule.record.name}`, moved {moved}")
    return Source("\n".join(rows))


def _group_row(group: GroupPlan, plan: Plan) -> str:
    if group.whole:
        covers = "the whole model"
    elif group.patterns == ("*",):
        covers = "what no other group covers"
    else:
        covers = ", ".join(f"`{prose(pattern)}`" for pattern in group.patterns or (group.name,))
        covers = covers.replace("|", "\\|")
    return f"| `{group.name}` | {covers} | {_rate_text(group)} |"


def _rate_text(group: GroupPlan) -> str:
    if group.frozen:
        return "frozen"
    rate = "its own" if group.absolute else "the base rate"
    if not group.absolute and group.factor not in (None, 1):
        rate = "a factor of the base rate"
    return f"{rate}, frozen at first" if group.until_epoch else rate


def _group_notes(plan: Plan) -> list[str]:
    notes = [
        f"Rates and other settings stand in `parameter_groups` in `src/{plan.package}/optim.py`."
    ]
    if plan.matches:
        notes.append("A parameter belongs to the first group in `PATTERNS` that matches its name.")
    if any(group.splits_decay for group in plan.trained):
        notes.append(
            "Biases, norms and what the model's `no_weight_decay()` lists get no weight decay:\n"
            "they form a second group, `NAME/no_decay`."
        )
    if plan.until_epoch:
        notes.append(
            "`UNFREEZE_EPOCHS` says from which epoch on a group that is frozen at first trains.\n"
            "It is in the optimizer from the start"
            + (", and its schedule moves on meanwhile." if plan.schedules else ".")
        )
    if plan.layered:
        notes.append(
            "Rates fall from layer to layer towards the input; a group is split into\n"
            "`NAME/layer_NUMBER`. Its one curve in the log, `lr/NAME`, is the rate before that."
        )
    if plan.clips_groups:
        notes.append("Gradients are clipped group by group, by the bounds before `clip_groups`.")
    notes.append("A parameter that is in no group, or in two, stops the run with its name.")
    return notes


def _schedule_text(schedule: SchedulePlan | None) -> Source:
    if schedule is None:
        return Source("None: the learning rates are constant.")
    unit = "optimizer step" if schedule.interval == "step" else "epoch"
    lengths = " Its length is that of the run." if schedule.needs_length else ""
    if schedule.by_group:
        return Source(
            "Each group has its own, `factors` in `build_scheduler` in `optim.py`, moved once an\n"
            f"optimizer step.{lengths}"
        )
    monitor = f" It watches `{schedule.monitor}`." if schedule.monitor else ""
    return Source(
        f"`{schedule.record.name}` ({schedule.record.summary}), moved once an {unit}; see\n"
        f"`build_scheduler` in `optim.py`.{lengths}{monitor}"
    )


def _a(noun: str) -> str:
    """With its article: an mlp, a cnn, an embedding-bag."""
    return f"{'an' if noun[0] in 'aeio' or noun == 'mlp' else 'a'} {noun}"
