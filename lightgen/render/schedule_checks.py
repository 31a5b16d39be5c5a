"""tests/test_schedule.py of the generated project: what moves the rates, and how far."""

from __future__ import annotations

from lightgen.plan.types import SchedulePlan
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.manual_checks import render_schedules_test
from lightgen.render.path_schedule import COUNTING, counted, counting_test, keeps_ratio
from lightgen.render.schedule import FACTOR_FUNCTIONS, length_name
from lightgen.render.values import lightning_root
from lightgen.source import Expr, Identifier, Source, literal

_CLOSURE = Expr("lambda: torch.zeros(())")


def render_schedule_test(plan: Plan) -> str:
    """The text of tests/test_schedule.py; empty without a schedule."""
    if plan.is_manual:
        return render_schedules_test(plan)
    schedule = plan.schedule
    if schedule is None:
        return ""
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").module("pytest").own("module", plan.task.module)
    imports.own("optim", "build_optimizer", "build_scheduler")
    imports.own("train", "parse_arguments", "train")
    if schedule.monitor is not None:
        imports.names("torch.optim.lr_scheduler", "ReduceLROnPlateau").module("torch")
        epochs = literal(schedule.frequency)
        module = Identifier(plan.task.module)
        holes = {"frequency": Source(epochs), "module": module}
        tests = fill("tests/schedule_plateau.py", holes)
    else:
        tests = _curve_tests(plan, schedule, imports)
    return fill(
        "tests/test_schedule.py",
        {"imports": imports.source(), "tests": Source(tests.rstrip("\n"))},
    )


def _curve_tests(plan: Plan, schedule: SchedulePlan, imports: Imports) -> str:
    imports.names("typing", "Any").module(f"{lightning_root(plan)} as pl")
    closure = _CLOSURE if plan.optimizer.record.needs_closure else Expr("")
    if closure:
        imports.module("torch")
    by_step = schedule.interval == "step"
    length = length_name(schedule)
    if schedule.needs_length:
        imports.own("module", length)
    module = Identifier(plan.task.module)
    stepped = _stepped(plan)
    holes = {
        **stepped,
        "module": module,
        "units": Identifier("steps" if by_step else "epochs"),
        "counter": Identifier("global_step" if by_step else "current_epoch"),
        "assign": Source("trainer = " if schedule.needs_length else ""),
        "length": Source(f", {length}(trainer)" if schedule.needs_length else ""),
        "closure": closure,
        "frequency": Source(f" // {schedule.frequency}" if schedule.frequency > 1 else ""),
    }
    until_average = ABSENT
    if plan.averaging is not None and plan.averaging.name == "swa":
        place = literal(f"{plan.package}.swa.START_EPOCH")
        until_average = Source(f"    monkeypatch.setattr({place}, 2)")
    tests = fill("tests/schedule_curve.py", {**holes, "until_average": until_average})
    if schedule.by_group:
        return tests + _group_schedule_tests(plan, schedule, imports, closure)
    if schedule.record.written_out:
        imports.names("inspect", "signature")
        function = FACTOR_FUNCTIONS[schedule.record.name]
        imports.own("optim", function)
        tests += fill("tests/schedule_factor.py", {"function": Identifier(function)})
    if counted(plan) and not plan.layered:
        imports.own("optim", COUNTING)
        ten = f", {length}=10" if schedule.needs_length else ""
        tests += counting_test(plan, closure, module, ten, _stepped(plan, "ours"))
    record = schedule.record
    if record.written_out or record.rates_argument or keeps_ratio(schedule):
        ten = Source(f", {length}=10" if schedule.needs_length else "")
        holes = {"ten_intervals": ten, "closure": closure, "module": module, **stepped}
        tests += fill("tests/schedule_ratio.py", holes)
    return tests


def _stepped(plan: Plan, name: str = "optimizer") -> dict[str, Source]:
    """How an optimizer is made that is to step: some refuse unless they are turned to training."""
    if not plan.optimizer.record.turns:
        return {"typed": Source(""), "turned": ABSENT}
    return {"typed": Source(": Any"), "turned": Source(f"    {name}.train()")}


def _group_schedule_tests(
    plan: Plan, schedule: SchedulePlan, imports: Imports, closure: Expr
) -> str:
    imports.names("inspect", "signature").names("functools", "partial")
    imports.names("torch.optim.lr_scheduler", "LambdaLR")
    length = length_name(schedule) if schedule.needs_length else ""
    holes = {
        **_stepped(plan),
        "module": Identifier(plan.task.module),
        "closure": closure,
        "ten_intervals": Source(f", {length}=10" if length else ""),
        "long_length": Source(f", {length}=1_000_000" if length else ""),
    }
    tests = fill("tests/schedule_by_group.py", holes)
    own = [(each.record.name, each.warmup_steps) for each in schedule.by_group.values()]
    if len(set(own)) > 1:
        tests += fill("tests/schedule_differs.py", holes)
    return tests
