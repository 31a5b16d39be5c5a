"""lightgen new."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from lightgen.cli.report import print_json, print_notes, print_table, report_error
from lightgen.generate import Generated, anchored, generate, read_spec
from lightgen.plan.names import package_from
from lightgen.plan.types import GroupPlan
from lightgen.plan.whole import Plan
from lightgen.problems import InputError, LightgenError, Problem, guess
from lightgen.rulefile import given_rule
from lightgen.spec.flags import Flags
from lightgen.write import check_target, write_project


@dataclass(frozen=True)
class Request:
    """Everything that the command line says."""

    path: Path
    flags: Flags
    spec: Path | None
    trust: bool
    interactive: bool
    dry_run: bool
    show: str | None
    json: bool


def run_new(request: Request) -> int:
    """Write a project; return the exit code."""
    try:
        if request.interactive:
            request = _asked(request)
        generated = _generate(request)
        check_target(request.path)
        if request.show is not None:
            return _show(generated, request)
        if not request.dry_run:
            write_project(request.path, generated.tree)
    except LightgenError as error:
        return report_error(error, as_json=request.json)
    _report(generated, request)
    return 0


def _asked(request: Request) -> Request:
    from lightgen.cli.wizard import ask, equivalent_command

    if request.spec is not None:
        what = "the spec file answers the questions"
        raise InputError(Problem("--interactive", what, "leave out one of the two"))
    path, flags = ask(request.path, request.flags)
    typer.echo(f"\nThe same without questions:\n  {equivalent_command(path, flags)}\n")
    return replace(request, path=path, flags=flags)


def _generate(request: Request) -> Generated:
    if request.show is not None and not request.dry_run:
        raise InputError(Problem("--show", "goes with --dry-run", "add --dry-run"))
    document = read_spec(request.spec)
    folder = request.spec.parent if request.spec else Path()
    given = given_rule(document, request.flags, folder, None)
    flags, relative_to = anchored(document, given.flags, folder, request.path)
    return generate(
        document,
        flags,
        package_from(Path(os.path.abspath(request.path))),
        relative_to=relative_to,
        trust=request.trust,
        rule_files=given.files.get,
    )


def _show(generated: Generated, request: Request) -> int:
    wanted = str(request.show).removeprefix("./")
    file = generated.tree.get(wanted)
    if file is None:
        problem = Problem(
            "--show", f"the project has no file '{wanted}'", guess(wanted, generated.rendered)
        )
        return report_error(InputError(problem), as_json=request.json)
    if request.json:
        print_json(0, files=[wanted], content=file.content.decode("utf-8", "replace"))
    else:
        typer.echo(file.content.decode("utf-8", "replace"), nl=False)
    return 0


def _report(generated: Generated, request: Request) -> None:
    plan = generated.plan
    files = [path for path in generated.tree if not path.startswith(".lightgen/")]
    if request.json:
        print_json(
            0,
            path=str(request.path),
            written=not request.dry_run,
            files=list(generated.tree),
            notes=list(generated.notes),
            groups=[dict(zip(_GROUP_HEAD, row, strict=True)) for row in _group_rows(plan)],
            next=_next_commands(request, plan),
        )
        return
    verb = "would write" if request.dry_run else "wrote"
    typer.echo(f"{verb} {len(files)} files to {request.path}")
    for path in files:
        typer.echo(f"  {path}")
    typer.echo()
    print_table(_GROUP_HEAD, _group_rows(plan))
    print_notes(generated.notes)
    if not request.dry_run:
        typer.echo("next:")
        for command in _next_commands(request, plan):
            typer.echo(f"  {command}")


def _next_commands(request: Request, plan: Plan) -> list[str]:
    install = "pip install -e ."
    if os.path.abspath(request.path) != os.getcwd():
        install = f"cd {shlex.quote(str(request.path))} && {install}"
    return [install, f"python -m {plan.package}.train"]


_GROUP_HEAD = ("group", "covers", "lr", "weight decay", "settings")


def _group_rows(plan: Plan) -> list[tuple[str, ...]]:
    return [_group_row(group, plan) for group in plan.groups]


def _group_row(group: GroupPlan, plan: Plan) -> tuple[str, ...]:
    covers = "the whole model" if group.whole else ", ".join(group.patterns or (group.name,))
    if group.patterns == ("*",):
        covers = "the rest"
    if group.frozen:
        return group.name, covers, "frozen", "", ""
    own = group.optimizer or plan.optimizer
    decay = group.arguments.get("weight_decay", own.effective("weight_decay"))
    text = "" if decay is None else f"{decay:g}"
    if group.splits_decay:
        text += " (not on biases and norms)"
    others = {key: value for key, value in group.arguments.items() if key != "weight_decay"}
    others |= _own_settings(group, plan)
    settings = ", ".join(
        [*([own.class_name] if group.optimizer else []), *(f"{k}={v}" for k, v in others.items())]
    )
    if group.ndim is not None:
        covers += f" (ndim {group.ndim})"
    return group.name, covers, f"{group.rate(plan.optimizer.base_lr):g}", text, settings


def _own_settings(group: GroupPlan, plan: Plan) -> dict[str, object]:
    """What the group has beside a rate and arguments of the class."""
    decay = plan.optimizer.layer_decay if group.layer_decay is None else group.layer_decay
    found = {
        "freeze": f"until_epoch:{group.until_epoch}" if group.until_epoch else None,
        "layer_decay": decay,
        "schedule": group.form,
        "warmup_steps": group.warmup_steps,
        "gradient_clip_val": group.clip_norm if group.clip_value is None else group.clip_value,
        "gradient_clip_algorithm": None if group.clip_value is None else "value",
    }
    return {key: value for key, value in found.items() if value is not None}
