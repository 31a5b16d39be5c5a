"""lightgen rule: its commands and flags."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lightgen.cli.help import Command, Group
from lightgen.cli.options import DryRun, Json

_HELP = (
    "A custom optimizer from its update rule.\n\n"
    "A rule is one Python function: the parameter, its gradient, what is kept from step to "
    "step and what it starts as; after the star the hyperparameters with their "
    "defaults. It is read, never executed.\n\n"
    "\b\n"
    "    def lion(param, grad, exp_avg=zeros, *, lr=1e-4, betas=(0.9, 0.99)):\n"
    "        param -= lr * sign(lerp(exp_avg, grad, 1 - betas[0]))\n"
    "        exp_avg = lerp(exp_avg, grad, 1 - betas[1])\n\n"
    "In a project: lightgen new --rule lion.py, lightgen update --rule lion.py."
)

rule_app = typer.Typer(cls=Group, no_args_is_help=True, help=_HELP)
command = partial(rule_app.command, cls=Command)

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE[:FUNCTION]",
        help="The file of the rule; the function, where it has several rules.",
        show_default=False,
    ),
]


@command()
def check(
    rule: File,
    explain: Annotated[
        bool, typer.Option("--explain", help="What is done in place, and what is read and written.")
    ] = False,
    json: Json = False,
) -> None:
    """Check a rule and tell what it is: states and their bytes, hyperparameters, ranges."""
    from lightgen.cli.rule import run_check

    raise typer.Exit(run_check(rule, with_steps=explain, as_json=json))


@command()
def build(
    rule: File,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Where the optimizer goes.")
    ],
    tests: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where its tests go; left out: none.")
    ] = None,
    fused: Annotated[
        bool, typer.Option("--fused", help="With kernels that do the whole update at once.")
    ] = False,
    class_name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The class; left out: the function's name, as in Lion."),
    ] = None,
    module: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the tests import; left out: the name of OUT."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write the optimizer of a rule for any codebase, and its tests.

    Edits of OUT are merged when it is built again. They are known by .OUT.base, which lies beside.
    """
    from lightgen.cli.rule_build import Request, run_build

    raise typer.Exit(run_build(Request(rule, out, tests, fused, class_name, module, dry_run, json)))
