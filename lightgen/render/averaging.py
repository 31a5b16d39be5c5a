"""The average of the weights: the callback of train.py, its module and its tests."""

from __future__ import annotations

from lightgen.plan.whole import AveragingPlan, Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root, resume_tolerance
from lightgen.source import Expr, Identifier, Source, block, indent, literal


def averaging_callback(plan: Plan, imports: Imports) -> list[str]:
    """The line of the list of callbacks; none without an average."""
    average = plan.averaging
    if average is None:
        return []
    if average.name == "swa":
        imports.own("swa", "SWA")
        return ["SWA(),"]
    if average.start_epoch:
        imports.own("ema", "EMA")
    else:
        imports.names(f"{lightning_root(plan)}.callbacks", "EMAWeightAveraging")
    return [f"{_ema_class(average)}(decay={literal(average.decay)}),"]


def _ema_class(average: AveragingPlan) -> str:
    return "EMA" if average.start_epoch else "EMAWeightAveraging"


def averaging_files(plan: Plan) -> dict[str, str]:
    """The module of the callback where Lightning has none that does it, and the tests."""
    average = plan.averaging
    if average is None:
        return {}
    files = {"tests/test_averaging.py": _test(plan, average)}
    if average.name == "swa" or average.start_epoch:
        path = f"src/{plan.package}/{average.name}.py"
        files[path] = _module(plan, average)
    return files


def _module(plan: Plan, average: AveragingPlan) -> str:
    imports = Imports(plan.package)
    root = lightning_root(plan)
    imports.names("typing", "Any").module(f"{root} as pl")
    base = "WeightAveraging" if average.name == "swa" else "EMAWeightAveraging"
    imports.names(f"{root}.callbacks", base)
    if average.name == "swa":
        imports.own("module", plan.task.module).own("optim", "parameter_groups")
    held = "In place of the schedule: constant" if plan.schedule is not None else "Constant"
    return fill(
        f"project/src/__package__/{average.name}.py",
        {
            "imports": imports.source(),
            "module": Identifier(plan.task.module),
            "start_epoch": literal(average.start_epoch),
            "is_early": _is_early(plan),
            "lr_factor": literal(average.lr_factor),
            "in_place_of": Source(f"{held}, and "),
        },
    )


def _is_early(plan: Plan) -> Source:
    """Where an epoch may end in batches without a step, these leave the copy as it is."""
    early = ["trainer.current_epoch < START_EPOCH", "self._average_model is not None"]
    if all(wiring.frequency > 1 for wiring in plan.wirings):
        early.append("trainer.global_step > self._latest_update_step")
    return Source(" and ".join(early))


def _test(plan: Plan, average: AveragingPlan) -> str:
    imports = Imports(plan.package)
    root = lightning_root(plan)
    imports.names("collections.abc", "Sequence").names("pathlib", "Path").names("typing", "Any")
    imports.module("pytest", "torch", f"{root} as pl").names("torch", "Tensor")
    imports.own("train", "parse_arguments", "train")
    every = plan.trainer.get("check_val_every_n_epoch") or 1
    start = every if average.name == "swa" or average.start_epoch else 0
    patches = []
    if start:
        place = f"{plan.package}.{average.name}.START_EPOCH"
        patches.append(f"    monkeypatch.setattr({literal(place)}, START)")
    is_swa = average.name == "swa"
    if is_swa:
        imports.own("module", plan.task.module).own("optim", "parameter_groups")
        imports.own("swa", "LR_FACTOR")
    else:
        name = _ema_class(average)
        if start:
            imports.own("ema", "EMA")
        else:
            imports.names(f"{root}.callbacks", "EMAWeightAveraging")
        patches += [
            "    monkeypatch.setattr(",
            f"        {literal(f'{plan.package}.train.{name}')},",
            f"        lambda decay: {name}(decay=0.5),",
            "    )",
        ]
    module = Identifier(plan.task.module)
    more = fill("tests/averaging_rates.py", {"module": module}) if is_swa else ""
    init = ["self.rates: list[tuple[int, list[float]]] = []"]
    return fill(
        "tests/test_averaging.py",
        {
            "imports": imports.source(),
            "start": Expr("EVERY") if start else literal(0),
            "every": literal(every),
            **_steps_holes(plan),
            "rates_init": block(indent(init, 2)) if is_swa else ABSENT,
            "rates_record": _fragment("averaging_record") if is_swa else ABSENT,
            "with_decay": Source("" if is_swa else ", each step by half"),
            "patches": block(patches),
            "tolerance": resume_tolerance(plan),
            "expected": _fragment(f"averaging_{average.name}"),
            "more": Source(more.rstrip("\n")) if more else ABSENT,
        },
    )


def _steps_holes(plan: Plan) -> dict[str, Source]:
    """How weights are found by the Trainer's count, which several optimizers move together."""
    if not plan.is_manual:
        return {
            "steps_init": ABSENT,
            "stepped": Source("        if trainer.global_step > len(self.trained):"),
            "number": Source("step - 1"),
        }
    init = [
        "# Of all optimizers together, at the end of each batch that has any.",
        "self.steps: list[int] = []",
    ]
    stepped = [
        "if trainer.global_step > max(self.steps, default=0):",
        "    self.steps.append(trainer.global_step)",
    ]
    return {
        "steps_init": block(indent(init, 2)),
        "stepped": block(indent(stepped, 2)),
        "number": Source("watch.steps.index(step)"),
    }


def _fragment(name: str) -> Source:
    return Source(fill(f"tests/{name}.py", {}).rstrip("\n"))
