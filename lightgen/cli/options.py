"""Arguments and flags that commands share, and what a shell completes them with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _complete_optimizer(incomplete: str) -> list[str]:
    from lightgen.catalogue.optimizers import COMPOSITE, optimizers

    return _offer([*optimizers(), COMPOSITE.name, "custom", *_by_package(incomplete)], incomplete)


def _by_package(incomplete: str) -> list[str]:
    """The packages of other optimizers, then the classes of the one that is begun."""
    from lightgen.catalogue.others import chosen_optimizers

    if "." in incomplete:
        return list(chosen_optimizers())
    return sorted({f"{path.partition('.')[0]}." for path in chosen_optimizers()})


def _complete_scheduler(incomplete: str) -> list[str]:
    from lightgen.catalogue.path_schedulers import path_schedulers
    from lightgen.catalogue.schedulers import schedulers

    return _offer([*schedulers(), *path_schedulers()], incomplete)


def complete_kind(incomplete: str) -> list[str]:
    """The kinds of the catalogue that begin like this."""
    from lightgen.cli.catalogue import KINDS

    return _offer(KINDS, incomplete)


def complete_launcher(incomplete: str) -> list[str]:
    """The launchers that begin like this."""
    from lightgen.spec.launchers import LAUNCHERS

    return _offer(LAUNCHERS, incomplete)


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
        help="A class of torch.optim in any case, another by its path, or custom.",
    ),
]
Rule = Annotated[
    str | None,
    typer.Option(
        "--rule",
        metavar="FILE[:FUNCTION]",
        help="A custom optimizer from its update rule; see lightgen rule --help.",
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
