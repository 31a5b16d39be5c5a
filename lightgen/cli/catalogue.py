"""lightgen list and lightgen show."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import typer

from lightgen.catalogue.arguments import REQUIRED, Argument
from lightgen.catalogue.families import FAMILIES, Family
from lightgen.catalogue.optimizer import Optimizer
from lightgen.catalogue.optimizers import COMPOSITE, optimizers
from lightgen.catalogue.others import find_optimizer, guess_package, other_optimizers
from lightgen.catalogue.parts import DATA, MODELS, TASKS
from lightgen.catalogue.path_schedulers import (
    PATH_WIRING,
    PathScheduler,
    Refused,
    path_schedulers,
    scheduler_by_path,
)
from lightgen.catalogue.schedulers import WIRING, Scheduler, schedulers
from lightgen.cli.report import print_json, print_table, report_error
from lightgen.problems import InputError, LightgenError, Problem, guess


def _all_optimizers() -> dict[str, Any]:
    from lightgen.plan.optimizer import custom_record

    own = {**optimizers(), COMPOSITE.name: COMPOSITE, "custom": custom_record()}
    return {**own, **other_optimizers()}


def _all_schedulers() -> dict[str, Any]:
    return {**schedulers(), **path_schedulers()}


# Names in a list have a column of at least this width.
_NARROWEST = 28

KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "optimizers": _all_optimizers,
    "schedulers": _all_schedulers,
    "models": lambda: {**MODELS, **FAMILIES},
    "data": lambda: dict(DATA),
    "tasks": lambda: dict(TASKS),
}


def run_list(kind: str | None, *, as_json: bool) -> int:
    """List the catalogue; return the exit code."""
    try:
        kinds = list(KINDS) if kind is None else [_kind(kind)]
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    entries = {name: KINDS[name]() for name in kinds}
    if as_json:
        print_json(
            0,
            **{
                name: [{"name": key, "summary": _summary(value)} for key, value in records.items()]
                for name, records in entries.items()
            },
        )
        return 0
    for name, records in entries.items():
        for package, keys in itertools.groupby(records, _package):
            typer.echo(f"{name} of {package}" if package else name)
            listed = list(keys)
            width = max(_NARROWEST, *map(len, listed))
            for key in listed:
                typer.echo(f"  {key:<{width}} {_summary(records[key])}")
    return 0


def _package(key: str) -> str:
    return key.partition(".")[0] if "." in key else ""


def run_show(kind: str, name: str, *, as_json: bool) -> int:
    """Show an entry; return the exit code."""
    try:
        records = KINDS[_kind(kind)]()
        record = _record(kind, name, records)
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    if as_json:
        print_json(0, **_as_data(record))
    else:
        _print_record(record)
    return 0


def _kind(kind: str) -> str:
    folded = kind.lower()
    for name in KINDS:
        if folded in (name, name.removesuffix("s")):
            return name
    raise InputError(Problem("KIND", f"unknown kind '{kind}'", guess(kind, KINDS)))


def _record(kind: str, name: str, records: dict[str, Any]) -> Any:
    folded = {key.lower(): value for key, value in records.items()}
    if name.lower() in folded:
        return folded[name.lower()]
    if _kind(kind) == "schedulers" and "." in name:
        found = scheduler_by_path(name)
        if isinstance(found, Refused):
            raise InputError(Problem("NAME", f"{name}: {found.why}", found.todo))
        if found.arguments:
            return found
    by_path = find_optimizer(name) if _kind(kind) == "optimizers" else None
    if by_path is not None:
        return by_path
    what = f"unknown {_kind(kind).removesuffix('s')} '{name}'"
    todo = guess_package(name) if _kind(kind) == "optimizers" else ""
    raise InputError(Problem("NAME", what, todo or guess(name, records)))


def _summary(record: Any) -> str:
    refused = getattr(record, "refused", "")
    return f"not here: it {refused}" if refused else str(record.summary)


def _print_record(record: Any) -> None:
    typer.echo(f"{record.name}: {record.summary}")
    if isinstance(record, Optimizer):
        typer.echo()
        _print_arguments(record.arguments.values(), record.customary)
        for constraint in record.constraints:
            typer.echo(f"constraint: {constraint}")
        if record.goes_with:
            typer.echo(f"goes with: {record.goes_with}")
    elif isinstance(record, Scheduler):
        typer.echo(f"interval: {record.interval}")
        typer.echo()
        wiring = PATH_WIRING if isinstance(record, PathScheduler) else WIRING
        _print_arguments([*record.arguments.values(), *wiring.values()], record.customary)
        for name in record.computed:
            typer.echo(f"{name}: computed from the run's length unless given")
        if record.rates_argument:
            typer.echo("rates: each group's own is its peak")
    else:
        for field in dataclasses.fields(record)[2:]:
            if getattr(record, field.name) in ("", 0) and isinstance(record, Family):
                continue
            typer.echo(f"  {field.name}: {_plain(getattr(record, field.name))}")


def _print_arguments(arguments: Iterable[Argument], customary: Any) -> None:
    rows = []
    for argument in arguments:
        default = "required" if argument.required else _plain(argument.default)
        ours = _plain(customary[argument.name]) if argument.name in customary else ""
        rows.append((argument.name, default, ours, argument.range, argument.doc))
    print_table(("argument", "default", "lightgen's", "range", "meaning"), rows)


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_plain, value)) + "]" if value else "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_data(record: Any) -> dict[str, Any]:
    data = {
        field.name: getattr(record, field.name)
        for field in dataclasses.fields(record)
        if field.name != "arguments"
    }
    if isinstance(record, Optimizer | Scheduler):
        data["arguments"] = [_argument_data(each) for each in record.arguments.values()]
    if isinstance(record, Optimizer):
        data["constraints"] = record.constraints
    return data


def _argument_data(argument: Argument) -> dict[str, Any]:
    return {
        "name": argument.name,
        "required": argument.required,
        "default": None if argument.default is REQUIRED else argument.default,
        "range": argument.range,
        "meaning": argument.doc,
    }
