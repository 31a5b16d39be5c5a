"""Commands and flags. What they do is imported when they are called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from lightgen import __version__

app = typer.Typer(
    name="lightgen",
    help="Write PyTorch Lightning projects with the optimizer wiring that you ask for.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _complete_optimizer(incomplete: str) -> list[str]:
    from lightgen.catalogue.optimizers import optimizers

    return _offer([*optimizers(), "custom"], incomplete)


def _complete_scheduler(incomplete: str) -> list[str]:
    from lightgen.catalogue.schedulers import schedulers

    return _offer(schedulers(), incomplete)


def _complete_kind(incomplete: str) -> list[str]:
    from lightgen.cli.catalogue import KINDS

    return _offer(KINDS, incomplete)


def _offer(names: Iterable[str], incomplete: str) -> list[str]:
    """Names are read in any case, so they are offered in lower case to who began in it."""
    spelled = [name if name.startswith(incomplete) else name.lower() for name in names]
    return [name for name in spelled if name.startswith(incomplete)]


Optimizer = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        metavar="NAME",
        autocompletion=_complete_optimizer,
        help="A class of torch.optim in any case, or custom.",
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        "--groups",
        metavar="GROUPS",
        help="NAME[=PATTERN]:SETTING,... as in backbone:1e-4,head:1e-3.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="NAME",
        autocompletion=_complete_scheduler,
        help="A class of torch.optim.lr_scheduler, cosine, linear or wsd.",
    ),
]
Rate = Annotated[str | None, typer.Option("--lr", metavar="X", help="The base learning rate.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the spec; repeatable."),
]
SpecFile = Annotated[
    Path | None,
    typer.Option("--spec", metavar="FILE", help="The whole spec; other flags apply on top."),
]
Template = Annotated[
    str | None,
    typer.Option("--template", metavar="SOURCE", help="A pack: folder, zip, git URL, gh:a/b."),
]
Checkout = Annotated[
    str | None,
    typer.Option("--checkout", metavar="REF", help="Branch, tag or commit of the pack."),
]
Trust = Annotated[bool, typer.Option("--trust", help="Let the pack's hooks and extensions run.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show, but write nothing.")]
Project = Annotated[
    Path | None,
    typer.Argument(help="The project; left out: the nearest folder upwards that is one."),
]


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


@app.command()
def new(
    path: Annotated[
        Path, typer.Argument(help="Folder of the project: new, or empty but for .git.")
    ] = Path("lightning-project"),
    optimizer: Optimizer = None,
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

    flags = Flags(optimizer, groups, scheduler, lr, tuple(assignments or ()), template, checkout)
    request = Request(path, flags, spec, trust, interactive, dry_run, show, json)
    raise typer.Exit(run_new(request))


@app.command()
def update(
    path: Project = None,
    optimizer: Optimizer = None,
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

    flags = Flags(optimizer, groups, scheduler, lr, tuple(assignments or ()), template, checkout)
    request = Request(
        path, flags, spec, trust, tuple(restore or ()), rebuild_base, dry_run, check, json
    )
    raise typer.Exit(run_update(request))


@app.command()
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


@app.command()
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


@app.command()
def undo(path: Project = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Take back the last update; what you edited since stays."""
    from lightgen.cli.undo import run_undo

    raise typer.Exit(run_undo(path, dry_run=dry_run, as_json=json))


@app.command()
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


@app.command()
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


@app.command(name="list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            autocompletion=_complete_kind, help="optimizers, schedulers, models, data or tasks."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the catalogue, or one kind of it."""
    from lightgen.cli.catalogue import run_list

    raise typer.Exit(run_list(kind, as_json=json))


@app.command()
def show(
    kind: Annotated[str, typer.Argument(autocompletion=_complete_kind, help="A kind of list.")],
    name: Annotated[str, typer.Argument(help="A name of that kind.")],
    json: Json = False,
) -> None:
    """Show an entry of the catalogue: arguments, defaults, ranges, constraints."""
    from lightgen.cli.catalogue import run_show

    raise typer.Exit(run_show(kind, name, as_json=json))
