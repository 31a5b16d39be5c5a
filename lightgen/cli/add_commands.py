"""lightgen add: its commands and flags."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from lightgen.cli.help import Command, Group
from lightgen.cli.options import DryRun, Json, Project, complete_launcher

add_app = typer.Typer(cls=Group, no_args_is_help=True, help="Add to a project.")
command = partial(add_app.command, cls=Command)


@command()
def launcher(
    kind: Annotated[
        str,
        typer.Argument(autocompletion=complete_launcher, help="slurm, torchrun or ray."),
    ],
    path: Project = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="As --set nodes=2; repeatable."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write what starts the training on a cluster: an update that sets launchers.KIND.

    To take it away: lightgen update --set launchers.KIND=
    """
    from lightgen.cli.add import run_add_launcher

    said = tuple(assignments or ())
    raise typer.Exit(run_add_launcher(kind, path, said, dry_run=dry_run, as_json=json))
