"""lightgen resume-plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from lightgen.check.resumption import CHOICES, Resumption, Setting
from lightgen.cli.report import print_json, print_line, print_table, report_error
from lightgen.problems import InputError, LightgenError, Problem, guess

STOPS = 1


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    checkpoint: Path
    project: Path | None
    choice: str | None
    arguments: tuple[str, ...]
    timeout: float
    as_json: bool


def run_resume_plan(request: Request) -> int:
    """Print what a resume would do; return the exit code."""
    from lightgen.check.plan_resume import plan_resume
    from lightgen.disk import find_project

    try:
        if request.choice not in (None, *CHOICES):
            todo = guess(str(request.choice), CHOICES)
            raise InputError(Problem("--resume", f"there is no '{request.choice}'", todo))
        found = plan_resume(
            find_project(request.project),
            request.checkpoint,
            request.choice,
            request.arguments,
            request.timeout,
        )
    except LightgenError as error:
        return report_error(error, as_json=request.as_json)
    code = 0 if found.goes_on else STOPS
    if request.as_json:
        print_json(code, **asdict(found))
    else:
        _print(found)
    return code


def _print(found: Resumption) -> None:
    typer.echo(f"{_verdict(found)}  the checkpoint is at step {found.step:,}, epoch {found.epoch}")
    if found.processes > 1 or found.assumed:
        print_line(_counted(found), "steps    ")
    print_table(
        ("group", "setting", "checkpoint", "code", "who wins"),
        [
            (
                each.group,
                each.name,
                _shown(each.checkpoint),
                _shown(each.code),
                _winner(each, found),
            )
            for each in found.settings
        ],
    )
    shown = [found.choice] if found.choice else list(CHOICES)
    head = [f"next lr, {each}" for each in shown]
    rows = [
        (each.group, *(_shown(each.rates[choice]) for choice in shown)) for each in found.next_rates
    ]
    print_table(("group", *head), rows)
    for line in found.differences:
        print_line(line, "differs  ")
    for name in found.new:
        print_line(f"{name} is new: it begins as the code makes it", "weights  ")
    for name in found.missing:
        print_line(f"{name} is gone: the checkpoint's is dropped", "weights  ")
    for choice in shown:
        if choice in found.impossible:
            print_line(f"{choice} is not possible: {found.impossible[choice]}", "refused  ")
    if found.choice is None:
        typer.echo("say who wins with --resume exact, schedule or weights")


def _verdict(found: Resumption) -> str:
    if found.goes_on:
        return typer.style("goes on", fg="green")
    return typer.style("STOPS", fg="red")


def _counted(found: Resumption) -> str:
    of = "one process" if found.processes == 1 else f"{found.processes} processes"
    assumed = f": {found.assumed}, and each process more makes epochs shorter"
    return f"counted for {of}{assumed if found.assumed else ''}"


def _winner(setting: Setting, found: Resumption) -> str:
    if not setting.differs:
        return "both agree"
    if found.choice is None:
        return "to choose"
    return "checkpoint" if found.choice == "exact" else "code"


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
