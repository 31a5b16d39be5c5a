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
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=_complete_optimizer,
            help="A class of torch.optim in any case, or custom.",
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="GROUPS",
            help="NAME[=PATTERN]:SETTING,... as in backbone:1e-4,head:1e-3.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=_complete_scheduler,
            help="A class of torch.optim.lr_scheduler, cosine, linear or wsd.",
        ),
    ] = None,
    lr: Annotated[str | None, typer.Option(metavar="X", help="The base learning rate.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the spec; repeatable."),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The whole spec; other flags apply on top."),
    ] = None,
    template: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="A pack: folder, zip, git URL, gh:a/b.")
    ] = None,
    checkout: Annotated[
        str | None, typer.Option(metavar="REF", help="Branch, tag or commit of the pack.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let the pack's hooks and extensions run.")
    ] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask for what is not said.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, but write nothing.")] = False,
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
