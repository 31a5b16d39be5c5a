"""What commands print: a JSON object, problems, notes, tables."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

import typer

from lightgen.problems import LightgenError, Problem


def print_json(exit_code: int, **content: Any) -> None:
    """Print the one object that --json promises."""
    document = {"exit_code": exit_code, "files": [], "problems": [], **content}
    typer.echo(json.dumps(document, indent=2))


def report_error(error: LightgenError, *, as_json: bool) -> int:
    """Print an error of the user's and return its exit code."""
    if as_json:
        print_json(error.exit_code, problems=[asdict(problem) for problem in error.problems])
        return error.exit_code
    for problem in error.problems:
        print_problem(problem)
    typer.echo("nothing was written", err=True)
    return error.exit_code


def print_problem(problem: Problem) -> None:
    """Where, what, and what to do."""
    where = typer.style(_visible(problem.where), bold=True) + ": " if problem.where else ""
    typer.echo(f"{typer.style('error', fg='red')}: {where}{_visible(problem.what)}", err=True)
    if problem.todo:
        typer.echo(f"  {_visible(problem.todo)}", err=True)


def _visible(text: str) -> str:
    """Text of the user on one line, without anything that a terminal would obey."""
    return "".join(
        ch if ch.isprintable() else ch.encode("unicode_escape").decode("ascii") for ch in text
    )


def print_line(text: str, before: str = "") -> None:
    """A line that has text of the user in it, after words of lightgen's own."""
    typer.echo(before + _visible(text))


def print_notes(notes: Iterable[str]) -> None:
    """Words that deserve attention but stop nothing."""
    for note in notes:
        typer.echo(f"{typer.style('note', fg='yellow')}: {_visible(note)}", err=True)


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table that fits the terminal.

    Most do as they are. rich, slow to import, is left to those that don't: cells to wrap, or
    characters that are not one column wide.
    """
    table = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    room = shutil.get_terminal_size().columns - sum(widths) - len(_GAP) * len(widths)
    if room >= 0 and sys.stdout.encoding == "utf-8" and all(map(_is_plain, chain(*table))):
        _print_columns(table, widths)
    else:
        _print_wrapped(table)


_GAP, _RULE = "   ", "─"


def _is_plain(cell: str) -> bool:
    return cell.isascii() and cell.isprintable()


def _print_columns(table: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    head, *rows = (f" {_GAP.join(map(str.ljust, row, widths))} " for row in table)
    blank, rule = " " * len(head), f" {_RULE * (len(head) - 2)} "
    typer.echo("\n".join((blank, typer.style(head, bold=True), rule, *rows, blank)))


def _print_wrapped(table: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    head, *rows = table
    wrapped = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        wrapped.add_row(*map(Text, row))
    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(wrapped)
