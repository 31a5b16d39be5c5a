"""Commands and flags. What they do is imported when they are called."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lightgen import __version__
from lightgen.cli.add_commands import add_app
from lightgen.cli.help import Command, Group
from lightgen.cli.options import (
    Assignments,
    Checkout,
    DryRun,
    Groups,
    Json,
    Optimizer,
    Project,
    Rate,
    Rule,
    Scheduler,
    SpecFile,
    Template,
    Trust,
    complete_kind,
)
from lightgen.cli.rule_commands import rule_app

app = typer.Typer(
    name="lightgen",
    cls=Group,
    help="Write PyTorch Lightning projects with the optimizer wiring that you ask for.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(add_app, name="add")
app.add_typer(rule_app, name="rule")
command = partial(app.command, cls=Command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lightgen {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Write PyTorch Lightning projects with the optimizer wiring that you ask for."""


@command()
def new(
    path: Annotated[
        Path, typer.Argument(help="Folder of the project: new, or empty but for .git.")
    ] = Path("lightning-project"),
    optimizer: Optimizer = None,
    rule: Rule = None,
    groups: Groups = None,
    scheduler: Scheduler = None,
    lr: Rate = None,
    assignments: Assignments = None,
    spec: SpecFile = None,
    template: Template = None,
    checkout: Checkout = None,
    trust: Trust = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask for what is not said.")
    ] = False,
    dry_run: DryRun = False,
    show: Annotated[
        str | None, typer.Option(metavar="FILE", help="With --dry-run: print this file.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a project."""
    from lightgen.cli.new import Request, run_new
    from lightgen.spec.flags import Flags

    said = tuple(assignments or ())
    flags = Flags(optimizer, groups, scheduler, lr, said, template, checkout, rule)
    request = Request(path, flags, spec, trust, interactive, dry_run, show, json)
    raise typer.Exit(run_new(request))


@command()
def update(
    path: Project = None,
    optimizer: Optimizer = None,
    rule: Rule = None,
    groups: Groups = None,
    scheduler: Scheduler = None,
    lr: Rate = None,
    assignments: Assignments = None,
    spec: SpecFile = None,
    template: Template = None,
    checkout: Checkout = None,
    trust: Trust = False,
    restore: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Bring back a file that you deleted; repeatable."),
    ] = None,
    rebuild_base: Annotated[
        bool, typer.Option("--rebuild-base", help="Make a lost .lightgen anew from lightgen.toml.")
    ] = False,
    dry_run: DryRun = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if there is something to update.")
    ] = False,
    json: Json = False,
) -> None:
    """Render anew from the spec, as flags change it, and merge with your edits."""
    from lightgen.cli.update import Request, run_update
    from lightgen.spec.flags import Flags

    said = tuple(assignments or ())
    flags = Flags(optimizer, groups, scheduler, lr, said, template, checkout, rule)
    request = Request(
        path, flags, spec, trust, tuple(restore or ()), rebuild_base, dry_run, check, json
    )
    raise typer.Exit(run_update(request))


@command()
def diff(
    path: Project = None,
    update: Annotated[
        bool, typer.Option("--update", help="What an update would change, instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what you changed since generation; exit 1 if there is a difference."""
    from lightgen.cli.diff import run_diff

    raise typer.Exit(run_diff(path, of_update=update, as_json=json))


@command()
def status(
    path: Project = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Exit 1 if a generated file or the spec has changed."),
    ] = False,
    json: Json = False,
) -> None:
    """Tell of each file whether it is pristine, edited, deleted, yours or in conflict."""
    from lightgen.cli.status import run_status

    raise typer.Exit(run_status(path, check=check, as_json=json))


@command()
def undo(path: Project = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Take back the last update; what you edited since stays."""
    from lightgen.cli.undo import run_undo

    raise typer.Exit(run_undo(path, dry_run=dry_run, as_json=json))


@command()
def merge(
    base: Annotated[Path, typer.Argument(help="What both sides began with: a file or a folder.")],
    yours: Annotated[Path, typer.Argument(help="Your side.")],
    new: Annotated[Path, typer.Argument(help="The other side.")],
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Where the result goes.")
    ],
    name: Annotated[
        str | None,
        typer.Option("--path", metavar="NAME", help="The file's name, which says what it holds."),
    ] = None,
    json: Json = False,
) -> None:
    """Merge three files or three folders by structure.

    As a merge driver of git: lightgen merge %O %A %B -o %A --path %P
    """
    from lightgen.cli.merge import run_merge

    raise typer.Exit(run_merge((base, yours, new), out, name, as_json=json))


@command()
def check(
    path: Annotated[
        Path | None,
        typer.Argument(help="The project; left out: the nearest folder upwards that is one."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="How long each proof may take.")
    ] = 120,
    json: Json = False,
) -> None:
    """Prove the wiring as it stands: groups, learning rates, one step, resume."""
    from lightgen.cli.check import run_check

    raise typer.Exit(run_check(path, timeout, as_json=json))


@command(name="resume-plan")
def resume_plan(
    checkpoint: Annotated[Path, typer.Argument(help="The checkpoint.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="After --: what else the training is called with, as --max-epochs=9."),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="The project; left out: the nearest folder upwards that is one."),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="CHOICE", help="Who is to win: exact, schedule or weights."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="How long it may take.")
    ] = 120,
    json: Json = False,
) -> None:
    """Tell what a resume would do; exit 1 if it would stop."""
    from lightgen.cli.resume_plan import Request, run_resume_plan

    words = tuple(arguments or ())
    request = Request(checkpoint, project, resume, words, timeout, json)
    raise typer.Exit(run_resume_plan(request))


@command(name="list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            autocompletion=complete_kind, help="optimizers, schedulers, models, data or tasks."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the catalogue, or one kind of it."""
    from lightgen.cli.catalogue import run_list

    raise typer.Exit(run_list(kind, as_json=json))


@command()
def show(
    kind: Annotated[str, typer.Argument(autocompletion=complete_kind, help="A kind of list.")],
    name: Annotated[str, typer.Argument(help="A name of that kind.")],
    json: Json = False,
) -> None:
    """Show an entry of the catalogue: arguments, defaults, ranges, constraints."""
    from lightgen.cli.catalogue import run_show

    raise typer.Exit(run_show(kind, name, as_json=json))
