"""The schedule's part of `optim.py` and its wiring in `configure_optimizers`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lightgen.catalogue.schedulers import schedulers
from lightgen.plan.types import SchedulePlan, Wiring
from lightgen.plan.whole import Plan
from lightgen.render.environment import fill
from lightgen.render.imports import Imports
from lightgen.render.path_schedule import counting_class, path_body
from lightgen.render.strategies import by_deepspeed
from lightgen.render.values import argument_value
from lightgen.source import Expr, Identifier, Source, block, call, indent, literal

TORCH_SCHEDULERS = "torch.optim.lr_scheduler"
FACTOR_FUNCTIONS = {
    "cosine": "cosine_factor",
    "linear": "linear_factor",
    "wsd": "wsd_factor",
    "constant": "constant_factor",
    "LambdaLR": "lr_factor",
    "MultiplicativeLR": "lr_factor",
}
_DEFAULT_DECAY_FRACTION = 0.2


def length_name(plan: SchedulePlan) -> str:
    """The variable that holds the run's length in the schedule's intervals."""
    return "total_steps" if plan.interval == "step" else "total_epochs"


def schedule_fragments(plan: Plan, imports: Imports) -> Iterable[str]:
    """The functions of the schedules, if there are any, and what they need."""
    counting = counting_class(plan, imports)
    if counting:
        yield counting
    for wiring in plan.wirings:
        if wiring.schedule is not None:
            yield from _fragments(wiring.schedule, prefix(wiring), imports)


def prefix(wiring: Wiring) -> str:
    """What the names of an optimizer's functions begin with where there are several."""
    return f"{wiring.name}_" if wiring.name else ""


def _fragments(schedule: SchedulePlan, before: str, imports: Imports) -> Iterable[str]:
    imports.names(TORCH_SCHEDULERS, "LRScheduler")
    name = schedule.record.name
    if schedule.by_group:
        for form in forms(schedule):
            text = fill(f"optim/{form.record.name}.py", _factor_view(form, imports))
            yield _renamed(text, form.record.name, before)
    elif schedule.record.written_out:
        yield _renamed(fill(f"optim/{name}.py", _factor_view(schedule, imports)), name, before)
    elif name == "LambdaLR":
        yield _renamed(fill("optim/lambda.py", {"unit": Source(schedule.interval)}), name, before)
    elif name == "MultiplicativeLR":
        text = fill("optim/multiplicative.py", {"unit": Source(schedule.interval)})
        yield _renamed(text, name, before)
    length = f", {length_name(schedule)}: int" if schedule.needs_length else ""
    unit = "an optimizer step" if schedule.interval == "step" else "an epoch"
    if schedule.frequency > 1:
        unit = f"every {schedule.frequency} epochs"
    yield fill(
        "optim/build_scheduler.py",
        {
            "name": Identifier(f"build_{before}scheduler"),
            "length_parameter": Source(length),
            "summary": Source(
                "a schedule for each group" if schedule.by_group else schedule.record.summary
            ),
            "unit": Source(unit),
            "body": block(indent(_body(schedule, before, imports))),
        },
    )


def _renamed(text: str, schedule: str, before: str) -> str:
    """A factor's function under the name of its optimizer."""
    function = FACTOR_FUNCTIONS[schedule]
    return text.replace(f"def {function}(", f"def {before}{function}(", 1)


def _factor_view(schedule: SchedulePlan, imports: Imports) -> dict[str, Source]:
    if schedule.record.name == "cosine":
        imports.module("math")
    arguments = schedule.arguments
    return {
        "warmup_steps": literal(schedule.warmup_steps),
        "min_factor": literal(float(arguments.get("min_factor", 0.0))),
        "decay_fraction": literal(float(arguments.get("decay_fraction", _DEFAULT_DECAY_FRACTION))),
    }


def forms(schedule: SchedulePlan) -> list[SchedulePlan]:
    """The different forms that groups have; a function has the warmup of the whole schedule."""
    found = {own.record.name: own for own in schedule.by_group.values()}
    return [replace(own, warmup_steps=schedule.warmup_steps) for own in found.values()]


def _group_body(schedule: SchedulePlan, before: str, imports: Imports) -> list[str]:
    """One LambdaLR, a function for each group and all that it is split into."""
    imports.names(TORCH_SCHEDULERS, "LambdaLR").names("collections.abc", "Callable")
    rows: list[str] = []
    for name, own in schedule.by_group.items():
        function = f"{before}{FACTOR_FUNCTIONS[own.record.name]}"
        arguments = {"total_steps": "total_steps"} if own.needs_length else {}
        if own.warmup_steps != schedule.warmup_steps:
            arguments["warmup_steps"] = literal(own.warmup_steps)
        if not arguments:
            rows.append(f"{literal(name)}: {function},")
            continue
        imports.names("functools", "partial")
        lines = call("partial", function, **arguments)
        rows += [f"{literal(name)}: {lines[0]}", *lines[1:-1], f"{lines[-1]},"]
    return [
        "factors: dict[str, Callable[[int], float]] = {",
        *indent(rows),
        "}",
        'owners = [group["name"].partition("/")[0] for group in optimizer.param_groups]',
        "return LambdaLR(optimizer, [factors[owner] for owner in owners])",
    ]


def _body(schedule: SchedulePlan, before: str, imports: Imports) -> list[str]:
    name = schedule.record.name
    if schedule.call is not None:
        return path_body(schedule, length_name(schedule), imports)
    if schedule.by_group:
        return _group_body(schedule, before, imports)
    if schedule.record.written_out:
        imports.names("functools", "partial").names(TORCH_SCHEDULERS, "LambdaLR")
        function = f"{before}{FACTOR_FUNCTIONS[name]}"
        return [f"return LambdaLR(optimizer, partial({function}, total_steps=total_steps))"]
    if name in ("LambdaLR", "MultiplicativeLR"):
        imports.names(TORCH_SCHEDULERS, name)
        return [f"return {name}(optimizer, {before}{FACTOR_FUNCTIONS[name]})"]
    if name == "SequentialLR":
        return _sequential(schedule, imports)
    if name == "ChainedScheduler":
        imports.names(TORCH_SCHEDULERS, name)
        parts = [_construct(part, length_name(schedule), imports) for part in schedule.parts]
        lines = ["parts: list[LRScheduler] = [", *indent(_entries(parts)), "]"]
        return [*lines, "return ChainedScheduler(parts, optimizer)"]
    if schedule.warmup_steps:
        return _sequential(_with_warmup(schedule), imports)
    return _leaf_body(schedule, imports)


def _with_warmup(schedule: SchedulePlan) -> SchedulePlan:
    """The schedule behind a linear rise from a thousandth of the rates."""
    steps = schedule.warmup_steps
    rise = SchedulePlan(
        schedulers()["LinearLR"], {"start_factor": 1e-3, "total_iters": steps}, interval="step"
    )
    return replace(schedule, arguments={"milestones": [steps]}, parts=(rise, schedule))


def _leaf_body(schedule: SchedulePlan, imports: Imports) -> list[str]:
    if not schedule.record.rates_argument:
        lines = _construct(schedule, length_name(schedule), imports)
        return [f"return {lines[0]}", *lines[1:]]
    rates = _rate_arguments(schedule)
    head = []
    if any("rates" in value for value in rates.values()):
        head.append("# One entry per group: a single number would erase the groups' own rates.")
        head.append('rates = [group["lr"] for group in optimizer.param_groups]')
    if schedule.arguments.get("total_steps"):
        length, limit = length_name(schedule), literal(schedule.arguments["total_steps"])
        head.append(f"if {length} > {limit}:")
        head.append('    raise ValueError("OneCycleLR would end before the run")')
    lines = _construct(schedule, length_name(schedule), imports, rates)
    return [*head, f"return {lines[0]}", *lines[1:]]


def _rate_arguments(schedule: SchedulePlan) -> dict[str, str]:
    """Peaks are the groups' rates, unless there is one group and the spec says otherwise."""
    given = schedule.arguments
    rates = {}
    if schedule.record.name == "CyclicLR":
        rates["base_lr"] = (
            literal(float(given["base_lr"]))
            if "base_lr" in given
            else "[rate / 10 for rate in rates]"
        )
    rates["max_lr"] = literal(float(given["max_lr"])) if "max_lr" in given else "rates"
    return rates


def _sequential(schedule: SchedulePlan, imports: Imports) -> list[str]:
    """A first part that ends where the second begins is a warmup: its length stands once."""
    imports.names(TORCH_SCHEDULERS, "SequentialLR")
    length, milestones = length_name(schedule), list(schedule.arguments["milestones"])
    parts = list(schedule.parts)
    starts = [literal(start) for start in milestones]
    lines = []
    if parts[0].arguments.get("total_iters") == milestones[0]:
        lines.append(f"warmup_{length.removeprefix('total_')} = {starts[0]}")
        starts[0] = Expr(f"warmup_{length.removeprefix('total_')}")
        arguments = {**parts[0].arguments, "total_iters": starts[0]}
        parts[0] = replace(parts[0], arguments=arguments)
    built = [_construct(parts[0], length, imports)]
    for part, start in zip(parts[1:], starts, strict=True):
        built.append(_construct(part, f"max(1, {length} - {start})", imports))
    lines += ["parts: list[LRScheduler] = [", *indent(_entries(built)), "]"]
    return [*lines, f"return SequentialLR(optimizer, parts, milestones=[{', '.join(starts)}])"]


def _entries(parts: list[list[str]]) -> list[str]:
    return [line for part in parts for line in (*part[:-1], f"{part[-1]},")]


def _construct(
    schedule: SchedulePlan,
    length: str,
    imports: Imports,
    rates: dict[str, str] | None = None,
) -> list[str]:
    """Lines of the call that makes one scheduler of torch."""
    name = schedule.record.name
    imports.names(TORCH_SCHEDULERS, name)
    arguments: dict[str, str] = dict(rates or {})
    for key, value in schedule.arguments.items():
        if key not in arguments:
            arguments[key] = value if isinstance(value, Expr) else _value(key, value)
    for key, expression in schedule.computed.items():
        arguments[key] = expression.format(length=length)
    if not arguments:
        return [f"{name}(optimizer)"]
    return call(name, "optimizer", **arguments)


def _value(name: str, value: Any) -> Expr:
    return literal(value) if name == "milestones" else argument_value(value)


def configure_lines(plan: Plan) -> list[str]:
    """The method that hands optimizer and schedule to Lightning."""
    schedule = plan.schedule
    shown = []
    if by_deepspeed(plan):
        shown = ["    # Not later, when DeepSpeed has laid the parameters out flat."]
        shown += ["    self.print(describe_groups(optimizer.param_groups))"]
    if schedule is None:
        made = "build_optimizer(self.model, self.rates)"
        return [
            "def configure_optimizers(self) -> OptimizerLRScheduler:",
            *([f"    optimizer = {made}", *shown, "    return optimizer"] if shown else []),
            *([] if shown else [f"    return {made}"]),
        ]
    length = f", {length_name(schedule)}(self.trainer)" if schedule.needs_length else ""
    wiring = ['"scheduler": scheduler,']
    if schedule.interval == "step":
        wiring.append("# Optimizer steps: Lightning's default is the epoch.")
    wiring.append(f'"interval": "{schedule.interval}",')
    if schedule.frequency > 1:
        wiring.append("# When validation runs, so that the metric is new.")
        wiring.append(f'"frequency": {literal(schedule.frequency)},')
    if schedule.monitor is not None:
        wiring.append(f'"monitor": {literal(schedule.monitor)},')
    wiring.append('"name": "lr",')
    return [
        "def configure_optimizers(self) -> OptimizerLRScheduler:",
        "    optimizer = build_optimizer(self.model, self.rates)",
        f"    scheduler = build_scheduler(optimizer{length})",
        *shown,
        "    return {",
        '        "optimizer": optimizer,',
        '        "lr_scheduler": {',
        *indent(wiring, 3),
        "        },",
        "    }",
    ]
