"""The tests of a project that steps several optimizers itself."""

from __future__ import annotations

from lightgen.plan.types import Wiring
from lightgen.plan.whole import Plan
from lightgen.render.environment import fill
from lightgen.render.freezing import epochs_to_move
from lightgen.render.imports import Imports
from lightgen.render.manual import import_lengths, scheduler_call
from lightgen.render.manual_steps import constant, is_watching
from lightgen.render.values import lightning_root
from lightgen.source import Expr, Identifier, Source, block, indent, literal


def render_steps_test(plan: Plan) -> str:
    """The text of tests/test_steps.py."""
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").names("typing", "Any").names("collections.abc", "Callable")
    imports.module("pytest", "torch", f"{lightning_root(plan)} as pl")
    imports.names("torch.optim", "Optimizer")
    imports.own("module", plan.task.module).own("optim", "build_optimizers")
    imports.own("train", "parse_arguments", "train")
    clipped = [each for each in plan.wirings if each.clip_val is not None]
    epochs = epochs_to_move(plan, imports) if clipped else Expr("")
    for wiring in plan.wirings:
        for key in ("frequency", "accumulate"):
            if getattr(wiring, key) > 1:
                imports.own("module", constant(wiring, key))
    for wiring in clipped:
        imports.own("module", constant(wiring, "clip"))
    text = fill(
        "tests/several/test_steps.py",
        {
            "imports": imports.source(),
            "module": Identifier(plan.task.module),
            "frequencies": block(indent(_numbers(plan, "frequency"))),
            "accumulated": block(indent(_numbers(plan, "accumulate"))),
        },
    )
    if plan.task.optimizers and all(each.accumulate == 1 for each in plan.wirings):
        text += fill("tests/several/toggled.py", {})
    if clipped:
        text += _clipping_test(clipped, epochs)
    return text


def _clipping_test(clipped: list[Wiring], epochs: Expr) -> str:
    holes = {"bounds": block(indent(_bounds(clipped))), "epochs": epochs}
    return fill("tests/several/clipped.py", holes)


def _numbers(plan: Plan, key: str) -> list[str]:
    return [
        f"{literal(each.name)}: {constant(each, key) if getattr(each, key) > 1 else 1},"
        for each in plan.wirings
    ]


def _bounds(clipped: list[Wiring]) -> list[str]:
    measured = {"norm": "norms", "value": "largest"}
    return [
        f"assert huge.{measured[each.clip_algorithm]}[{literal(each.name)}] == "
        f"pytest.approx({constant(each, 'clip')}, rel=1e-3)"
        for each in clipped
    ]


def render_schedules_test(plan: Plan) -> str:
    """The text of tests/test_schedule.py; empty without a schedule."""
    scheduled = [each for each in plan.wirings if each.schedule is not None]
    followed = [each for each in scheduled if not is_watching(each.schedule)]
    if not scheduled:
        return ""
    imports = Imports(plan.package)
    imports.names("pathlib", "Path")
    imports.module("pytest")
    imports.own("train", "parse_arguments", "train")
    tests = ""
    if followed:
        imports.names("typing", "Any").names("collections.abc", "Callable")
        imports.module(f"{lightning_root(plan)} as pl")
        imports.own("module", plan.task.module).own("optim", "build_optimizers")
        imports.names("torch.optim.lr_scheduler", "LRScheduler").names("torch.optim", "Optimizer")
        for wiring in followed:
            imports.own("optim", f"build_{wiring.name}_scheduler")
        import_lengths(plan, imports, followed)
        holes = {
            "module": Identifier(plan.task.module),
            "builders": block(indent(_builders(followed), 2)),
            "interval": _interval(followed),
            "assign": Source("trainer = " if any(map(_has_length, followed)) else ""),
        }
        tests += fill("tests/several/schedule_curve.py", holes)
    for at, wiring in enumerate(scheduled):
        if wiring.schedule is not None and wiring.schedule.monitor is not None:
            imports.names("torch.optim.lr_scheduler", "ReduceLROnPlateau")
            plateau = {
                "name": Identifier(wiring.name),
                "at": literal(at),
                "monitor": literal(wiring.schedule.monitor),
                "epochs": literal(plan.trainer.get("check_val_every_n_epoch") or 1),
            }
            tests += fill("tests/several/schedule_plateau.py", plateau)
    return fill(
        "tests/test_schedule.py",
        {"imports": imports.source(), "tests": Source(tests.strip("\n"))},
    )


def _has_length(wiring: Wiring) -> bool:
    return wiring.schedule is not None and wiring.schedule.needs_length


def _interval(followed: list[Wiring]) -> Source:
    """Intervals of a schedule before one of its optimizer's steps."""
    epochs = {
        each.name: each.schedule.frequency
        for each in followed
        if each.schedule and each.schedule.interval == "epoch"
    }
    if not epochs:
        return Expr("step")
    epoch = "recorded.epochs[at][step]"
    if set(epochs.values()) != {1}:
        epoch += f" // {literal(epochs)}[name]"
    names = {each.name for each in followed}
    if epochs.keys() == names:
        return Expr(epoch)
    return Expr(f"{epoch} if name in {literal(tuple(epochs))} else step")


def _builders(wirings: list[Wiring]) -> list[str]:
    lines = []
    for wiring in wirings:
        built = scheduler_call(wiring, f'optimizers["{wiring.name}"]', "trainer", "-1")
        lines.append(f"{literal(wiring.name)}: {built},")
    return lines
